"""Time arguments as people give them: an instant with an offset, a duration ago, or a mark with or without an offset to it."""

from __future__ import annotations

import re
import sqlite3

from store.errors import BadInput
from store.instants import parse_duration, parse_instant, within_reach

_AGO = re.compile(r"\d+(ms|s|m|h|d)")
_MARK = re.compile(r"@(?P<name>.+?)(?P<shift>[+-]\d+(?:ms|s|m|h|d))?")


def resolve_moment(text: str, *, now_ms: int, db: sqlite3.Connection | None) -> int:
    """Turn `2026-02-18T03:30:00Z`, `30m` (ago), `@deploy` or `@deploy-30m` into epoch milliseconds.

    Raises:
        BadInput: none of these, or no mark of that name.
    """
    stripped = text.strip()
    if _AGO.fullmatch(stripped):
        return within_reach(now_ms - parse_duration(stripped), text)
    mark = _MARK.fullmatch(stripped)
    if mark:
        shift = mark["shift"] or "+0s"
        return within_reach(_mark(mark["name"], db) + (1 if shift[0] == "+" else -1) * parse_duration(shift[1:]), text)
    try:
        return parse_instant(stripped)
    except BadInput as error:
        raise BadInput(error.message, f"{error.hint}, 30m for half an hour ago, or @deploy for a mark") from error


def resolve_span(text: str, *, now_ms: int, db: sqlite3.Connection | None) -> tuple[int, int]:
    """Turn `FROM/TO`, or the name of a recorded window, into its two ends.

    Raises:
        BadInput: not a span, or one that ends before it begins.
    """
    start_text, slash, end_text = text.partition("/")
    if not slash:
        return named_window(text, db)
    start, end = (resolve_moment(part, now_ms=now_ms, db=db) for part in (start_text, end_text))
    if start >= end:
        raise BadInput(f"{text!r} ends before it begins", "write it FROM/TO, earlier end first")
    return start, end


def named_window(name: str, db: sqlite3.Connection | None) -> tuple[int, int]:
    """The newest recorded window of a name.

    Raises:
        BadInput: there is none.
    """
    row = (
        db.execute('SELECT from_ms, to_ms FROM "window" WHERE name = ? ORDER BY id DESC LIMIT 1', (name,)).fetchone()
        if db
        else None
    )
    if row is None:
        raise BadInput(f"there is no window {name!r}", f"record it with: closeout window CASE {name} FROM/TO")
    return int(row[0]), int(row[1])


def _mark(name: str, db: sqlite3.Connection | None) -> int:
    row = (
        db.execute("SELECT at_ms FROM mark WHERE name = ? ORDER BY id DESC LIMIT 1", (name,)).fetchone() if db else None
    )
    if row is None:
        raise BadInput(f"there is no mark {name!r}", f"record it with: closeout mark CASE {name} --at T")
    return int(row[0])
