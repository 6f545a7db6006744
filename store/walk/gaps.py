"""What is not known: everything that a reader of this case must not take for granted.

Signals without an answer, collections that do not cover, steps left out, failed, lost or still open, overrides, decisions that nobody
confirmed, clocks that jumped. Nothing is judged here; states are those of the views and of the walk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from store.instants import format_duration, format_instant
from store.judge import Judgement
from store.telling import headline, tell_watched
from store.walk.events import Event, read_events, reading
from store.walk.states import State, StepState, WalkState

UNKNOWN = ("no_data", "stale", "partial")
"""States of a signal that say: we do not know."""

_JUMP_MS = 2_000


class Gap(NamedTuple):
    """One thing that is not known, in one sentence; `ref` names its row where there is one. `what` may hold text from outside."""

    kind: str
    what: str
    ref: str | None
    at_ms: int | None


def gaps_of(db: sqlite3.Connection, walk: WalkState, judgement: Judgement) -> tuple[Gap, ...]:
    """Everything that is not known, the signals first."""
    events = read_events(reading(db))
    return (
        *_before_the_run(db, judgement),
        *_signals(judgement),
        *_collections(db),
        *_probes(db),
        *_steps(walk),
        *_overrides(db, events),
        *_clocks(events),
    )


def _signals(judgement: Judgement) -> Iterator[Gap]:
    for signal in judgement.signals:
        if signal.now_state in UNKNOWN:
            condition = headline(signal)
            watched = f", watched {tell_watched(condition)}" if condition and condition.covered_ms else ""
            yield Gap(
                "signal", f"{signal.id} is {signal.now_state} ({signal.now_reason}){watched}", None, signal.last_ms
            )


def _before_the_run(db: sqlite3.Connection, judgement: Judgement) -> Iterator[Gap]:
    """Old evidence that was brought in and walked later: the run begins after all of it, and so nothing of it is judged."""
    scope_start_ms = judgement.question.scope_start_ms
    (watched_to_ms,) = db.execute(
        "SELECT max(to_ms) FROM coverage WHERE collection NOT IN (SELECT collection FROM retraction)"
    ).fetchone()
    if scope_start_ms is not None and watched_to_ms is not None and watched_to_ms <= scope_start_ms:
        said = (
            f"the run begins at {format_instant(scope_start_ms)}, after everything that was collected: "
            f"to judge that, --scope-start none --as-of {format_instant(watched_to_ms)}"
        )
        yield Gap("scope", said, None, scope_start_ms)


def _collections(db: sqlite3.Connection) -> Iterator[Gap]:
    rows = db.execute(
        "SELECT k.id, k.stream, k.collected_ms, e.status, ifnull(e.reason, ''), "
        "(SELECT x.reason FROM retraction x WHERE x.collection = k.id LIMIT 1) "
        "FROM collection k LEFT JOIN collection_end e ON e.collection = k.id "
        "WHERE e.status IS NULL OR e.status <> 'ok' OR EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id) ORDER BY k.id"
    )
    for id, stream, at, status, reason, withdrawn in rows.fetchall():
        if withdrawn is not None:
            said = f"{stream}: collection withdrawn: {withdrawn}"
        elif status is None:
            said = f"{stream}: collection without an end: still running, or lost"
        else:
            said = f"{stream}: collection {status}" + (f": {reason}" if reason else "")
        yield Gap("collection", said, f"collection:{id}", at)


def _probes(db: sqlite3.Connection) -> Iterator[Gap]:
    """Routes whose newest probe had no answer."""
    rows = db.execute(
        "SELECT id, route, at_ms, reason FROM (SELECT id, route, max(at_ms) AS at_ms, reason, status FROM probe "
        "WHERE collection NOT IN (SELECT collection FROM retraction) GROUP BY stream, route) WHERE status IS NULL ORDER BY id"
    )
    for id, route, at, reason in rows.fetchall():
        yield Gap("probe", f"{route} did not answer" + (f": {reason}" if reason else ""), f"probe:{id}", at)


def _steps(walk: WalkState) -> Iterator[Gap]:
    for step in walk.steps:
        said = _unsettled(step)
        if said:
            yield Gap("step", said, None, step.since_ms)
        for attempt in step.attempts:
            if attempt.number < step.attempt and attempt.state in ("failed", "lost", "retracted"):
                yield Gap(
                    "step",
                    f"{step.id}: attempt {attempt.number} {attempt.state}: {attempt.reason}",
                    None,
                    attempt.ended_ms,
                )


def _unsettled(step: StepState) -> str:
    match step.state:
        case State.SKIPPED | State.FAILED:
            return f"{step.id} {step.state} by {step.operator}: {step.reason}"
        case State.LOST | State.STALE | State.RETRACTED:
            return f"{step.id} {step.state}: {step.why or step.reason}"
        case State.RUNNING | State.HELD if step.awaits:
            return f"{step.id} waits for {step.awaits}"
        case State.RUNNING | State.HELD:
            return (
                f"{step.id} {step.state} since {format_duration(max(0, step.elapsed_ms or 0))}"
                if step.elapsed_ms
                else f"{step.id} {step.state}"
            )
        case State.PASSED if step.late:
            return f"{step.id} was done outside, told by {step.operator}: {step.reason}"
        case State.WAITING | State.READY if step.mandatory and step.attempts:
            return f"{step.id} is to be done again: {step.reason}"
        case _:
            return ""


def _overrides(db: sqlite3.Connection, events: tuple[Event, ...]) -> Iterator[Gap]:
    for event in events:
        if event.override:
            yield Gap(
                "override",
                f"{event.step} {event.kind} in spite of a block: {event.detail.get('override', '')}",
                event.ref,
                event.at_ms,
            )
        if event.kind == "confirmed" and event.detail.get("method") == "claimed":
            yield Gap(
                "claimed",
                f"{event.step}: the second person, {event.operator}, is claimed, not proved",
                event.ref,
                event.at_ms,
            )


def _clocks(events: tuple[Event, ...]) -> Iterator[Gap]:
    """Moments at which the wall clock moved and the other one did not; within one boot of one machine."""
    last: dict[tuple[str, str], Event] = {}
    for event in events:
        key = (event.who.host, event.who.boot)
        before = last.get(key)
        last[key] = event
        if before is None:
            continue
        jump = (event.at_ms - before.at_ms) - (event.monotonic_ms - before.monotonic_ms)
        if abs(jump) > _JUMP_MS:
            said = f"the clock of {event.who.host} jumped by {format_duration(jump)} before this"
            yield Gap("clock", said, event.ref, event.at_ms)
