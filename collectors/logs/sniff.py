"""Which layout a log has, told by its content alone. Refuses, in one line, what is no log."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from collectors.logs import objects
from collectors.logs.banners import around, is_tool_line
from collectors.logs.record import Banner, Form, Item, LogRecord, SourceFault, Unread
from collectors.logs.shapes import NO_TIME, UNKNOWN_FORM, json_items
from collectors.logs.table import header_of, is_export_header
from collectors.logs.text import has_instant, looks_like_log
from store.errors import BadInput

HEAD = objects.HEAD
_LINES = 400
_NEXT_RECORD = re.compile(rb"\}\s*+,?+\s*+(?=\{\s*\")")
_IN_A_RECORD = re.compile(rb'.*(?:"|[\[\]{},]$)')


class Layout(Enum):
    """How records lie in the text."""

    LINES = "ndjson"
    DOCUMENT = "json"
    TABLE = "csv"
    TEXT = "text"
    TIMED_TEXT = "timed text"


class Sniffed(NamedTuple):
    """The layout, and for text whether anything in the head looks like a log at all."""

    layout: Layout
    sure: bool = True


def sniff(head: bytes, name: str, *, whole: bool) -> Sniffed:
    """The layout of a log from its first mebibyte.

    Raises:
        BadInput: empty, binary, a web page, or JSON of no known form.
    """
    if not head.strip(b" \t\r\n\0"):
        raise BadInput(f"{name} is empty", "an export without a record proves nothing; capture it again")
    _refuse_binary(head, name)
    returns = objects.ends_with_returns(head)
    head = b"".join(objects.with_line_feeds([head]))
    lines = head.split(b"\n")
    if not whole and len(lines) > 1:
        lines.pop()
    lines = [line.strip(b"\r\0 \t") for line in lines[:_LINES]]
    first = next((line for line in lines if line and not isinstance(around(0, line), Banner)), b"")
    if first[:15].lower().startswith((b"<!doctype", b"<html")) or (first[:5].lower() == b"<?xml"):
        raise BadInput(f"{name} is a web page, not a log", "log in to the platform and capture it again")
    if is_export_header(header_of(first)[1]):
        return Sniffed(Layout.TABLE)
    if layout := _json_layout(head, lines, first, name):
        # The readers of lines that are fast know line feeds only.
        return Sniffed(Layout.DOCUMENT if returns else layout)
    timed = any(has_instant(line) for line in lines)
    if (
        not timed
        and isinstance(fault := around(0, first), SourceFault)
        and any(is_tool_line(line.decode("utf-8", "replace")) for line in lines)
    ):
        raise BadInput(f"{name} holds no record: {fault.reason}", "mend the cause and capture it again")
    return Sniffed(
        Layout.TIMED_TEXT if timed else Layout.TEXT, sure=timed or any(looks_like_log(line) for line in lines)
    )


def _refuse_binary(head: bytes, name: str) -> None:
    sample = head[:65536]
    odd = sum(sample.count(byte) for byte in (*range(1, 9), *range(14, 27), *range(28, 32)))
    holes = sample.count(0)
    text = sample[: len(sample) - 4].decode("utf-8", "replace")
    if (
        odd * 50 > len(sample)
        or (holes * 10 > len(sample) and b"{" not in sample)
        or text.count("\ufffd") * 20 > len(text) > 0
    ):
        raise BadInput(f"{name} is binary data, not a log")


def _json_layout(head: bytes, lines: list[bytes], first: bytes, name: str) -> Layout | None:
    if _opens_document(head, first):
        known, unknown = _document_votes(head)
        if known or unknown:
            return _chosen(Layout.DOCUMENT, known, unknown, name)
        if first in (b"[]", b"[", b"{}"):
            raise BadInput(f"{name} holds no record", "an export without a record proves nothing; capture it again")
    known = unknown = other = 0
    for line in lines:
        if not line or isinstance(around(0, line), Banner):
            continue
        found = _line_vote(line)
        known, unknown, other = known + (found == 1), unknown + (found == 0), other + (found < 0)
    if known * 4 >= other and known:
        return Layout.LINES
    if unknown > other:
        return _chosen(Layout.LINES, known, unknown, name)
    if _IN_A_RECORD.match(first) and not any(map(has_instant, lines)) and _goes_on_with_records(head, first):
        return Layout.DOCUMENT
    # One line longer than the head: nothing of it decodes yet.
    return Layout.LINES if first.startswith(b'{"') and len(lines) == 1 and len(head) >= HEAD else None


def _chosen(layout: Layout, known: int, unknown: int, name: str) -> Layout:
    if known == 0 and unknown:
        raise BadInput(f"{name} is JSON of no known log form", 'give its source format = "jsonl" and a [fields] table')
    return layout


def _opens_document(head: bytes, first: bytes) -> bool:
    rest = head[head.find(first) :].lstrip() if first else b""
    if rest.startswith(b"["):
        return rest[1:].lstrip()[:1] in (b"{", b"]", b"[", b"")
    return rest.startswith(b"{") and rest[1:].lstrip()[:1] in (b'"', b"}", b"") and _line_vote(first) < 0


def _goes_on_with_records(head: bytes, first: bytes) -> bool:
    """Whether a JSON document goes on behind its lost beginning: records follow, or more is closed than was opened."""
    following = _NEXT_RECORD.search(head)
    if following and _document_votes(head[following.end() :])[0] > 0:
        return True
    return head.strip() == first and first.endswith((b"}", b"]")) and objects.nesting(first) < 0


def _document_votes(head: bytes) -> tuple[int, int]:
    known = unknown = 0
    start = min(i for i in (head.find(b"["), head.find(b"{")) if i >= 0)
    for found in objects.document_parts([head[start:]]):
        if isinstance(found, objects.Parsed):
            good = any(_is_known(item) for item in json_items(found.value, 0, b""))
            known, unknown = known + good, unknown + (not good)
        if known or unknown > _LINES:
            break
    return known, unknown


def _line_vote(line: bytes) -> int:
    """1 for a record of a known form, 0 for other JSON objects, -1 for anything else."""
    if line[:1] not in (b"{", b"[") and not line.startswith(b"\xef\xbb\xbf"):
        return -1
    items = list(objects.line_items(0, line))
    if any(_is_known(item) for item in items):
        return 1
    return 0 if any(isinstance(item, Unread) and item.reason == UNKNOWN_FORM for item in items) else -1


def _is_known(item: Item) -> bool:
    return isinstance(item, LogRecord | SourceFault) or (isinstance(item, Unread) and item.reason == NO_TIME)


def form_name(form: Form, layout: Layout, packing: str, encoding: str, detail: str = "") -> str:
    """How a collection names its form: what it is, how it lies, how it was packed."""
    how = {Layout.TEXT: "", Layout.TIMED_TEXT: ""}.get(layout, layout.value)
    parts = (f"{form}-{detail}" if detail else str(form), how, encoding, packing)
    return " ".join(part for part in parts if part)
