"""Any other log: JSON lines or CSV whose source names the fields by dotted paths. Readings of gauges come the same way.

Nothing is guessed from the content but the unit of a numeric time, which its size tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from collectors.logs import objects
from collectors.logs.banners import around
from collectors.logs.identity import digest
from collectors.logs.match import field_value
from collectors.logs.record import ALL_PARTS, FACTS, Facts, Form, Item, LogRecord, Unread
from collectors.logs.route import normalise_route
from collectors.logs.table import Row, table_rows
from collectors.logs.values import LAST_MS, instant_of, request_of, status_of, text_of
from store.runbook.model import FieldMap

_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,9})?")
# Upper ends of epoch seconds, milliseconds and microseconds; beyond are nanoseconds, as Loki writes them.
_SECONDS, _MILLISECONDS, _MICROSECONDS = 10**11, 10**14, 10**17


def facts_of(fields: FieldMap) -> Mapping[Form, Facts]:
    """What a log with these fields can show."""
    shown = Facts(statuses=fields.status is not None, routes=fields.route is not None)
    return {**FACTS, Form.GENERIC: shown}


class FieldReader:
    """Turns objects and rows into records by a source's `[fields]`."""

    def __init__(self, fields: FieldMap) -> None:
        self._fields = fields
        self._paths = {
            name: path.split(".") for name in FieldMap.__struct_fields__ if (path := getattr(fields, name)) is not None
        }

    def json_items(self, blocks: Iterable[bytes]) -> Iterator[Item]:
        """Every record of a JSON log: one object per line, or one document."""
        iterator = iter(blocks)
        first = next(iterator, b"")
        if objects.opens_document(first):
            for found in objects.document_parts(_chain(first, iterator)):
                if isinstance(found, objects.Parsed):
                    yield self._object(found.value, found.line, found.raw)
                else:
                    yield found
            return
        for line, text in objects.lines_of(_chain(first, iterator)):
            yield from self.json_line(line, text)

    def json_line(self, line: int, text: bytes) -> Iterator[Item]:
        """What one line holds."""
        text = text.removeprefix(b"\xef\xbb\xbf").strip(b"\0 \t")
        if text[:1] not in (b"{", b"["):
            yield around(line, text)
            return
        try:
            value = objects.decode(text)
        except objects.NotJsonError as error:
            yield Unread(line, str(error), text[:1024])
            return
        for element in value if isinstance(value, list) else (value,):
            yield self._object(element, line, text)

    def table_items(self, blocks: Iterable[bytes]) -> Iterator[Item]:
        """Every row of a CSV log with a header."""
        for row in table_rows(objects.lines_of(blocks)):
            yield self.record(row.values, row.line, row.raw) if isinstance(row, Row) else row

    def record(self, fields: Mapping[str, Any], line: int, raw: bytes) -> Item:
        """One object or row as a record."""
        at_ms = any_instant(self._get(fields, "time"))
        if at_ms is None:
            return Unread(line, f"its {self._fields.time} is no instant with an offset", raw[:1024])
        request, given = request_of(self._get(fields, "request")), self._get(fields, "id")
        known = isinstance(given, str | int) and not isinstance(given, bool) and str(given) != ""
        text = text_of(self._get(fields, "message")) if self._fields.message else raw.decode("utf-8", "replace")
        route = normalise_route(self._get(fields, "route"))
        return LogRecord(
            line,
            Form.GENERIC,
            raw,
            at_ms,
            at_ms,
            None,
            route,
            status_of(self._get(fields, "status")),
            request,
            (text,) if text else (),
            f"{given}" if known else digest("g", at_ms, raw.decode("utf-8", "replace").strip()),
            ordinal=not known,
            is_request=request is not None or route is not None,
            fields=fields,
            series=self._series(fields),
            value=self._get(fields, "value"),
            carries=frozenset(part for part in ALL_PARTS if self._carries(fields, part)),
        )

    def _object(self, value: object, line: int, raw: bytes) -> Item:
        if not isinstance(value, dict):
            return Unread(line, "is JSON, but not an object", raw[:1024])
        return self.record(value, line, raw)

    def _get(self, fields: Mapping[str, Any], name: str) -> object:
        path = self._paths.get(name)
        return None if path is None else field_value(fields, path)

    def _carries(self, fields: Mapping[str, Any], part: str) -> bool:
        """Whether a record has the field of a part; without one that is named, its whole text is the message."""
        return self._get(fields, part) is not None or (part == "message" and self._fields.message is None)

    def _series(self, fields: Mapping[str, Any]) -> str | None:
        """The name of the reading's series; a path that no field has is itself the name of the only series."""
        if self._fields.series is None or self._get(fields, "value") is None:
            return None
        named = self._get(fields, "series")
        return text_of(named) if isinstance(named, str | int) else self._fields.series


def any_instant(value: object) -> int | None:
    """Epoch milliseconds from ISO 8601 with an offset, or from epoch seconds, milli-, micro- or nanoseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = repr(value) if not isinstance(value, str) else value.strip()
    if not _NUMBER.fullmatch(text):
        return instant_of(text) if isinstance(value, str) else None
    number = Decimal(text)
    scale = (
        1000
        if number < _SECONDS
        else 1
        if number < _MILLISECONDS
        else Decimal("0.001")
        if number < _MICROSECONDS
        else Decimal("1e-6")
    )
    ms = int(number * scale)
    return ms if 0 < ms <= LAST_MS else None


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
