"""Do something to a step, without the desk.

  closeout step start incident.db capture-logs
  closeout step done incident.db rerun-queries --value inbox-300s=24
  closeout step fail incident.db probe-crons --reason "no answer from the proxy"
  closeout step skip incident.db browser-capture --reason "no browser here"
  closeout step hold incident.db carry-out --reason "waiting for the database owner"
  closeout step confirm incident.db decide --operator kim         let a held step go on; a second person's yes
  closeout step resolve incident.db carry-out --took-effect no --reason "the shell died before the push"
  closeout step late incident.db carry-out --at 10m --reason "reverted by hand" --told-by sam
  closeout step reopen | retract incident.db decide --reason "read the wrong line"

`start` writes down what is going to run and prints it; it runs nothing. Every block can be overridden with --override REASON.
"""

from __future__ import annotations

import argparse

from store.errors import BadInput
from store.instants import format_instant
from store.moments import resolve_moment
from store.runbook.model import StepKind
from store.walk import act
from store.walk.challenge import Answer, answered, readings
from store.walk.evaluations import judged_now
from store.walk.form import deed_json, state_json, step_text_json
from store.walk.states import COLLECTING
from store.walk.walk import Deed, Walk, named_step
from tui.commands.next_step import collect_lines
from tui.output import print_json
from tui.walking import add_common_arguments, command_line, say, say_block, walking

VERBS = ("start", "done", "fail", "skip", "hold", "confirm", "resolve", "reopen", "retract", "late")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `step`."""
    parser.add_argument("verb", metavar="VERB", choices=VERBS, help=", ".join(VERBS))
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("step", metavar="ID", help="the step, as the runbook names it")
    parser.add_argument(
        "--reason", metavar="R", default="", help="why; fail, skip, hold, resolve, retract and late need one"
    )
    parser.add_argument("--value", metavar="V", help="done: the value that was seen, such as 24 or SIGNAL=24")
    parser.add_argument("--override", metavar="R", default="", help="start, done: go on in spite of a block, because …")
    parser.add_argument(
        "--took-effect", choices=("yes", "no", "unknown"), help="resolve: whether the lost attempt took effect"
    )
    parser.add_argument("--at", metavar="T", help="late: when it was done")
    parser.add_argument("--told-by", metavar="NAME", default="", help="late: who said so")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do it, and say where the walk stands then."""
    with walking(arguments) as walk:
        deed = _do(walk, arguments)
        state = walk.read()
        if arguments.json:
            step = {
                **state_json(state.step(arguments.step)),
                **step_text_json(named_step(walk.runbook, arguments.step)),
            }
            print_json({**deed_json(deed), "current": state.current, "step_state": step})
            return 0
        say(f"{deed.step} {deed.kind}, attempt {deed.attempt}, {format_instant(deed.at_ms)}")
        if arguments.verb == "start":
            _print_start(walk, arguments)
        elif state.here is not None:
            say(f"next: {state.here.id}, {state.here.title} ({state.here.state})")
        else:
            say(f"nothing is left; end the case with: {command_line('seal', str(arguments.case))} OUT")
    return 0


def _do(walk: Walk, arguments: argparse.Namespace) -> Deed:
    step, reason = arguments.step, arguments.reason
    match arguments.verb:
        case "start":
            return act.start(walk, step, override=arguments.override)
        case "done":
            return act.finish(walk, step, reason=reason, answer=_answer(walk, arguments), override=arguments.override)
        case "resolve":
            if arguments.took_effect is None:
                raise BadInput("did it take effect?", "say --took-effect yes, no or unknown")
            return act.resolve(walk, step, took_effect=arguments.took_effect, reason=reason)
        case "late":
            if arguments.at is None:
                raise BadInput("when was it done?", "say --at T, such as --at 10m")
            done_at = resolve_moment(arguments.at, now_ms=walk.case.clock(), db=walk.case.read())
            return act.late(walk, step, reason=reason, done_at_ms=done_at, told_by=arguments.told_by)
        case "fail":
            return act.fail(walk, step, reason=reason)
        case "skip":
            return act.skip(walk, step, reason=reason)
        case "hold":
            return act.hold(walk, step, reason=reason)
        case "confirm":
            return act.confirm(walk, step, reason=reason)
        case "reopen":
            return act.reopen(walk, step, reason=reason)
        case _:
            return act.retract(walk, step, reason=reason)


def _answer(walk: Walk, arguments: argparse.Namespace) -> Answer | None:
    """The response to the step's challenge, compared with what its signals show now."""
    if arguments.value is None:
        return None
    plan = named_step(walk.runbook, arguments.step)
    shown = readings(judged_now(walk.case), plan) if plan.cites else ()
    return answered(plan, shown, arguments.value)


def _print_start(walk: Walk, arguments: argparse.Namespace) -> None:
    """Print what to run now: the intent is on record, the doing is the operator's."""
    plan = named_step(walk.runbook, arguments.step)
    case = str(arguments.case)
    if plan.kind in COLLECTING:
        for line in collect_lines(case, plan, walk):
            say(line, indent=2)
    elif plan.command is not None:
        print()
        say_block(plan.command.text, indent=4)
        print()
    elif plan.kind is StepKind.SEAL:
        say(f"{command_line('seal', case)} OUT", indent=2)
    if plan.kind is StepKind.DECIDE:
        say(f"{command_line('decide', case, plan.id)} CHOICE --cite REF --reason REASON", indent=2)
    elif plan.kind is not StepKind.SEAL:
        say(f"then: {command_line('step', 'done', case, plan.id)}", indent=2)
