"""What the next case takes over from the one before it: its identity, and what was left open, each with where it comes from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from store import raw
from store.case import Case
from store.errors import Refused
from store.journal import CarriedItem
from store.judge import SignalState, frontier_question, judge
from store.seal.delivery import check_copy
from store.telling import headline, tell_value
from store.verdict import WatchItem, judge_verdict, verdict_question

_UNKNOWN = ("no_data", "stale", "partial")
_KINDS = {"tripped": "tripped", "watch": "watch"} | dict.fromkeys(_UNKNOWN, "unknown")


class Predecessor(NamedTuple):
    """The case before: file name, SHA-256 of its bytes, `SEQ HEAD`, and what it leaves open."""

    name: str
    sha256: str
    head: str
    items: tuple[CarriedItem, ...]


class OpenItem(NamedTuple):
    """A carried item that nobody has settled yet."""

    ref: str
    kind: str
    signal: str | None
    text: str
    origin: str


def read_predecessor(path: Path, *, drill: bool) -> Predecessor:
    """Check a case and read what it leaves open.

    Raises:
        EvidenceBroken: it does not verify; nothing is built on that.
        Refused: a rehearsal cannot be continued by a real case, nor a real one by a rehearsal.
    """
    with Case.open(path) as case:
        db = case.read()
        (rehearsal,) = db.execute("SELECT drill FROM case_info ORDER BY id LIMIT 1").fetchone()
        if bool(rehearsal) != drill:
            said = "a drill: a real case cannot continue it" if rehearsal else "a real case: a drill cannot continue it"
            raise Refused(f"{path} is {said}")
        check_copy(path)
        entry = case.head()
        origin = f"{path.name} {entry.seq}:{entry.head}"
        items = (*_open_here(db, origin), *_still_carried(db))
    return Predecessor(path.name, raw.file_sha256(path), f"{entry.seq} {entry.head}", items)


def open_items(db: sqlite3.Connection) -> tuple[OpenItem, ...]:
    """Carried items without a note that cites them; such a note settles one."""
    rows = db.execute(
        "SELECT id, kind, signal, text, origin FROM carried_item c WHERE NOT EXISTS "
        "(SELECT 1 FROM note n WHERE ' ' || n.cites || ' ' LIKE '% carried_item:' || c.id || ' %') ORDER BY id"
    ).fetchall()
    return tuple(OpenItem(f"carried_item:{row[0]}", *row[1:]) for row in rows)


def _open_here(db: sqlite3.Connection, origin: str) -> Iterator[CarriedItem]:
    told: set[tuple[str | None, str]] = set()
    for item in _verdict_items(db):
        told.add((item.signal, item.detail))
        yield CarriedItem("watch", item.signal, item.text, f"{origin} verdict, {item.kind}")
    # The verdict ends with its window; what was found out after that is carried too, unless it says the same.
    judgement = judge(db, frontier_question(db))
    for signal in judgement.signals:
        kind = _KINDS.get(signal.state)
        if kind is not None and (kind == "tripped" or (signal.id, signal.reason) not in told):
            yield CarriedItem(kind, signal.id, _found(signal), f"{origin} signal {signal.id}")
    for id, text in db.execute("SELECT id, text FROM gap WHERE kind = 'open_step' ORDER BY id").fetchall():
        yield CarriedItem("open_step", None, text, f"{origin} gap:{id}")


def _found(signal: SignalState) -> str:
    """A signal in one line, with the number or the routes that made it so."""
    condition = headline(signal)
    value = f": {tell_value(condition)}" if condition is not None and signal.state in ("tripped", "watch") else ""
    return f"{signal.id} was {signal.state} ({signal.reason}){value}"


def _verdict_items(db: sqlite3.Connection) -> tuple[WatchItem, ...]:
    """What the verdict over the recorded windows leaves open; nothing where the windows were never named."""
    windows = [
        db.execute('SELECT from_ms, to_ms FROM "window" WHERE name = ? ORDER BY id DESC LIMIT 1', (name,)).fetchone()
        for name in ("baseline", "postfix")
    ]
    if None in windows:
        return ()
    return judge_verdict(db, verdict_question(db, windows[0], windows[1])).watch_items


def _still_carried(db: sqlite3.Connection) -> Iterator[CarriedItem]:
    for item in open_items(db):
        yield CarriedItem(item.kind, item.signal, item.text, item.origin)
