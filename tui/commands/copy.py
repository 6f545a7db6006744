"""A checked copy for a shift change in mid-incident: not sealed, open steps do not stand in its way.

  closeout copy incident.db incident-kim.db --to kim

The copy is complete and whole; `cp` of a case that is being written may not be. The receipt says who goes on with it, and the case itself
notes it. Should both copies be gone on with, `closeout compare` and `verify --receipt` tell them apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from store.begin import operator_name
from store.seal.seal import copy_case
from tui.commands.seal import handed_over_json
from tui.output import plain, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `copy`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("out", metavar="OUT", help="the copy to make")
    parser.add_argument("--to", metavar="NAME", default="", help="who goes on with the copy")
    parser.add_argument("--operator", metavar="NAME", help="who hands over")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Make and check the copy."""
    done = copy_case(
        Path(arguments.case), Path(arguments.out), operator=arguments.operator or operator_name(), to=arguments.to
    )
    if arguments.json:
        print_json(handed_over_json(done))
        return 0
    said = "sealed, byte for byte" if done.already_sealed else f"open, {done.receipt.seq} transactions"
    print(f"{plain(arguments.case)} copied to {plain(arguments.out)}: checked, {said}")
    print("keep this line outside the file:")
    print(done.receipt.line())
    return 0
