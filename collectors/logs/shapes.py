"""JSON objects and export rows of the known forms, each turned into one normalised record.

The shape is told by the keys of each object, so a file that mixes forms is read correctly. Raises nothing: what
cannot be read becomes an `Unread` with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from collectors.logs.identity import digest
from collectors.logs.record import ALL_PARTS, Form, Item, LogRecord, Page, SourceFault, Unread
from collectors.logs.route import normalise_route
from collectors.logs.values import (
    base_request,
    duration_of,
    embedded_ms,
    export_instant,
    instant_of,
    request_of,
    status_of,
    text_of,
)

Fields = Mapping[str, Any]

_EXPORT_ONLY = ("TimeUTC", "requestQueryString", "deploymentDomain", "requestUserAgent", "vercelCache")
_STREAM_ONLY = ("requestPath", "rowId", "responseStatusCode")
_DRAIN_ALONE = ("proxy", "deploymentId", "projectId")
_DRAIN_ONLY = (*_DRAIN_ALONE, "id", "buildId")
_WRAPPERS = ("logs", "data", "records", "entries", "events", "results", "items", "result", "response", "body")
_CARRIERS = {"message": "message", "route": "requestPath", "status": "responseStatusCode"}
NO_TIME = "carries no usable time"
UNKNOWN_FORM = "is JSON of no known form"
_LONGEST_BEFORE_MS = 24 * 3_600_000
_NO_FIELDS: Fields = {}


def shape_of(fields: Fields) -> Callable[[Fields, int, bytes], Item] | None:
    """The reader of an object's form, told by its keys, or None for a form that is not known. A null is no key.

    Only drains have a `proxy`, and only streams a `rowId`, so these decide alone.
    """
    if isinstance(fields.get("proxy"), dict):
        return drain_record
    has = {key for key, value in fields.items() if value is not None}
    if "timestampInMs" in has and fields.get("rowId"):
        return stream_record
    if "timestampInMs" in has or "TimeUTC" in has:
        if not has.isdisjoint(_EXPORT_ONLY) or {"requestId", "requestPath"} <= has:
            return export_record
        if not has.isdisjoint(_STREAM_ONLY):
            return stream_record
    if "requestId" in has and ("events" in has or {"requestPath", "statusCode"} <= has):
        return request_record
    if "responseStatusCode" in has or "requestPath" in has:
        return query_record
    stamp = fields.get("timestamp", fields.get("timestampInMs"))
    known = instant_of(stamp) and not has.isdisjoint(_DRAIN_ALONE if _is_iso(stamp) else _DRAIN_ONLY)
    return drain_record if known else None


def json_items(value: object, line: int, raw: bytes) -> Iterator[Item]:
    """The records in one decoded JSON value: an object, an array of them, or a page of the request-logs API."""
    if isinstance(value, list):
        for element in value:
            yield from json_items(element, line, raw if len(value) == 1 else _encode(element))
    elif not isinstance(value, dict):
        yield Unread(line, "is JSON, but not an object", raw)
    elif (rows := _page(value)) is not None:
        yield from _paged(rows, value, line)
    elif shape_of(value) is None and (wrapped := _wrapped(value)):
        yield from _paged(wrapped, value, line)
    else:
        yield object_item(value, line, raw)


def _paged(rows: list[Any], page: Fields, line: int) -> Iterator[Item]:
    for row in rows:
        yield from json_items(row, line, _encode(row))
    if "hasMoreRows" in page:
        yield Page(line, more=str(page["hasMoreRows"]).lower() not in ("false", "none", "0", ""))


def _page(fields: Fields) -> list[Any] | None:
    """The rows of a page of the request-logs API."""
    rows = fields.get("rows")
    paged = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return rows if paged and shape_of(fields) is None else None


def _wrapped(fields: Fields) -> list[Any]:
    """The records that an object of no form of its own holds as a list."""
    for name in _WRAPPERS:
        inside = fields.get(name)
        if isinstance(inside, dict) and (wrapped := _wrapped(inside)):
            return wrapped
        if isinstance(inside, list) and any(isinstance(element, dict) and shape_of(element) for element in inside):
            return inside
    return []


def object_item(fields: Fields, line: int, raw: bytes) -> Item:
    """One JSON object as a record, a fault of the source, or unreadable."""
    if fault := _fault(fields, line):
        return fault
    reader = shape_of(fields)
    if reader is None:
        return Unread(line, UNKNOWN_FORM, raw)
    return reader(fields, line, raw)


def _fault(fields: Fields, line: int) -> SourceFault | None:
    if fields.get("proxy") or fields.get("rowId"):
        return None
    if fields.get("type") == "deployment_error" and "timestamp" not in fields:
        return SourceFault(line, True, f"deployment_error: {text_of(fields.get('message'))}".strip())
    if fields.get("source") == "delimiter" and "rowId" in fields and "id" not in fields:
        return SourceFault(
            line, False, f"the stream was cut by its limit: {text_of(fields.get('message'))}".rstrip(": ")
        )
    error = fields.get("error")
    if isinstance(error, dict) and "message" in error and len(fields) <= 2:
        return SourceFault(line, True, f"the platform answered with an error: {text_of(error['message'])}")
    return None


def stream_record(fields: Fields, line: int, raw: bytes) -> Item:
    """Form A: one log line of the command-line stream."""
    at_ms = instant_of(fields.get("timestampInMs", fields.get("timestamp")))
    if at_ms is None:
        return Unread(line, NO_TIME, raw)
    return stream_of(
        line,
        raw,
        at_ms,
        normalise_route(fields.get("requestPath")),
        status_of(fields.get("responseStatusCode")),
        text_of(fields.get("message")),
        fields.get("rowId"),
        cut=fields.get("messageTruncated") is True,
        fields=fields,
        carries=_carried(fields),
    )


def stream_of(
    line: int, raw: bytes, at_ms: int, route: str | None, status: int | None, message: str, row: object, *, cut: bool,
    fields: Fields = _NO_FIELDS, carries: frozenset[str] = ALL_PARTS,
) -> LogRecord:  # fmt: skip
    """A record of form A from its values."""
    # The real row id is only the milliseconds again, so two lines of one millisecond share it.
    real = isinstance(row, str) and row not in ("", str(at_ms))
    identity = digest("a", row if real else "", at_ms, route, message.strip())
    return LogRecord(
        line, Form.STREAM, raw, at_ms, at_ms, None, route, status, None, _texts(message), identity, ordinal=not real, cut=cut,
        fields=fields, carries=carries,
    )  # fmt: skip


def query_record(fields: Fields, line: int, raw: bytes) -> Item:
    """Forms B: one request of the command-line query, with its nested lines, or its first line, or one row per line."""
    at_ms = instant_of(fields.get("timestamp"))
    if at_ms is None:
        return Unread(line, NO_TIME, raw)
    full = request_of(fields.get("id"))
    request, logs = base_request(full), _logs(fields)
    texts = tuple(dict.fromkeys(t for t in (*map(_nested, logs or ()), text_of(fields.get("message"))) if t))
    form = Form.QUERY if logs is not None else Form.QUERY_LINES if full != request else Form.QUERY_FIRST
    route, status = normalise_route(fields.get("requestPath")), status_of(fields.get("responseStatusCode"))
    return LogRecord(
        line,
        form,
        raw,
        at_ms,
        at_ms,
        at_ms,
        route,
        status,
        request,
        texts,
        full or digest("b", at_ms, route, status, *texts),
        ordinal=full is None,
        starts=True,
        is_request=True,
        cut=any(part.get("messageTruncated") is True for part in (fields, *(logs or ())) if isinstance(part, dict)),
        fields=fields,
    )


def drain_record(fields: Fields, line: int, raw: bytes) -> Item:
    """Form C: one entry of a log drain. The client-visible path and status, under `proxy`, go before the function's
    own.
    """
    proxy = fields.get("proxy")
    if not isinstance(proxy, dict):
        proxy = {}
    at_ms = (
        instant_of(fields.get("timestamp"))
        or instant_of(fields.get("timestampInMs"))
        or instant_of(proxy.get("timestamp"))
    )
    if at_ms is None:
        return Unread(line, NO_TIME, raw)
    route = normalise_route(proxy.get("path")) or normalise_route(fields.get("path"))
    status = status_of(proxy.get("statusCode")) or status_of(fields.get("statusCode"))
    request = request_of(fields.get("requestId")) or request_of(proxy.get("vercelId"))
    started_ms, message = instant_of(proxy.get("timestamp")), text_of(fields.get("message"))
    return drain_of(line, raw, at_ms, started_ms, route, status, request, message, fields.get("id"), fields)


def drain_of(
    line: int, raw: bytes, at_ms: int, started_ms: int | None, route: str | None, status: int | None, request: str | None,
    message: str, entry: object, fields: Fields = _NO_FIELDS,
) -> LogRecord:  # fmt: skip
    """A record of form C from its values."""
    known = isinstance(entry, str | int) and not isinstance(entry, bool) and str(entry) != ""
    identity = str(entry) if known else digest("c", at_ms, request, route, status, message.strip())
    return LogRecord(
        line, Form.DRAIN, raw, at_ms, at_ms, started_ms, route, status, request, _texts(message), identity,
        ordinal=not known, is_request=request is not None, fields=fields,
    )  # fmt: skip


def export_record(fields: Fields, line: int, raw: bytes) -> Item:
    """Form D: one row of a dashboard export, JSON or CSV: a phase of a request, stamped at its start, or one log
    line.
    """
    at_ms = export_instant(fields.get("timestampInMs"), fields.get("TimeUTC"))
    if at_ms is None:
        return Unread(line, NO_TIME, raw)
    route, status, request = (
        normalise_route(fields.get("requestPath")),
        status_of(fields.get("responseStatusCode")),
        request_of(fields.get("requestId")),
    )
    message = text_of(fields.get("message"))
    if message.strip() in ("-", "-1"):
        message = ""
    kind, began = fields.get("type"), embedded_ms(request)
    # Rows of type `request` (2023) are stamped at the end, to the second; so are log lines. Other phases are stamped
    # at their start.
    phase = not message and kind != "request"
    failed_ms = at_ms + duration_of(fields.get("durationMs", fields.get("lambdaDurationInMs"))) if phase else at_ms
    started = began if began is not None and 0 <= at_ms - began <= _LONGEST_BEFORE_MS else at_ms if phase else None
    # Neither status nor duration: a later export may fill in what an earlier one left blank.
    identity = digest("d", request, at_ms, kind, fields.get("function"), route, message.replace("\r\n", "\n").strip())
    return LogRecord(
        line,
        Form.EXPORT,
        raw,
        at_ms,
        failed_ms,
        started,
        route,
        status,
        request,
        _texts(message),
        identity,
        ordinal=True,
        is_request=request is not None,
        fields=fields,
        carries=_carried(fields),
    )


def request_record(fields: Fields, line: int, raw: bytes) -> Item:
    """Form F: one request of the request-logs API, with its events and log lines."""
    at_ms = instant_of(fields.get("timestamp"))
    if at_ms is None:
        return Unread(line, NO_TIME, raw)
    events = (
        [e for e in fields.get("events") or () if isinstance(e, dict)] if isinstance(fields.get("events"), list) else []
    )
    ends = [(instant_of(e.get("timestamp")) or at_ms) + duration_of(e.get("durationMs")) for e in events]
    texts = tuple(dict.fromkeys(t for t in (*map(_nested, _logs(fields) or ()), text_of(fields.get("message"))) if t))
    route = normalise_route(fields.get("requestPath")) or next(
        (r for e in events if (r := normalise_route(e.get("route")))), None
    )
    status = status_of(fields.get("statusCode")) or next(
        (s for e in events if (s := status_of(e.get("httpStatus")))), None
    )
    request = request_of(fields.get("requestId"))
    return LogRecord(
        line,
        Form.REQUESTS,
        raw,
        at_ms,
        max([at_ms, *ends]),
        at_ms,
        route,
        status,
        request,
        texts,
        request or digest("f", at_ms, route, status, *texts),
        ordinal=request is None,
        starts=True,
        is_request=True,
        fields=fields,
    )


def _carried(fields: Fields) -> frozenset[str]:
    """The parts for which an object of a form whose objects all have the same fields has one."""
    return frozenset(part for part, name in _CARRIERS.items() if name in fields)


def _logs(fields: Fields) -> list[Any] | None:
    """The nested lines of a request, if it is of a form that has them."""
    logs = fields.get("logs")
    return logs if isinstance(logs, list) else None


def _nested(entry: object) -> str:
    return text_of(entry.get("message")) if isinstance(entry, dict) else text_of(entry)


def _texts(message: str) -> tuple[str, ...]:
    return (message,) if message else ()


def _is_iso(value: object) -> bool:
    return isinstance(value, str) and "T" in value


def _encode(value: object) -> bytes:
    return text_of(value).encode("utf-8", "replace")
