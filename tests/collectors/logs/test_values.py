"""Single values: every spelling of none is none, every spelling of a number is that number."""

from __future__ import annotations

import pytest

from collectors.logs.values import (
    base_request,
    duration_of,
    embedded_ms,
    export_instant,
    instant_of,
    reading_of,
    request_of,
    status_of,
    strip_ansi,
    text_of,
    timeout_seconds,
)
from tests.collectors.logs.kit import T0


@pytest.mark.parametrize(
    "nothing", [-1, 0, "", "-", "---", "000", "-1", "0", None, True, False, "abc", 5000, 1.5, [], {}, "５００"]
)
def test_every_spelling_of_no_status_is_none(nothing: object) -> None:
    assert status_of(nothing) is None


@pytest.mark.parametrize("spelled", [500, "500", " 500 ", 500.0, "500.0"])
def test_a_status_is_read_however_it_is_spelled(spelled: object) -> None:
    assert status_of(spelled) == 500


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("iad1::abc-1", "abc-1"),
        ("sin1::cdg1::abc-1", "abc-1"),
        ("abc-1", "abc-1"),
        ("", None),
        ("-", None),
        ("-1", None),
        ("iad1::", None),
        (None, None),
        (17, "17"),
        (True, None),
    ],
)
def test_a_request_id_is_what_follows_the_last_region(given: object, expected: str | None) -> None:
    assert request_of(given) == expected


def test_a_numbered_line_of_a_request_belongs_to_the_request() -> None:
    assert base_request("abcde-1771351876771-0123456789ab_12") == "abcde-1771351876771-0123456789ab"
    assert base_request("job_2") == "job_2"
    assert base_request(None) is None


def test_the_platforms_request_ids_tell_when_the_request_began() -> None:
    assert embedded_ms("fhn2c-1771351876771-aa9f73ad31a4") == 1771351876771
    assert embedded_ms("643af4e3-975a-4cc7-9e7a-1eda11539d90") is None
    assert embedded_ms(None) is None


@pytest.mark.parametrize(
    "spelled", [T0, str(T0), float(T0), f"{T0}.0", "2026-02-18T03:00:00Z", "2026-02-18T04:00:00.000+01:00"]
)
def test_an_instant_is_read_however_it_is_spelled(spelled: object) -> None:
    assert instant_of(spelled) == T0


@pytest.mark.parametrize(
    "bad",
    [0, -5, True, None, "", "soon", "2026-02-18T03:00:00", 253_402_300_800_000, 1e300, float("inf"), float("nan"), {}],
)
def test_what_is_no_instant_is_none(bad: object) -> None:
    assert instant_of(bad) is None


def test_an_export_row_whose_milliseconds_a_spreadsheet_destroyed_keeps_its_seconds() -> None:
    assert export_instant("1.77138E+12", "2026-02-18 03:00:00") == T0
    assert export_instant("", "2026-02-18 03:00:00") == T0
    assert export_instant(T0 + 7, "2026-02-18 03:00:00") == T0 + 7
    assert export_instant("", "yesterday") is None


@pytest.mark.parametrize(
    ("given", "ms"),
    [(56, 56), ("56", 56), (3416.55, 3416), ("", 0), (-1, 0), ("-", 0), (10**12, 0), (None, 0), (True, 0)],
)
def test_absent_negative_and_absurd_durations_are_zero(given: object, ms: int) -> None:
    assert duration_of(given) == ms


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Task timed out after 60 seconds", [60]),
        ("Task timed out after 60.00 seconds ", [60]),
        ("Task timed out after 60.06 s", [60]),
        ("Task timed out after 600 seconds", [600]),
        ("Task timed out after 120.00 seconds", [120]),
        ("Task timed out after 3.07 seconds", [3]),
        ("timed out", []),
        ("Task timed out after a while", []),
        ("Task timed out after 60 seconds\nTask timed out after 300 seconds", [60, 300]),
    ],
)
def test_a_timeout_text_is_read_as_its_number(text: str, seconds: list[int]) -> None:
    assert timeout_seconds(text) == seconds


def test_terminal_colours_inside_a_text_are_gone() -> None:
    assert strip_ansi("Task \x1b[1;31mtimed\x1b[0m out \x9b32mafter\x1b[K 60") == "Task timed out after 60"
    assert strip_ansi("\x1b]8;;https://x\x07link\x1b]8;;\x07") == "link"


def test_a_message_that_is_an_object_becomes_its_json() -> None:
    assert text_of({"code": "P2028"}) == '{"code": "P2028"}'
    assert text_of(None) == ""
    assert text_of(12) == "12"


def test_a_reading_keeps_its_decimal_text_and_its_millionths() -> None:
    assert reading_of("12.50") == ("12.50", 12_500_000)
    assert reading_of(3) == ("3", 3_000_000)
    assert [reading_of(bad) for bad in ("NaN", "inf", "x", None, True, 10**30)] == [None] * 6
