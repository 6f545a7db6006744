"""Say what is installed, which variables are set (never their values), what the database role may do, versions and clocks; one line each.

closeout doctor                          this machine, and ./runbook.md if it is there
closeout doctor --case incident.db       what that case would need
closeout doctor --runbook runbook.md --contact      ask the runbook's databases, too
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from store.case import Case, now_ms
from tui.output import plain, print_json

if TYPE_CHECKING:
    from store.runbook.model import Runbook


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `doctor`."""
    parser.add_argument("--case", metavar="CASE", help="look with the runbook of this case")
    parser.add_argument("--runbook", metavar="F", help="look with this runbook; ./runbook.md if it is there")
    parser.add_argument("--contact", action="store_true", help="the databases that the runbook names may be asked")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print the facts; 40 if something that is needed is missing."""
    from collectors.doctor import Level, doctor_facts

    runbook, contact = _runbook(arguments)
    facts = doctor_facts(runbook, os.environ, now_ms, contact=contact)
    if arguments.json:
        print_json({"schema": 1, "facts": [fact._asdict() for fact in facts]})
    else:
        for fact in facts:
            remedy = f"  →  {plain(fact.remedy)}" if fact.remedy and fact.level != Level.OK else ""
            print(f"{fact.level:<8} {plain(fact.topic)}: {plain(fact.text)}{remedy}")
    return 40 if any(fact.level == Level.MISSING for fact in facts) else 0


def _runbook(arguments: argparse.Namespace) -> tuple[Runbook | None, bool]:
    if arguments.case:
        from store.trust import is_trusted

        with Case.open(arguments.case) as case:
            # A case from elsewhere is inert: nothing is contacted before `closeout trust` has shown it.
            return case.runbook(), is_trusted(case)
    path = Path(arguments.runbook) if arguments.runbook else Path("runbook.md")
    if arguments.runbook is None and not path.is_file():
        return None, False
    from store.runbook.find import read_runbook

    return read_runbook(path), bool(arguments.contact)
