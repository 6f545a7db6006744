"""Judge every signal now, at an instant, or at the end of a sealed case.

  closeout status incident.db
  closeout status incident.db inbox-300s --as-of 2026-02-18T03:30:00Z --json
"""

from __future__ import annotations

import argparse
import difflib

from store.case import Case, now_ms
from store.errors import BadInput
from store.judge import Judgement, Question, frontier_question, judge, question_at
from store.moments import resolve_moment
from store.status import exit_code, status_json
from tui.output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `status`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("signals", metavar="SIGNAL", nargs="*", help="only these; all of them otherwise")
    add_question_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def add_question_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what names the instant, the knowledge and the run."""
    parser.add_argument("--as-of", metavar="T", help="judge exactly at this instant")
    parser.add_argument("--known-seq", metavar="N", type=int, help="with what was stored up to this transaction")
    parser.add_argument("--scope-start", metavar="T|none", help="over the run since then; `none` for no run")


def run(arguments: argparse.Namespace) -> int:
    """Print what the views say."""
    with Case.open(arguments.case) as case:
        judgement = judge(case.read(), asked_question(case, arguments))
    chosen = _chosen(judgement, tuple(arguments.signals))
    if arguments.json:
        print_json(status_json(judgement, only=chosen))
    return exit_code([s.state for s in judgement.signals if not chosen or s.id in chosen])


def asked_question(case: Case, arguments: argparse.Namespace) -> Question:
    """The question that the arguments ask (DESIGN section 4, "which instant", "which scope")."""
    db, now = case.read(), now_ms()
    scope_text = arguments.scope_start
    scope = None if scope_text in (None, "none") else resolve_moment(scope_text, now_ms=now, db=db)
    if arguments.as_of is not None:
        as_of, live = resolve_moment(arguments.as_of, now_ms=now, db=db), False
    elif case.head().kind == "seal":
        as_of, live = frontier_question(db).as_of_ms, False
    else:
        as_of, live = now, True
    return question_at(
        db, as_of_ms=as_of, live=live, known_seq=arguments.known_seq, scope_start_ms=scope, scope_given=scope_text is not None
    )


def _chosen(judgement: Judgement, names: tuple[str, ...]) -> tuple[str, ...]:
    known = [signal.id for signal in judgement.signals]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise BadInput(f"there is no signal {name!r}", f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}")
    return names
