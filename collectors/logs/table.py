"""Rows out of CSV text: quoted fields with line breaks in them, any usual delimiter, cut tails, stray quotes.

A broken row costs its first physical line only; reading goes on at the next one.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from collectors.logs.record import Banner, Item, Unread
from collectors.logs.shapes import export_record

LONGEST = 16 * 1024 * 1024
"""A row longer than this is taken for a stray quote."""

csv.field_size_limit(LONGEST)

_COLUMNS = {
    name.casefold(): name
    for name in [
        "TimeUTC",
        "timestampInMs",
        "requestPath",
        "requestMethod",
        "requestQueryString",
        "responseStatusCode",
        "requestId",
        "requestUserAgent",
        "level",
        "environment",
        "branch",
        "vercelCache",
        "type",
        "function",
        "host",
        "deploymentDomain",
        "deploymentId",
        "durationMs",
        "region",
        "maxMemoryUsed",
        "memorySize",
        "message",
        "projectId",
        "projectName",
        "traceId",
        "sessionId",
        "invocationId",
        "instanceId",
        "concurrency",
        "lambdaDurationInMs",
        "lambdaRegion",
        "lambdaMaxMemoryUsed",
        "lambdaMemorySize",
        "workflowRunId",
        "workflowStepId",
    ]
}
"""The columns of all generations of the export. Tools that files go through may write them in lower case."""
_TELLING = frozenset(
    [
        "TimeUTC",
        "timestampInMs",
        "requestPath",
        "requestMethod",
        "responseStatusCode",
        "requestId",
        "message",
        "level",
        "deploymentId",
    ]
)
DELIMITERS = (",", ";", "\t", "|")


def header_of(line: bytes) -> tuple[str, list[str]]:
    """The delimiter and the column names of a header line: the split that gives the most columns."""
    text = line.decode("utf-8", "replace").strip("\r\n")
    best: tuple[str, list[str]] = (",", [])
    for delimiter in DELIMITERS:
        try:
            names = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:
            continue
        if len(names) > len(best[1]):
            best = (delimiter, [name.strip() for name in names])
    return best


def is_export_header(names: Sequence[str]) -> bool:
    """Whether a header is that of a dashboard export."""
    known = _TELLING.intersection(_export_names(names))
    return not known.isdisjoint(("timestampInMs", "TimeUTC")) and len(known) >= 4


def _export_names(names: Iterable[str]) -> list[str]:
    return [_COLUMNS.get(name.casefold(), name) for name in names]


def generation(names: Container[str]) -> str:
    """The generation of a dashboard export, told by its columns; 2025 and 2026 share theirs."""
    if "workflowRunId" in names:
        return "2026-workflow"
    if "lambdaDurationInMs" in names:
        return "2023"
    return "2026" if "requestQueryString" in names else "partial"


def export_items(lines: Iterator[tuple[int, bytes]]) -> Iterator[Item]:
    """Every row of a CSV export whose first line is its header."""
    for row in table_rows(lines, _export_names):
        yield export_record(row.values, row.line, row.raw) if isinstance(row, Row) else row


class Row(NamedTuple):
    """One row: where it begins, its bytes, and its values by column."""

    line: int
    raw: bytes
    values: dict[str, str]


Line = tuple[int, bytes]


def table_rows(
    lines: Iterator[Line], named: Callable[[list[str]], list[str]] = list
) -> Iterator[Row | Unread | Banner]:
    """All rows under a header line, whose names `named` may write otherwise. A repeated header, as in files put together,
    is a banner.
    """
    first = next(lines, None)
    if first is None:
        return
    delimiter, names = header_of(first[1])
    columns = named(names)
    pending: deque[Line] = deque()
    while held := _take(pending, lines):
        number, text = held[0][0], b"\n".join(part for _, part in held)
        values = _values(text, delimiter)
        if not text.strip():
            yield Banner(number)
        elif values is None or len(values) != len(names):
            yield Unread(number, _fault(held, values, len(names)), held[0][1][:1024])
            pending.extendleft(reversed(held[1:]))
        elif [value.strip() for value in values] == names:
            yield Banner(number, text)
        else:
            yield Row(number, text, dict(zip(columns, values, strict=True)))


def _take(pending: deque[Line], lines: Iterator[Line]) -> list[Line]:
    """The physical lines of the next row: more than one while a quote is open."""
    held: list[Line] = []
    size = quotes = 0
    while (line := pending.popleft() if pending else next(lines, None)) is not None:
        held.append(line)
        size += len(line[1])
        quotes += line[1].count(b'"')
        if quotes % 2 == 0 or size > LONGEST:
            break
    return held


def _values(text: bytes, delimiter: str) -> list[str] | None:
    try:
        rows = csv.reader([text.decode("utf-8", "replace")], delimiter=delimiter, strict=True, skipinitialspace=True)
        return next(rows, [])
    except csv.Error:
        return None


def _fault(held: list[Line], values: list[str] | None, columns: int) -> str:
    if values is not None and len(held) == 1:
        return f"has {len(values)} of {columns} columns"
    return "opens a quote that does not close in this row"
