"""The form of evidence records (DESIGN section 5): one JSON object per line, `record` says which.

Each kind has a closed set of keys; a key that is not known is a fault, because dropping it in silence would lose what someone measured.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from store.errors import BadInput
from store.instants import MINUTE_MS, parse_instant

_REQUIRED = {
    "collection": ("id", "stream", "from", "to", "collected", "status"),
    "log_match": ("collection", "key", "at", "signature"),
    "traffic": ("collection", "minute", "route", "requests"),
    "snapshot": ("collection", "at", "pending", "running", "failed"),
    "run_count": ("collection", "minute", "total", "failures"),
    "gauge": ("collection", "at", "series", "value"),
    "probe": ("collection", "at", "route", "status"),
    "retraction": ("reason",),
}
_OPTIONAL = {
    "collection": ("skew_ms", "signatures", "reason", "coverage", "looked_for", "form", "source"),
    "log_match": ("group", "started", "route", "status", "request", "certain", "line", "raw"),
    "traffic": (),
    "snapshot": ("succeeded", "pending_due", "oldest_due_ms"),
    "run_count": ("of", "running"),
    "gauge": (),
    "probe": ("outcome", "method", "url", "reason", "request", "secret_sent", "attempt", "total_us"),
    "retraction": ("collection", "ref"),
}
_INSTANTS = {"from", "to", "collected", "at", "minute", "started"}
_NULLABLE = {
    "from",
    "to",
    "group",
    "started",
    "route",
    "request",
    "line",
    "succeeded",
    "pending_due",
    "oldest_due_ms",
    "running",
    "total_us",
}
_COUNTS = {
    "requests",
    "pending",
    "running",
    "failed",
    "total",
    "failures",
    "succeeded",
    "pending_due",
    "oldest_due_ms",
    "line",
    "attempt",
    "total_us",
}
_FLAGS = {"certain", "secret_sent"}
_LISTS = {"signatures", "coverage", "looked_for"}
_STATUSES = ("ok", "failed", "truncated", "open")


@dataclass(frozen=True, slots=True)
class Record:
    """One line that was read: its kind, its 1-based line, its values with instants as epoch milliseconds."""

    kind: str
    line: int
    values: dict[str, Any]


class RecordFault(Exception):
    """Why a line is no evidence record."""


def read_record(text: str, line: int) -> Record:
    """Read one line.

    Raises:
        RecordFault: what is wrong with it, in words.
    """
    try:
        raw = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise RecordFault(f"not JSON ({getattr(error, 'msg', 'nested too deeply')})") from error
    if not isinstance(raw, dict):
        raise RecordFault("not a JSON object")
    if "\\ud" in text.casefold() and _halved(raw):
        raise RecordFault("a text with half of a surrogate pair, which no file can hold")
    kind = raw.pop("record", None)
    if not isinstance(kind, str) or kind not in _REQUIRED:
        raise RecordFault(f"record is {kind!r}, not one of {', '.join(_REQUIRED)}{_nearest(kind, _REQUIRED)}")
    known = (*_REQUIRED[kind], *_OPTIONAL[kind])
    for key in raw:
        if key not in known:
            raise RecordFault(f"{kind} has no {key!r}{_nearest(key, known)}")
    for key in _REQUIRED[kind]:
        if key not in raw:
            raise RecordFault(f"{kind} lacks {key!r}")
    return Record(kind, line, {key: _value(kind, key, value) for key, value in raw.items()})


def micro(value: Any) -> int:
    """A gauge's value in millionths, rounded half to even.

    Raises:
        RecordFault: not a finite number, or too large for the case.
    """
    try:
        number = Decimal(value) if not isinstance(value, bool) else Decimal("NaN")
        scaled = int((number * 1_000_000).to_integral_value())
    except (InvalidOperation, ValueError, TypeError, OverflowError) as error:
        raise RecordFault(f"value {value!r} is not a number") from error
    if abs(scaled) >= 1 << 63:
        raise RecordFault(f"value {value!r} is too large")
    return scaled


def _value(kind: str, key: str, value: Any) -> Any:
    if value is None:
        if key in _NULLABLE:
            return None
        raise RecordFault(f"{key} is null")
    if key in _INSTANTS:
        return _instant(key, value)
    if key == "status":
        return _status(kind, value)
    if key in _COUNTS or key in _FLAGS or key == "skew_ms":
        return _integer(key, value)
    if key == "value":
        micro(value)
        return str(value)
    if key in _LISTS:
        return _list(key, value)
    if key == "of" and value not in ("attempts", "runs"):
        raise RecordFault(f"of is {value!r}, not attempts or runs")
    if not isinstance(value, str):
        raise RecordFault(f"{key} is not text")
    if not value.strip() and (key in ("id", "key") or (key == "reason" and kind == "retraction")):
        raise RecordFault(f"{key} is empty")
    return value


def _list(key: str, value: Any) -> Any:
    if not isinstance(value, list):
        raise RecordFault(f"{key} is not a list")
    if key == "coverage":
        return [_span(span) for span in value]
    if key == "looked_for":
        return [_searched(entry) for entry in value]
    if not all(isinstance(entry, str) for entry in value):
        raise RecordFault(f"{key} is not a list of texts")
    return value


def _span(span: Any) -> tuple[int, int, int]:
    if not isinstance(span, list) or len(span) != 3:
        raise RecordFault("coverage is not a list of [from, to, collected]")
    start, end, collected = (_instant("coverage", instant) for instant in span)
    if start > end:
        raise RecordFault("coverage ends before it begins")
    return start, end, collected


def _searched(entry: Any) -> dict[str, Any]:
    wanted = {"signature": str, "sha256": str, "can_prove": int, "why": str, "delay_ms": int}
    if (
        not isinstance(entry, dict)
        or set(entry) != set(wanted)
        or any(not isinstance(entry[k], t) for k, t in wanted.items())
    ):
        raise RecordFault(f"looked_for is not a list of objects with {', '.join(wanted)}")
    if entry["can_prove"] not in (0, 1) or entry["delay_ms"] < 0:
        raise RecordFault("looked_for: can_prove is 0 or 1, delay_ms is not negative")
    return entry


def _instant(key: str, value: Any) -> int:
    if not isinstance(value, str):
        raise RecordFault(f"{key} is not an ISO 8601 instant with an offset")
    try:
        instant = parse_instant(value)
    except (BadInput, OverflowError) as error:
        raise RecordFault(f"{key}: {error}") from error
    if key == "minute" and instant % MINUTE_MS:
        raise RecordFault(f"minute {value} is not the start of a minute")
    return instant


def _status(kind: str, value: Any) -> Any:
    if kind == "collection":
        if value not in _STATUSES:
            raise RecordFault(f"status is {value!r}, not ok, failed or truncated")
        return value
    if value is None and kind == "log_match":
        return None
    number = _integer("status", value)
    if not (number == 0 or 100 <= number <= 999):
        raise RecordFault(f"status {number} is no HTTP status (0 means no answer)")
    return number


def _integer(key: str, value: Any) -> int:
    if isinstance(value, bool) and key in _FLAGS:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 62:
        raise RecordFault(f"{key} is not a whole number")
    if value < 0 and key != "skew_ms":
        raise RecordFault(f"{key} is negative")
    return value


def _halved(raw: dict[str, Any]) -> bool:
    try:
        json.dumps(raw, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RecordFault(f"{key!r} is given twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> Any:
    raise RecordFault(f"{name} is not a number")


def _nearest(word: object, known: Any) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
