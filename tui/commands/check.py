"""Say every fault of a runbook at once, each with its line, and warn of limits that can never be reached.

closeout check runbook.md
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from store.errors import RunbookInvalid
from tui.output import plain, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `check`."""
    parser.add_argument(
        "runbook", metavar="RUNBOOK", nargs="?", default="runbook.md", help="the file; ./runbook.md if none is given"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print faults and warnings; 30 if there are faults."""
    from store.runbook.find import read_runbook

    try:
        runbook = read_runbook(Path(arguments.runbook))
    except RunbookInvalid as invalid:
        if arguments.json:
            print_json({"schema": 1, "runbook": arguments.runbook, "faults": list(invalid.faults), "warnings": []})
        for fault in invalid.faults:
            print(plain(fault), file=sys.stderr if arguments.json else sys.stdout)
        return invalid.exit_code
    if arguments.json:
        print_json(
            {
                "schema": 1,
                "runbook": arguments.runbook,
                "faults": [],
                "warnings": list(runbook.warnings),
                "sha256": runbook.sha256,
                "signals": [signal.id for signal in runbook.signals],
                "steps": [step.id for step in runbook.steps],
            }
        )
        return 0
    for warning in runbook.warnings:
        print(f"{plain(warning)}")
    parts = (
        f"{len(runbook.signals)} signals",
        f"{len(runbook.signatures)} signatures",
        f"{len(runbook.sources)} sources",
        f"{len(runbook.steps)} steps",
    )
    print(f"{arguments.runbook}: no faults, {len(runbook.warnings)} warnings ({', '.join(parts)})")
    return 0
