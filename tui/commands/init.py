"""Begin a case: one file that takes the runbook, every observation and every decision.

closeout init incident.db --runbook runbook.md
closeout init incident.db --runbook runbook.md --scope-start @deploy
closeout init next.db --runbook runbook.md --after phase-168e.db --baseline postfix

Without --runbook the case before gives its own, if there is no ./runbook.md.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from store.case import Case, now_ms, remove_case
from store.errors import BadInput, Refused
from store.moments import resolve_moment
from tui.output import plain, print_json

if TYPE_CHECKING:
    from store.runbook.model import Runbook


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `init`."""
    parser.add_argument("case", metavar="CASE", help="the file to make")
    parser.add_argument("--runbook", metavar="F", help="the runbook; ./runbook.md if none is given")
    parser.add_argument("--title", metavar="T", help="what this case is about")
    parser.add_argument("--operator", metavar="NAME", help="who walks; the login name if none is given")
    parser.add_argument("--scope-start", metavar="T", help="nothing before this moment counts, trips latch from here")
    parser.add_argument("--after", metavar="OTHER", help="a sealed case that this one continues")
    parser.add_argument(
        "--baseline", metavar="WINDOW", help="bring that window of OTHER in with its evidence, as the baseline here"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Make the case."""
    from store.begin import begin_case

    if arguments.baseline and not arguments.after:
        raise BadInput("--baseline names a window of the case before", "say which with --after OTHER")
    runbook, ours = _runbook(arguments)
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
    carried = _take_up(Path(arguments.case), runbook, arguments, ours=ours)
    if arguments.json:
        print_json(
            {"schema": 1, "case": begun.case_id, "path": str(arguments.case), "seq": begun.seq, "head": begun.head}
        )
        return 0
    print(
        f"{arguments.case}: {plain(runbook.title or runbook.id)}, {len(runbook.signals)} signals, {len(runbook.steps)} steps"
    )
    if carried:
        print(f"  {plain(carried)}")
    if not ours:
        print(
            f"  its runbook is that of {arguments.after}: closeout trust {arguments.case} shows and allows what it runs"
        )
    for warning in runbook.warnings:
        print(f"  warning: {plain(warning)}")
    print(f"  next: closeout run {arguments.case}")
    return 0


def _take_up(path: Path, runbook: Runbook, arguments: argparse.Namespace, *, ours: bool) -> str:
    """Trust what was made here, and bring in the baseline of the case before."""
    from store import trust
    from store.begin import operator_name

    with Case.open(path, write=True) as case:
        with contextlib.suppress(
            Refused
        ):  # a machine that remembers nothing asks for `closeout trust` before anything runs
            if ours:
                trust.remember(case)
        if not arguments.baseline:
            return ""
        from collectors.records.carry import carry_window, told

        operator = arguments.operator or operator_name()
        try:
            with Case.open(arguments.after) as before:
                return told(carry_window(before, case, runbook, arguments.baseline, operator=operator))
        except BaseException:
            remove_case(path)
            raise


def _runbook(arguments: argparse.Namespace) -> tuple[Runbook, bool]:
    """The runbook, and whether it is of this machine: a text taken from a case is no more trusted here than that case."""
    from store.runbook.find import read_runbook

    here = Path("runbook.md")
    if arguments.runbook or here.is_file():
        return read_runbook(Path(arguments.runbook or here)), True
    if arguments.after:
        from store import trust

        with Case.open(arguments.after) as before:
            return before.runbook(), trust.is_trusted(before)
    raise Refused(
        "no runbook was given and there is no ./runbook.md",
        "name one with --runbook F; write a first one with: closeout new RUNBOOK; rehearse with: closeout drill",
    )
