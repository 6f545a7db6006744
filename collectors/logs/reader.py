"""Every record of a log, whatever its form: the one way in for tests, imports and captures alike.

The fast scanner (scan.py) must find exactly what this reader finds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from collectors.logs.banners import around
from collectors.logs.objects import document_items, line_items, lines_of
from collectors.logs.record import Item, LogRecord, Unread
from collectors.logs.sniff import HEAD, Layout, Sniffed, sniff
from collectors.logs.source import LogSource, open_log
from collectors.logs.table import export_items, header_of, is_export_header
from collectors.logs.text import text_items
from store.errors import BadInput


def read_records(path: str) -> Iterator[LogRecord]:
    """The records of a log file in file order; what is no record is passed over.

    Raises:
        BadInput: the file is no log.
    """
    with open_log(path) as source:
        yield from (item for item in read_items(source)[1] if isinstance(item, LogRecord))


def read_items(source: LogSource) -> tuple[Sniffed, Iterator[Item]]:
    """The layout of an opened log and everything in it, records and what is not one.

    Raises:
        BadInput: it is no log.
    """
    head, rest = head_of(source)
    sniffed = sniff(head, source.name, whole=rest is None)
    blocks = itertools.chain([head], rest or ())
    return sniffed, _with_cut(source, items_of(sniffed.layout, blocks))


def items_of(layout: Layout, blocks: Iterable[bytes]) -> Iterator[Item]:
    """Everything in text of a known layout."""
    if layout is Layout.DOCUMENT:
        yield from document_items(blocks)
    elif layout is Layout.TABLE:
        yield from export_items(_from_header(lines_of(blocks)))
    elif layout is Layout.LINES:
        for line, text in lines_of(blocks):
            yield from json_line(line, text)
    else:
        yield from text_items(lines_of(blocks), timed=layout is Layout.TIMED_TEXT)


def json_line(line: int, text: bytes) -> Iterator[Item]:
    """What one line of a JSON-lines log holds, the tool's own lines among them."""
    start = text.lstrip(b"\xef\xbb\xbf\0 \t")[:1]
    if start in (b"{", b"["):
        yield from line_items(line, text)
    else:
        yield around(line, text)


def head_of(source: LogSource) -> tuple[bytes, Iterator[bytes] | None]:
    """The first mebibyte of a log, and the blocks after it; None when there are none.

    Raises:
        BadInput: it is packed and damaged from its beginning on.
    """
    blocks = source.blocks()
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size >= HEAD:
            return b"".join(parts), blocks
    if size == 0 and source.cut_off:
        raise BadInput(f"nothing of {source.name} can be read: {source.cut_off}")
    return b"".join(parts), None


def _from_header(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The table from its header on; tools may print lines before it."""
    return itertools.dropwhile(lambda line: not is_export_header(header_of(line[1])[1]), lines)


def _with_cut(source: LogSource, items: Iterator[Item]) -> Iterator[Item]:
    last = 0
    for item in items:
        last = item.line
        yield item
    if source.cut_off:
        yield Unread(last + 1, source.cut_off, b"")
