"""Begin a case: one file that takes the runbook, every observation and every decision.

closeout init incident.db --runbook runbook.md
closeout init incident.db --runbook runbook.md --scope-start @deploy
"""

from __future__ import annotations

import argparse
from pathlib import Path

from store.case import now_ms
from store.errors import Refused
from store.moments import resolve_moment
from tui.output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `init`."""
    parser.add_argument("case", metavar="CASE", help="the file to make")
    parser.add_argument("--runbook", metavar="F", help="the runbook; ./runbook.md if none is given")
    parser.add_argument("--title", metavar="T", help="what this case is about")
    parser.add_argument("--operator", metavar="NAME", help="who walks; the login name if none is given")
    parser.add_argument("--scope-start", metavar="T", help="nothing before this moment counts, trips latch from here")
    parser.add_argument("--after", metavar="OTHER", help="a sealed case that this one continues")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Make the case."""
    from store.begin import begin_case
    from store.runbook.find import read_runbook

    runbook = read_runbook(_runbook_path(arguments.runbook))
    now = now_ms()
    scope = resolve_moment(arguments.scope_start, now_ms=now, db=None) if arguments.scope_start else None
    begun = begin_case(
        Path(arguments.case),
        runbook,
        title=arguments.title,
        operator=arguments.operator,
        scope_start_ms=scope,
        after=Path(arguments.after) if arguments.after else None,
    )
    if arguments.json:
        print_json(
            {"schema": 1, "case": begun.case_id, "path": str(arguments.case), "seq": begun.seq, "head": begun.head}
        )
        return 0
    print(
        f"{arguments.case}: {runbook.title or runbook.id}, {len(runbook.signals)} signals, {len(runbook.steps)} steps"
    )
    for warning in runbook.warnings:
        print(f"  warning: {warning}")
    print(f"  next: closeout run {arguments.case}")
    return 0


def _runbook_path(given: str | None) -> Path:
    if given:
        return Path(given)
    here = Path("runbook.md")
    if here.is_file():
        return here
    raise Refused(
        "no runbook was given and there is no ./runbook.md",
        "name one with --runbook F; write a first one with: closeout new RUNBOOK; rehearse with: closeout drill",
    )
