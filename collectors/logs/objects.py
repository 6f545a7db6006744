"""Objects out of JSON text: exact where the text is exact, lenient where writers are known to be sloppy, bounded
always.

Two layouts: one value per line, and one long document (an array, pretty-printed or not, or objects one after the
other). A broken record costs only itself: reading goes on at the next place where a record of the same layout can
begin. Brackets are counted, so that an array that was cut between two records is seen to be cut.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from collectors.logs.banners import around
from collectors.logs.record import Banner, Item, Unread
from collectors.logs.shapes import json_items

LONGEST = 32 * 1024 * 1024
"""A record longer than this is given up; everything else is read whole."""
TOO_LONG = f"is longer than {LONGEST >> 20} MiB"
HEAD = 1024 * 1024
"""What is told about a text is told by so much of its beginning."""
NOT_JSON = "is not JSON"

_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'"(?>[^"\\\n]+|\\[^\n])*+"|[{}\[\]"]')
_COMPACT_NEXT = re.compile(rb"\}\s*,\s*(?=\{)")
_WRAPPER = re.compile(rb'(?:\{\s*+"[^"\\\n]*+"\s*+:\s*+)++\[\s*+(?=\{)')
"""What an object begins with that only wraps a list of records."""
_BRACKET = re.compile(rb"[\[\]]")
_BLANK = b" \t\r\n\0"

Line = tuple[int, bytes]
"""A physical line and its number."""


class NotJsonError(ValueError):
    """A text that is no JSON value, with the reason in plain words."""


def decode(data: bytes) -> object:
    """One JSON value. Accepts what real writers produce: NaN, lone surrogates, raw control characters, wrong UTF-8.

    Raises:
        NotJsonError: it is not a JSON value.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(data.decode("utf-8", "replace"), strict=False)
    except RecursionError:
        raise NotJsonError("is nested too deeply") from None
    except ValueError as error:
        raise NotJsonError("is cut off" if _is_cut(data, error) else NOT_JSON) from None


def _is_cut(data: bytes, error: ValueError) -> bool:
    text = data.strip()
    unterminated = isinstance(error, json.JSONDecodeError) and "Unterminated" in error.msg
    return text[:1] in (b"{", b"[") and (unterminated or not text.endswith((b"}", b"]")))


def lines_of(blocks: Iterable[bytes]) -> Iterator[Line]:
    """Physical lines with their 1-based numbers, without their line ends, which may be returns alone; one longer than
    `LONGEST` comes cut to its beginning.
    """
    number, rest, held = 0, [], 0
    for block in with_line_feeds(blocks):
        parts = block.split(b"\n")
        if len(parts) == 1:
            held += len(block)
            if held <= LONGEST:
                rest.append(block)
            continue
        parts[0] = b"".join(rest) + parts[0] if rest else parts[0]
        last = parts.pop()
        for part in parts:
            number += 1
            yield number, part.removesuffix(b"\r")
        rest, held = [last], len(last)
    tail = b"".join(rest)
    if tail:
        yield number + 1, tail.removesuffix(b"\r")


def ends_with_returns(head: bytes) -> bool:
    """Whether the first line of a text ends with a return and no line feed, as on old machines and in spreadsheets."""
    feed = head.find(b"\n")
    # Of a return at the very end it cannot be told yet whether its line feed follows.
    end = head.find(b"\r", 0, feed if feed >= 0 else -1)
    return end >= 0 and end + 1 != feed


def with_line_feeds(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The text with line feeds in it, whatever ends its lines. One whose first line ends with one is left alone."""
    blocks = iter(blocks)
    head = b""
    for block in blocks:
        head += block
        if len(head) >= HEAD or b"\n" in block or ends_with_returns(head):
            break
    whole = itertools.chain([head], blocks)
    return _without_returns(whole) if ends_with_returns(head) else whole


def _without_returns(blocks: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for block in blocks:
        text = held + block
        # With its line feed, which the next block may begin with, a return is one line end and not two.
        held = b"\r" if text.endswith(b"\r") else b""
        yield text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if held:
        yield b"\n"


def line_items(line: int, text: bytes) -> Iterator[Item]:
    """What one line of a JSON-lines log holds."""
    text = text.removeprefix(_BOM).strip(b"\0")
    if not text or text.isspace():
        yield Banner(line)
        return
    if len(text) >= LONGEST:
        yield Unread(line, TOO_LONG, text[:1024])
        return
    try:
        yield from json_items(decode(text), line, text)
    except NotJsonError as error:
        yield from _several(line, text, str(error))


def _several(line: int, text: bytes, reason: str) -> Iterator[Item]:
    """A line that is not one value: objects one after the other, a comma after the last, or unreadable."""
    whole = whole_objects(text) if text.lstrip().startswith(b"{") else []
    if not whole:
        yield Unread(line, reason, text[:1024])
    for part in whole:
        yield from json_items(part.value, line, part.raw)


def whole_objects(text: bytes) -> list[Parsed]:
    """The objects of which a text is made, with nothing else in it but separators; none when that is not so."""
    found = list(document_parts([text.rstrip(_BLANK + b",")]))
    whole = [part for part in found if isinstance(part, Parsed)]
    return whole if len(whole) == len(found) else []


def nesting(text: bytes) -> int:
    """How many more brackets a text opens than it closes, those in strings left aside."""
    marks = [token[0] for token in _TOKEN.finditer(text) if len(token[0]) == 1]
    return marks.count(b"{") + marks.count(b"[") - marks.count(b"}") - marks.count(b"]")


class Parsed(NamedTuple):
    """One top-level object of a document, where it begins, and its bytes."""

    line: int
    value: object
    raw: bytes


def document_items(blocks: Iterable[bytes]) -> Iterator[Item]:
    """Every record of a JSON document, and what stands around them."""
    for found in document_parts(blocks):
        if isinstance(found, Parsed):
            yield from json_items(found.value, found.line, found.raw)
        else:
            yield found


def opens_document(head: bytes) -> bool:
    """Whether text is one JSON document rather than one value per line: it opens an array, or an object over several
    lines.
    """
    text = b"".join(with_line_feeds([head])).removeprefix(_BOM).lstrip(_BLANK)
    if text.startswith(b"["):
        first = text.partition(b"\n")[0].strip()
        return not first.endswith(b"]") or b"\n" not in text.strip()
    if not text.startswith(b"{"):
        return False
    first, more, _ = text.partition(b"\n")
    try:
        decode(first)
    except NotJsonError:
        return bool(more) and not first.rstrip().endswith(b"}")
    return False


def document_parts(blocks: Iterable[bytes]) -> Iterator[Parsed | Item]:
    """Top-level objects, inside arrays or not; text between them that is no separator is the tool's own or unreadable."""
    splitter = _Splitter()
    for block in with_line_feeds(blocks):
        splitter.feed(block)
        yield from splitter.take(end=False)
    yield from splitter.take(end=True)


class _Splitter:
    """Finds where records begin and end. Holds one record and one block, never the whole document."""

    def __init__(self) -> None:
        self._buffer = b""
        self._line = 1
        self._wanted = 0
        self._indent: bytes | None = None
        self._waiting: list[bytes] = []
        self._arrays = 0
        self._comma = False

    def feed(self, block: bytes) -> None:
        """Take more text."""
        self._waiting.append(block)

    def take(self, *, end: bool) -> Iterator[Parsed | Item]:
        """Complete records of what was fed; with `end`, also what is left."""
        if not end and sum(map(len, self._waiting)) < self._wanted:
            return
        self._buffer += b"".join(self._waiting)
        self._waiting.clear()
        at = 0
        while at < len(self._buffer):
            start = self._buffer.find(b"{", at)
            gap = self._buffer[at : start if start >= 0 else len(self._buffer)]
            if start < 0 and not end:
                break
            yield from self._between(gap)
            at += len(gap)
            if start < 0:
                break
            size, found = self._record(start, end=end)
            if found is None:
                break
            yield found
            self._comma = False
            self._line += self._buffer.count(b"\n", start, start + size)
            at = start + size
        self._buffer = self._buffer[at:]
        # A record that is not complete is looked at again only when its text has doubled.
        self._wanted = len(self._buffer)
        if end and (self._arrays or self._comma):
            yield Unread(self._line, "the array is cut off", b"")

    def _record(self, start: int, *, end: bool) -> tuple[int, Parsed | Unread | None]:
        """Length of the record that begins here, and the record; None while its end is not there yet."""
        size, broken = self._extent(start)
        if size:
            return size, self._decoded(self._buffer[start : start + size])
        full = end or len(self._buffer) - start >= LONGEST
        size = self._resync(start) if broken or full else 0
        if size == 0 and not full:
            return 0, None
        if size == 0:
            # Told as a whole, so that nothing more is missing: its brackets are among what is not read.
            size, self._arrays = len(self._buffer) - start, 0
        reason = NOT_JSON if broken else "is cut off in the middle"
        return size, Unread(self._line, reason, self._buffer[start : start + 1024])

    def _extent(self, start: int) -> tuple[int, bool]:
        """Length of the record that begins here, 0 if its end is not seen; and whether a stray quote shows that it is
        broken.
        """
        depth = 0
        for token in _TOKEN.finditer(self._buffer, start):
            mark = token[0]
            if mark in (b"{", b"["):
                depth += 1
            elif mark in (b"}", b"]"):
                depth -= 1
                if depth == 0:
                    return token.end() - start, False
            elif mark == b'"':
                return 0, self._buffer.find(b"\n", token.start()) >= 0
        return 0, False

    def _resync(self, start: int) -> int:
        """Length of a broken record: up to the next place where a record can begin in this layout, or 0."""
        if wrapper := _WRAPPER.match(self._buffer, start):
            return wrapper.end() - start
        if self._indent is not None:
            found = self._buffer.find(b"\n" + self._indent + b"{", start + 1)
            return found - start if found >= 0 else 0
        compact = _COMPACT_NEXT.search(self._buffer, start + 1)
        return compact.end() - start if compact else 0

    def _decoded(self, text: bytes) -> Parsed | Unread:
        try:
            return Parsed(self._line, decode(text), text)
        except NotJsonError as error:
            return Unread(self._line, str(error), text[:1024])

    def _between(self, gap: bytes) -> Iterator[Item]:
        """What stands before a record or at the end: separators, or something that does not belong there."""
        before = gap.rpartition(b"\n")
        if gap:
            self._indent = before[2] if before[1] and not before[2].strip(b" \t") else None
        self._comma = gap.rstrip(_BLANK).endswith(b",")
        if gap.strip(_BLANK + b","):
            yield from self._beside(gap)
        self._line += gap.count(b"\n")

    def _beside(self, gap: bytes) -> Iterator[Item]:
        """The tool's own lines between records, and once whatever else there is besides separators."""
        reason = ""
        for line, text in enumerate(gap.split(b"\n"), self._line):
            words = text.strip(_BLANK + b",[]")
            item = around(line, text.strip(_BLANK)) if words else None
            if item is not None and not isinstance(item, Unread):
                yield item
                continue
            sound = self._count_brackets(text.replace(words, b"", 1))
            if not reason and (words or not sound):
                reason = NOT_JSON if words else "ends an array whose beginning is missing"
                yield Unread(line, reason, text.strip(_BLANK)[:1024])

    def _count_brackets(self, text: bytes) -> bool:
        """Keep count of open arrays; whether none ends that was not open."""
        sound = True
        for bracket in _BRACKET.findall(text):
            self._arrays += 1 if bracket == b"[" else -1
            if self._arrays < 0:
                self._arrays, sound = 0, False
        return sound
