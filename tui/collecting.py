"""How `collect` runs collectors: one thread per stream, each with its own connection, on the schedule that was asked for.

The only seam through which the desk's side starts collectors.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from collectors.schedule import CollectedTick, Ticks, record_missed, steady_ms, store_failure, ticks
from store.case import Case
from store.errors import CloseoutError, Refused
from store.instants import parse_duration
from store.runbook.model import Runbook, Source, SourceKind
from tui.output import plain

DEFAULT_EVERY_MS = 300_000
PACE_VARIABLE = "CLOSEOUT_DRILL_PACE"
"""Names, for drills only, how often and for how long at most is looked, such as `2s 45s`."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What `collect` was asked to do."""

    case: str
    runbook: Runbook
    since_ms: int | None
    until_ms: int | None
    every_ms: int | None
    for_ms: int | None
    confirmed: bool
    label: str
    command: tuple[str, ...]
    quiet: bool


def at_drill_pace(case: Case, every_ms: int | None, for_ms: int | None) -> tuple[int | None, int | None]:
    """How often and how long to look: as asked, but in a staged case as quickly as its player wants. Nothing hurries a real case."""
    told = os.environ.get(PACE_VARIABLE, "").split()
    (drill,) = case.read().execute("SELECT drill FROM case_info ORDER BY id LIMIT 1").fetchone()
    if not drill or len(told) != 2 or for_ms is None:
        return every_ms, for_ms
    every, longest = map(parse_duration, told)
    return every, min(for_ms, longest)


def collect_streams(looks: Looks, sources: list[Source], stop: threading.Event) -> list[dict[str, Any]]:
    """Look at every source until done or stopped; returns what each look left.

    Raises:
        Refused: with a single source, what refused it; with several the others go on and the refusal is told.
    """
    done: list[dict[str, Any]] = []
    refusals: list[Exception] = []
    guard = threading.Lock()

    def work(source: Source) -> None:
        try:
            _collect(looks, source, stop, lambda entries: _keep(done, entries, guard))
        except Exception as refusal:  # an error of our own in one stream must not pass in silence, nor stop the others
            with guard:
                refusals.append(refusal)

    threads = [threading.Thread(target=work, args=(source,), name=source.id) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # a bounded wait lets signals through
    if refusals and len(sources) == 1:
        raise refusals[0]
    done += [{"status": "failed", "ref": None, "reason": str(refusal)} for refusal in refusals]
    for refusal in refusals if not looks.quiet else ():
        say(f"refused: {plain(str(refusal))}")
    return done


def say(text: str, *, beside: bool = False) -> None:
    """Print a line, `beside` the results if it is none; a terminal that was closed is no reason to stop looking."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr if beside else sys.stdout, flush=True)


def _keep(done: list[dict[str, Any]], entries: list[dict[str, Any]], guard: threading.Lock) -> None:
    with guard:
        done += entries


def _collect(looks: Looks, source: Source, stop: threading.Event, keep: Callable[[list[dict[str, Any]]], None]) -> None:
    if source.kind is SourceKind.LOGS:
        from tui.capturing import capture_stream

        keep(capture_stream(looks, source, stop))
        return
    with Case.open(looks.case, write=True) as case:
        if looks.for_ms is None and looks.every_ms is None:
            keep(_tell(looks, _look(case, looks, source)))
            return
        every = looks.every_ms or source.every_ms or DEFAULT_EVERY_MS
        schedule = Ticks(every, looks.for_ms, steady_ms=steady_ms, wall_ms=case.clock)
        for tick in ticks(schedule, stop.wait):
            if tick.missed:
                reason = "the look before it took too long, or the machine slept"
                missed = record_missed(case, source.id, source.kind.value, tick.planned_ms, case.clock(), reason)
                keep(_tell(looks, missed))
            else:
                keep(_tell(looks, _look_or_failure(case, looks, source, tick.planned_ms)))


def _look_or_failure(case: Case, looks: Looks, source: Source, planned_ms: int) -> CollectedTick:
    try:
        return _look(case, looks, source)
    except Refused:
        raise
    except CloseoutError as error:  # a tick that fails is a row, and the next one still comes
        return store_failure(case, source.id, source.kind.value, planned_ms, case.clock(), str(error))


def _look(case: Case, looks: Looks, source: Source) -> CollectedTick:
    environ = os.environ
    if source.kind is SourceKind.OFFLOAD:
        from collectors.offload.sample import sample_offload

        return sample_offload(case, looks.runbook, source, environ=environ, now_ms=case.clock, since_ms=looks.since_ms)
    if source.kind is SourceKind.PROBES:
        from collectors.probes.run import run_probes

        return run_probes(
            case, looks.runbook, source, environ=environ, now_ms=case.clock, confirm_side_effects=looks.confirmed
        )
    from collectors.browser.capture import capture_browser

    label: Any = looks.label
    return capture_browser(case, looks.runbook, source, label=label, environ=environ, now_ms=case.clock)


def _tell(looks: Looks, tick: CollectedTick) -> list[dict[str, Any]]:
    from tui.commands.import_ import tell_tick

    with contextlib.suppress(OSError):
        return tell_tick(tick, as_json=looks.quiet)
    return tell_tick(tick, as_json=True)
