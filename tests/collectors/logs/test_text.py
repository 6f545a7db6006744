"""Plain text: instants only where they carry an offset, continuation lines, platform texts, the pretty print."""

from __future__ import annotations

from collectors.logs.objects import lines_of
from collectors.logs.record import Banner, Form, Item, LogRecord
from collectors.logs.text import has_instant, looks_like_log, text_items
from tests.collectors.logs.kit import T0


def read(text: str, *, timed: bool = False) -> list[Item]:
    return list(text_items(lines_of([text.encode()]), timed=timed))


def records(text: str, *, timed: bool = False) -> list[LogRecord]:
    return [item for item in read(text, timed=timed) if isinstance(item, LogRecord)]


def test_lambda_texts_give_the_instant_the_request_and_the_message() -> None:
    text = (
        "START RequestId: b47cde10-029a-11e6-b5d6-1f01b70b94b2 Version: $LATEST \n"
        "2026-02-18T03:00:00.715Z b47cde10-029a-11e6-b5d6-1f01b70b94b2 Task timed out after 60.06 seconds \n"
        "END RequestId: b47cde10-029a-11e6-b5d6-1f01b70b94b2\n"
        "REPORT RequestId: b47cde10-029a-11e6-b5d6-1f01b70b94b2\tDuration: 60060.01 ms\n"
    )
    found = read(text, timed=True)
    assert [type(item) for item in found] == [Banner, LogRecord, Banner, Banner] or len(
        [i for i in found if isinstance(i, Banner)]
    ) == 3
    (record,) = records(text, timed=True)
    assert (record.at_ms, record.request, record.line) == (T0 + 715, "b47cde10-029a-11e6-b5d6-1f01b70b94b2", 2)
    assert (record.route, record.status) == (None, None)


def test_lines_without_an_instant_belong_to_the_line_above() -> None:
    first, second = records(
        "2026-02-18T03:00:00Z ERROR boom\n    at a (x.js:1)\nCaused by: P2028\n\n2026-02-18 03:00:01,5 UTC LOG fine\n",
        timed=True,
    )
    assert first.messages[0].endswith("Caused by: P2028")
    assert (second.at_ms, second.line) == (T0 + 1500, 5)


def test_a_local_clock_is_no_instant() -> None:
    (record,) = records("2026-02-18 03:00:00 ERROR query_wait_timeout\n")
    assert record.at_ms is None
    assert not has_instant(b"2026-02-18 03:00:00 ERROR")
    assert has_instant(b"[2026-02-18T04:00:00+01:00] INFO")
    assert has_instant(b"\x1b[32m2026-02-18 03:00:00.123 UTC [7] LOG")
    assert has_instant(b"web-1  | 2026-02-18T03:00:00Z INFO")


def test_request_ids_of_the_platform_tell_the_instant_of_a_text_without_one() -> None:
    (record,) = records(
        f'API Error (504 {{"error":{{"message":"FUNCTION_INVOCATION_TIMEOUT fra1::46n92-{T0}-02e151215b22"}}}}) · Retrying\n'
    )
    assert (record.at_ms, record.status, record.request) == (T0, 504, f"46n92-{T0}-02e151215b22")


def test_method_path_and_status_are_taken_where_the_text_says_them() -> None:
    (one,) = records("[POST] /chat/completions reason=EDGE_FUNCTION_INVOCATION_TIMEOUT, status=504, user_error=true\n")
    assert (one.route, one.status) == ("/chat/completions", 504)
    (two,) = records(
        '2026-02-18T03:00:00+00:00 heroku[router]: at=error code=H12 method=GET path="/x/y?a=1" request_id=8601b555-6a83 status=503\n'
    )
    assert (two.route, two.status, two.request, two.at_ms) == ("/x/y", 503, "8601b555-6a83", T0)
    (three,) = records(
        "504: GATEWAY_TIMEOUT\nCode: `FUNCTION_INVOCATION_TIMEOUT`\nID: `bom1::mhp76-1771383600000-0123456789ab`\n"
    )
    assert (three.status, three.at_ms) == (504, T0)


def test_bare_messages_are_one_record_a_line() -> None:
    found = records(
        "Error [DriverAdapterError]: query_wait_timeout\nA commit cannot be executed on an expired transaction. N\n"
    )
    assert [record.messages[0][:5] for record in found] == ["Error", "A com"]


def test_the_pretty_print_gives_route_status_and_message_but_no_instant() -> None:
    text = (
        "12:00:01.23  🚫  POST  504  app.example  ƒ  /api/webhooks/email\n"
        "---------------------------------------------------------------\n"
        "first\nTask timed out after 60 seconds\n\n"
        "12:00:02.23  ℹ️  GET  ---  app.example     /api/x\n"
        "------------------------------------------------\n"
        "hello…\n\nwaiting for new logs...\n"
    )
    one, two = records(text)
    assert (one.form, one.route, one.status, one.at_ms) == (Form.PRETTY, "/api/webhooks/email", 504, None)
    assert one.messages == ("first\nTask timed out after 60 seconds",)
    assert (two.status, two.cut) == (None, True)


def test_the_table_of_the_query_form_is_read_row_by_row() -> None:
    text = (
        "TIME         HOST          LEVEL                            STATUS  MESSAGE\n"
        "Feb 18 03:00:00.12  app.example   error    λ POST /api/webhooks/email   504  Task timed out after 60 se…\n"
        "03:00:00.12  app.example   info     ◇ GET /about   ---  (no message)\n"
        "Fetched 2 logs for team/app\n"
    )
    one, two = records(text)
    assert (one.route, one.status, one.messages) == ("/api/webhooks/email", 504, ("Task timed out after 60 se…",))
    assert (two.route, two.status, two.messages) == ("/about", None, ())


def test_only_a_log_looks_like_one() -> None:
    assert looks_like_log(b"at 2026-02-18T03:00:00Z something")
    assert looks_like_log(b"START RequestId: 1 Version: $LATEST")
    assert not looks_like_log(b"Some prose about logs.")
