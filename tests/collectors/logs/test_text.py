"""Plain text: instants only where they carry an offset, continuation lines, platform texts, the pretty print."""

from __future__ import annotations

import json

import pytest

from collectors.logs.objects import lines_of
from collectors.logs.record import Banner, Form, Item, LogRecord, SourceFault, Unread
from collectors.logs.text import has_instant, looks_like_log, text_items
from tests.collectors.logs.kit import T0, TIMEOUT_60, WEBHOOK, drain_entry, export_row, stream_line

STARTED = "2026-02-18T03:00:00.000Z capture started\n"


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


@pytest.mark.parametrize(
    "line",
    [
        "Feb 18 12:05:07 app POST /api/webhooks/email Task timed out after 60 seconds",
        "2026-02-18 12:05:07 ERROR POST /api/webhooks/email Task timed out after 60 seconds",
        "2026-02-18T12:05:07.123 ERROR POST /api/webhooks/email Task timed out after 60 seconds",
        "[12:05:07] POST /api/webhooks/email Task timed out after 60 seconds",
        "[Nest] 4242  - 02/18/2026, 12:05:07 PM   ERROR POST /api/webhooks/email Task timed out after 60 seconds",
        "I0218 12:05:07.000001       1 POST /api/webhooks/email Task timed out after 60 seconds",
        '10.0.0.1 - alice [18/Feb/2026:12:05:07 +0900] "POST /api/webhooks/email HTTP/1.1" Task timed out after 60 s',
        "web-1  | Feb 18 12:05:07 POST /api/webhooks/email Task timed out after 60 seconds",
        "POST /api/webhooks/email Task timed out after 60 seconds",
        "[POST] /api/webhooks/email Task timed out after 60 seconds",
        "error: POST /api/webhooks/email Task timed out after 60 seconds",
        "1771383600.123 POST /api/webhooks/email Task timed out after 60 seconds",
    ],
)
def test_a_line_that_begins_like_a_record_is_one_without_an_instant(line: str) -> None:
    first, *others = records(STARTED + f"{line}\n    at x\n" * 3, timed=True)
    assert first.messages == (STARTED.strip(),)
    assert [(r.at_ms, r.route, r.line) for r in others] == [(None, WEBHOOK, n) for n in (2, 4, 6)]
    assert all(r.messages[0].endswith("\n    at x") for r in others)


@pytest.mark.parametrize(
    "line",
    [
        "    at handler (/var/task/2026-02-18/app.js:12:05:07)",
        "  2026-02-18 12:05:07 in the midst of a table",
        "\tPOST /api/webhooks/email",
        "Caused by: Error: query_wait_timeout",
        "The job that began at 12:05:07 was the last one",
        "Request failed for POST /api/webhooks/email",
        "Code: `FUNCTION_INVOCATION_TIMEOUT`",
        "ID: `bom1::mhp76-1771383600000-0123456789ab`",
        "{ code: 'P2028', meta: {} }",
        "{\n  code: 'P2028',\n}",
        "]",
        "[error] the pool is empty",
    ],
)
def test_a_line_that_begins_like_part_of_a_message_is_part_of_it(line: str) -> None:
    text = f"2026-02-18T03:00:00Z ERROR boom\n{line}\nlast words"
    (record,) = records(text + "\n", timed=True)
    assert (record.messages, record.at_ms) == ((text,), T0)


def test_lines_before_the_first_instant_are_a_record_without_one() -> None:
    first, second = records("Task timed out after 60 seconds\nmore\n" + STARTED, timed=True)
    assert (first.at_ms, first.messages) == (None, ("Task timed out after 60 seconds\nmore",))
    assert second.at_ms == T0


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("label", ["", "web-1  | "])
def test_json_among_lines_of_text_is_the_record_that_it_is(timed: bool, indent: int | None, label: str) -> None:
    parts = [export_row(T0 + 5, TIMEOUT_60, number=1), drain_entry(T0 + 6, number=2), stream_line(T0 + 7)]
    text = STARTED + "".join(json.dumps(part, indent=indent) + "\n" for part in parts) + STARTED
    lines = [label + line for line in text.splitlines()]
    found = records("\n".join(lines), timed=timed)
    assert [(r.form, r.at_ms) for r in found] == [
        (Form.TEXT, T0),
        (Form.EXPORT, T0 + 5),
        (Form.DRAIN, T0 + 6),
        (Form.STREAM, T0 + 7),
        (Form.TEXT, T0),
    ]
    assert [lines[r.line - 1].removeprefix(label)[:1] for r in found] == ["2", "{", "{", "{", "2"]


def test_an_array_of_records_among_lines_of_text_gives_them_all() -> None:
    rows = [export_row(T0 + n, TIMEOUT_60, number=n) for n in range(3)]
    for array in (json.dumps(rows), json.dumps(rows, indent=1), "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]"):
        found = records(STARTED + array + "\n" + STARTED, timed=True)
        assert [r.form for r in found] == [Form.TEXT, *[Form.EXPORT] * 3, Form.TEXT]


def test_json_of_no_known_form_among_lines_of_text_is_a_text_of_its_own() -> None:
    text = '{"level":50,"msg":"query_wait_timeout"}\n{\n  "a": {\n    "b": 1\n  }\n}\n'
    for timed in (True, False):
        _, one, two = records(STARTED + text, timed=timed)
        assert (one.messages, one.at_ms, one.line) == (('{"level":50,"msg":"query_wait_timeout"}',), None, 2)
        assert (json.loads(two.messages[0]), two.at_ms, two.line) == ({"a": {"b": 1}}, None, 3)


@pytest.mark.parametrize("indent", [None, 2])
def test_json_among_lines_of_text_that_is_cut_off_is_told_and_costs_nothing_else(indent: int | None) -> None:
    cut, whole = json.dumps(export_row(T0 + 5, TIMEOUT_60), indent=indent), json.dumps(export_row(T0 + 6, number=1))
    found = read(STARTED + cut[:-30] + "\n" + whole + "\n" + STARTED, timed=True)
    assert [(item.line, item.reason) for item in found if isinstance(item, Unread)] == [(2, "is cut off in the middle")]
    told = [(item.form, item.at_ms) for item in found if isinstance(item, LogRecord)]
    # What is left of a broken one is text, to which its request id still tells an instant.
    rest = [(Form.TEXT, T0 + 5)] if indent else []
    assert told == [(Form.TEXT, T0), *rest, (Form.EXPORT, T0 + 6), (Form.TEXT, T0)]


def test_brackets_without_end_cost_no_time() -> None:
    found = records(STARTED + "{\n" * 20_000 + STARTED, timed=True)
    assert [r.at_ms for r in found] == [T0, T0]


def test_a_fault_of_the_source_among_lines_of_text_is_told() -> None:
    found = read(STARTED + '{"type":"deployment_error","message":"gone"}\n', timed=True)
    assert found[1] == SourceFault(2, True, "deployment_error: gone")


@pytest.mark.parametrize(
    "line",
    [
        "2026-02-18 12:05:00 ERROR Task timed out after 60 seconds; token issued 2026-02-18T03:01:00Z",
        "2026-02-18 12:05:00 2026-02-18T03:01:00Z",
        "Feb 18 12:05:00 host app: token of 2026-02-18T03:01:00Z",
        "12:05:00 token 2026-02-18T03:01:00Z",
        "Task timed out after 60 seconds; token issued 2026-02-18T03:01:00Z",
    ],
)
def test_another_instant_in_a_line_is_not_its_own(line: str) -> None:
    for timed in (True, False):
        (record,) = records(line + "\n", timed=timed)
        assert (record.at_ms, record.messages) == (None, (line,))


@pytest.mark.parametrize(
    "line",
    [
        '10.0.0.1 - - [2026-02-18T03:00:00+00:00] "POST /api/webhooks/email HTTP/1.1" 504 0',
        '10.0.0.1 - alice [2026-02-18T03:00:00+00:00] "POST /api/webhooks/email HTTP/1.1" 504 0',
        "<34>1 2026-02-18T03:00:00Z host app 42 - - boom",
        "[pod/web-7d4b9c-x2x/app] 2026-02-18T03:00:00Z boom",
        "web-7d4b9c-x2x app 2026-02-18T03:00:00Z boom",
        "web-1  | 2026-02-18T03:00:00Z boom",
        "error 2026-02-18T03:00:00Z boom",
        'time="2026-02-18T03:00:00Z" level=error msg="token of 2026-02-18T04:00:00Z"',
        "level=error ts=2026-02-18T03:00:00Z msg=boom",
        "ERROR:root:2026-02-18T03:00:00Z boom",
    ],
)
def test_an_instant_behind_names_of_machines_is_the_lines_own(line: str) -> None:
    (record,) = records(line + "\n")
    assert record.at_ms == T0


def test_lines_of_another_program_keep_their_instant_among_those_that_begin_with_one() -> None:
    text = (
        STARTED + '10.0.0.1 - - [2026-02-18T03:00:05+00:00] "POST /x HTTP/1.1" 504 0\n<34>1 2026-02-18T03:00:06Z h a\n'
    )
    assert [r.at_ms for r in records(text, timed=True)] == [T0, T0 + 5_000, T0 + 6_000]


def test_an_instant_of_which_it_is_not_sure_whose_it_is_is_nobodys() -> None:
    _, record = records(STARTED + "Deadline: 2026-02-18T04:00:00Z\nTask timed out after 60 seconds\n", timed=True)
    assert record.at_ms is None


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


def test_json_in_a_pretty_print_is_its_message() -> None:
    message = json.dumps(drain_entry(), indent=1)
    (record,) = records(f"12:00:01.23  🚫  POST  504  app.example  ƒ  /api/webhooks/email\n-----------\n{message}\n")
    assert (record.form, record.messages) == (Form.PRETTY, (message,))


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
