"""Judge the window after a change against one before it; says the rule that decided, never a score.

closeout verdict incident.db                                      the recorded windows `baseline` and `postfix`
closeout verdict incident.db --baseline @deploy-40m/@deploy-10m --postfix @deploy+5m/@deploy+35m --json

Signals are judged at the end of the postfix window, trips latched from its start; trend and queue may look back to the
last deploy, rollback or fix mark. Which attempt this is, is counted by the recorded postfix windows that ended earlier;
after a second inconclusive one the owner is asked.
"""

from __future__ import annotations

import argparse

from store.case import Case, now_ms
from store.errors import BadInput
from store.moments import resolve_span
from store.verdict import judge_verdict, verdict_question
from store.verdict_form import tell_verdict, verdict_json
from tui.output import plain, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `verdict`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument(
        "--baseline",
        metavar="FROM/TO",
        default="baseline",
        help="the window before the change, or a recorded one's name",
    )
    parser.add_argument(
        "--postfix", metavar="FROM/TO", default="postfix", help="the window after the change, or a recorded one's name"
    )
    parser.add_argument("--known-seq", metavar="N", type=int, help="with what was stored up to this transaction")
    parser.add_argument("--attempt", metavar="N", type=int, help="which pair of windows this is, if the count is wrong")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print what the views say of the two windows."""
    if arguments.attempt is not None and arguments.attempt < 1:
        raise BadInput(f"--attempt {arguments.attempt}: attempts are counted from 1")
    with Case.open(arguments.case) as case:
        db, now = case.read(), now_ms()
        baseline = resolve_span(arguments.baseline, now_ms=now, db=db)
        postfix = resolve_span(arguments.postfix, now_ms=now, db=db)
        question = verdict_question(db, baseline, postfix, known_seq=arguments.known_seq)
        verdict = judge_verdict(db, question, attempt=arguments.attempt)
    if arguments.json:
        print_json(verdict_json(verdict))
    else:
        for line in tell_verdict(verdict):
            print(plain(line))
    return verdict.exit_code
