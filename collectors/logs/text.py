"""Plain text logs: lines that carry an instant, Lambda texts, bare error messages, the pretty print of the command
line.

Text shows little: no sure route, no sure status, often no instant. What a line does say is taken; nothing is guessed
about a local clock. A line that only looks like the beginning of a record is one, without an instant: taken for part of
the record above it, it would be lost to every count without a word.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from collectors.logs.banners import is_tool_line
from collectors.logs.identity import digest
from collectors.logs.objects import Line, nesting, whole_objects
from collectors.logs.record import Banner, Form, Item, LogRecord, Unread
from collectors.logs.route import normalise_route
from collectors.logs.shapes import UNKNOWN_FORM, json_items
from collectors.logs.values import embedded_ms, instant_of, request_of, status_of, strip_ansi

_INSTANT = r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?(?!\d))"
_LABEL = r"(?:[\w.\[\]()-]++ *+\| *+)?"
"""The name that is put before every line where several programs print into one log."""
_STARTS = re.compile(r"\W{0,3}" + _LABEL + _INSTANT)
_ANYWHERE = re.compile(_INSTANT)
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = re.compile(
    r"(?<![\w.-])(?:\d{4}[-/.]\d\d?[-/.]\d\d?(?!\d)|\d\d?[-/.]\d\d?[-/.]\d{4}(?!\d)|\d\d?:\d\d:\d\d|\d{8}T\d{6}"
    rf"|\d\d?[ /-]{_MONTH}[ /-]\d{{4}}|{_MONTH} +\d\d?(?!\d)|1[5-9]\d{{8}}(?:\d{{3}}|\.\d+)?(?![\w-]))"
)
"""Anything like a date or a clock, whatever its zone."""
_WORD = r"[^\w\s]*+[^\Wa-z]*+[a-z]\w*+[^\w\s]*+(?=\s)"
"""An ordinary word, as against addresses, numbers, levels in capitals and names with marks in them."""
_WORDS = re.compile(rf"(?<!\S){_WORD}")
_PREFIX = re.compile(rf"(?:(?!{_WORD})\S++\s++)*+[^\w\s]{{0,3}}")
_NEAR = 160
"""How far into a line its beginning goes, in characters."""
_LAMBDA = re.compile(r"(?:START|END|REPORT) RequestId: |INIT_START |EXTENSION\t|XRAY TraceId: ")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_PLATFORM_ID = re.compile(r"\b[a-z0-9]{5}-1\d{12}-[0-9a-f]{12}\b")
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

_OPENS = re.compile(rb"\0*+(" + _LABEL.encode() + rb")[\[{]\s*+(?:$|[\"{])")
_INSIDE = re.compile(rb"\s|$|[}\]\"]|[\[{]\s*+(?:$|[\"{])")
_KEYED = re.compile(rb'[\s\[{]*+"[^"\n]*+"\s*+:')

LONGEST_MESSAGE = 1024 * 1024
_DEEPEST = 16
"""No log nests deeper; what seems to costs no second look."""


def text_items(lines: Iterator[Line], *, timed: bool) -> Iterator[Item]:
    """Every record of a text log. With `timed`, lines that begin no record continue the one before them."""
    text = _Text(timed)
    for part in _with_values(lines):
        if isinstance(part, _Value):
            yield from text.take_value(part)
        else:
            yield from text.take(part)
    yield from text.give()


class _Text:
    """Puts lines together to records."""

    def __init__(self, timed: bool) -> None:
        self._timed = timed
        self._held: list[Line] = []
        self._size = 0
        self._pretty = False

    def take(self, line: Line) -> Iterator[Item]:
        """Take the next line; gives what is complete."""
        words = strip_ansi(line[1].decode("utf-8", "replace")).strip("\0")
        head = _PRETTY.match(words) or _TABLE.match(words)
        if head is None and self._goes_on(words):
            self._held.append(line)
            self._size += len(line[1])
        elif head is None and _is_around(words):
            yield Banner(*line)
        else:
            yield from self.give()
            self._held, self._size, self._pretty = [line], len(line[1]), head is not None

    def take_value(self, value: _Value) -> Iterator[Item]:
        """Take a JSON value that stands among the lines. In a pretty print it is the message of its record."""
        if self._pretty:
            for line in value.lines:
                yield from self.take(line)
            return
        yield from self.give()
        yield from value.items
        if not value.items:
            self._held, self._size = value.lines, sum(len(text) for _, text in value.lines)

    def give(self) -> Iterator[LogRecord]:
        """The record that is held, if any."""
        if self._held:
            yield _record(self._held, self._timed)
        self._held, self._pretty = [], False

    def _goes_on(self, words: str) -> bool:
        if not self._held or self._size >= LONGEST_MESSAGE:
            return False
        return _belongs(words) if self._pretty else _joins(words, self._timed)


class _Value(NamedTuple):
    """A JSON value among lines of text, and what it holds: nothing if it is of no known form."""

    lines: list[Line]
    items: list[Item]


def _with_values(lines: Iterator[Line]) -> Iterator[Line | _Value]:
    """The lines, those of a JSON value together."""
    again: deque[Line] = deque()
    while (line := again.popleft() if again else next(lines, None)) is not None:
        opening = _OPENS.match(line[1])
        if opening is None:
            yield line
            continue
        again.appendleft(line)
        block, closed = _block(again, lines, opening[1])
        part = _value(block, opening[1], closed=closed)
        if not isinstance(part, _Value) or len(part.lines) < len(block):
            again.extendleft(reversed(block[1:]))
        yield part


def _block(again: deque[Line], lines: Iterator[Line], label: bytes) -> tuple[list[Line], bool]:
    """The lines from here to where the bracket that the first of them opens is closed, if it is."""
    held: list[Line] = []
    depth = size = 0
    while (line := again.popleft() if again else next(lines, None)) is not None:
        text = line[1].strip(b"\0").removeprefix(label)
        if held and not _INSIDE.match(text):
            again.appendleft(line)
            break
        held.append(line)
        depth += nesting(text)
        size += len(text)
        if depth <= 0:
            return held, True
        if depth > _DEEPEST or size > LONGEST_MESSAGE:
            break
    return held, False


def _value(block: list[Line], label: bytes, *, closed: bool) -> Line | _Value:
    """What lines that open with a bracket are: a value, one that is cut off, or text after all."""
    first = block[0]
    text = b"\n".join(line.strip(b"\0").removeprefix(label) for _, line in block)
    if not _KEYED.match(text):
        return first
    if not closed:
        return _Value([first], [Unread(first[0], "is cut off in the middle", text[:1024])])
    parts = whole_objects(text)
    items = [item for part in parts for item in json_items(part.value, first[0] + part.line - 1, part.raw)]
    known = any(not isinstance(item, Unread) or item.reason != UNKNOWN_FORM for item in items)
    return _Value(block, items if known else [])


def has_instant(line: bytes) -> bool:
    """Whether a line begins with an instant that has an offset."""
    return _STARTS.match(strip_ansi(line[:200].decode("utf-8", "replace"))) is not None


def begins_record(line: bytes) -> bool:
    """Whether a line of a log whose lines carry instants is not part of the record above it."""
    return _stands_alone(strip_ansi(line[: 2 * _NEAR].decode("utf-8", "replace")))


def looks_like_log(line: bytes) -> bool:
    """Whether a line says anything that only a log would say: an instant, a platform's request id, a Lambda text, a
    pretty print.
    """
    words = strip_ansi(line[:2000].decode("utf-8", "replace"))
    return any(test.search(words) for test in (_ANYWHERE, _PLATFORM_ID, _LAMBDA, _PRETTY, _TABLE))


def _joins(words: str, timed: bool) -> bool:
    if not timed:
        return _PAGE_TAIL.match(words) is not None
    return not _stands_alone(words) and not _is_around(words)


def _stands_alone(words: str) -> bool:
    """Whether a line begins like a record: with an instant, a clock of any kind, or a method and its path, after at most
    one ordinary word. What is indented does not, unless it is an instant.
    """
    if _STARTS.match(words):
        return True
    marks = () if words[:1].isspace() else (_CLOCK.search(words, 0, _NEAR), _METHOD_PATH.search(words, 0, _NEAR))
    return any(mark is not None and _words_before(mark) <= 1 for mark in marks)


def _words_before(mark: re.Match[str]) -> int:
    return len(_WORDS.findall(mark.string, 0, mark.start()))


def _stamp(first: str, timed: bool) -> re.Match[str] | None:
    """The instant of a record by its first line: what the line begins with, after nothing but names and numbers of
    machines; in a log whose lines do not begin with instants also after a few words. An instant behind a clock is not
    the record's own, and the clock is of no known zone.
    """
    clock = _STARTS.match(first)
    if clock is not None:
        return clock
    clock = _CLOCK.search(first, 0, _NEAR)
    if clock is None:
        return None
    own = _PREFIX.fullmatch(first, 0, clock.start()) if timed else _words_before(clock) <= 3
    return _ANYWHERE.match(first, clock.start()) if own else None


def _belongs(words: str) -> bool:
    """Whether a line under the head of a pretty-printed record is part of its message."""
    text = words.strip()
    return not _RULE.fullmatch(text) and not is_tool_line(text)


def _is_around(words: str) -> bool:
    text = words.strip()
    return not text or _RULE.fullmatch(text) is not None or _LAMBDA.match(words) is not None or is_tool_line(text)


def _record(held: list[Line], timed: bool) -> LogRecord:
    raw = b"\n".join(text for _, text in held)
    text = strip_ansi(raw.decode("utf-8", "replace"))
    first, _, more = text.partition("\n")
    if pretty := _PRETTY.match(first):
        route, status, message = pretty[4], pretty[2], more.strip("-\n ")
        return _pretty(held[0][0], raw, route, status, message)
    if row := _TABLE.match(first):
        return _pretty(held[0][0], raw, row[2], row[3] or "", "\n".join(p for p in (row[4] or "", more) if p))
    # Most lines name no request; counting dashes is much cheaper than looking for one.
    dashes = text.count("-")
    platform = _PLATFORM_ID.search(text) if dashes >= 2 else None
    named = platform or _REQUEST.search(text) or (_UUID.search(text) if dashes >= 4 else None)
    request = request_of(named[named.lastindex or 0]) if named else None
    stamp = _stamp(first, timed)
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
