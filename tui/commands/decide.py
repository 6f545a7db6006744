"""Choose a named way out of a decision, citing evidence.

  closeout decide incident.db decide rollback-inbox --cite log_match:12 snapshot:3 --reason "24 of > 20 within 10 minutes"
  closeout decide incident.db decide hold --cite evaluation:2 --reason "window not full" --override "the probe host is down"

The choice, its reason, the citations with their age and the state of every signal at this moment are stored together. Evidence older than
the step's max_age is refused unless it is overridden. A choice that asks for a second person waits for: closeout step confirm.
"""

from __future__ import annotations

import argparse
import os

from store.instants import format_duration
from store.walk.decisions import Decided, record_decision
from store.walk.form import decided_json
from store.walk.undo import undo_of
from store.walk.walk import Walk
from tui.commands.next_step import print_undo
from tui.output import print_json
from tui.walking import add_common_arguments, command_line, say, walking


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `decide`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("step", metavar="STEP")
    parser.add_argument("choice", metavar="CHOICE")
    parser.add_argument(
        "--cite",
        metavar="REF",
        nargs="+",
        action="extend",
        default=[],
        help="evidence: log_match:12, probe:7, snapshot:3 …",
    )
    parser.add_argument("--reason", metavar="R", default="", help="why; never empty")
    parser.add_argument("--override", metavar="R", default="", help="decide in spite of a block, because …")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Store the decision."""
    with walking(arguments) as walk:
        decided = record_decision(
            walk,
            arguments.step,
            arguments.choice,
            refs=arguments.cite,
            reason=arguments.reason,
            override=arguments.override,
        )
        if arguments.json:
            print_json({**decided_json(decided), "current": walk.read().current})
        else:
            _print(walk, decided, str(arguments.case))
    return 0


def _print(walk: Walk, decided: Decided, case: str) -> None:
    say(f"{decided.ref}: {decided.step} = {decided.choice.id}, {decided.choice.label}")
    for one, age in zip(decided.cited, decided.ages_ms, strict=True):
        say(f"cites {one.ref}" + ("" if age is None else f", {format_duration(age)} old"), indent=2)
    if decided.unknown:
        say(f"not known at this moment: {', '.join(decided.unknown)}", indent=2)
    if decided.awaits:
        say(
            f"waits for {decided.awaits}: {command_line('step', 'confirm', case, decided.step)} --operator NAME",
            indent=2,
        )
    if decided.choice.scope:
        print_undo(undo_of(walk.case, walk.runbook, decided.choice.scope, os.environ))
    here = walk.read().here
    if here is not None:
        say(f"next: {here.id}, {here.title} ({here.state})")
