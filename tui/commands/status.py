"""Judge every signal now, at an instant, or at the end of a sealed case; one line per signal.

closeout status incident.db
closeout status incident.db inbox-300s --as-of 2026-02-18T03:30:00Z --json
closeout status incident.db --watch --exec 'notify-send "$CLOSEOUT_SIGNAL $CLOSEOUT_STATE"'
closeout status incident.db webhook-60s --with over=40      a trial of another limit, stored nowhere
"""

from __future__ import annotations

import argparse

from store.case import Case, now_ms
from store.errors import BadInput
from store.judge import Judgement, Question, Trial, frontier_question, judge, question_at
from store.moments import resolve_moment
from store.status import exit_code, status_json
from store.telling import tell_head, tell_signal
from tui.output import plain, print_json

_TRIALS = {
    "over": (">", ("count", "burst", "loop")),
    "at_least": (">=", ("count", "burst", "loop")),
    "over_percent": (">", ("ratio",)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `status`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("signals", metavar="SIGNAL", nargs="*", default=[], help="only these; all of them otherwise")
    add_question_arguments(parser)
    parser.add_argument(
        "--with",
        metavar="LIMIT",
        dest="trial",
        help="try another limit on the same evidence: over=40, at_least=8, over_percent=5",
    )
    parser.add_argument("--watch", action="store_true", help="one line per change, until interrupted")
    parser.add_argument(
        "--exec", metavar="CMD", dest="command", help="with --watch: a shell command to run on each change"
    )
    parser.add_argument("--for", metavar="D", dest="watch_for", help="with --watch: stop after this long")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object on standard output; with --watch one per line"
    )


def add_question_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what names the instant, the knowledge and the run."""
    parser.add_argument("--as-of", metavar="T", help="judge exactly at this instant")
    parser.add_argument("--known-seq", metavar="N", type=int, help="with what was stored up to this transaction")
    parser.add_argument("--scope-start", metavar="T|none", help="over the run since then; `none` for no run")


def run(arguments: argparse.Namespace) -> int:
    """Print what the views say."""
    if arguments.command and not arguments.watch:
        raise BadInput("--exec needs --watch", "closeout status CASE --watch --exec CMD")
    if arguments.watch:
        from tui.watch import watch

        return watch(arguments)
    with Case.open(arguments.case) as case:
        chosen = tuple(arguments.signals)
        judgement = judge(case.read(), asked_question(case, arguments), asked_trial(arguments.trial, chosen))
    check_chosen(judgement, chosen)
    if arguments.json:
        answer = status_json(judgement, only=chosen)
        if arguments.trial:
            answer["trial"] = arguments.trial
        print_json(answer)
    else:
        _print(judgement, chosen, trial=arguments.trial)
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
        db,
        as_of_ms=as_of,
        live=live,
        known_seq=arguments.known_seq,
        scope_start_ms=scope,
        scope_given=scope_text is not None,
    )


def asked_trial(text: str | None, signals: tuple[str, ...]) -> Trial | None:
    """Read `over=40` and the like.

    Raises:
        BadInput: another key, or not a whole number.
    """
    if text is None:
        return None
    key, equals, number = text.partition("=")
    if key not in _TRIALS or not equals or not number.strip().isdecimal():
        raise BadInput(f"--with {text!r} is not a limit", "write it like over=40, at_least=8 or over_percent=5")
    op, kinds = _TRIALS[key]
    return Trial(op, int(number), kinds, signals)


def check_chosen(judgement: Judgement, names: tuple[str, ...]) -> None:
    """Refuse names that the runbook does not have.

    Raises:
        BadInput: there is no such signal.
    """
    known = [signal.id for signal in judgement.signals]
    for name in names:
        if name not in known:
            raise BadInput(f"there is no signal {name!r}", _nearest_signal(name, known))


def _nearest_signal(name: str, known: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"


def _print(judgement: Judgement, chosen: tuple[str, ...], *, trial: str | None) -> None:
    print(plain(tell_head(judgement)))
    if trial:
        print(f"TRIAL with {trial}: stored nowhere, decides nothing")
    for signal in judgement.signals:
        if not chosen or signal.id in chosen:
            print(plain(tell_signal(signal, as_of_ms=judgement.question.as_of_ms)))
