"""Show the very rows and gaps behind one signal's answer, and the check that anyone can rerun.

closeout explain incident.db inbox-300s
closeout explain incident.db inbox-300s --as-of 2026-02-18T03:30:00Z --json
"""

from __future__ import annotations

import argparse
from typing import Any

from store.case import Case
from store.explain import Explanation, SignalExplanation, explain
from store.instants import format_duration, format_instant
from store.status import EXIT_CODES, signal_json
from store.telling import tell_signal, tell_value, tell_watched
from tui.commands.status import add_question_arguments, asked_question
from tui.output import plain, print_json

_SHOWN_ROWS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `explain`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("signal", metavar="SIGNAL")
    add_question_arguments(parser)
    parser.add_argument("--all", action="store_true", help=f"every row, not only the newest {_SHOWN_ROWS}")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation; the exit code is that of the signal's state."""
    with Case.open(arguments.case) as case:
        found = explain(case.read(), asked_question(case, arguments), arguments.signal)
    if arguments.json:
        print_json(_as_json(found))
    else:
        _print(found, every_row=arguments.all)
    return EXIT_CODES[found.signal.state]


def _print(found: SignalExplanation, *, every_row: bool) -> None:
    print(plain(tell_signal(found.signal, as_of_ms=found.question.as_of_ms)))
    for part in found.conditions:
        _print_condition(part, every_row=every_row)
    for signature, check in found.checks:
        print(f"\ncount {plain(signature)} again by hand:")
        for line in check.rstrip("\n").split("\n"):
            print(f"  {plain(line)}")


def _print_condition(part: Explanation, *, every_row: bool) -> None:
    c = part.condition
    window = f"{format_instant(c.from_ms)} to {format_instant(c.to_ms)}"
    print(f"\n{c.kind}: {c.state} ({c.reason}), {plain(tell_value(c))}, watched {tell_watched(c)} of {window}")
    for gap in part.gaps:
        lane = f"{gap.stream} for {gap.signature}" if gap.signature else gap.stream
        span = (
            f"{format_instant(gap.from_ms)} to {format_instant(gap.to_ms)} ({format_duration(gap.to_ms - gap.from_ms)})"
        )
        print(plain(f"  not watched: {span} on {lane}"))
    if part.collections:
        print(f"  watched by {', '.join(part.collections)}")
    shown = part.rows if every_row else part.rows[-_SHOWN_ROWS:]
    if len(shown) < len(part.rows):
        print(f"  {len(part.rows) - len(shown)} earlier rows: see them with --all")
    for row in shown:
        print(plain(f"  {format_instant(row.at_ms)}  {row.ref or '-':<16} {row.what}"))
    if not part.rows:
        print("  no rows")


def _as_json(found: SignalExplanation) -> dict[str, Any]:
    answer = signal_json(found.signal, found.question.as_of_ms)
    for shown, part in zip(answer["conditions"], found.conditions, strict=True):
        shown["rows"] = [{"ref": row.ref, "at": format_instant(row.at_ms), "what": row.what} for row in part.rows]
        shown["gaps"] = [
            {
                "stream": g.stream,
                "signature": g.signature or None,
                "from": format_instant(g.from_ms),
                "to": format_instant(g.to_ms),
            }
            for g in part.gaps
        ]
        shown["collections"] = list(part.collections)
    return {
        "schema": 1,
        "as_of": format_instant(found.question.as_of_ms),
        "known_seq": found.question.known_seq,
        "signal": answer,
        "checks": [{"signature": signature, "command": check} for signature, check in found.checks],
    }
