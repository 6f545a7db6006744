"""Signatures as tests over one record: every given part must hold, texts on one and the same message."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.gather import Gather
from collectors.logs.match import Matcher, field_text, matchers_of, why_not_provable
from collectors.logs.record import Form, LogRecord
from collectors.logs.redact import Redactor
from collectors.logs.shapes import json_items
from store.runbook.model import Signature
from tests.collectors.logs.kit import (
    INBOX,
    SIGNATURES,
    SOURCE,
    T0,
    TIMEOUT_60,
    TIMEOUT_300,
    TIMING,
    WEBHOOK,
    drain_entry,
    query_row,
    runbook,
    signature,
    stream_line,
    trip,
)


def matches(one: Signature, fields: dict[str, Any]) -> bool:
    (item,) = json_items(fields, 1, b"{}")
    assert isinstance(item, LogRecord)
    gather = Gather([Matcher(one)], Redactor(), placed_ms=T0)
    gather.match(item)
    return gather.rows == [1]


WEBHOOK_60 = signature(routes=(WEBHOOK,), timeout_s=60)
EXPIRED = signature(
    routes=("/api/inbox/**", TIMING),
    messages=("P2028", "Transaction API error:", "cannot be executed on an expired transaction"),
)


@pytest.mark.parametrize(
    ("message", "path", "expected"),
    [
        (TIMEOUT_60, WEBHOOK, True),
        ("2026-02-18T03:00:00Z b47c Task timed out after 60.06 seconds ", WEBHOOK, True),
        ("Task timed out after \x1b[31m60\x1b[39m seconds", WEBHOOK, True),
        ("first line\n" + TIMEOUT_60, f"https://app.example{WEBHOOK}?a=1", True),
        ("Task timed out after 600 seconds", WEBHOOK, False),
        ("Task timed out after 120.00 seconds", WEBHOOK, False),
        (TIMEOUT_300, WEBHOOK, False),
        (TIMEOUT_60, "/api/webhooks/email-status", False),
        (TIMEOUT_60, "", False),
        ("504: GATEWAY_TIMEOUT", WEBHOOK, False),
    ],
)
def test_a_timeout_signature_reads_the_number_on_its_whole_route(message: str, path: str, expected: bool) -> None:
    assert matches(WEBHOOK_60, stream_line(message=message, path=path)) is expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Transaction API error: Unable to start a transaction in the given time.", True),
        ("A commit cannot be executed on an expired transaction. The timeout was 5000 ms", True),
        ("Error {\n  code: 'P2028',\n  meta: {}\n}", True),
        ("Timed out fetching a new connection from the connection pool. (P2024)", False),
    ],
)
def test_any_of_the_texts_is_enough_anywhere_in_the_message(message: str, expected: bool) -> None:
    assert matches(EXPIRED, query_row(T0, "received", message, path=TIMING)) is expected


def test_all_parts_must_hold_on_the_same_message() -> None:
    both = signature(timeout_s=60, messages=("upstream",))
    assert not matches(both, query_row(T0, "upstream", TIMEOUT_60))
    assert matches(both, query_row(T0, f"upstream: {TIMEOUT_60}"))


def test_a_pattern_is_searched_in_the_text_without_colours() -> None:
    one = signature(pattern=r"\bcode: 'P20(24|28)'")
    assert matches(one, stream_line(message="Error {\n  code: '\x1b[32mP2028\x1b[39m' }"))
    assert not matches(one, stream_line(message="code: 'P2010'"))


def test_a_status_is_compared_as_a_number_however_it_is_written() -> None:
    one = signature(routes=(TIMING,), statuses=(500, 502))
    assert matches(one, drain_entry(path=TIMING, status=500, proxy=None))
    assert matches(one, query_row(path=TIMING, responseStatusCode="502"))
    assert not matches(one, drain_entry(path=TIMING, status=504))
    assert not matches(one, drain_entry(path=TIMING, status=-1, proxy=None))


def test_other_fields_are_compared_by_dotted_path() -> None:
    fields = drain_entry(environment="preview")
    assert matches(signature(where=(("environment", "preview"),)), fields)
    assert matches(signature(where=(("proxy.method", "POST"), ("proxy.statusCode", "504"))), fields)
    assert not matches(signature(where=(("environment", "production"),)), fields)
    assert not matches(signature(where=(("missing.field", "x"),)), fields)


def test_a_field_path_finds_keys_with_dots_and_opens_json_inside_a_text() -> None:
    fields = {"a.b": "whole", "line": '{"job":{"name":"Sync"}}', "on": True, "n": 5.0, "none": None}
    assert field_text(fields, ["a", "b"]) == "whole"
    assert field_text(fields, ["line", "job", "name"]) == "Sync"
    assert field_text(fields, ["on"]) == "true"
    assert field_text(fields, ["n"]) == "5"
    assert field_text(fields, ["none"]) is None
    assert field_text(fields, ["line", "x", "y"]) is None


def test_a_stream_is_searched_for_what_is_judged_on_it_and_for_what_is_judged_nowhere() -> None:
    two = SOURCE + '\n```toml source\nid = "pooler"\nkind = "logs"\n```\n'
    under = runbook(
        source=two, trips=trip(["webhook"]) + trip(["inbox"]).replace("signatures", 'streams = ["pooler"]\nsignatures')
    )

    assert [m.id for m in matchers_of(under, "runtime-logs")] == ["webhook", "expired", "timing"]
    assert [m.id for m in matchers_of(under, "pooler")] == ["inbox", "expired", "timing"]


def test_each_form_says_what_it_cannot_prove() -> None:
    status, text = signature(statuses=(500,)), signature(messages=("P2028",))
    assert why_not_provable(status, [Form.STREAM]) == "vercel-stream carries no statuses"
    assert why_not_provable(text, [Form.STREAM]) == ""
    assert "first line" in why_not_provable(text, [Form.QUERY_FIRST])
    assert why_not_provable(status, [Form.QUERY_FIRST]) == ""
    assert why_not_provable(text, [Form.DRAIN, Form.EXPORT, Form.QUERY]) == ""
    assert why_not_provable(signature(where=(("a", "b"),)), [Form.TEXT]) == "text carries no fields"


def test_the_shipped_kit_has_every_kind_of_signature() -> None:
    assert {INBOX, WEBHOOK, TIMING} <= {route for s in runbook(signatures=SIGNATURES).signatures for route in s.routes}
