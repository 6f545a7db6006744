"""Records of every known form: time, route, status, request, texts, and what each row is stamped with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.logs.record import Form, LogRecord, Page, SourceFault, Unread
from collectors.logs.shapes import json_items
from tests.collectors.logs.kit import (
    INBOX,
    T0,
    TIMEOUT_60,
    TIMING,
    WEBHOOK,
    drain_entry,
    export_row,
    first_line_row,
    query_row,
    request_id,
    stream_line,
)


def record(fields: dict[str, Any]) -> LogRecord:
    (item,) = json_items(fields, 1, json.dumps(fields).encode())
    assert isinstance(item, LogRecord), item
    return item


def test_a_stream_line_has_a_time_and_a_route_but_no_status_and_no_request() -> None:
    line = record(stream_line())
    assert (line.form, line.at_ms, line.failed_ms, line.route, line.status, line.request) == (
        Form.STREAM,
        T0,
        T0,
        WEBHOOK,
        None,
        None,
    )
    assert line.messages == (TIMEOUT_60,)


def test_row_ids_that_only_repeat_the_milliseconds_identify_nothing() -> None:
    assert record(stream_line(message="a")).identity != record(stream_line(message="b")).identity
    assert record(stream_line()).ordinal
    assert not record(stream_line(rowId="0192-unique")).ordinal


def test_a_query_row_is_searched_in_all_its_nested_lines() -> None:
    row = record(query_row(T0, "received", TIMEOUT_60))
    assert (row.form, row.request, row.messages) == (Form.QUERY, request_id(T0), ("received", TIMEOUT_60))
    assert row.starts
    assert row.started_ms == T0


def test_a_query_row_without_nested_lines_is_the_early_form_and_a_numbered_one_the_expanding_form() -> None:
    assert record(first_line_row()).form is Form.QUERY_FIRST
    second = record(first_line_row(id=request_id(T0) + "_1"))
    assert (second.form, second.request, second.identity) == (Form.QUERY_LINES, request_id(T0), request_id(T0) + "_1")


def test_a_drain_entry_shows_what_the_client_saw() -> None:
    entry = record(
        drain_entry(
            path="/x/[id]",
            status=500,
            proxy={"timestamp": T0 - 900, "path": "/x/7?id=7", "statusCode": 502, "host": "h"},
        )
    )
    assert (entry.form, entry.route, entry.status, entry.started_ms) == (Form.DRAIN, "/x/7", 502, T0 - 900)


def test_a_drain_entry_without_a_client_answer_shows_the_functions_own() -> None:
    entry = record(drain_entry(status=500, proxy={"path": TIMING, "statusCode": -1}))
    assert (entry.route, entry.status) == (TIMING, 500)


def test_a_drain_entry_needs_little_more_than_its_id_and_time() -> None:
    entry = record({"id": "1", "timestamp": T0, "message": "done", "type": "stdout"})
    assert (entry.route, entry.status, entry.request, entry.is_request) == (None, None, None, False)


def test_an_export_row_of_a_phase_fails_when_the_phase_ends() -> None:
    row = record(export_row(durationMs=56))
    assert (row.form, row.route, row.status) == (Form.EXPORT, TIMING, 500)
    assert (row.at_ms, row.failed_ms, row.started_ms) == (T0, T0 + 56, T0)


def test_an_export_row_of_a_log_line_fails_at_its_own_time_and_began_with_its_request() -> None:
    row = record(export_row(T0 + 60_077, TIMEOUT_60, requestId=f"cdg1::{request_id(T0)}", durationMs=1))
    assert (row.failed_ms, row.started_ms, row.request) == (T0 + 60_077, T0, request_id(T0))


def test_the_exports_of_2023_stamp_their_request_rows_at_the_end() -> None:
    row = export_row(type="request", message="-", lambdaDurationInMs=3416.55)
    del row["durationMs"]
    assert record(row).failed_ms == T0
    assert record(row | {"type": "lambda"}).failed_ms == T0 + 3416
    assert record(row).messages == ()


def test_every_spelling_of_absent_is_absent_in_an_export() -> None:
    for absent in ("", "-1", "-", -1):
        row = record(export_row(status=absent, requestId=absent, absent=str(absent)))
        assert (row.status, row.request, row.is_request) == (None, None, False)


def test_a_request_of_the_api_ends_with_its_last_event() -> None:
    page = {
        "rows": [
            {
                "requestId": request_id(T0),
                "timestamp": "2026-02-18T03:00:00.000Z",
                "requestPath": INBOX,
                "statusCode": 504,
                "events": [{"timestamp": "2026-02-18T03:00:00.100Z", "durationMs": 60_000, "httpStatus": 504}],
                "logs": [{"level": "error", "message": "x"}, "y"],
            }
        ],
        "hasMoreRows": True,
    }
    row, more = json_items(page, 1, b"")
    assert isinstance(row, LogRecord)
    assert more == Page(1, more=True)
    assert (row.form, row.failed_ms, row.route, row.status, row.messages) == (
        Form.REQUESTS,
        T0 + 60_100,
        INBOX,
        504,
        ("x", "y"),
    )


def test_what_the_source_says_about_itself_is_no_record() -> None:
    (failed,) = json_items({"type": "deployment_error", "message": "never READY"}, 1, b"")
    (cut,) = json_items(stream_line(rowId="", source="delimiter", message="Exceeded duration limit"), 1, b"")
    (refused,) = json_items({"error": {"code": "forbidden", "message": "Not authorized"}}, 1, b"")
    assert failed == SourceFault(1, True, "deployment_error: never READY")
    assert cut == SourceFault(1, False, "the stream was cut by its limit: Exceeded duration limit")
    assert refused == SourceFault(1, True, "the platform answered with an error: Not authorized")


def test_objects_of_no_known_form_and_records_without_a_time_are_unreadable() -> None:
    for value in ({"a": 1}, {"timestamp": "x", "level": "info"}, 7, "text", None):
        assert isinstance(*json_items(value, 1, b""), Unread)
    for fields in (
        stream_line(timestampInMs=None),
        query_row(timestamp="soon"),
        drain_entry(timestamp=0, proxy={}),
        export_row(timestampInMs="", TimeUTC=""),
    ):
        (item,) = json_items(fields, 3, b"raw")
        assert item == Unread(3, "carries no usable time", b"raw")


def test_fields_of_the_wrong_kind_are_as_good_as_absent() -> None:
    row = record(query_row(requestPath=["/x"], logs=["a", {"message": None}, 5], id=None, responseStatusCode={"a": 1}))
    assert (row.route, row.status, row.request) == (None, None, None)
    assert row.messages == ("a", "5", TIMEOUT_60)
    assert record(drain_entry(proxy="none", requestId=[1])).request is None


def test_records_inside_an_object_of_no_form_of_its_own_are_found() -> None:
    found = list(json_items({"took": 3, "data": [stream_line(), stream_line(T0 + 1), {"a": 1}]}, 1, b""))
    assert [type(item) for item in found] == [LogRecord, LogRecord, Unread]
    assert [type(item) for item in json_items({"data": [{"a": 1}]}, 1, b"")] == [Unread]


def test_a_drain_entry_may_write_its_time_as_text() -> None:
    assert record(drain_entry(timestamp="2026-02-18T03:00:00.000Z")).at_ms == T0
    assert record(drain_entry(timestamp=str(T0))).at_ms == T0


@pytest.mark.parametrize(
    ("said", "more"), [(True, True), ("true", True), (1, True), (False, False), ("false", False), (None, False)]
)
@pytest.mark.parametrize("name", ["rows", "logs"])
def test_a_page_says_whether_more_exist_however_it_is_written(name: str, said: object, more: bool) -> None:
    row = query_row()
    assert list(json_items({name: [row], "hasMoreRows": said}, 3, b""))[1:] == [Page(3, more)]


def test_a_nested_line_that_was_cut_makes_the_record_a_cut_one() -> None:
    row = query_row() | {"logs": [{"message": "a"}, {"message": "b", "messageTruncated": True}]}
    (record,) = json_items(row, 1, b"")
    assert isinstance(record, LogRecord)
    assert record.cut
