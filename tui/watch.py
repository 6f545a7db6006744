"""`status --watch`: one line per change of a signal, a bell on a terminal, and a command of the operator's on each change.

Looks once a second, because time alone can turn a signal stale or let a window move on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from store.case import Case, now_ms
from store.instants import format_instant, parse_duration
from store.judge import Judgement, SignalState, judge
from store.status import exit_code, signal_json
from store.telling import tell_head, tell_signal
from tui.commands.status import asked_question, asked_trial, check_chosen
from tui.output import plain, print_json

POLL_S = 1.0


def watch(arguments: argparse.Namespace) -> int:
    """Print the present states, then each change, until interrupted or `--for` has passed; the last states give the exit code."""
    chosen = tuple(arguments.signals)
    until = now_ms() + parse_duration(arguments.watch_for) if arguments.watch_for else None
    known: dict[str, tuple[str, str]] = {}
    judgement: Judgement | None = None
    try:
        while True:
            with Case.open(arguments.case) as case:
                judgement = judge(case.read(), asked_question(case, arguments), asked_trial(arguments.trial, chosen))
                sealed = case.head().kind == "seal"
            check_chosen(judgement, chosen)
            _tell_changes(judgement, chosen, known, arguments)
            if sealed or arguments.as_of or (until is not None and now_ms() >= until):
                break
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        pass  # the way to leave a watch
    return exit_code([s.state for s in judgement.signals if not chosen or s.id in chosen]) if judgement else 130


def _tell_changes(
    judgement: Judgement, chosen: tuple[str, ...], known: dict[str, tuple[str, str]], arguments: argparse.Namespace
) -> None:
    first = not known
    if first and not arguments.json:
        print(plain(tell_head(judgement)), flush=True)
    for signal in judgement.signals:
        if chosen and signal.id not in chosen:
            continue
        before, now = known.get(signal.id), (signal.state, signal.reason)
        if before == now:
            continue
        known[signal.id] = now
        _tell(judgement, signal, before, as_json=arguments.json)
        if not first:
            _ring(signal)
            if arguments.command:
                _run_command(arguments.command, arguments.case, signal, before)


def _tell(judgement: Judgement, signal: SignalState, before: tuple[str, str] | None, *, as_json: bool) -> None:
    as_of = judgement.question.as_of_ms
    if as_json:
        print_json(
            {
                "schema": 1,
                "at": format_instant(as_of),
                "before": before[0] if before else None,
                "signal": signal_json(signal, as_of),
            }
        )
        return
    came_from = f"{before[0]} → " if before else ""
    print(f"{format_instant(as_of)} {came_from}{plain(tell_signal(signal, as_of_ms=as_of))}", flush=True)


def _ring(signal: SignalState) -> None:
    if signal.state == "tripped" and sys.stderr.isatty():
        sys.stderr.write("\a")
        sys.stderr.flush()


def _run_command(command: str, case: str, signal: SignalState, before: tuple[str, str] | None) -> None:
    told = {
        "CLOSEOUT_CASE": str(case),
        "CLOSEOUT_SIGNAL": signal.id,
        "CLOSEOUT_STATE": signal.state,
        "CLOSEOUT_REASON": signal.reason,
        "CLOSEOUT_BEFORE": before[0] if before else "",
    }
    # The operator's own words on the operator's own machine: a shell is what they expect.
    done = subprocess.run(["/bin/sh", "-c", command], env={**os.environ, **told}, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        print(f"closeout: the command after --exec ended with {done.returncode}", file=sys.stderr)
