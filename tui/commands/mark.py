"""Name a moment: deploy, rollback, fix, or any other. Of several with one name the newest holds, so a mistyped one is simply given again.

  closeout mark incident.db deploy --at 2026-02-18T03:00:00Z --id dpl_8f3 --previous dpl_77a
  closeout mark incident.db rollback

A rollback or a fix starts a new scope: what happened before no longer counts for the run, and stays listed.
"""

from __future__ import annotations

import argparse

from store.case import Case
from store.instants import format_instant, format_optional
from store.moments import resolve_moment
from store.walk.remarks import add_mark
from store.walk.session import this_terminal
from tui.output import print_json
from tui.walking import add_common_arguments, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mark`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--at", metavar="T", help="when it was; now if not given")
    parser.add_argument("--id", metavar="DEPLOYMENT", help="which deployment serves from then on")
    parser.add_argument("--previous", metavar="DEPLOYMENT", help="which one served before: the way back")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Store the mark."""
    operator = this_terminal(arguments.operator).operator
    with Case.open(arguments.case, write=True) as case:
        now = case.clock()
        at = now if arguments.at is None else resolve_moment(arguments.at, now_ms=now, db=case.read())
        marked = add_mark(case, operator, arguments.name, at, deployment=arguments.id, previous=arguments.previous)
    if arguments.json:
        scope = format_optional(marked.scope_start_ms)
        print_json(
            {
                "ref": marked.ref,
                "seq": marked.seq,
                "name": arguments.name,
                "at": format_instant(at),
                "scope_start": scope,
            }
        )
        return 0
    say(f"{arguments.name} at {format_instant(at)}")
    if marked.scope_start_ms is not None:
        say("a new scope begins there: earlier trips stay listed and no longer count", indent=2)
    return 0
