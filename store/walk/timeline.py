"""Everything that happened, as frozen entries in the order of time.

Texts are as they were stored, from anywhere: whoever prints them makes them harmless first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from store.instants import format_duration, format_instant

_LATE_MS = 60_000


def _iso(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000, 'unixepoch')"


# table -> instant, who, what happened: one line of SQL per thing that can happen
_SIMPLE: dict[str, tuple[str, str, str]] = {
    "case_info": ("created_ms", "operator", "'began: ' || title"),
    "edition": ("adopted_ms", "''", "path || ' ' || substr(sha256, 1, 12) || ': ' || reason"),
    "scope": ("recorded_ms", "''", f"'from ' || {_iso('start_ms')} || ': ' || reason"),
    "window": ("recorded_ms", "operator", f"name || ' ' || {_iso('from_ms')} || '/' || {_iso('to_ms')}"),
    "retraction": ("at_ms", "operator", "'withdrew collection:' || collection || ': ' || reason"),
    "note": (
        "at_ms",
        "operator",
        "ifnull(step || ': ', '') || body || ifnull(' (amends note:' || amends || ')', '') || ifnull(' [' || cites || ']', '')",
    ),
    "acknowledgement": ("at_ms", "operator", "'saw ' || signal || iif(note = '', '', ': ' || note)"),
    "artifact": ("captured_ms", "''", "role || ' ' || name || ', ' || size || ' bytes'"),
}
_TRIPS = (
    "SELECT first_trip_ms, min(seq), evaluation, signal || ' tripped first: ' || reason FROM evaluation_result "
    "WHERE first_trip_ms IS NOT NULL GROUP BY signal, first_trip_ms"
)
_COLLECTIONS = """
SELECT k.id, k.stream, k.collector, k.name, k.collected_ms, k.seq, k.from_ms, k.to_ms, e.status, e.reason, e.ended_ms, e.lines_read, e.matched,
  (SELECT 'pending ' || s.pending || ', running ' || s.running || ', failed ' || s.failed
   FROM snapshot s WHERE s.collection = k.id ORDER BY s.id DESC LIMIT 1),
  (SELECT count(status) || ' of ' || count(*) || ' probes answered' FROM probe p WHERE p.collection = k.id HAVING count(*) > 0)
FROM collection k LEFT JOIN collection_end e ON e.collection = k.id
"""


class Entry(NamedTuple):
    """One thing that happened. `at_ms` is when, `seq` the transaction that says so."""

    at_ms: int
    seq: int
    kind: str
    who: str
    ref: str
    text: str


def timeline(db: sqlite3.Connection, *, since_ms: int | None = None, until_ms: int | None = None) -> tuple[Entry, ...]:
    """Everything that happened, oldest first; what was told late stands where it happened and says when it was told."""
    entries = [*_simple(db), *_trips(db), *_marks(db), *_steps(db), *_decisions(db), *_collections(db)]
    kept = (
        entry
        for entry in entries
        if (since_ms is None or entry.at_ms >= since_ms) and (until_ms is None or entry.at_ms < until_ms)
    )
    return tuple(sorted(kept, key=lambda entry: (entry.at_ms, entry.seq, _row(entry.ref))))


def _row(ref: str) -> int:
    return int(ref.rpartition(":")[2])


def _simple(db: sqlite3.Connection) -> Iterator[Entry]:
    for table, (at, who, text) in _SIMPLE.items():
        rows = db.execute(f'SELECT id, {at}, seq, {who}, {text} FROM "{table}"').fetchall()  # noqa: S608 the texts above
        for id, at_ms, seq, name, said in rows:
            yield Entry(at_ms, seq, table.removesuffix("_info"), name, f"{table}:{id}", said)


def _trips(db: sqlite3.Connection) -> Iterator[Entry]:
    for at, seq, evaluation, said in db.execute(_TRIPS).fetchall():
        yield Entry(at, seq, "trip", "", f"evaluation:{evaluation}", said)


def _marks(db: sqlite3.Connection) -> Iterator[Entry]:
    rows = db.execute("SELECT id, seq, name, at_ms, deployment, previous, recorded_ms, operator FROM mark")
    for id, seq, name, at, deployment, previous, recorded, operator in rows.fetchall():
        said = name + (f" {deployment}" if deployment else "") + (f", before it {previous}" if previous else "")
        yield Entry(at, seq, "mark", operator, f"mark:{id}", said + _told(at, recorded))


def _steps(db: sqlite3.Connection) -> Iterator[Entry]:
    rows = db.execute(
        "SELECT id, seq, step, attempt, kind, at_ms, claimed_ms, operator, reason, override FROM step_event"
    )
    for id, seq, step, attempt, kind, at, claimed, operator, reason, override in rows.fetchall():
        again = f" (attempt {attempt})" if attempt > 1 else ""
        said = f"{step} {kind}{again}" + (" OVERRIDE" if override else "") + (f": {reason}" if reason else "")
        happened = at if claimed is None else claimed
        yield Entry(happened, seq, "step", operator, f"step_event:{id}", said + _told(happened, at))


def _decisions(db: sqlite3.Connection) -> Iterator[Entry]:
    rows = db.execute(
        "SELECT d.id, d.seq, d.at_ms, d.operator, d.step, d.choice, d.reason, d.override, "
        "(SELECT group_concat(c.ref, ', ') FROM citation c WHERE c.decision = d.id) FROM decision d"
    )
    for id, seq, at, operator, step, choice, reason, override, refs in rows.fetchall():
        said = f"{step} chose {choice}: {reason} [{refs}]" + (f" OVERRIDE: {override}" if override else "")
        yield Entry(at, seq, "decision", operator, f"decision:{id}", said)


def _collections(db: sqlite3.Connection) -> Iterator[Entry]:
    for row in db.execute(_COLLECTIONS).fetchall():
        id, stream, collector, name, at, seq, start, end, status, reason, ended, lines, matched, depth, answered = row
        parts = [f"{stream} by {collector}" + (f" from {name}" if name else "")]
        if start is not None and end is not None and end > start:
            parts.append(f"{format_instant(start)}/{format_instant(end)}")
        parts.append((status or "no end: running, or lost") + (f": {reason}" if reason else ""))
        if matched:
            parts.append(f"{matched} matched of {lines}" if lines else f"{matched} matched")
        parts += [text for text in (depth, answered) if text]
        yield Entry(ended if ended is not None else at, seq, "collection", "", f"collection:{id}", ", ".join(parts))


def _told(happened_ms: int, recorded_ms: int) -> str:
    late = recorded_ms - happened_ms
    return f" (recorded {format_duration(late)} later)" if late > _LATE_MS else ""
