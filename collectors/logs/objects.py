"""Objects out of JSON text: exact where the text is exact, lenient where writers are known to be sloppy, bounded
always.

Two layouts: one value per line, and one long document (an array, pretty-printed or not, or objects one after the
other). A broken record costs only itself: reading goes on at the next place where a record of the same layout can
begin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from collectors.logs.record import Banner, Item, Unread
from collectors.logs.shapes import json_items

LONGEST = 32 * 1024 * 1024
"""A record longer than this is given up; everything else is read whole."""
TOO_LONG = f"is longer than {LONGEST >> 20} MiB"

_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'"(?>[^"\\\n]+|\\[^\n])*+"|[{}\[\]"]')
_COMPACT_NEXT = re.compile(rb"\}\s*,\s*(?=\{)")


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
        raise NotJsonError("is cut off" if _is_cut(data, error) else "is not JSON") from None


def _is_cut(data: bytes, error: ValueError) -> bool:
    text = data.strip()
    unterminated = isinstance(error, json.JSONDecodeError) and "Unterminated" in error.msg
    return text[:1] in (b"{", b"[") and (unterminated or not text.endswith((b"}", b"]")))


def lines_of(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Physical lines with their 1-based numbers, without their line ends; one longer than `LONGEST` comes cut to its
    beginning.
    """
    number, rest, held = 0, [], 0
    for block in blocks:
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
    found = list(document_records([text])) if text.lstrip().startswith(b"{") else []
    whole = [part for part in found if isinstance(part, Parsed)]
    if not whole or len(whole) < len(found):
        yield Unread(line, reason, text[:1024])
        return
    for part in whole:
        yield from json_items(part.value, line, part.raw)


class Parsed(NamedTuple):
    """One top-level object of a document, where it begins, and its bytes."""

    line: int
    value: object
    raw: bytes


def document_items(blocks: Iterable[bytes]) -> Iterator[Item]:
    """Every record of a JSON document."""
    for found in document_records(blocks):
        if isinstance(found, Unread):
            yield found
        else:
            yield from json_items(found.value, found.line, found.raw)


def opens_document(head: bytes) -> bool:
    """Whether text is one JSON document rather than one value per line: it opens an array, or an object over several
    lines.
    """
    text = head.removeprefix(_BOM).lstrip(b" \t\r\n\0")
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


def document_records(blocks: Iterable[bytes]) -> Iterator[Parsed | Unread]:
    """Top-level objects (inside arrays or not) as (line, value, bytes); text between them that is no separator is
    unreadable.
    """
    splitter = _Splitter()
    for block in blocks:
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

    def feed(self, block: bytes) -> None:
        """Take more text."""
        self._waiting.append(block)

    def take(self, *, end: bool) -> Iterator[Parsed | Unread]:
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
            if gap:
                yield from self._between(gap)
                before = gap.rpartition(b"\n")
                self._indent = before[2] if before[1] and not before[2].strip(b" \t") else None
            at += len(gap)
            if start < 0:
                break
            size, broken = self._extent(start)
            if size == 0:
                full = end or len(self._buffer) - start >= LONGEST
                size = self._resync(start) if broken or full else 0
                if size == 0 and not full:
                    break
                size = size or len(self._buffer) - start
                reason = "is not JSON" if broken else "is cut off in the middle"
                yield Unread(self._line, reason, self._buffer[start : start + 1024])
            else:
                yield self._decoded(self._buffer[start : start + size])
            self._line += self._buffer.count(b"\n", start, start + size)
            at = start + size
        self._buffer = self._buffer[at:]
        # A record that is not complete is looked at again only when its text has doubled.
        self._wanted = len(self._buffer)

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

    def _between(self, gap: bytes) -> Iterator[Parsed | Unread]:
        if gap.strip(b" \t\r\n,[]\0") == b"":
            self._line += gap.count(b"\n")
            return
        for number, part in enumerate(gap.split(b"\n")):
            if part.strip(b" \t\r,[]\0"):
                yield Unread(self._line + number, "is not JSON", part.strip()[:1024])
        self._line += gap.count(b"\n")
