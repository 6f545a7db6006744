"""Form A in bulk: the lines of the command-line stream. A line is never a request, so only its time counts."""

# ruff: noqa: N815 the structs bear the platform's own field names

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from collectors.logs.fast import MATCH, NOT_TYPED, FastLines
from collectors.logs.record import Form, LogRecord
from collectors.logs.route import normalise_route
from collectors.logs.shapes import stream_of
from collectors.logs.values import LAST_MS, status_of, strip_ansi


class _Line(Struct, gc=False):
    timestampInMs: int
    responseStatusCode: int | None = None
    requestPath: str | None = None
    messageTruncated: bool | None = None
    # Fields of other forms; typed as null, so that a value is refused.
    requestId: None = None
    TimeUTC: None = None
    requestQueryString: None = None
    deploymentDomain: None = None
    requestUserAgent: None = None
    vercelCache: None = None
    events: None = None
    rows: None = None
    type: None = None


class StreamLine(_Line, gc=False, kw_only=True):
    """A line with a path, of a source that is not the mark of the stream's limit; then its row id says nothing more."""

    requestPath: str
    source: (
        Literal["serverless", "edge-function", "edge-middleware", "request", "static", "lambda", "edge", "redirect"]
        | None
    ) = None


class AnyStreamLine(_Line, gc=False, kw_only=True):
    """Any line but that mark."""

    rowId: Annotated[str, Meta(min_length=1)]


class StreamText(StreamLine, gc=False, kw_only=True):
    """A line with a path, and its text."""

    message: str | None = None


class AnyStreamText(AnyStreamLine, gc=False, kw_only=True):
    """Any line with its text."""

    message: str | None = None


_TEXT = msgspec.json.Decoder(AnyStreamText)


class StreamLines(FastLines[_Line]):
    """Reads blocks of form A."""

    form = Form.STREAM
    kinds = (StreamLine, AnyStreamLine)
    kinds_with_text = (StreamText, AnyStreamText)

    def _picked(self, records: list[_Line]) -> dict[int, bool] | None:
        times = [r.timestampInMs for r in records]
        first, last = min(times), max(times)
        if first <= 0 or last > LAST_MS:
            return None
        picked: dict[int, bool] = {}
        wanted = self._wanted
        for index in [i for i, r in enumerate(records) if r.responseStatusCode in wanted] if wanted else ():
            if path := records[index].requestPath:
                place = self._paths[path.partition("?")[0]]
                if place is None or place.by_status:
                    picked[index] = MATCH
        self.gather.cut += len([1 for r in records if r.messageTruncated])
        self._count(times, first, last, picked)
        return picked

    def _record(self, number: int, raw: bytes) -> LogRecord | None:
        try:
            line = _TEXT.decode(raw)
        except NOT_TYPED:
            return None
        route, status = normalise_route(line.requestPath), status_of(line.responseStatusCode)
        return stream_of(
            number, raw, line.timestampInMs, route, status, strip_ansi(line.message or ""), line.rowId, cut=False
        )
