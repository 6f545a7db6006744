"""What one pass amounts to: matches at their failure time, unknown statuses once a request, order without effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collectors.logs.gather import Gather
from store.runbook.model import Unit
from tests.collectors.logs.kit import (
    MINUTE,
    T0,
    TIMEOUT_60,
    TIMING,
    WEBHOOK,
    drain_entry,
    export_row,
    gathered,
    lines,
    query_row,
    request_id,
    signature,
    stream_line,
    written,
)

BY_STATUS = signature("timing", routes=(TIMING,), statuses=(500,))
BY_TIMEOUT = signature("webhook", routes=(WEBHOOK,), timeout_s=60)


def seen(gather: Gather) -> list[tuple[Any, ...]]:
    return sorted((f.signature, f.key, f.at_ms, f.status, f.certain, f.line) for f in gather.spool)


def test_a_request_that_timed_out_failed_when_its_time_was_over(tmp_path: Path) -> None:
    found = gathered(written(tmp_path, lines([query_row(T0, "x", TIMEOUT_60)])), [BY_TIMEOUT])
    (match,) = found.spool
    assert (match.at_ms, match.started_ms) == (T0 + MINUTE, T0)


def test_a_line_of_a_stream_or_drain_failed_at_its_own_time(tmp_path: Path) -> None:
    found = gathered(
        written(tmp_path, lines([stream_line(), drain_entry(T0, proxy={"timestamp": T0 - MINUTE, "path": WEBHOOK})])),
        [BY_TIMEOUT],
    )
    assert [(f.at_ms, f.started_ms) for f in found.spool] == [(T0, None), (T0, T0 - MINUTE)]


def test_a_blank_status_is_unsure_once_per_request_at_its_earliest_time(tmp_path: Path) -> None:
    rows = [export_row(T0 + n, status="", number=1) for n in (5, 0, 9)] + [export_row(T0, status=500, number=2)]
    found = gathered(written(tmp_path, lines(rows)), [BY_STATUS])
    assert seen(found) == [
        (0, request_id(T0, 1), T0, None, 0, 2),
        (0, request_id(T0, 2), T0, 500, 1, 4),
    ] or found.unsure == [3]


def test_a_status_that_another_row_of_the_request_knows_is_not_unsure(tmp_path: Path) -> None:
    log = [export_row(T0, "Error: x", status=-1, absent="-1"), export_row(T0, status=503, absent="-1")]
    for rows in (log, log[::-1]):
        found = gathered(written(tmp_path, lines(rows)), [BY_STATUS])
        assert (found.rows, found.unsure, found.spool.count) == ([0], [0], 0)


def test_status_and_message_on_different_rows_of_one_request_are_joined(tmp_path: Path) -> None:
    both = signature(routes=(TIMING,), statuses=(500,), messages=("P2010",))
    message = export_row(T0 + 90, "code: 'P2010'", status=-1, absent="-1", requestId=request_id(T0))
    log = [message, export_row(T0, status=500, absent="-1")]
    for rows in (log, log[::-1]):
        found = gathered(written(tmp_path, lines(rows)), [both])
        assert [(f.at_ms, f.status, f.certain) for f in found.spool] == [(T0 + 90, 500, 1)]


def test_a_form_without_statuses_has_no_unsure_ones(tmp_path: Path) -> None:
    found = gathered(written(tmp_path, lines([stream_line(path=TIMING)])), [BY_STATUS])
    assert (found.unsure, found.spool.count) == ([0], 0)


def test_a_message_unit_counts_every_matching_text_of_a_request(tmp_path: Path) -> None:
    one = signature(messages=("boom",), unit=Unit.MESSAGE)
    found = gathered(written(tmp_path, lines([query_row(T0, "boom 1", "fine", "boom 2", "boom 1")])), [one])
    assert (found.rows, found.matched, len({f.key for f in found.spool})) == ([2], 1, 2)


def test_timeouts_of_other_lengths_on_watched_routes_are_counted(tmp_path: Path) -> None:
    texts = [f"Task timed out after {n} seconds" for n in (60, 800, 800, 10)]
    log = [stream_line(T0 + n, text) for n, text in enumerate(texts)] + [
        stream_line(message=texts[1], path="/elsewhere")
    ]
    assert gathered(written(tmp_path, lines(log)), [BY_TIMEOUT]).other_timeouts == {800: 2, 10: 1}


def test_the_order_of_a_log_changes_nothing_but_line_numbers(tmp_path: Path) -> None:
    rows = [
        export_row(T0 + n % 3, f"m{n % 4}", status=(500, "", -1)[n % 3], number=n % 5, durationMs=n) for n in range(60)
    ]
    one = signature("m", messages=("m1", "m2"), unit=Unit.ROW)
    forward, backward = (gathered(written(tmp_path, lines(log)), [BY_STATUS, one]) for log in (rows, rows[::-1]))
    assert [s[:5] for s in seen(forward)] == [s[:5] for s in seen(backward)]
    assert (forward.rows, forward.unsure, list(forward.traffic.cells())) == (
        backward.rows,
        backward.unsure,
        list(backward.traffic.cells()),
    )


def test_traffic_counts_requests_in_the_minute_they_began(tmp_path: Path) -> None:
    rows = [
        export_row(T0, number=1),
        export_row(T0 + MINUTE, TIMEOUT_60, requestId=request_id(T0, 1)),
        export_row(T0, path="/x", number=2),
    ]
    assert list(gathered(written(tmp_path, lines(rows)), [BY_STATUS]).traffic.cells()) == [
        (T0, "*", 1),
        (T0, TIMING, 1),
    ]
    assert list(gathered(written(tmp_path, lines([stream_line()])), [BY_STATUS]).traffic.cells()) == []


def test_beyond_the_limit_matches_are_counted_and_not_kept(tmp_path: Path) -> None:
    log = written(tmp_path, lines([stream_line(T0 + n) for n in range(10)]))
    found = gathered(log, [BY_TIMEOUT], limit=4)
    assert (found.rows, found.spool.count, found.omitted) == ([10], 4, 6)


def test_many_matches_spill_to_a_file_and_come_back_in_order(tmp_path: Path) -> None:
    log = written(tmp_path, lines([stream_line(T0 + n) for n in range(9000)]))
    found = gathered(log, [BY_TIMEOUT])
    assert [f.line for f in found.spool] == list(range(1, 9001))
    found.spool.close()


def test_records_outside_the_window_are_kept_and_counted(tmp_path: Path) -> None:
    log = written(tmp_path, lines([stream_line(T0 + n * 1000) for n in range(-2, 4)]))
    found = gathered(log, [BY_TIMEOUT], window=(T0, T0 + 2000))
    assert (found.outside, found.rows) == (4, [6])


def test_matches_without_any_instant_are_placed_but_never_certain(tmp_path: Path) -> None:
    log = written(tmp_path, "Error: query_wait_timeout\nError: query_wait_timeout\nfine\n")
    found = gathered(log, [signature(messages=("query_wait_timeout",))])
    assert [(f.at_ms, f.certain, f.fits) for f in found.spool] == [(T0, 0, 1)] * 2
    assert found.timeless == 3


@pytest.mark.parametrize(("absent", "detail"), [("", "2026"), ("-1", "2025")])
def test_the_generation_of_an_export_is_told_by_how_it_writes_nothing(tmp_path: Path, absent: str, detail: str) -> None:
    rows = [export_row(status=200, absent=absent), export_row(status=absent, absent=absent)]
    assert gathered(written(tmp_path, lines(rows)), [BY_STATUS]).detail == detail
