"""Print the current step: what it is for, what to run, what can be done with it.

  closeout next incident.db
  closeout next incident.db --all        every step in one line
  closeout next incident.db --json

Commands are printed as the runbook has them: variables are not filled in, secrets are never shown.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from store.instants import format_duration, format_instant
from store.judge import Judgement, SignalState
from store.runbook.model import Step, StepKind
from store.seal.carry import OpenItem, open_items
from store.stamps import stamps_for
from store.status import signal_json
from store.telling import tell_signal
from store.walk.evaluations import judged_now
from store.walk.events import reading
from store.walk.form import state_json, step_text_json, walk_json
from store.walk.roles import artifacts_of
from store.walk.states import COLLECTING, StepState, WalkState
from store.walk.undo import Undo, undo_of
from store.walk.walk import Walk, named_step
from tui.output import print_json
from tui.walking import add_common_arguments, command_line, duration_argument, say, say_block, walking

SIGNS = {
    "waiting": "·", "ready": "○", "running": "»", "held": "=", "passed": "✓", "failed": "✗", "skipped": "-", "lost": "!", "stale": "?",
    "retracted": "<",
}  # fmt: skip
_CARRIED_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `next`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--all", action="store_true", help="every step, one line each")
    add_common_arguments(parser, writes=False)


def run(arguments: argparse.Namespace) -> int:
    """Print where the walk stands."""
    with walking(arguments, write=False) as walk:
        state = walk.read()
        sealed = walk.case.head().kind == "seal"
        here = None if sealed else state.here
        plan = named_step(walk.runbook, here.id) if here else None
        judged = judged_now(walk.case) if plan is not None and plan.cites else None
        if arguments.json:
            print_json(_answer(walk, state, here, plan, judged, sealed=sealed, whole=arguments.all))
        elif arguments.all:
            _print_all(state)
        elif here is None or plan is None:
            print_carried(arguments.case, open_items(walk.case.read()))
            _print_end(arguments.case, sealed=sealed)
        else:
            print_carried(arguments.case, open_items(walk.case.read()))
            print_step(walk, arguments.case, state, here, plan, judged)
    return 0


def print_carried(case: str, items: tuple[OpenItem, ...]) -> None:
    """Print what the case before this one left open: it comes before the first step."""
    if not items:
        return
    say("first, what the case before left open:")
    for item in items[:_CARRIED_SHOWN]:
        say(f"{item.ref} {item.kind}: {item.text} (from {item.origin.split(' ', 1)[0]})", indent=2)
    if len(items) > _CARRIED_SHOWN:
        say(f"… {len(items) - _CARRIED_SHOWN} more: {command_line('brief', case, '--all')}", indent=2)
    say(f"settle one with: {command_line('note', case)} TEXT --cite {items[0].ref}", indent=2)
    print()


def print_step(walk: Walk, case: str, state: WalkState, here: StepState, plan: Step, judged: Judgement | None) -> None:
    """Print one step with everything that is needed to do it."""
    print_heading(state, here)
    print_drilled(walk, plan)
    if plan.guidance:
        print()
        say_block(plan.guidance)
    if plan.command is not None:
        print()
        say_block(plan.command.text, indent=4)
    tripped = _print_cited(plan, judged)
    if plan.kind is StepKind.DECIDE:
        print_choices(plan)
        _print_papers(walk, case, plan)
        for signal in tripped:
            print_undo(undo_of(walk.case, walk.runbook, signal.id, os.environ))
    print()
    for line in ways(case, here, plan, walk):
        say(line, indent=2)
    _print_beside(state, here)


def print_drilled(walk: Walk, plan: Step) -> None:
    """Print when the step was last drilled; nothing at all for a runbook that nobody ever drilled."""
    stamps = stamps_for(walk.runbook)
    found = stamps.steps.get(plan.id)
    if stamps.any:
        say(found.told(walk.case.clock()) if found else "never drilled")
    if stamps.trouble:
        say(stamps.trouble)


def print_heading(state: WalkState, here: StepState) -> None:
    """Print the place, the title and the state of a step."""
    again = f", attempt {here.attempt}" if here.attempt > 1 else ""
    optional = "" if here.mandatory else ", optional"
    say(
        f"step {here.position} of {state.total} · {here.id} · {here.kind}, {here.effect}{optional} · {here.state}{again}"
    )
    say(here.title)
    if here.elapsed_ms is not None:
        say(f"running for {format_duration(here.elapsed_ms)}, started by {here.operator}")
    if here.why:
        say(here.why)
    if here.awaits:
        say(f"chosen: {here.choice}; it waits for {here.awaits}")
    for remark in here.needs_remarks:
        say(f"rests on {remark}")
    for attempt in here.attempts:
        if attempt.number < here.attempt or here.state in ("failed", "lost", "retracted"):
            say(f"attempt {attempt.number}: {attempt.state}" + (f": {attempt.reason}" if attempt.reason else ""))


def print_choices(plan: Step) -> None:
    """Print the ways out of a decision."""
    print()
    for choice in plan.choices:
        beside = [f"goes to {choice.next}"] if choice.next else []
        beside += [f"undoes {choice.scope}"] if choice.scope else []
        beside += [f"must cite {', '.join(choice.roles)}"] if choice.roles else []
        beside += ["asks for a second person"] if choice.id in plan.second_person else []
        say(f"{choice.id}: {choice.label}" + (f" ({'; '.join(beside)})" if beside else ""), indent=2)


def _print_papers(walk: Walk, case: str, plan: Step) -> None:
    """Print what answers the roles that a choice asks for, or how to get it."""
    roles = list(dict.fromkeys(role for choice in plan.choices for role in choice.roles))
    found = artifacts_of(reading(walk.case.read()), roles)
    for one in found:
        window = (
            f"{format_instant(one.from_ms)} to {format_instant(one.to_ms)}"
            if one.from_ms and one.to_ms
            else "no window"
        )
        say(f"{one.role}: {one.ref} {one.name}, {window}", indent=2)
    if len(found) < len(roles):
        say(f"get them with: {command_line('packet', case, '--out', '.', '--attach')}", indent=2)


def print_undo(undo: Undo) -> None:
    """Print the way back from a signal. Nothing of it is run."""
    print()
    say(f"to undo {undo.signal}: {undo.do}", indent=2)
    for file in undo.files:
        say(f"file: {file}", indent=4)
    for text in undo.confirm:
        say(f"confirm: {text}", indent=4)
    say(f"wake: {', '.join(undo.owner)}" + (f", {undo.contact}" if undo.contact else ""), indent=4)
    if undo.deployments is not None:
        known = undo.deployments
        say(f"deployed: {known.deployment or 'not said'}; good before: {known.previous or 'not said'}", indent=4)
    if undo.command:
        say("run it yourself, here it is only shown:", indent=4)
        say_block(undo.command, indent=6)
    if undo.unset:
        say(f"not set here: {', '.join(undo.unset)}", indent=4)


def ways(case: str, here: StepState, plan: Step, walk: Walk) -> list[str]:
    """Commands that are possible now, the most likely one first."""
    lines: list[str] = []
    if here.state in ("ready", "running") and plan.kind in COLLECTING:
        lines += collect_lines(case, plan, walk)
    if here.state in ("ready", "running") and plan.kind is StepKind.SEAL:
        lines.append(f"{command_line('seal', case)} OUT")
    for act in here.acts:
        lines += _way(case, here, act)
    return lines


def collect_lines(case: str, plan: Step, walk: Walk) -> list[str]:
    """The commands that go and look for what a step feeds."""
    sources = {source.id: source for source in walk.runbook.sources}
    lines: list[str] = []
    for stream in plan.feeds:
        words = ["collect", case, stream]
        source = sources[stream]
        if plan.for_ms is not None:
            words += ["--every", duration_argument(source.every_ms)] if source.every_ms is not None else []
            words += ["--for", duration_argument(plan.for_ms)]
        if source.side_effects:
            words.append("--confirm")
        lines.append(command_line(*words))
    return lines


def _way(case: str, here: StepState, act: str) -> list[str]:
    blocked = (here.state == "waiting" and act in ("start", "done", "decide")) or (
        here.state == "stale" and act == "done"
    )
    if blocked:
        return (
            []
            if act == "done"
            else [f"{command_line('step', act, case, here.id)} --override REASON"]
            if act == "start"
            else []
        )
    match act:
        case "start" | "done" | "confirm" | "reopen":
            return [command_line("step", act, case, here.id)]
        case "decide":
            return [f"{command_line('decide', case, here.id)} CHOICE --cite REF --reason REASON"]
        case "resolve":
            return [f"{command_line('step', act, case, here.id)} --took-effect yes|no|unknown --reason REASON"]
        case "late":
            return [f"{command_line('step', act, case, here.id)} --at TIME --reason REASON"]
        case _:
            return [f"{command_line('step', act, case, here.id)} --reason REASON"]


def _print_cited(plan: Step, judged: Judgement | None) -> list[SignalState]:
    """Print the signals that a step looks at; gives back those that tripped."""
    if judged is None:
        return []
    shown = [signal for signal in judged.signals if signal.id in plan.cites]
    print()
    for signal in shown:
        say(tell_signal(signal, as_of_ms=judged.question.as_of_ms), indent=2, hang=9)
    return [signal for signal in shown if signal.state == "tripped"]


def _print_beside(state: WalkState, here: StepState) -> None:
    for step in state.steps:
        if step.background and step.id != here.id:
            say(f"running by itself: {step.id}, for {format_duration(step.elapsed_ms or 0)}", indent=2)


def _print_all(state: WalkState) -> None:
    for step in state.steps:
        mark = ">" if step.id == state.current else " "
        said = step.why or step.reason
        again = f" (attempt {step.attempt})" if step.attempt > 1 else ""
        say(
            f"{mark} {step.position:>2} {SIGNS[step.state]} {step.state:<9} {step.id}{again}: {step.title}"
            + (f" · {said}" if said else "")
        )
    print(f"{state.passed} passed, {state.settled} of {state.total} settled")


def _print_end(case: str, *, sealed: bool) -> None:
    if sealed:
        print(f"{case} is sealed; go on in a new case: {command_line('init', 'NEXT.db', '--after', case)}")
    else:
        print(f"nothing is left to do; end the case with: {command_line('seal', case)} OUT")


def _answer(
    walk: Walk,
    state: WalkState,
    here: StepState | None,
    plan: Step | None,
    judged: Judgement | None,
    *,
    sealed: bool,
    whole: bool,
) -> dict[str, Any]:
    told = walk_json(state)
    if not whole:
        del told["steps"]
    step: dict[str, Any] | None = None
    if here is not None and plan is not None:
        signals = [] if judged is None else [s for s in judged.signals if s.id in plan.cites]
        step = {**state_json(here), **step_text_json(plan)}
        drilled = stamps_for(walk.runbook).steps.get(plan.id)
        step["drilled"] = drilled.as_json() if drilled else None
        step["signals"] = (
            [] if judged is None else [signal_json(signal, judged.question.as_of_ms) for signal in signals]
        )
    (case_id,) = walk.case.read().execute("SELECT case_id FROM case_info ORDER BY id LIMIT 1").fetchone()
    carried = [item._asdict() for item in open_items(walk.case.read())]
    return {"schema": 1, "case": case_id, "sealed": sealed, **told, "carried": carried, "step": step}
