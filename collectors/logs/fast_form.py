"""Which fast reader a log may be read with, if any."""

from __future__ import annotations

from collectors.logs.fast_drain import DrainLines
from collectors.logs.fast_stream import StreamLines
from collectors.logs.gather import Gather
from collectors.logs.prefilter import wanted_texts
from collectors.logs.reader import json_line
from collectors.logs.record import Form, LogRecord

AnyFastLines = DrainLines | StreamLines
_SAMPLED = 50


def fast_lines(head: bytes, gather: Gather, *, search: bool = True) -> AnyFastLines | None:
    """A reader for a log that begins like this, or None when only the ordinary reader can read it exactly.

    Args:
        head: the beginning of the log, whole lines.
        gather: takes what is found.
        search: use the search extension if it is there.
    """
    if any(m.signature.where or not (m.reads_text or m.statuses) for m in gather.matchers):
        return None
    wanted = wanted_texts(gather.matchers)
    sieve = wanted.sieve() if search else None
    sample = _sample(head)
    gather.lacking.difference_update(*(record.carries for record in sample))
    forms = {record.form for record in sample}
    match forms.pop() if len(forms) == 1 else None:
        case Form.DRAIN:
            return DrainLines(gather, wanted, sieve)
        case Form.STREAM if gather.lacking.isdisjoint(("message", "route")):
            return StreamLines(gather, wanted, sieve)
        case _:
            return None


def _sample(head: bytes) -> list[LogRecord]:
    """The first records of a log."""
    lines = head.split(b"\n", _SAMPLED)[:_SAMPLED]
    items = (item for text in lines for item in json_line(1, text.removesuffix(b"\r")))
    return [item for item in items if isinstance(item, LogRecord)]
