"""The answer of `closeout status`: one JSON form for scripts, recorded evaluations and pages alike."""

from __future__ import annotations

from typing import Any

from store.instants import format_instant, format_optional
from store.judge import ConditionState, Judgement, SignalState

EXIT_CODES = {"tripped": 10, "no_data": 12, "stale": 12, "partial": 12, "watch": 11, "ok": 0}


def exit_code(states: list[str]) -> int:
    """The command line's answer for several states, worst first: 10, 12, 11, 0."""
    held = {EXIT_CODES[state] for state in states}
    return next((code for code in (10, 12, 11) if code in held), 0 if held else 12)


def status_json(judgement: Judgement, *, only: tuple[str, ...] = ()) -> dict[str, Any]:
    """The object that `status --json` prints (DESIGN section 4)."""
    question = judgement.question
    answer: dict[str, Any] = {
        "schema": 1,
        "case": judgement.case_id,
        "as_of": format_instant(question.as_of_ms),
        "known_seq": question.known_seq,
        "scope_start": format_optional(question.scope_start_ms),
        "definition": judgement.definition_sha256,
        "signals": [signal_json(s, question.as_of_ms) for s in judgement.signals if not only or s.id in only],
    }
    if judgement.drill:
        answer["drill"] = True
    return answer


def signal_json(signal: SignalState, as_of_ms: int) -> dict[str, Any]:
    """One signal of the answer."""
    return {
        "id": signal.id,
        "state": signal.state,
        "reason": signal.reason,
        "now_state": signal.now_state,
        "now_reason": signal.now_reason,
        "first_trip": format_optional(signal.first_trip_ms),
        "last_reading": format_optional(signal.last_ms),
        "age_ms": None if signal.last_ms is None else as_of_ms - signal.last_ms,
        "earliest_ok": format_optional(signal.earliest_ok_ms),
        "owner": list(signal.owner),
        "contact": signal.contact,
        "rollback": {
            "do": signal.rollback_do,
            "files": list(signal.rollback_files),
            "confirm": list(signal.rollback_confirm),
            "undo": signal.undo,
        },
        "conditions": [condition_json(condition) for condition in signal.conditions],
    }


def condition_json(condition: ConditionState) -> dict[str, Any]:
    """One condition of a signal's answer."""
    return {
        "kind": condition.kind,
        "state": condition.state,
        "reason": condition.reason,
        "level": condition.level,
        "coverage": condition.coverage,
        "value": condition.value,
        "limit": condition.limit,
        "op": condition.op,
        "covered_ms": condition.covered_ms,
        "want_ms": condition.want_ms,
        "window": {"from": format_instant(condition.from_ms), "to": format_instant(condition.to_ms)},
        "detail": condition.detail,
    }
