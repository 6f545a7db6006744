"""Text in pieces is read as it would be in one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.logs.gather import Gather
from collectors.logs.live import LiveText, expected_form
from collectors.logs.match import Matcher
from collectors.logs.record import Form
from collectors.logs.redact import Redactor
from store.runbook.model import FieldMap, Source, SourceKind
from tests.collectors.logs.kit import T0, TIMEOUT_60, WEBHOOK, drain_entry, lines, query_row, signature, stream_line

SOURCE = Source("runtime-logs", SourceKind.LOGS, "", 1)
SIGNATURES = [signature("w", routes=(WEBHOOK,), timeout_s=60), signature("t", messages=("query_wait_timeout",))]


def read(text: bytes, cuts: list[int], source: Source = SOURCE) -> tuple[Gather, LiveText]:
    gather = Gather([Matcher(s) for s in SIGNATURES], Redactor(), placed_ms=T0)
    live = LiveText(source)
    at = 0
    for cut in [*sorted(cuts), len(text)]:
        live.feed(text[at:cut], gather)
        at = max(at, cut)
    live.rest(gather, cut=True)
    gather.settle()
    return gather, live


LOGS = {
    "stream": "waiting for new logs...\n"
    + lines([stream_line(T0 + n, (TIMEOUT_60, "fine")[n % 2]) for n in range(6)])
    + "oops\n",
    "drain": lines([drain_entry(T0 + n, number=n) for n in range(6)]),
    "query": lines([query_row(T0 + n, number=n) for n in range(3)]) + json.dumps(query_row(T0 + 9)),
    "local clock": "2026-02-18T03:00:00Z a\n" + "2026-02-18 12:05:00 query_wait_timeout\n  at x\n" * 3,
    "text": "2026-02-18T03:00:00Z a\n  query_wait_timeout\n2026-02-18T03:00:01Z b\nquery_wait_timeout\n",
}


@given(st.sampled_from(sorted(LOGS)), st.lists(st.integers(0, 3000), max_size=12))
def test_the_cuts_change_nothing(name: str, cuts: list[int]) -> None:
    text = LOGS[name].encode()
    once, _ = read(text, [])
    often, live = read(text, [cut for cut in cuts if cut < len(text)])
    assert [(f.signature, f.key, f.at_ms, f.line) for f in often.spool] == [
        (f.signature, f.key, f.at_ms, f.line) for f in once.spool
    ]
    assert (often.records, often.unread, often.banners) == (once.records, once.unread, once.banners)
    assert live.held_bytes == 0


def test_json_after_words_of_unknown_tools_is_still_read_as_json() -> None:
    found, _ = read(b"Installing something\n" + lines([stream_line()]).encode(), [21])
    assert found.records >= 1
    assert found.forms[Form.STREAM] == 1


def test_other_logs_are_read_by_their_fields() -> None:
    source = Source("app", SourceKind.LOGS, "", 1, format="jsonl", fields=FieldMap(time="ts", message="m"))
    found, live = read(f'{{"ts":{T0},"m":"query_wait_timeout"}}\n'.encode(), [9], source)
    assert (found.rows, live.form_name(found)) == ([0, 1], "jsonl")


def test_what_follows_one_instant_is_held_only_as_far_as_a_record_goes() -> None:
    gather = Gather([Matcher(s) for s in SIGNATURES], Redactor(), placed_ms=T0)
    live = LiveText(SOURCE)
    live.feed(b"2026-02-18T03:00:00Z a\n", gather)
    for _ in range(30):
        live.feed(b"2026-02-18 12:05:00 b\n" * 100, gather)
        assert live.held_bytes < 100
    for _ in range(9):
        live.feed(b"  at somewhere\n" * 10_000, gather)
        assert live.held_bytes <= (1 << 20) + 150_000


def test_a_web_page_is_told_as_one() -> None:
    found, _ = read(b"<!DOCTYPE html>\n<html>\n", [])
    assert found.faults[0].reason == "the command printed a web page, not a log"


@pytest.mark.parametrize(
    ("said", "form"), [(b"Displaying runtime logs for deployment x", Form.STREAM), (b"hello", None)]
)
def test_a_command_may_announce_its_form(said: bytes, form: Form | None) -> None:
    assert expected_form(said) is form
