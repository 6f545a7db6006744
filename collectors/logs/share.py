"""One part of a log's gathering handed from one process to another, and taken into the other part."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import IO

import msgspec

from collectors.logs.gather import Gather
from collectors.logs.record import Form, SourceFault
from collectors.logs.redact import Redactor
from collectors.logs.spool import Found


class Share(msgspec.Struct):
    """The totals of a part. Its matches follow in pieces of `Found`."""

    totals: dict[str, int]
    first_ms: int | None
    last_ms: int | None
    rows: list[int]
    unsure: list[int]
    forms: dict[str, int]
    other_timeouts: dict[int, int]
    unreadable: list[tuple[int, str, str]]
    faults: list[tuple[int, bool, str]]
    known: dict[int, int]
    blank: list[tuple[int, str, Found]]
    traffic: list[tuple[int, str, bytes, int, int]]
    approximate: bool
    version: str
    matches: int


_TOTALS = ("records", "matched", "unread", "banners", "omitted", "cut", "timeless", "outside", "textless")
_PIECE = 1024


def share_of(gather: Gather) -> Gather:
    """An empty gathering like another, for a part of the same log. Twins are numbered only where the parts meet."""
    part = gather.like(Redactor.like(gather.redactor))
    part.numbers_twins = False
    return part


def write_share(gather: Gather, file: IO[bytes]) -> None:
    """Write a part: its totals, then its matches."""
    share = Share(
        {name: getattr(gather, name) for name in _TOTALS} | {"redactions": gather.redactor.count},
        gather.first_ms, gather.last_ms, gather.rows, gather.unsure, {str(f): n for f, n in gather.forms.items()},
        dict(gather.other_timeouts), gather.unreadable, [(f.line, f.failed, f.reason) for f in gather.faults], gather.known,
        [(index, request, found) for (index, request), found in gather.blank.items()],
        [(*cell, hashes.tobytes(), nameless, gone) for cell, hashes, nameless, gone in gather.traffic.parts()],
        gather.traffic.approximate, gather.version, gather.spool.count,
    )  # fmt: skip
    encoder = msgspec.msgpack.Encoder()
    _write(file, encoder.encode(share))
    piece: list[Found] = []
    for found in gather.spool:
        piece.append(found)
        if len(piece) == _PIECE:
            _write(file, encoder.encode(piece))
            piece.clear()
    _write(file, encoder.encode(piece))
    file.flush()


def absorb(gather: Gather, file: IO[bytes], lines_before: int) -> None:
    """Take a part into the gathering of what comes before it."""
    share = msgspec.msgpack.decode(_read(file), type=Share)
    for name in _TOTALS:
        setattr(gather, name, getattr(gather, name) + share.totals[name])
    gather.redactor.count += share.totals["redactions"]
    if share.first_ms is not None and share.last_ms is not None:
        gather.widen(share.first_ms, share.last_ms)
    gather.rows[:] = [one + other for one, other in zip(gather.rows, share.rows, strict=True)]
    gather.unsure[:] = [one + other for one, other in zip(gather.unsure, share.unsure, strict=True)]
    gather.forms.update({Form(form): count for form, count in share.forms.items()})
    gather.other_timeouts.update(share.other_timeouts)
    gather.keep_unreadable((line + lines_before, reason, sample) for line, reason, sample in share.unreadable)
    gather.faults += [SourceFault(line + lines_before, failed, reason) for line, failed, reason in share.faults]
    for number, status in share.known.items():
        gather.known[number] = max(status, gather.known.get(number, 0))
    gather.version = gather.version or share.version
    for minute, route, hashes, nameless, gone in share.traffic:
        gather.traffic.take_part((minute, route), array("q", hashes), nameless, gone)
    gather.traffic.approximate |= share.approximate
    for index, request, found in share.blank:
        gather.remember(index, request, found._replace(line=found.line + lines_before))
    for found in _matches(file, share.matches):
        gather.adopt(found._replace(line=found.line + lines_before))


def _matches(file: IO[bytes], count: int) -> Iterator[Found]:
    decoder = msgspec.msgpack.Decoder(list[Found])
    while count:
        piece = decoder.decode(_read(file))
        count -= len(piece)
        yield from piece


def _write(file: IO[bytes], data: bytes) -> None:
    file.write(len(data).to_bytes(8, "big") + data)


def _read(file: IO[bytes]) -> bytes:
    return file.read(int.from_bytes(file.read(8), "big"))
