"""Keys: the same failure has the same key in every load, order and form; twins are told apart."""

from __future__ import annotations

import json
from typing import Any

from collectors.logs.identity import Ordinals, digest, key_of, plain_key
from collectors.logs.record import LogRecord
from collectors.logs.shapes import json_items
from store.runbook.model import Unit
from tests.collectors.logs.kit import T0, TIMEOUT_60, drain_entry, export_row, query_row, request_id, stream_line


def record(fields: dict[str, Any]) -> LogRecord:
    (item,) = json_items(fields, 1, json.dumps(fields).encode())
    assert isinstance(item, LogRecord)
    return item


def keys(unit: Unit, *records: LogRecord) -> set[str]:
    return {key_of(r, unit, r.messages[0] if r.messages else "")[0] for r in records}


def test_a_request_is_one_failure_however_many_rows_and_spellings_it_has() -> None:
    rows = [
        record(export_row(requestId=f"{region}{request_id(T0)}", type=kind))
        for region in ("", "sin1::", "sin1::cdg1::")
        for kind in ("function", "static")
    ]
    assert keys(Unit.REQUEST, *rows) == {request_id(T0)}
    assert len(keys(Unit.ROW, *rows)) == 2


def test_the_same_request_has_the_same_key_in_another_form() -> None:
    assert keys(
        Unit.REQUEST, record(query_row(number=7)), record(export_row(number=7)), record(drain_entry(number=7))
    ) == {request_id(T0, 7)}


def test_a_drain_entry_is_its_own_id() -> None:
    assert key_of(record(drain_entry()), Unit.ROW, "") == (f"{T0}000000000000", False)


def test_a_message_counts_once_per_request_text_and_time() -> None:
    rows = [
        record(export_row(T0 + 5, TIMEOUT_60)),
        record(export_row(T0 + 5, TIMEOUT_60 + "\r\n")),
        record(export_row(T0 + 6, TIMEOUT_60)),
    ]
    assert len(keys(Unit.MESSAGE, *rows)) == 2


def test_two_lines_of_one_millisecond_in_a_stream_are_told_apart_by_path_and_text() -> None:
    lines = [record(stream_line(message=m, path=p)) for m in ("a", "b") for p in ("/x", "/y")]
    assert len(keys(Unit.REQUEST, *lines)) == 4
    assert keys(Unit.REQUEST, lines[0]) == keys(Unit.REQUEST, record(stream_line(message="a", path="/x?q=1")))


def test_a_key_does_not_depend_on_the_order_of_fields() -> None:
    row = export_row(message="x")
    assert keys(Unit.ROW, record(row)) == keys(Unit.ROW, record(dict(reversed(row.items()))))


def test_exact_twins_are_numbered_per_signature() -> None:
    ordinals = Ordinals()
    assert [
        ordinals.number("a", "k"),
        ordinals.number("a", "k"),
        ordinals.number("b", "k"),
        ordinals.number("a", "j"),
    ] == ["k", "k#2", "k", "j"]


def test_an_id_that_is_long_or_tells_a_person_is_kept_as_its_digest() -> None:
    assert plain_key("abc-1") == "abc-1"
    for odd in ("x" * 121, "user@example.com", "naïve", "a\nb", "\ud83d"):
        assert plain_key(odd) == digest("k", odd)


def test_the_borders_of_values_cannot_be_confused() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(None, "a") == digest("", "a")


def test_an_export_row_is_the_same_row_when_a_later_export_fills_in_its_status_and_duration() -> None:
    early = record(export_row(responseStatusCode="", durationMs=""))
    later = record(export_row(responseStatusCode=504, durationMs=1200))
    assert keys(Unit.ROW, early) == keys(Unit.ROW, later)
