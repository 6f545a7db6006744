"""JSON lines of the two forms that grow large, block by block: a typed bulk decode of the few fields that every line
counts with, a full decode of candidates only.

Whatever is unusual in a line or a block goes to the ordinary reader, so the result is the same by construction: a typed
decoder refuses loudly, and a field that the form does not have is typed so that it is refused.
"""

# ruff: noqa: N815 the structs bear the platform's own field names

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from collectors.logs.gather import Gather
from collectors.logs.objects import decode
from collectors.logs.prefilter import Sieve, literals_of, sieve_for
from collectors.logs.reader import json_line
from collectors.logs.record import Form, Item, LogRecord
from collectors.logs.route import Place, normalise_route
from collectors.logs.shapes import object_item
from collectors.logs.values import LAST_MS, status_of, strip_ansi
from store.instants import MINUTE_MS


class _Proxy(Struct, gc=False):
    path: str | None = None
    statusCode: int | None = None
    timestamp: int | None = None


class _Drain(Struct, gc=False):
    id: str
    timestamp: int
    path: str | None = None
    statusCode: int | None = None
    requestId: str | None = None
    proxy: _Proxy | None = None
    # Fields of other forms; typed as null, so that a value is refused.
    timestampInMs: None = None
    TimeUTC: None = None
    events: None = None
    responseStatusCode: None = None
    requestPath: None = None
    rows: None = None


class _DrainText(_Drain, gc=False):
    message: str | None = None


class _Stream(Struct, gc=False):
    timestampInMs: int
    rowId: Annotated[str, Meta(min_length=1)]
    responseStatusCode: int | None = None
    requestPath: str | None = None
    messageTruncated: bool | None = None
    requestId: None = None
    TimeUTC: None = None
    requestQueryString: None = None
    deploymentDomain: None = None
    requestUserAgent: None = None
    vercelCache: None = None
    events: None = None
    rows: None = None


class _StreamText(_Stream, gc=False):
    message: str | None = None


Line = TypeVar("Line", _Drain, _Stream)

_LONGEST_ODD_ID = 10
_SAMPLED = 50
_MATCH, _TAKE = False, True
_MESSAGE = attrgetter("message")


class FastLines(Generic[Line]):
    """Reads blocks of whole lines of one form into a gathering."""

    form: Form

    def __init__(self, gather: Gather, literals: Sequence[str], sieve: Sieve | None, line: type[Line]) -> None:
        self.line = 1
        self.gather = gather
        self._sieve = sieve
        self._literals = tuple(literals) if sieve is None else ()
        self._decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(line)
        by_status = [m for m in gather.matchers if m.statuses and not m.reads_text]
        self._wanted = frozenset(status for m in by_status for status in m.statuses)
        self._paths = _Paths(gather)

    def block(self, buffer: bytearray, end: int) -> None:
        """Read the whole lines in `buffer[:end]`."""
        with memoryview(buffer)[:end] as view:
            starts, candidates, lines = self._candidates(buffer, end, view)
            try:
                records = self._decoder.decode_lines(view)
                picked = self._picked(records) if len(records) == lines else None
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                picked = None
        if picked is None:
            for number, text in enumerate(bytes(buffer[:end]).removesuffix(b"\n").split(b"\n"), self.line):
                for item in json_line(number, text.removesuffix(b"\r")):
                    self.gather.take(item)
        else:
            self._look_closely(buffer, end, starts, candidates, picked)
        self.line += lines

    def _candidates(self, buffer: bytearray, end: int, view: memoryview) -> tuple[dict[int, int], set[int], int]:
        """Where lines begin whose place is known, by index; which of them are candidates; and how many lines there
        are.
        """
        starts: dict[int, int] = {}
        candidates: set[int] = set()
        index = at = stop = 0
        for place, strong in self._sieve.places(view) if self._sieve else ():
            if place >= stop:
                start = buffer.rfind(b"\n", at, place) + 1 or at
                index += buffer.count(b"\n", at, start)
                starts[index] = at = start
                stop = buffer.find(b"\n", place, end)
                if stop < 0:
                    stop = end
            if strong:
                candidates.add(index)
        return starts, candidates, index + buffer.count(b"\n", at, end) + (buffer[end - 1] != 10)

    def _look_closely(
        self, buffer: bytearray, end: int, starts: dict[int, int], candidates: set[int], picked: dict[int, bool]
    ) -> None:
        index = at = 0
        for wanted in sorted(candidates.union(picked)):
            start = starts.get(wanted)
            if start is None:
                while index < wanted:
                    at = buffer.find(b"\n", at, end) + 1
                    index += 1
                start = at
            index, at = wanted, start
            stop = buffer.find(b"\n", start, end)
            raw = bytes(buffer[start : stop if stop >= 0 else end]).removesuffix(b"\r")
            self._read(self.line + wanted, raw, take=picked.get(wanted, _MATCH))

    def _read(self, number: int, raw: bytes, *, take: bool) -> None:
        value = decode(raw)
        item: Item = object_item(value, number, raw) if isinstance(value, dict) else next(json_line(number, raw))
        if take or not isinstance(item, LogRecord):
            self.gather.take(item)
        else:
            self.gather.match(item)

    def _picked(self, records: list[Line]) -> dict[int, bool] | None:
        """Count all records of a block. The lines to be read fully, by index: to be matched only, or not counted yet.
        None when the block has to be read line by line."""
        raise NotImplementedError

    def _count(self, times: list[int], first: int, last: int, picked: dict[int, bool]) -> None:
        gather, late = self.gather, sum(picked.values())
        gather.records += len(times) - late
        gather.forms[self.form] += len(times) - late
        gather.widen(first, last)
        if gather.window is not None and (first < gather.window[0] or last >= gather.window[1]):
            since, until = gather.window
            gather.outside += sum(not since <= at < until for i, at in enumerate(times) if not picked.get(i))

    def _saying(self, records: list[Line]) -> list[int]:
        """The lines, by index, whose texts may match a signature; used where there is no sieve."""
        found, literals = [], self._literals
        for index, text in enumerate(map(_MESSAGE, records)):
            if text is None:
                continue
            for literal in literals:
                if literal in text:
                    found.append(index)
                    break
            else:
                if ("\x1b" in text or "\x9b" in text) and any(literal in strip_ansi(text) for literal in literals):
                    found.append(index)
        return found


class StreamLines(FastLines[_Stream]):
    """Form A: a line is never a request, so only its time counts."""

    form = Form.STREAM

    def _picked(self, records: list[_Stream]) -> dict[int, bool] | None:
        times = [r.timestampInMs for r in records]
        first, last = min(times), max(times)
        if first <= 0 or last > LAST_MS:
            return None
        picked: dict[int, bool] = {}
        if self._wanted:
            for index, record in enumerate(records):
                if record.responseStatusCode in self._wanted and record.requestPath:
                    place = self._paths[record.requestPath.partition("?")[0]]
                    if place is None or place.by_status:
                        picked[index] = _MATCH
        if self._literals:
            picked |= dict.fromkeys(self._saying(records), _MATCH)
        self.gather.cut += sum([1 for r in records if r.messageTruncated])
        self._count(times, first, last, picked)
        return picked


class DrainLines(FastLines[_Drain]):
    """Form C: a line belongs to a request, which counts once per minute and route."""

    form = Form.DRAIN

    def _picked(self, records: list[_Drain]) -> dict[int, bool] | None:
        times = [r.timestamp for r in records]
        starts = [
            p.timestamp if (p := r.proxy) is not None and p.timestamp is not None else r.timestamp for r in records
        ]
        first, last, low, high = min(times), max(times), min(starts), max(starts)
        if first <= 0 or last > LAST_MS or low <= 0 or high > LAST_MS:
            return None
        picked: dict[int, bool] = {}
        if low // MINUTE_MS == high // MINUTE_MS:
            self._requests(records, range(len(records)), low - low % MINUTE_MS, picked)
        else:
            minutes: defaultdict[int, list[int]] = defaultdict(list)
            for index, start in enumerate(starts):
                minutes[start - start % MINUTE_MS].append(index)
            for minute, indexes in minutes.items():
                self._requests([records[i] for i in indexes], indexes, minute, picked)
        if self._literals:
            picked = dict.fromkeys(self._saying(records), _MATCH) | picked
        self._count(times, first, last, picked)
        return picked

    def _requests(
        self, records: Sequence[_Drain], indexes: Sequence[int], minute: int, picked: dict[int, bool]
    ) -> None:
        """Count the requests of one minute; lines to be looked at closely go to `picked`."""
        places: defaultdict[Place | None, list[int]] = defaultdict(list)
        known = self._paths
        for at, record in enumerate(records):
            proxy = record.proxy
            path = record.path if proxy is None else proxy.path or record.path
            places[known[path.partition("?")[0]] if path else None].append(at)
        for place, group in places.items():
            ids = [records[at].requestId for at in group]
            plain = [request.rpartition("::")[2] for request in ids if request]
            if place is None or len(plain) < len(ids) or min(map(len, plain)) < _LONGEST_ODD_ID:
                group, plain = self._usual(place, group, ids, indexes, picked)
            if place is None or not group:
                continue
            self.gather.traffic.see_hashes((minute, place.label), map(hash, plain))
            if place.by_status:
                self._statuses([records[at] for at in group], [indexes[at] for at in group], plain, picked)

    def _usual(
        self,
        place: Place | None,
        group: list[int],
        ids: list[str | None],
        indexes: Sequence[int],
        picked: dict[int, bool],
    ) -> tuple[list[int], list[str]]:
        """Those of a group whose path and request id are plain; the others are left to the ordinary reader."""
        usual, plain = [], []
        for at, request in zip(group, ids, strict=True):
            bare = request.rpartition("::")[2] if request else ""
            if place is None or len(bare) < _LONGEST_ODD_ID:
                picked[indexes[at]] = _TAKE
            else:
                usual.append(at)
                plain.append(bare)
        return usual, plain

    def _statuses(
        self, records: list[_Drain], indexes: list[int], requests: list[str], picked: dict[int, bool]
    ) -> None:
        for record, index, request in zip(records, indexes, requests, strict=True):
            proxy = record.proxy
            status = (status_of(proxy.statusCode) if proxy else None) or status_of(record.statusCode)
            if status is None or status in self._wanted:
                picked[index] = _MATCH
            else:
                self.gather.learn(request, status)


class _Paths(dict[str, "Place | None"]):
    """The place of a path without query; None for one that is not plain."""

    LIMIT = 4_000

    def __init__(self, gather: Gather) -> None:
        super().__init__()
        self._find = gather.routes.find

    def __missing__(self, path: str) -> Place | None:
        """Find the place of a path that was not met yet."""
        place = None
        if path[:1] == "/" and (route := normalise_route(path)) is not None:
            place = self._find(route)
        if len(self) >= self.LIMIT:
            self.clear()
        self[path] = place
        return place


AnyFastLines = DrainLines | StreamLines


def fast_lines(head: bytes, gather: Gather, *, search: bool = True) -> AnyFastLines | None:
    """A reader for a log that begins like this, or None when only the ordinary reader can read it exactly.

    Args:
        head: the beginning of the log, whole lines.
        gather: takes what is found.
        search: use the search extension if it is there.
    """
    literals = literals_of(gather.matchers)
    if literals is None or any(m.signature.where or not (m.reads_text or m.statuses) for m in gather.matchers):
        return None
    hints = [f'Code":{status}'.encode() for m in gather.matchers for status in m.statuses]
    sieve = sieve_for(gather.matchers, hints) if search and literals else None
    plain = sieve is not None or not literals
    match _form_of(head):
        case Form.DRAIN:
            return DrainLines(gather, literals, sieve, _Drain if plain else _DrainText)
        case Form.STREAM:
            return StreamLines(gather, literals, sieve, _Stream if plain else _StreamText)
        case _:
            return None


def _form_of(head: bytes) -> Form | None:
    forms: set[Form] = set()
    for text in head.split(b"\n", _SAMPLED)[:_SAMPLED]:
        forms |= {item.form for item in _first_items(text) if isinstance(item, LogRecord)}
    return forms.pop() if len(forms) == 1 else None


def _first_items(text: bytes) -> Iterator[Item]:
    yield from json_line(1, text.removesuffix(b"\r"))
