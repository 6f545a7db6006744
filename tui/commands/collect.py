"""Go and look: the sources that the runbook names, all of them if none is named. What was seen, or why nothing was, lands in the case.

closeout collect incident.db                               every source once
closeout collect incident.db offload --every 5m --for 30m  a look every five minutes; a missed one is a row
closeout collect incident.db cron-probes --confirm         the requests run jobs when they are sent: say that they may
closeout collect incident.db runtime-logs --since 30m
closeout collect incident.db runtime-logs -- vercel logs https://app.example.com --json --follow

It goes on when the terminal is closed, and ends well when it is interrupted or told to terminate.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
from typing import TYPE_CHECKING

from collectors.stopping import stop_when_asked
from store.case import Case
from store.errors import BadInput, Refused
from store.instants import parse_duration
from store.moments import resolve_moment
from tui.output import plain, print_json

if TYPE_CHECKING:
    from store.runbook.model import Runbook, Source

# What stands after -- is a command, not arguments of ours.
TAKES_COMMAND = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `collect`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("streams", metavar="STREAM", nargs="*")
    parser.add_argument("--since", metavar="T", help="look back to this moment")
    parser.add_argument("--until", metavar="T", help="look up to this moment; now if none is given")
    parser.add_argument(
        "--every",
        metavar="D",
        help="look again and again, this far apart; the source's own pace with --for alone; a command that follows has none",
    )
    parser.add_argument("--for", metavar="D", dest="lasting", help="go on looking for this long")
    parser.add_argument("--confirm", action="store_true", help="requests that run jobs may run now")
    parser.add_argument(
        "--label", choices=["baseline", "postfix"], default="postfix", help="which side a browser capture is for"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Look at each stream; 40 if some look gave nothing."""
    from tui.collecting import Looks, at_drill_pace, collect_streams

    command: list[str] = arguments.after
    with Case.open(arguments.case, write=True) as case:
        _require_trust(case)
        runbook = case.runbook()
        sources = [_source(runbook, word) for word in arguments.streams] or [
            s for s in runbook.sources if s.kind.value != "records"
        ]
        if command and len(sources) != 1:
            raise BadInput(
                "a command after -- belongs to one stream", "name it: closeout collect CASE STREAM -- COMMAND…"
            )
        now, db = case.clock(), case.read()
        since, until = (
            resolve_moment(text, now_ms=now, db=db) if text else None for text in (arguments.since, arguments.until)
        )
        _require_past(since, until, now)
        every, lasting = (parse_duration(text) if text else None for text in (arguments.every, arguments.lasting))
        if every == 0:
            raise BadInput("--every 0s is no pace", "leave it out to look once, or say for example --every 5m")
        every, lasting = at_drill_pace(case, every, lasting)
    looks = Looks(
        case=str(arguments.case),
        runbook=runbook,
        since_ms=since,
        until_ms=until,
        every_ms=every,
        for_ms=lasting,
        confirmed=arguments.confirm,
        label=arguments.label,
        command=tuple(command),
        quiet=arguments.json,
    )
    stop = threading.Event()
    stop_when_asked(stop)
    _outlive_the_terminal()
    done = collect_streams(looks, sources, stop)
    if arguments.json:
        print_json({"schema": 1, "collections": done})
    return 40 if any(entry["status"] in ("failed", "lost") for entry in done) or not done else 0


def _require_past(since_ms: int | None, until_ms: int | None, now_ms: int) -> None:
    """Refuse a stretch of time that cannot be looked at."""
    if until_ms is not None and until_ms > now_ms:
        raise BadInput("--until lies in the future", "leave it out to look up to now")
    if since_ms is not None and since_ms >= (now_ms if until_ms is None else until_ms):
        raise BadInput("--since lies after the end of the look", "give --since before --until")


def _outlive_the_terminal() -> None:
    """Go on when the terminal is closed: an ssh session that breaks must not break a capture. What would be printed is dropped then."""
    terminals = [descriptor for descriptor in (0, 1, 2) if os.isatty(descriptor)]

    def hung_up(*_: object) -> None:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in terminals:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)

    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, hung_up)


def _source(runbook: Runbook, name: str) -> Source:
    for source in runbook.sources:
        if source.id == name:
            if source.kind.value == "records":
                raise BadInput(
                    f"{name} takes evidence records from other programs",
                    "bring them in with: closeout import CASE FILE",
                )
            return source
    raise BadInput(f"the runbook has no stream {plain(name)!r}", f"it has {', '.join(s.id for s in runbook.sources)}")


def _require_trust(case: Case) -> None:
    from store.trust import require

    try:
        require(case)
    except Refused as refusal:
        raise Refused(
            refusal.message, refusal.hint or f"see what it would run and allow it: closeout trust {case.path}"
        ) from refusal
