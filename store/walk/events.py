"""The step events of a case as typed rows, with who did each of them.

Reading only. Every state of a step is derived from these rows; none is stored anywhere.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from store.walk.session import Who

Query = Callable[[str, Sequence[object]], list[Any]]


class Event(NamedTuple):
    """One transition of a step. `detail` is what was run, shown, answered or chosen."""

    id: int
    seq: int
    session: int
    edition: int
    step: str
    attempt: int
    kind: str
    at_ms: int
    monotonic_ms: int
    claimed_ms: int | None
    operator: str
    step_sha256: str
    reason: str
    detail: dict[str, Any]
    override: bool
    who: Who

    @property
    def ref(self) -> str:
        """How the timeline names it."""
        return f"step_event:{self.id}"


_EVENTS = (
    "SELECT e.id, e.seq, e.session, e.edition, e.step, e.attempt, e.kind, e.at_ms, e.monotonic_ms, e.claimed_ms, e.operator, "
    "e.step_sha256, e.reason, e.detail, e.override, "
    "s.operator, s.os_user, s.host, s.terminal, s.pid, s.process_start, s.boot "
    "FROM step_event e JOIN session s ON s.id = e.session ORDER BY e.id"
)


def reading(db: sqlite3.Connection) -> Query:
    """Ask a connection the way a transaction is asked."""
    return lambda sql, parameters: db.execute(sql, parameters).fetchall()


def read_events(query: Query) -> tuple[Event, ...]:
    """Every step event, in the order in which they were stored."""
    return tuple(
        Event._make((*row[:13], json.loads(row[13]), bool(row[14]), Who(*row[15:]))) for row in query(_EVENTS, ())
    )
