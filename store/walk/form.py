"""The walk as JSON: one form for scripts, tests and pages."""

from __future__ import annotations

from typing import Any

from store.instants import format_instant, format_optional
from store.runbook.model import Step
from store.walk.decisions import Decided
from store.walk.gaps import Gap
from store.walk.history import Attempt
from store.walk.states import StepState, WalkState
from store.walk.timeline import Entry
from store.walk.walk import Deed


def walk_json(walk: WalkState) -> dict[str, Any]:
    """The whole walk."""
    return {
        "current": walk.current,
        "passed": walk.passed,
        "settled": walk.settled,
        "total": walk.total,
        "begun": format_optional(walk.begun_ms),
        "open_mandatory": [step.id for step in walk.open_mandatory],
        "steps": [state_json(step) for step in walk.steps],
    }


def state_json(state: StepState) -> dict[str, Any]:
    """One step as it stands."""
    return {
        "id": state.id,
        "title": state.title,
        "position": state.position,
        "kind": state.kind,
        "effect": state.effect,
        "mandatory": state.mandatory,
        "state": state.state,
        "why": state.why or None,
        "attempt": state.attempt,
        "since": format_optional(state.since_ms),
        "elapsed_ms": state.elapsed_ms,
        "operator": state.operator or None,
        "reason": state.reason or None,
        "needs_unmet": list(state.needs_unmet),
        "needs_remarks": list(state.needs_remarks),
        "awaits": state.awaits,
        "choice": state.choice,
        "value": state.value,
        "late": state.late,
        "override": state.override,
        "acts": list(state.acts),
        "attempts": [attempt_json(attempt) for attempt in state.attempts],
    }


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    """One attempt of a step."""
    return {
        "attempt": attempt.number,
        "state": attempt.state,
        "started": format_optional(attempt.started_ms),
        "ended": format_optional(attempt.ended_ms),
        "operator": attempt.operator,
        "ended_by": attempt.ended_by or None,
        "reason": attempt.reason or None,
    }


def step_text_json(step: Step) -> dict[str, Any]:
    """What the runbook says of a step; variables of its command are not filled in."""
    command = step.command
    return {
        "guidance": step.guidance,
        "command": {"language": command.language, "text": command.text} if command else None,
        "needs": list(step.needs),
        "feeds": list(step.feeds),
        "cites": list(step.cites),
        "for_ms": step.for_ms,
        "max_age_ms": step.max_age_ms,
        "choices": [
            {
                "id": choice.id,
                "label": choice.label,
                "next": choice.next,
                "scope": choice.scope,
                "roles": list(choice.roles),
                "second_person": choice.id in step.second_person,
            }
            for choice in step.choices
        ],
    }


def deed_json(deed: Deed) -> dict[str, Any]:
    """One stored transition."""
    return {
        "ref": deed.ref,
        "step": deed.step,
        "attempt": deed.attempt,
        "event": deed.kind,
        "at": format_instant(deed.at_ms),
        "seq": deed.seq,
    }


def decided_json(decided: Decided) -> dict[str, Any]:
    """One stored decision."""
    return {
        "ref": decided.ref,
        "step": decided.step,
        "choice": decided.choice.id,
        "scope": decided.choice.scope,
        "next": decided.choice.next,
        "evaluation": f"evaluation:{decided.evaluation}",
        "cites": [{"ref": one.ref, "age_ms": age} for one, age in zip(decided.cited, decided.ages_ms, strict=True)],
        "unknown": list(decided.unknown),
        "awaits": decided.awaits,
        "override": decided.override or None,
        "seq": decided.deed.seq,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """One line of the timeline."""
    return {
        "at": format_instant(entry.at_ms),
        "seq": entry.seq,
        "kind": entry.kind,
        "who": entry.who or None,
        "ref": entry.ref,
        "text": entry.text,
    }


def gap_json(gap: Gap) -> dict[str, Any]:
    """One thing that is not known."""
    return {"kind": gap.kind, "what": gap.what, "ref": gap.ref, "at": format_optional(gap.at_ms)}
