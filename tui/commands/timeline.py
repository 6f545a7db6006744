"""Everything that happened, in order: collections, steps, decisions, notes, marks, trips.

closeout timeline incident.db
closeout timeline incident.db --since @deploy --until 5m
closeout timeline incident.db --json
"""

from __future__ import annotations

import argparse

from store.case import Case
from store.instants import format_instant
from store.moments import resolve_moment
from store.walk.form import entry_json
from store.walk.timeline import Entry, timeline
from tui.output import print_json
from tui.walking import add_common_arguments, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `timeline`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--since", metavar="T", help="only from this moment on")
    parser.add_argument("--until", metavar="T", help="only before this moment")
    add_common_arguments(parser, writes=False)


def run(arguments: argparse.Namespace) -> int:
    """Print the timeline."""
    with Case.open(arguments.case) as case:
        db, now = case.read(), case.clock()
        since, until = (
            None if text is None else resolve_moment(text, now_ms=now, db=db)
            for text in (arguments.since, arguments.until)
        )
        entries = timeline(db, since_ms=since, until_ms=until)
        (case_id,) = db.execute("SELECT case_id FROM case_info ORDER BY id LIMIT 1").fetchone()
    if arguments.json:
        print_json({"schema": 1, "case": case_id, "entries": [entry_json(entry) for entry in entries]})
        return 0
    for entry in entries:
        say(_line(entry), hang=14)
    return 0


def _line(entry: Entry) -> str:
    who = f" {entry.who}:" if entry.who else ""
    return f"{format_instant(entry.at_ms)} {entry.kind}{who} {entry.text} [{entry.ref}]"
