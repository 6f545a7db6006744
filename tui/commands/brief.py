"""One screen of text: what happened, what was decided, what is not known, what next.

closeout brief incident.db
closeout brief incident.db --all       nothing left out
"""

from __future__ import annotations

import argparse

from store.status import exit_code, status_json
from store.walk.brief import Brief, brief
from store.walk.evaluations import judged_now
from store.walk.form import gap_json, walk_json
from store.walk.gaps import gaps_of
from tui.output import print_json
from tui.walking import add_common_arguments, command_line, say, walking


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `brief`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--all", action="store_true", help="leave nothing out")
    add_common_arguments(parser, writes=False)


def run(arguments: argparse.Namespace) -> int:
    """Print the brief. It answers with 0: the states are in the text, and `status` has them as exit codes."""
    with walking(arguments, write=False) as walk:
        judgement, state = judged_now(walk.case), walk.read()
        gaps = gaps_of(walk.case.read(), state, judgement)
        told = brief(walk.case.read(), state, judgement, gaps, whole=arguments.all or arguments.json)
    if arguments.json:
        walked = walk_json(state)
        del walked["steps"]
        sections = {section.title.replace(" ", "_"): list(section.lines) for section in told.sections}
        worst = exit_code([signal.state for signal in judgement.signals])
        print_json(
            {"schema": 1, "case": judgement.case_id, "status_exit": worst, "walk": walked, **sections,
             "gaps": [gap_json(gap) for gap in gaps], "signals": status_json(judgement)["signals"]}
        )  # fmt: skip
    else:
        _print(told, str(arguments.case))
    return 0


def _print(told: Brief, case: str) -> None:
    say(told.head)
    for section in told.sections:
        print(section.title)
        for line in section.lines:
            say(line, indent=2)
        if section.left_out:
            print(f"  … {section.left_out} more: {command_line('brief', case, '--all')}")
