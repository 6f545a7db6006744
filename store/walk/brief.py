"""One screen for whoever comes next: what happened, what was decided, what is not known, what next.

Frozen lines, most important first, cut to a screen with the number of those left out. Texts are as stored: whoever prints them makes them
harmless first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from store.instants import format_duration, format_instant
from store.judge import Judgement
from store.seal.carry import open_items
from store.telling import headline, tell_head, tell_value, tell_watched
from store.walk.gaps import UNKNOWN, Gap
from store.walk.states import State, WalkState

_ALARMING = ("tripped", "watch")
_ROOM = {"happened": 6, "decided": 3, "not known": 5, "next": 4}


class Section(NamedTuple):
    """One part of the brief. `left_out`: lines for which there was no room."""

    title: str
    lines: tuple[str, ...]
    left_out: int


class Brief(NamedTuple):
    """The whole brief."""

    head: str
    sections: tuple[Section, ...]


def brief(
    db: sqlite3.Connection, walk: WalkState, judgement: Judgement, gaps: Sequence[Gap], *, whole: bool = False
) -> Brief:
    """Put the brief together; `whole` leaves nothing out."""
    parts = {
        "happened": [*_signals(judgement), *_marks(db), *_notes(db)],
        "decided": list(_decisions(db)),
        "not known": [*_unknown(judgement), *_carried(db), *(_gap(gap) for gap in gaps if gap.kind != "signal")],
        "next": list(_next(walk, judgement)),
    }
    empty = {
        "happened": "nothing tripped, nothing was noted",
        "decided": "nothing yet",
        "not known": "nothing that the case could tell",
        "next": "nothing is left",
    }
    sections = tuple(_cut(title, lines or [empty[title]], whole) for title, lines in parts.items())
    return Brief(f"{tell_head(judgement)} · {walk.settled} of {walk.total} steps settled", sections)


def _cut(title: str, lines: Sequence[str], whole: bool) -> Section:
    room = len(lines) if whole else _ROOM[title]
    return Section(title, tuple(lines[:room]), max(0, len(lines) - room))


def _signals(judgement: Judgement) -> Iterator[str]:
    """Alarms first, with their numbers; what is quiet in one line."""
    quiet = [signal.id for signal in judgement.signals if signal.state == "ok"]
    for signal in judgement.signals:
        condition = headline(signal)
        if signal.state not in _ALARMING or condition is None:
            continue
        since = "" if signal.first_trip_ms is None else f" since {_clock(signal.first_trip_ms)}"
        now = "" if signal.state == signal.now_state else f", now {signal.now_state}"
        yield f"{signal.id} {signal.state.upper()}{since}: {tell_value(condition)}, watched {tell_watched(condition)}{now}"
    if quiet:
        yield f"ok: {', '.join(quiet)}"


def _carried(db: sqlite3.Connection) -> Iterator[str]:
    """What the case before left open and nobody settled."""
    for item in open_items(db):
        yield f"left open by {item.origin.split(' ', 1)[0]}: {item.text} ({item.ref})"


def _unknown(judgement: Judgement) -> Iterator[str]:
    """Signals without an answer, those with the same reason in one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for signal in judgement.signals:
        if signal.now_state in UNKNOWN:
            found.setdefault((signal.now_state, signal.now_reason), []).append(signal.id)
    for (state, reason), names in found.items():
        yield f"{state} ({reason}): {', '.join(names)}"


def _gap(gap: Gap) -> str:
    return gap.what + (f" [{gap.ref}]" if gap.ref else "")


def _clock(at_ms: int) -> str:
    """A moment in as few characters as a brief has room for: day and time, UTC."""
    return format_instant(at_ms)[5:19].replace("T", " ") + "Z"


def _marks(db: sqlite3.Connection) -> Iterator[str]:
    rows = db.execute(
        "SELECT name, at_ms, deployment FROM mark WHERE id IN (SELECT max(id) FROM mark GROUP BY name) ORDER BY at_ms"
    )
    for name, at, deployment in rows.fetchall():
        yield f"{name} {_clock(at)}" + (f" {deployment}" if deployment else "")


def _notes(db: sqlite3.Connection) -> Iterator[str]:
    rows = db.execute(
        "SELECT at_ms, operator, step, body FROM note WHERE id NOT IN (SELECT amends FROM note WHERE amends IS NOT NULL) ORDER BY id DESC"
    )
    for at, operator, step, body in rows.fetchall():
        yield f"{_clock(at)} {operator}{f' at {step}' if step else ''}: {body}"


def _decisions(db: sqlite3.Connection) -> Iterator[str]:
    """The newest first, each with its evidence and how old that was."""
    rows = db.execute(
        "SELECT id, at_ms, operator, step, choice, reason, override FROM decision ORDER BY id DESC"
    ).fetchall()
    for id, at, operator, step, choice, reason, override in rows:
        cited = db.execute("SELECT ref, age_ms FROM citation WHERE decision = ? ORDER BY id", (id,)).fetchall()
        shown = ", ".join(ref if age is None else f"{ref} {format_duration(age)} old" for ref, age in cited)
        yield f"{_clock(at)} {operator} at {step}: {choice}, {reason} [{shown}]" + (
            f" OVERRIDE: {override}" if override else ""
        )


def _next(walk: WalkState, judgement: Judgement) -> Iterator[str]:
    here = walk.here
    if here is not None:
        yield f"step {here.position} of {walk.total}, {here.id}: {here.title} ({here.state}{f', {here.why}' if here.why else ''})"
    for step in walk.steps:
        if step.background:
            yield f"running by itself: {step.id}, for {format_duration(step.elapsed_ms or 0)}"
        elif step.state == State.HELD and step.awaits and step is not here:
            yield f"{step.id} waits for {step.awaits}"
    for signal in judgement.signals:
        if signal.state == "tripped":
            contact = f" ({signal.contact})" if signal.contact else ""
            yield f"{signal.id}: wake {', '.join(signal.owner)}{contact}; {signal.rollback_do}"
    left = [step.id for step in walk.open_mandatory]
    if left:
        yield f"open: {', '.join(left)}"
