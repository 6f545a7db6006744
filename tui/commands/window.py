"""Name a stretch of time; `verdict` and `packet` use baseline and postfix. Of several with one name the newest holds.

closeout window incident.db baseline @deploy-40m/@deploy-10m
closeout window incident.db postfix 2026-02-18T03:00:00Z/2026-02-18T03:30:00Z
"""

from __future__ import annotations

import argparse

from store.case import Case
from store.errors import BadInput
from store.instants import format_duration, format_instant
from store.moments import resolve_span
from store.walk.remarks import add_window
from store.walk.session import this_terminal
from tui.output import print_json
from tui.walking import add_common_arguments, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `window`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("span", metavar="FROM/TO")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Store the window."""
    operator = this_terminal(arguments.operator).operator
    if "/" not in arguments.span:
        raise BadInput(f"{arguments.span!r} is not a window", "write it FROM/TO, such as @deploy-40m/@deploy-10m")
    with Case.open(arguments.case, write=True) as case:
        start, end = resolve_span(arguments.span, now_ms=case.clock(), db=case.read())
        said = add_window(case, operator, arguments.name, start, end)
    if arguments.json:
        ends = {"from": format_instant(start), "to": format_instant(end)}
        print_json({"ref": said.ref, "seq": said.seq, "name": arguments.name, **ends})
    else:
        say(f"{arguments.name}: {format_instant(start)}/{format_instant(end)}, {format_duration(end - start)}")
    return 0
