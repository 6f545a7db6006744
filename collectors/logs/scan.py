"""One pass over an opened log into a gathering, by the fastest way that finds exactly the same."""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections.abc import Iterator

from collectors.logs.blocks import feed_lines
from collectors.logs.fast_form import fast_lines
from collectors.logs.gather import Gather
from collectors.logs.generic import FieldReader
from collectors.logs.parallel import read_in_two, worth_two
from collectors.logs.reader import head_of, items_of
from collectors.logs.record import Form, Item, Unread
from collectors.logs.sniff import Layout, form_name, sniff
from collectors.logs.source import LogSource
from store.runbook.model import Source


def scan(opened: LogSource, source: Source, gather: Gather, *, search: bool = True) -> tuple[str, bool]:
    """Read the whole log; the name of its form, and whether it surely is a log.

    Args:
        opened: the log.
        source: the runbook's source that it belongs to.
        gather: takes everything that is found.
        search: use the search extension if it is there.

    Raises:
        BadInput: it is no log.
    """
    if source.format and source.fields:
        reader = FieldReader(source.fields)
        items = reader.table_items(opened.blocks()) if source.format == "csv" else reader.json_items(opened.blocks())
        _take(items, opened, gather)
        return " ".join(filter(None, (source.format, opened.encoding, opened.packing))), True
    head, rest = head_of(opened)
    sniffed = sniff(head, opened.name, whole=rest is None)
    fast = fast_lines(head, gather, search=search) if sniffed.layout is Layout.LINES else None
    blocks = rest or iter(())
    if fast is not None:
        with _no_garbage_collection():
            if worth_two(opened):
                read_in_two(fast, head, opened, search=search)
            else:
                feed_lines(fast, head, lambda free: opened.fill(free, blocks))
        _end(opened, gather, fast.line - 1)
    else:
        _take(items_of(sniffed.layout, itertools.chain([head], rest or ())), opened, gather)
    form = gather.forms.most_common(1)[0][0] if gather.forms else Form.TEXT
    detail = gather.detail if form is Form.EXPORT else ""
    return form_name(form, sniffed.layout, opened.packing, opened.encoding, detail), sniffed.sure


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Blocks of records are freed by reference counts alone; looking for cycles among them only costs."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _take(items: Iterator[Item], opened: LogSource, gather: Gather) -> None:
    last = 0
    for item in items:
        last = item.line
        gather.take(item)
    _end(opened, gather, last)


def _end(opened: LogSource, gather: Gather, last: int) -> None:
    if opened.cut_off:
        gather.take(Unread(last + 1, opened.cut_off, b""))
    gather.settle()
