"""Time in one place: integer epoch milliseconds UTC inside, ISO 8601 with `Z` outside.

Instants without an offset are refused: a guess about a time zone would move evidence across a window's edge.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from store.errors import BadInput

MINUTE_MS = 60_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# Four digits of a year in UTC: what can be written can be read again, with room on both sides to look back and ahead.
_EARLIEST_MS = (datetime(1001, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LATEST_MS = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_UNITS_MS = {"ms": 1, "s": 1000, "m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": 24 * 60 * MINUTE_MS}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
# Python 3.11 reads week dates and bare dates too; only full instants are instants here.
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?\s*(Z|z|[+-]\d\d:?\d\d)")


def parse_instant(text: str) -> int:
    """Read an ISO 8601 instant with an offset as epoch milliseconds (fractions beyond a millisecond are cut).

    Raises:
        BadInput: no offset, or not an instant.
    """
    stripped = text.strip()
    if not _ISO.fullmatch(stripped):
        looks_local = re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*", stripped)
        if looks_local:
            raise BadInput(f"{text!r} has no offset", "write it with Z or +00:00, such as 2026-02-18T03:30:00Z")
        raise BadInput(f"{text!r} is not an instant", "write it like 2026-02-18T03:30:00.000Z")
    try:
        moment = datetime.fromisoformat(stripped.replace(",", ".").replace(" ", "T", 1).replace("z", "Z"))
    except ValueError as error:
        raise BadInput(f"{text!r} is not an instant: {error}", "write it like 2026-02-18T03:30:00.000Z") from error
    return within_reach((moment - _EPOCH) // _MILLISECOND, text)


def within_reach(ms: int, text: str) -> int:
    """The instant itself, if its year can be written with four digits.

    Raises:
        BadInput: it is too far from now to be a time of evidence.
    """
    if not _EARLIEST_MS <= ms < _LATEST_MS:
        raise BadInput(
            f"{text!r} is no time of evidence: its year is out of reach", "years 1001 to 9998 can be written"
        )
    return ms


def format_instant(ms: int) -> str:
    """Write epoch milliseconds as `2026-02-18T03:30:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def format_optional(ms: int | None) -> str | None:
    """Write an instant, or nothing where there is none."""
    return None if ms is None else format_instant(ms)


def parse_duration(text: str) -> int:
    """Read a duration such as `30m`, `90s`, `1500ms`, `2h` as milliseconds.

    Raises:
        BadInput: another form, or a duration of zero length written without a unit.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise BadInput(f"{text!r} is not a duration", 'write it like "30m", "90s" or "1500ms"')
    return int(match[1]) * _UNITS_MS[match[2]]


def format_duration(ms: int) -> str:
    """Write milliseconds as people say them: `4s`, `10m`, `1h05m`, `2d03h`."""
    if abs(ms) < 1000:
        return f"{ms}ms"
    seconds = abs(ms) // 1000
    sign = "-" if ms < 0 else ""
    if seconds < 60:
        return f"{sign}{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{sign}{minutes}m{seconds:02d}s" if seconds else f"{sign}{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{sign}{hours}h{minutes:02d}m"
    days, hours = divmod(hours, 24)
    return f"{sign}{days}d{hours:02d}h"
