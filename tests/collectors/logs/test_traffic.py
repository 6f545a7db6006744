"""Requests per minute: each once, in bounded memory."""

from __future__ import annotations

from collectors.logs.traffic import RequestCounts
from tests.collectors.logs.kit import MINUTE, T0


def test_a_request_counts_once_per_minute_and_route_however_many_lines_it_wrote() -> None:
    counts = RequestCounts()
    for at, route, request in (
        (0, "/a", "r1"),
        (10, "/a", "r1"),
        (20, "/a", "r2"),
        (30, "/b", "r1"),
        (MINUTE, "/a", "r1"),
        (5, "/a", None),
        (6, "/a", None),
    ):
        counts.see(T0 + at, route, request)
    assert list(counts.cells()) == [(T0, "/a", 4), (T0, "/b", 1), (T0 + MINUTE, "/a", 1)]


def test_thinning_out_changes_no_count() -> None:
    seen = [(T0 + number * 7919 % 20 * MINUTE, "/a", f"r{number % 700}") for number in range(5000)]
    small, large = RequestCounts(), RequestCounts()
    small.THIN = 5
    for each in seen:
        small.see(*each)
        large.see(*each)
    assert list(small.cells()) == list(large.cells())
    assert not small.approximate


def test_past_its_limit_the_numbers_of_old_minutes_stay_and_a_late_request_makes_them_upper_bounds() -> None:
    counts = RequestCounts()
    counts.LIMIT = 10
    for number in range(60):
        counts.see(T0 + number * MINUTE, "/a", "r")
        counts.see(T0 + number * MINUTE, "/a", "s")
    assert [cell[2] for cell in counts.cells()] == [2] * 60
    assert not counts.approximate
    counts.see(T0, "/a", "r")
    assert counts.approximate
    assert next(counts.cells()) == (T0, "/a", 3)


def test_a_minute_that_is_not_over_is_not_told_yet() -> None:
    counts = RequestCounts()
    counts.see(T0, "/a", "r")
    counts.see(T0 + MINUTE, "/a", "r")
    assert list(counts.cells(T0 + MINUTE)) == [(T0, "/a", 1)]
    assert list(counts.cells(T0 + MINUTE - 1)) == []


def test_two_counts_are_one() -> None:
    one, two = RequestCounts(), RequestCounts()
    one.see(T0, "/a", "r1")
    two.see(T0 + 1, "/a", "r1")
    two.see(T0 + 1, "/a", "r2")
    two.see_nameless((T0, "/b"), 3)
    for part in two.parts():
        one.take_part(*part)
    assert list(one.cells()) == [(T0, "/a", 2), (T0, "/b", 3)]
