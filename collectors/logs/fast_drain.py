"""Form C in bulk: the entries of a log drain. A line belongs to a request, which counts once per minute and route."""

# ruff: noqa: N815 the structs bear the platform's own field names

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, NamedTuple, cast

import msgspec
from msgspec import Meta, Struct

from collectors.logs.fast import MATCH, NOT_TYPED, TAKE, FastLines
from collectors.logs.record import Form, LogRecord
from collectors.logs.route import Place
from collectors.logs.shapes import drain_of
from collectors.logs.traffic import Cell
from collectors.logs.values import ABSENT, FIRST_MS, LAST_MS, status_of, strip_ansi
from store.instants import MINUTE_MS


class _Proxy(Struct, gc=False):
    timestamp: int
    path: str
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
    def starts(lines: Sequence[DrainLine]) -> list[int]:
        """When the request of each line began."""
        return [line.proxy.timestamp or line.timestamp for line in lines]

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

    starts = ProxiedLine.starts

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


class _Requests(NamedTuple):
    """Lines of requests in columns: index in the block, begin of the request, place, id, status if one matters."""

    indexes: Sequence[int]
    starts: Sequence[int]
    places: Sequence[Place]
    ids: Sequence[str]
    statuses: Sequence[int | None]


class DrainLines(FastLines[DrainLine]):
    """Reads blocks of form C."""

    form = Form.DRAIN
    kinds = (ProxiedLine, AnyLine)
    kinds_with_text = (ProxiedText, AnyText)

    def _picked(self, records: list[DrainLine]) -> dict[int, bool] | None:
        kind = type(records[0])
        times, starts = [r.timestamp for r in records], kind.starts(records)
        first, last = min(times), max(times)
        if first < FIRST_MS or last > LAST_MS or min(starts) < FIRST_MS or max(starts) > LAST_MS:
            return None
        known = self._paths
        places = [known[path if "?" not in path else path[: path.index("?")]] for path in kind.paths(records)]
        ids = _plain_ids([r.requestId for r in records])
        statuses = kind.statuses(records) if self._by_status else []
        # A path or an id that is not plain is rare; such a line is not counted here.
        odd = [i for i, place in enumerate(places) if place is None] if None in places else []
        odd += [i for i, id in enumerate(ids) if id in ABSENT] if not ABSENT.isdisjoint(ids) else []
        requests = _Requests(range(len(records)), starts, cast("list[Place]", places), ids, statuses)
        wanted = self._count_requests(_without(requests, set(odd)) if odd else requests)
        picked = dict.fromkeys(wanted, MATCH) | dict.fromkeys(odd, TAKE)
        self._count(times, first, last, picked)
        return picked

    def _count_requests(self, requests: _Requests) -> list[int]:
        """Count requests per minute and route; the lines, by index, that a signature may want for their status, or for
        having none.
        """
        if not requests.ids:
            return []
        numbers = list(map(hash, requests.ids))
        minute, last = (at - at % MINUTE_MS for at in (min(requests.starts), max(requests.starts)))
        groups: defaultdict[Place, list[int]] = defaultdict(list)
        if minute == last:
            for place, number in zip(requests.places, numbers, strict=True):
                groups[place].append(number)
            for place, found in groups.items():
                self.gather.traffic.see_hashes((minute, place.label), found)
        else:
            cells: defaultdict[Cell, list[int]] = defaultdict(list)
            for start, place, number in zip(requests.starts, requests.places, numbers, strict=True):
                cells[start - start % MINUTE_MS, place.label].append(number)
            for cell, found in cells.items():
                self.gather.traffic.see_hashes(cell, found)
        return self._look_at_statuses(requests, numbers) if requests.statuses else []

    def _look_at_statuses(self, requests: _Requests, numbers: list[int]) -> list[int]:
        """Remember the statuses that no signature wants, for lines of the same request that have none; the other lines,
        by index, are to be matched.
        """
        sure, learn, found = self._sure, self.gather.learn, []
        for at in [at for at, place in enumerate(requests.places) if place.by_status]:
            status = requests.statuses[at]
            if status in sure:
                learn(numbers[at], status)
            else:
                found.append(requests.indexes[at])
        return found

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


def _plain_ids(ids: list[str | None]) -> list[str]:
    """Request ids without their region prefixes; "" where there is none."""
    if None in ids:
        return [(id or "").rpartition("::")[2] for id in ids]
    lines = "\n".join(("", *cast("list[str]", ids)))
    if "::" not in lines:
        return cast("list[str]", ids)
    # One prefix is common to most logs; taken off in one go, it costs next to nothing.
    head, colons, _ = lines.partition("\n")[2].partition("\n")[0].rpartition("::")
    plain = lines.replace(f"\n{head}{colons}", "\n")
    found = plain.split("\n")[1:]
    if "::" in plain or len(found) != len(ids):
        return [(id or "").rpartition("::")[2] for id in ids]
    return found


def _without(requests: _Requests, odd: set[int]) -> _Requests:
    keep = [i for i in requests.indexes if i not in odd]
    return _Requests(
        keep,
        [requests.starts[i] for i in keep],
        [requests.places[i] for i in keep],
        [requests.ids[i] for i in keep],
        [requests.statuses[i] for i in keep] if requests.statuses else [],
    )
