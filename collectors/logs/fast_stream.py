"""Form A in bulk: the lines of the command-line stream. A line is never a request, so only its time counts."""

# ruff: noqa: N815 the structs bear the platform's own field names

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from collectors.logs.fast import MATCH, NOT_TYPED, FastLines
from collectors.logs.record import Form, LogRecord
from collectors.logs.route import normalise_route
from collectors.logs.shapes import stream_of
from collectors.logs.values import FIRST_MS, LAST_MS, status_of, strip_ansi


class StreamLine(Struct, gc=False):
    """What a line counts with. A row id alone makes it one of a stream; without one it is the mark of the stream's limit,
    or something else.
    """

    timestampInMs: int
    rowId: Annotated[str, Meta(min_length=1)]
    responseStatusCode: int | None = None
    requestPath: str | None = None
    messageTruncated: bool | None = None
    proxy: None = None  # a drain has one


class StreamText(StreamLine, gc=False):
    """The same with its text."""

    message: str | None = None


_AT: Callable[[StreamLine], int] = attrgetter("timestampInMs")
_STATUS: Callable[[StreamLine], int | None] = attrgetter("responseStatusCode")
_CUT: Callable[[StreamLine], bool | None] = attrgetter("messageTruncated")
_TEXT = msgspec.json.Decoder(StreamText)


class StreamLines(FastLines[StreamLine]):
    """Reads blocks of form A."""

    form = Form.STREAM
    kinds = (StreamLine,)
    kinds_with_text = (StreamText,)

    def _picked(self, records: list[StreamLine]) -> dict[int, bool] | None:
        times = list(map(_AT, records))
        first, last = min(times), max(times)
        if first < FIRST_MS or last > LAST_MS:
            return None
        wanted = self._wanted
        picked: dict[int, bool] = {}
        if wanted and not wanted.isdisjoint(map(_STATUS, records)):
            found = [index for index, status in enumerate(map(_STATUS, records)) if status in wanted]
            picked = {index: MATCH for index in found if self._may_want(records[index].requestPath)}
        if True in map(_CUT, records):
            self.gather.cut += list(map(_CUT, records)).count(True)
        self._count(times, first, last, picked)
        return picked

    def _may_want(self, path: str | None) -> bool:
        """Whether a signature may want a line for its status: one without a path is on no route."""
        place = self._paths[path.partition("?")[0]] if path else None
        return bool(path) and (place is None or place.by_status)

    def _record(self, number: int, raw: bytes) -> LogRecord | None:
        try:
            line = _TEXT.decode(raw)
        except NOT_TYPED:
            return None
        path = (line.requestPath or "").partition("?")[0]
        route = self._routes[path] if self._paths[path] is not None else normalise_route(line.requestPath)
        status = status_of(line.responseStatusCode)
        return stream_of(
            number, raw, line.timestampInMs, route, status, strip_ansi(line.message or ""), line.rowId, cut=False
        )
