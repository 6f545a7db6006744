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
from collectors.logs.route import Place
from collectors.logs.shapes import drain_of
from collectors.logs.values import ABSENT, FIRST_MS, LAST_MS, request_of, status_of, strip_ansi
from store.instants import MINUTE_MS


class _Proxy(Struct, gc=False):
    path: str
    timestamp: int
    statusCode: int | None = None


class _AnyProxy(Struct, gc=False):
    path: str | None = None
    timestamp: int | None = None
    statusCode: int | None = None


_NO_PROXY = _AnyProxy()


def _no_proxy() -> _AnyProxy:
    return _NO_PROXY


class ProxiedLine(Struct, gc=False):
    """A line with a `proxy` that says it all; no other form has one."""

    timestamp: int
    proxy: _Proxy
    requestId: str | None = None

    @staticmethod
    def paths(lines: Sequence[DrainLine]) -> list[str]:
        """The path of each line."""
        return [line.proxy.path for line in lines]  # type: ignore[misc]

    @staticmethod
    def statuses(lines: Sequence[DrainLine]) -> list[int | None]:
        """The status of each line, where the proxy has one."""
        return [line.proxy.statusCode for line in lines]


class AnyLine(Struct, gc=False):
    """A line that its own id shows to be of a drain."""

    timestamp: int
    id: Annotated[str, Meta(min_length=1)]
    proxy: _AnyProxy = msgspec.field(default_factory=_no_proxy)
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

    @staticmethod
    def paths(lines: Sequence[DrainLine]) -> list[str]:
        """The path of each line, as far as it has one."""
        return [line.proxy.path or line.path or "" for line in lines]  # type: ignore[union-attr]

    @staticmethod
    def statuses(lines: Sequence[DrainLine]) -> list[int | None]:
        """The status of each line, as far as it has one."""
        return [status_of(line.proxy.statusCode) or line.statusCode for line in lines]  # type: ignore[union-attr]


class ProxiedText(ProxiedLine, gc=False):
    """The same with its text."""

    message: str | None = None


class AnyText(AnyLine, gc=False):
    """The same with its text."""

    message: str | None = None


DrainLine = ProxiedLine | AnyLine
_TEXT = msgspec.json.Decoder(AnyText)


class DrainLines(FastLines[DrainLine]):
    """Reads blocks of form C."""

    form = Form.DRAIN
    kinds = (ProxiedLine, AnyLine)
    kinds_with_text = (ProxiedText, AnyText)

    def _picked(self, records: list[DrainLine]) -> dict[int, bool] | None:
        times = [r.timestamp for r in records]
        starts = [r.proxy.timestamp or r.timestamp for r in records]
        first, last, low, high = min(times), max(times), min(starts), max(starts)
        if first < FIRST_MS or last > LAST_MS or low < FIRST_MS or high > LAST_MS:
            return None
        kind, known = type(records[0]), self._paths
        places = [known[path.partition("?")[0]] for path in kind.paths(records)]
        ids = [r.requestId for r in records]
        statuses = kind.statuses(records) if self._by_status else []
        if low // MINUTE_MS == high // MINUTE_MS:
            odd = self._requests(low, range(len(records)), places, ids, statuses)
        else:
            minutes: defaultdict[int, list[int]] = defaultdict(list)
            for index, start in enumerate(starts):
                minutes[start // MINUTE_MS].append(index)
            odd = []
            for minute, indexes in minutes.items():
                odd += self._requests(minute * MINUTE_MS, indexes, places, ids, statuses)
        picked = dict.fromkeys(self._for_status(places, statuses), MATCH) | dict.fromkeys(odd, TAKE)
        self._count(times, first, last, picked)
        return picked

    def _requests(
        self, at_ms: int, indexes: Iterable[int], places: list[Place | None], ids: list[str | None], statuses: list[int | None]
    ) -> list[int]:  # fmt: skip
        """Count the requests of lines of one minute; the lines, by index, whose path or id is not plain are not counted."""
        groups: defaultdict[Place | None, list[int]] = defaultdict(list)
        for index in indexes:
            groups[places[index]].append(index)
        odd = groups.pop(None, [])
        for place, group in groups.items():
            try:
                requests = [ids[i].rpartition("::")[2] for i in group]  # type: ignore[union-attr]
                plain = ABSENT.isdisjoint(requests)
            except AttributeError:
                plain = False
            if not plain:
                odd += [i for i in group if request_of(ids[i]) is None]
                group = [i for i in group if request_of(ids[i]) is not None]
                requests = [(ids[i] or "").rpartition("::")[2] for i in group]
            if place is not None and group:
                self.gather.traffic.see_hashes((at_ms - at_ms % MINUTE_MS, place.label), map(hash, requests))
                if place.by_status:
                    self._learn(requests, [statuses[i] for i in group])
        return odd

    def _learn(self, requests: list[str], statuses: list[int | None]) -> None:
        """Remember the statuses of requests that no signature wants, for lines of theirs that have none."""
        sure, learn = self._sure, self.gather.learn
        for request, status in zip(requests, statuses, strict=True):
            if status in sure:
                learn(request, status)

    def _for_status(self, places: list[Place | None], statuses: list[int | None]) -> Iterable[int]:
        """Lines that a signature may want for their status, or for having none, by index."""
        sure = self._sure
        for index in [i for i, status in enumerate(statuses) if status not in sure]:
            place = places[index]
            if place is not None and place.by_status:
                yield index

    def _record(self, number: int, raw: bytes) -> LogRecord | None:
        try:
            line = _TEXT.decode(raw)
        except NOT_TYPED:
            return None
        proxy, request = line.proxy, (line.requestId or "").rpartition("::")[2]
        path = (proxy.path or line.path or "").partition("?")[0]
        if request in ABSENT or self._paths[path] is None:
            return None
        return drain_of(
            number,
            raw,
            line.timestamp,
            proxy.timestamp or None,
            self._routes[path],
            status_of(proxy.statusCode) or status_of(line.statusCode),
            request,
            strip_ansi(line.message or ""),
            line.id,
        )
