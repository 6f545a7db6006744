"""Plain text logs: lines that carry an instant, Lambda texts, bare error messages, the pretty print of the command
line.

Text shows little: no sure route, no sure status, often no instant. What a line does say is taken; nothing is guessed
about a local clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.logs.banners import is_tool_line
from collectors.logs.identity import digest
from collectors.logs.record import Banner, Form, Item, LogRecord
from collectors.logs.route import normalise_route
from collectors.logs.values import embedded_ms, instant_of, request_of, status_of, strip_ansi

_INSTANT = r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?(?!\d))"
_STARTS = re.compile(r"\W{0,3}(?:[\w.\[\]()-]+ *\| *)?" + _INSTANT)
_ANYWHERE = re.compile(_INSTANT)
_LAMBDA = re.compile(r"(?:START|END|REPORT) RequestId: |INIT_START |EXTENSION\t|XRAY TraceId: ")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_PLATFORM_ID = re.compile(r"\b(?:[a-z]{3}\d::)*([a-z0-9]{5}-1\d{12}-[0-9a-f]{12})\b")
_REQUEST = re.compile(r"\brequest_?id[=:]\s*\"?([\w:.-]{6,})", re.IGNORECASE)
_METHOD_PATH = re.compile(
    r"\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b[\]\"]?\s+\"?((?:https?://[^\s\"]+)|/[^\s\"]*)"
)
_PATH = re.compile(r"\b(?:path|requestPath|route)[=:]\s*\"?(/[^\s\",]*)")
_STATUS = re.compile(
    r"\b(?:status(?:_?code)?|code)[=:]\s*\"?(\d{3})\b|\bError \((\d{3})\b|^(\d{3}): [A-Z_]{4,}|HTTP/[\d.]+\" (\d{3})\b"
)
_PAGE_TAIL = re.compile(r"(?:Code|ID): ")
_PRETTY = re.compile(
    r"(?:[A-Z][a-z]{2} \d\d )?\d\d:\d\d:\d\d\.\d\d\s+\S+\s+([A-Z]+)\s+(---|\d{3})\s+(\S+)\s+(?:\S\s+)?(/\S*)\s*$"
)
_TABLE = re.compile(
    r"(?:[A-Z][a-z]{2} \d\d )?\d\d:\d\d:\d\d\.\d\d\s+\S*\s+(?:info|warning|error|fatal)\s+"
    r"(?:\S )?([A-Z]+) (/\S*)\s+(?:(---|\d{3})\s+(.*))?$"
)
_RULE = re.compile(r"-{8,}|TIME\s+HOST\s+LEVEL\b.*")

_LONGEST_MESSAGE = 1024 * 1024

Line = tuple[int, bytes]


def text_items(lines: Iterator[Line], *, timed: bool) -> Iterator[Item]:
    """Every record of a text log. With `timed`, lines without an instant continue the record before them."""
    held: list[Line] = []
    size = 0
    pretty = False
    for number, line in lines:
        words = strip_ansi(line.decode("utf-8", "replace")).strip("\0")
        head = _PRETTY.match(words) or _TABLE.match(words)
        if held and not head and size < _LONGEST_MESSAGE and (_belongs(words) if pretty else _joins(words, timed)):
            held.append((number, line))
            size += len(line)
            continue
        if head is None and _is_around(words):
            yield Banner(number, line)
            continue
        if held:
            yield _record(held)
        held, size, pretty = [(number, line)], len(line), head is not None
    if held:
        yield _record(held)


def has_instant(line: bytes) -> bool:
    """Whether a line begins with an instant that has an offset."""
    return _STARTS.match(strip_ansi(line[:200].decode("utf-8", "replace"))) is not None


def looks_like_log(line: bytes) -> bool:
    """Whether a line says anything that only a log would say: an instant, a platform's request id, a Lambda text, a
    pretty print.
    """
    words = strip_ansi(line[:2000].decode("utf-8", "replace"))
    return any(test.search(words) for test in (_ANYWHERE, _PLATFORM_ID, _LAMBDA, _PRETTY, _TABLE))


def _joins(words: str, timed: bool) -> bool:
    if _LAMBDA.match(words):
        return False
    return not _STARTS.match(words) and not _is_around(words) if timed else _PAGE_TAIL.match(words) is not None


def _belongs(words: str) -> bool:
    """Whether a line under the head of a pretty-printed record is part of its message."""
    text = words.strip()
    return not _RULE.fullmatch(text) and not is_tool_line(text)


def _is_around(words: str) -> bool:
    text = words.strip()
    return not text or _RULE.fullmatch(text) is not None or _LAMBDA.match(words) is not None or is_tool_line(text)


def _record(held: list[Line]) -> LogRecord:
    raw = b"\n".join(text for _, text in held)
    text = strip_ansi(raw.decode("utf-8", "replace"))
    if pretty := _PRETTY.match(text.partition("\n")[0]):
        route, status, message = pretty[4], pretty[2], text.partition("\n")[2].strip("-\n ")
        return _pretty(held[0][0], raw, route, status, message)
    if row := _TABLE.match(text.partition("\n")[0]):
        return _pretty(
            held[0][0], raw, row[2], row[3] or "", "\n".join(p for p in (row[4] or "", text.partition("\n")[2]) if p)
        )
    platform, uuid, named = _PLATFORM_ID.search(text), _UUID.search(text), _REQUEST.search(text)
    request = request_of(platform[1] if platform else named[1] if named else uuid[0] if uuid else None)
    stamp = _STARTS.match(text) or _ANYWHERE.search(text[:400])
    at_ms = _instant(stamp) if stamp else embedded_ms(request) if platform else None
    path, status_text = _METHOD_PATH.search(text) or _PATH.search(text), _STATUS.search(text)
    status = status_of(next((part for part in status_text.groups() if part), None)) if status_text else None
    return LogRecord(
        held[0][0],
        Form.TEXT,
        raw,
        at_ms,
        at_ms,
        None,
        normalise_route(path[1]) if path else None,
        status,
        request,
        (text,),
        digest("t", at_ms, text.strip()),
        ordinal=True,
        fields={},
    )


def _pretty(line: int, raw: bytes, route: str, status: str, message: str) -> LogRecord:
    # The clock of the pretty print is the local one of whoever ran it, without a date: no instant can be had from it.
    identity = digest("e", raw.decode("utf-8", "replace").strip())
    messages = (message,) if message and message != "(no message)" else ()
    return LogRecord(
        line,
        Form.PRETTY,
        raw,
        None,
        None,
        None,
        normalise_route(route),
        status_of(status),
        None,
        messages,
        identity,
        ordinal=True,
        cut=message.endswith("…"),
    )


def _instant(match: re.Match[str]) -> int | None:
    offset = "Z" if match[2] in ("UTC", "GMT", "Z") else match[2] if len(match[2]) > 3 else match[2] + ":00"
    return instant_of(match[1].replace(",", ".") + offset)
