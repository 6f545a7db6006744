"""Say that an alarm was seen. It changes no state; the alarm line stops asking.

closeout ack incident.db inbox-300s --note "calling the backend on-call"
"""

from __future__ import annotations

import argparse

from store.case import Case
from store.instants import format_instant, format_optional
from store.walk.remarks import acknowledge
from store.walk.session import this_terminal
from tui.output import print_json
from tui.walking import add_common_arguments, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `ack`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("signal", metavar="SIGNAL")
    parser.add_argument("--note", metavar="TEXT", default="", help="what is being done about it")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Store the acknowledgement."""
    operator = this_terminal(arguments.operator).operator
    with Case.open(arguments.case, write=True) as case:
        seen = acknowledge(case, operator, arguments.signal, note=arguments.note)
    if arguments.json:
        trip = format_optional(seen.first_trip_ms)
        print_json(
            {
                "ref": seen.ref,
                "seq": seen.seq,
                "signal": arguments.signal,
                "state": seen.state,
                "reason": seen.reason,
                "first_trip": trip,
            }
        )
        return 0
    since = "" if seen.first_trip_ms is None else f" since {format_instant(seen.first_trip_ms)}"
    say(f"{operator} saw {arguments.signal}: {seen.state}{since} ({seen.reason})")
    return 0
