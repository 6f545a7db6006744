"""Single values of log records, normalised: statuses, request ids, instants, durations, texts.

Every platform has its own way to write "none"; here they all become None. Never guesses a time zone.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation

from store.errors import BadInput
from store.instants import parse_instant

LAST_MS = 253_402_300_799_999
"""The end of the year 9999: the last instant that can be written as ISO 8601."""
FIRST_MS = 100_000_000_000
"""Below it (1973) a number does not count milliseconds but seconds: no log is that old."""
LONGEST_REQUEST_MS = 24 * 3_600_000
_LARGEST_READING = 2**63 // 1_000_000

ABSENT = frozenset({"", "-", "---", "-1", "null", "undefined"})
"""How platforms write that there is no request id."""
_EMBEDDED_MS = re.compile(r"(?:^|[-_])(1\d{12})(?:[-_]|$)")
_SUFFIX = re.compile(r"(.*-1\d{12}-[0-9a-f]{6,})_\d+")
_EXPORT_UTC = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?")
_ANSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\^-~]")
_TIMEOUT = re.compile(r"Task timed out after\s+(\d+)(?:\.\d+)?\s*s")


def status_of(value: object) -> int | None:
    """An HTTP status, or None for every spelling of "no status"."""
    if type(value) is int:
        return value if 0 < value < 1000 else None
    if isinstance(value, str):
        text = value.strip()
        if not text.isascii() or not text.replace(".", "", 1).isdigit():
            return None
        value = float(text)
    if isinstance(value, float) and value.is_integer() and 0 < value < 1000:
        return int(value)
    return None


def request_of(value: object) -> str | None:
    """A request id without its region prefixes, or None."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    text = value.rpartition("::")[2]
    return None if text in ABSENT else text


def base_request(request: str | None) -> str | None:
    """The request of a line that the expanding query form numbered: `abcde-1771…-0123456789ab_2` is line 3 of that
    request.
    """
    match = _SUFFIX.fullmatch(request) if request else None
    return match[1] if match else request


def embedded_ms(request: str | None) -> int | None:
    """The start instant that the platform writes into its request ids."""
    match = _EMBEDDED_MS.search(request) if request else None
    return int(match[1]) if match else None


def instant_of(value: object) -> int | None:
    """Epoch milliseconds from a number of milliseconds, or of seconds, or one written as text, or an ISO instant with an
    offset; None for anything else.
    """
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) <= 15:
            return _scaled(int(text))
        try:
            return _within(parse_instant(text))
        except BadInput:
            return _within_float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _scaled(value)


def _within_float(text: str) -> int | None:
    return _scaled(float(text)) if re.fullmatch(r"\d{1,15}\.\d{1,6}", text) else None


def _within(ms: int) -> int | None:
    return ms if 0 < ms <= LAST_MS else None


def _scaled(number: float) -> int | None:
    return _within(int(number if number >= FIRST_MS else number * 1000)) if abs(number) < 2 * LAST_MS else None


def export_instant(stamp: object, utc: object) -> int | None:
    """The instant of an export row: its milliseconds, else its `TimeUTC` (the same instant in whole seconds, UTC
    without a mark).

    A spreadsheet that saved the milliseconds as 1.77E+12 destroyed them; then the seconds are the truth that is left.
    """
    if isinstance(stamp, str) and "e" in stamp.casefold():
        stamp = None
    exact = instant_of(stamp)
    if exact is not None or not isinstance(utc, str) or not _EXPORT_UTC.fullmatch(utc.strip()):
        return exact
    return instant_of(utc.strip() + "Z")


def duration_of(value: object) -> int:
    """A duration in milliseconds; absent, negative and absurd ones are zero."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 < value <= LONGEST_REQUEST_MS else 0


def text_of(value: object) -> str:
    """A message as text without terminal colours; an object becomes its JSON."""
    if isinstance(value, str):
        return strip_ansi(value)
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def reading_of(value: object) -> tuple[str, int] | None:
    """A gauge's reading as decimal text and in millionths, or None when it is no number."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if isinstance(value, bool) or not number.is_finite() or abs(number) >= _LARGEST_READING:
        return None
    return str(value).strip(), int((number * 1_000_000).to_integral_value())


def strip_ansi(text: str) -> str:
    """Remove terminal control sequences, which platforms pass through in the middle of a text."""
    if "\x1b" in text or "\x9b" in text:
        return _ANSI.sub("", text)
    return text


def timeout_seconds(text: str) -> list[int]:
    """Whole seconds of every time-out that the text tells: 60, 60.00 and 60.06 are 60; 600 is 600."""
    if "Task timed out after" not in text:
        return []
    return [int(seconds[:9]) for seconds in _TIMEOUT.findall(text)]
