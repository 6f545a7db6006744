"""How a collection ends: whatever is missing makes it truncated, whatever is worth knowing is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collectors.logs.banners import around
from collectors.logs.conclude import conclude, prospect, refuse_no_log
from collectors.logs.gather import Gather
from collectors.logs.match import Matcher
from collectors.logs.record import Form, SourceFault
from collectors.logs.redact import Redactor
from store.errors import BadInput
from store.evidence import CollectionStatus
from store.runbook.model import Source, SourceKind
from tests.collectors.logs.kit import (
    MINUTE,
    T0,
    WEBHOOK,
    drain_entry,
    export_row,
    gathered,
    lines,
    query_row,
    signature,
    stream_line,
    written,
)

SOURCE = Source("runtime-logs", SourceKind.LOGS, "", 1)
TIMEOUT = signature(routes=(WEBHOOK,), timeout_s=60)


def empty() -> Gather:
    return Gather([Matcher(TIMEOUT)], Redactor(), placed_ms=T0)


def test_a_whole_log_is_ok_and_needs_no_words(tmp_path: Path) -> None:
    assert conclude(gathered(written(tmp_path, lines([drain_entry()])), [TIMEOUT])) == (CollectionStatus.OK, "")


def test_rows_up_to_the_commands_own_limit_are_not_whole(tmp_path: Path) -> None:
    found = gathered(written(tmp_path, lines([query_row(T0 + n, number=n) for n in range(7)])), [TIMEOUT])
    assert conclude(found).status is CollectionStatus.OK
    assert conclude(found, limit=8).status is CollectionStatus.OK
    assert conclude(found, limit=7).status is CollectionStatus.TRUNCATED


def test_lines_of_a_stream_have_no_limit(tmp_path: Path) -> None:
    found = gathered(written(tmp_path, lines([stream_line(T0 + n, "x") for n in range(100)])), [TIMEOUT])
    assert conclude(found).status is CollectionStatus.OK


def test_what_is_worth_knowing_is_said_in_one_sentence(tmp_path: Path) -> None:
    log = [stream_line(T0, "Task timed out after 800 seconds", messageTruncated=True), stream_line(T0 - MINUTE, "x")]
    found = gathered(written(tmp_path, lines(log)), [TIMEOUT], window=(T0, T0 + 30 * MINUTE))
    assert conclude(found, until_ms=T0 + 30 * MINUTE).reason == (
        "1 record outside the declared window; the last record is 30m before the end of the window; "
        "1 time-out after 800 s on watched routes match no signature; 1 message cut short by the platform"
    )


def test_a_reason_stays_short_whatever_was_missing() -> None:
    found = empty()
    for number in range(500):
        found.take(fault(number))
    assert len(conclude(found).reason) <= 1_500


def fault(number: int) -> SourceFault:

    return SourceFault(number, False, f"something number {number} was missing")


def test_a_file_without_a_record_says_what_is_in_it(tmp_path: Path) -> None:
    for items, said in (
        ([], "holds no record"),
        (["oops"], "no record in 1 lines; line 1 is not a record"),
        (["Error: no"], "the command said: no"),
    ):
        found = empty()

        for number, text in enumerate(items, 1):
            found.take(around(number, text.encode()))
        with pytest.raises(BadInput, match=said):
            refuse_no_log(found, "the file", sure=True)


def test_coverage_of_a_timeout_begins_late_where_starts_are_stamped(tmp_path: Path) -> None:
    query = gathered(written(tmp_path, lines([query_row()])), [TIMEOUT])
    assert prospect(TIMEOUT, query, SOURCE) == (True, "", MINUTE)
    assert prospect(signature(messages=("P2028",)), query, SOURCE).delay_ms == 0
    drain = gathered(written(tmp_path, lines([drain_entry()])), [TIMEOUT])
    assert prospect(TIMEOUT, drain, SOURCE).delay_ms == 0


def test_a_form_that_was_announced_counts_until_a_record_comes() -> None:
    found = empty()
    found.announced = Form.STREAM
    assert prospect(signature(statuses=(500,)), found, SOURCE).why == "vercel-stream carries no statuses"
    assert prospect(TIMEOUT, found, SOURCE).can_prove


def test_a_log_of_another_time_is_not_whole_and_one_that_overlaps_is(tmp_path: Path) -> None:
    window = (T0, T0 + 30 * MINUTE)
    other = gathered(written(tmp_path, lines([query_row(T0 - MINUTE)])), [TIMEOUT], window=window)
    ending = conclude(other)
    assert ending.status is CollectionStatus.TRUNCATED
    assert ending.reason.startswith("every record lies on one side of the declared window")
    for second in (T0, T0 + 30 * MINUTE):
        spans = gathered(
            written(tmp_path, lines([query_row(T0 - MINUTE), query_row(second)])), [TIMEOUT], window=window
        )
        assert conclude(spans).status is CollectionStatus.OK


@pytest.mark.parametrize(("pages", "whole"), [((True, False), True), ((False, True), False), ((True,), False)])
def test_only_the_last_page_tells_whether_more_rows_exist(tmp_path: Path, pages: tuple[bool, ...], whole: bool) -> None:
    api = query_row() | {"requestId": "r", "statusCode": 200, "events": []}
    log = [{"rows": [api | {"timestamp": T0 + n}], "hasMoreRows": more} for n, more in enumerate(pages)]
    found = gathered(written(tmp_path, lines(log)), [TIMEOUT])
    assert found.forms == {Form.REQUESTS: len(pages)}
    assert (conclude(found).status is CollectionStatus.OK) is whole


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        ("message", "no record carries a message"),
        ("requestPath", "no record carries a route"),
        ("responseStatusCode", "no record carries a status"),
    ],
)
@pytest.mark.parametrize("form", [export_row, stream_line])
def test_a_log_without_a_field_cannot_prove_what_needs_it(tmp_path: Path, form: Any, lost: str, why: str) -> None:
    asked = signature(routes=(WEBHOOK,), messages=("x",), statuses=(500,) if form is export_row else ())
    rows = [{name: value for name, value in form(T0 + n).items() if name != lost} for n in range(3)]
    found = gathered(written(tmp_path, lines(rows)), [asked])
    needed = lost != "responseStatusCode" or form is export_row
    assert prospect(asked, found, SOURCE).why == (why if needed else "")
    assert prospect(asked, found, SOURCE, whole=False).can_prove


def test_an_empty_field_is_one_that_could_have_told(tmp_path: Path) -> None:
    found = gathered(written(tmp_path, lines([export_row(message="", status="")])), [TIMEOUT])
    assert prospect(TIMEOUT, found, SOURCE).can_prove


def test_silence_proves_nothing_unless_it_is_known_in_which_form_there_would_have_been_an_answer() -> None:
    found = empty()
    assert not prospect(TIMEOUT, found, SOURCE).can_prove
    found.announced = Form.QUERY
    assert prospect(TIMEOUT, found, SOURCE).can_prove
