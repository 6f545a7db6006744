"""Form C in bulk: the entries of a log drain. A line belongs to a request, which counts once per minute and route."""

# ruff: noqa: N815 the structs bear the platform's own field names

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from collectors.logs.fast import MATCH, NOT_TYPED, TAKE, FastLines
from collectors.logs.record import Form, LogRecord
from collectors.logs.route import Place, normalise_route
from collectors.logs.shapes import drain_of
from collectors.logs.values import ABSENT, LAST_MS, request_of, status_of, strip_ansi
from store.instants import MINUTE_MS


class _Proxy(Struct, gc=False):
    path: str | None = None
    statusCode: int | None = None
    timestamp: int | None = None


_NO_PROXY = _Proxy()


def _no_proxy() -> _Proxy:
    return _NO_PROXY


class _Line(Struct, gc=False):
    timestamp: int
    path: str | None = None
    statusCode: int | None = None
    requestId: str | None = None
    # Fields of other forms; typed as null, so that a value is refused.
    timestampInMs: None = None
    TimeUTC: None = None
    events: None = None
    responseStatusCode: None = None
    requestPath: None = None
    rows: None = None
    rowId: None = None
    requestQueryString: None = None


class DrainLine(_Line, gc=False, kw_only=True):
    """A line with a `proxy`, which no other form has."""

    proxy: _Proxy


class AnyDrainLine(DrainLine, gc=False, kw_only=True):
    """A line that its own id shows to be of a drain."""

    id: Annotated[str, Meta(min_length=1)]
    proxy: _Proxy = msgspec.field(default_factory=_no_proxy)


class DrainText(DrainLine, gc=False, kw_only=True):
    """A line with a `proxy`, and its text."""

    message: str | None = None


class AnyDrainText(AnyDrainLine, gc=False, kw_only=True):
    """A line with an id, and its text."""

    message: str | None = None


_TEXT = msgspec.json.Decoder(AnyDrainText)


class DrainLines(FastLines[DrainLine]):
    """Reads blocks of form C."""

    form = Form.DRAIN
    kinds = (DrainLine, AnyDrainLine)
    kinds_with_text = (DrainText, AnyDrainText)

    def _picked(self, records: list[DrainLine]) -> dict[int, bool] | None:
        times = [r.timestamp for r in records]
        starts = [r.proxy.timestamp or r.timestamp for r in records]
        first, last, low, high = min(times), max(times), min(starts), max(starts)
        if first <= 0 or last > LAST_MS or low <= 0 or high > LAST_MS:
            return None
        if low // MINUTE_MS == high // MINUTE_MS:
            plain = self._requests(records, low - low % MINUTE_MS)
        else:
            minutes: defaultdict[int, list[DrainLine]] = defaultdict(list)
            for record, start in zip(records, starts, strict=True):
                minutes[start - start % MINUTE_MS].append(record)
            plain = min([self._requests(group, minute) for minute, group in minutes.items()])
        picked = {} if plain else dict.fromkeys(self._odd(records), TAKE)
        for index in self._by_status(records):
            picked.setdefault(index, MATCH)
        self._count(times, first, last, picked)
        return picked

    def _requests(self, records: Sequence[DrainLine], minute: int) -> bool:
        """Count the requests of one minute; whether all lines were plain, else the others are not counted yet."""
        known = self._paths
        groups: defaultdict[Place | None, list[DrainLine]] = defaultdict(list)
        for record in records:
            groups[known[(record.proxy.path or record.path or "").partition("?")[0]]].append(record)
        plain = groups.pop(None, None) is None
        for place, group in groups.items():
            if place is None:
                continue
            try:
                requests = [r.requestId.rpartition("::")[2] for r in group]  # type: ignore[union-attr]
                usual = ABSENT.isdisjoint(requests)
            except AttributeError:
                usual = False
            if not usual:
                plain = False
                group = [r for r in group if request_of(r.requestId) is not None]
                requests = [(r.requestId or "").rpartition("::")[2] for r in group]
            if group:
                self.gather.traffic.see_hashes((minute, place.label), map(hash, requests))
                if place.by_status:
                    self._learn(group, requests)
        return plain

    def _learn(self, group: Iterable[DrainLine], requests: Iterable[str]) -> None:
        """Remember the statuses of requests that no signature wants, for lines of theirs that have none."""
        for record, request in zip(group, requests, strict=True):
            status = status_of(record.proxy.statusCode) or status_of(record.statusCode)
            if status is not None and status not in self._wanted:
                self.gather.learn(request, status)

    def _odd(self, records: Sequence[DrainLine]) -> list[int]:
        """Lines whose path or request id is not plain, by index."""
        known = self._paths
        return [
            index
            for index, record in enumerate(records)
            if known[(record.proxy.path or record.path or "").partition("?")[0]] is None
            or request_of(record.requestId) is None
        ]

    def _by_status(self, records: Sequence[DrainLine]) -> Iterable[int]:
        """Lines that a signature may want for their status, or for having none, by index."""
        if not self._wanted:
            return
        sure = self._sure
        for index in [i for i, r in enumerate(records) if r.proxy.statusCode not in sure]:
            record = records[index]
            status = status_of(record.proxy.statusCode) or status_of(record.statusCode)
            if status is None or status in self._wanted:
                place = self._paths[(record.proxy.path or record.path or "").partition("?")[0]]
                if place is not None and place.by_status:
                    yield index

    def _record(self, number: int, raw: bytes) -> LogRecord | None:
        try:
            line = _TEXT.decode(raw)
        except NOT_TYPED:
            return None
        request = request_of(line.requestId)
        if request is None:
            return None
        proxy = line.proxy
        return drain_of(
            number,
            raw,
            line.timestamp,
            proxy.timestamp or None,
            normalise_route(proxy.path) or normalise_route(line.path),
            status_of(proxy.statusCode) or status_of(line.statusCode),
            request,
            strip_ansi(line.message or ""),
            line.id,
        )
