"""JSON lines of the two forms that grow large, block by block: a typed bulk decode of the few fields that every line
counts with, a closer look at candidates only.

Whatever is unusual in a line or a block goes to the ordinary reader, so the result is the same by construction: a typed
decoder refuses loudly, and a field that the form does not have is typed so that it is refused.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import Generic, TypeVar

import msgspec

from collectors.logs.gather import Gather
from collectors.logs.objects import decode
from collectors.logs.prefilter import Sieve, Wanted
from collectors.logs.reader import json_line
from collectors.logs.record import Form, Item, LogRecord
from collectors.logs.route import Place, normalise_route
from collectors.logs.shapes import object_item

Line = TypeVar("Line", bound=msgspec.Struct)

MATCH, TAKE = False, True
"""What is left to do for a line: to match it only, or to count it, too."""

NOT_TYPED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_FIRST, _BEFORE_LAST, _BEFORE_RETURN = itemgetter(0), itemgetter(-2), itemgetter(-3)
_OPEN, _CLOSE, _RETURN = b"{}\r"
_MESSAGE: Callable[[msgspec.Struct], str | None] = attrgetter("message")


class FastLines(ABC, Generic[Line]):
    """Reads blocks of whole lines of one form into a gathering.

    Args:
        gather: takes what is found.
        wanted: which texts may match.
        sieve: finds lines that may hold one; without it the lines' messages are searched.
    """

    form: Form
    kinds: Sequence[type[Line]]
    """How a line may be typed, the cheapest to decode first."""
    kinds_with_text: Sequence[type[Line]]

    def __init__(self, gather: Gather, wanted: Wanted, sieve: Sieve | None) -> None:
        self.line = 1
        self.gather = gather
        self._sieve = sieve
        self._may_match = wanted.may_match if sieve is None and any(wanted) else None
        kinds = self.kinds_with_text if self._may_match else self.kinds
        self._decoders = [msgspec.json.Decoder(kind) for kind in kinds]
        self._by_status = any(m.statuses for m in gather.matchers)
        alone = [m for m in gather.matchers if m.statuses and not m.reads_text]
        self._wanted = frozenset(status for m in alone for status in m.statuses)
        self._sure = frozenset(range(1, 1000)) - self._wanted
        self._paths = Paths(gather)
        self._routes = PlainRoutes()

    def block(self, buffer: bytearray, end: int) -> None:
        """Read the whole lines in `buffer[:end]`."""
        with memoryview(buffer)[:end] as view:
            lines = io.BytesIO(view).readlines()
            records = self._decoded(view)
            picked = self._picked(records) if len(records) == len(lines) and _one_each(lines) else None
            if picked is None:
                self._read_all(lines)
            else:
                candidates = self._candidates(view, buffer, lines) if self._sieve else self._saying(records)
                self._look_closely(lines, dict.fromkeys(candidates, MATCH) | picked)
        self.line += len(lines)

    def _decoded(self, view: memoryview) -> list[Line]:
        for place, decoder in enumerate(self._decoders):
            try:
                records = decoder.decode_lines(view)
            except NOT_TYPED:
                continue
            del self._decoders[:place]  # what a sound block refused would only cost time
            return records
        return []

    def _read_all(self, lines: list[bytes]) -> None:
        for number, text in enumerate(lines, self.line):
            for item in json_line(number, text.removesuffix(b"\n").removesuffix(b"\r")):
                self.gather.take(item)

    def _candidates(self, view: memoryview, buffer: bytearray, lines: list[bytes]) -> Iterator[int]:
        """The lines, by index, whose texts may match a signature."""
        ends: list[int] = []
        index = stop = 0
        for place in self._sieve.places(view, buffer) if self._sieve else ():
            if place >= stop:
                ends = ends or list(accumulate(map(len, lines)))
                index = bisect_right(ends, place, index)
                stop = ends[index]
                yield index

    def _saying(self, records: list[Line]) -> Iterator[int]:
        """The same where there is no sieve."""
        may_match = self._may_match
        for index, text in enumerate(map(_MESSAGE, records)) if may_match else ():
            if text is not None and may_match is not None and may_match(text):
                yield index

    def _look_closely(self, lines: list[bytes], picked: dict[int, bool]) -> None:
        for index in sorted(picked):
            number, raw, take = self.line + index, lines[index].removesuffix(b"\n").removesuffix(b"\r"), picked[index]
            record = None if take else self._record(number, raw)
            if record is not None:
                self.gather.match(record)
            else:
                self._read(number, raw, take=take)

    def _read(self, number: int, raw: bytes, *, take: bool) -> None:
        value = decode(raw)  # never refused: a typed decoder took it
        item: Item = object_item(value, number, raw) if isinstance(value, dict) else next(json_line(number, raw))
        if take or not isinstance(item, LogRecord):
            self.gather.take(item)
        else:
            self.gather.match(item)

    @abstractmethod
    def _record(self, number: int, raw: bytes) -> LogRecord | None:
        """A counted line as a record, if nothing about it is unusual."""

    @abstractmethod
    def _picked(self, records: list[Line]) -> dict[int, bool] | None:
        """Count all records of a block. The lines to be read fully, by index: to be matched only, or not counted yet.
        None when the block has to be read line by line."""

    def _count(self, times: list[int], first: int, last: int, picked: dict[int, bool]) -> None:
        gather, late = self.gather, sum(picked.values())
        gather.records += len(times) - late
        gather.forms[self.form] += len(times) - late
        gather.widen(first, last)
        if gather.window is not None and (first < gather.window[0] or last >= gather.window[1]):
            since, until = gather.window
            gather.outside += sum(not since <= at < until for i, at in enumerate(times) if not picked.get(i))


def _one_each(lines: list[bytes]) -> bool:
    """Whether, of as many sound records as lines, each line holds one: it begins with `{` and ends with `}`.

    Inside a record no `}` is followed by a line end and a `{`, so every line end is the end of a record.
    """
    if set(map(_FIRST, lines)) != {_OPEN}:
        return False
    last = lines[-1]
    if not last.endswith(b"\n"):
        lines = [*lines[:-1], last + b"\n"]
    ends = set(map(_BEFORE_LAST, lines))
    return ends == {_CLOSE} or (ends == {_RETURN} and set(map(_BEFORE_RETURN, lines)) == {_CLOSE})


class PlainRoutes(dict[str, "str | None"]):
    """The route of a path without query."""

    def __missing__(self, path: str) -> str | None:
        """Normalise a path that was not met yet."""
        route = normalise_route(path)
        if len(self) >= Paths.LIMIT:
            self.clear()
        self[path] = route
        return route


class Paths(dict[str, "Place | None"]):
    """The place of a path without query; None for one that is not plain."""

    LIMIT = 4_000

    def __init__(self, gather: Gather) -> None:
        super().__init__()
        self._find = gather.routes.find

    def __missing__(self, path: str) -> Place | None:
        """Find the place of a path that was not met yet."""
        place = None
        if path[:1] == "/" and not path[-1:].isspace() and (route := normalise_route(path)) is not None:
            place = self._find(route)
        if len(self) >= self.LIMIT:
            self.clear()
        self[path] = place
        return place
