"""Time: instants with an offset only, milliseconds inside, Z outside."""

import pytest

from store.errors import BadInput
from store.instants import format_duration, format_instant, parse_duration, parse_instant


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-02-18T03:30:00Z", 1771385400000),
        ("2026-02-18T03:30:00.123Z", 1771385400123),
        ("2026-02-18T03:30:00.1239Z", 1771385400123),
        ("2026-02-18 03:30:00+00:00", 1771385400000),
        ("2026-02-18T12:30:00+09:00", 1771385400000),
        ("2026-02-17T22:30-05:00", 1771385400000),
        ("2024-02-29T00:00:00Z", 1709164800000),
    ],
)
def test_an_instant_with_an_offset_is_read_to_the_millisecond(text: str, ms: int) -> None:
    assert parse_instant(text) == ms


@pytest.mark.parametrize(
    "text",
    ["2026-02-18T03:30:00", "2026-02-18", "yesterday", "", "2026-02-30T00:00:00Z", "1771385400", "2026-W08-3T00:00Z"],
)
def test_what_is_no_instant_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_instant(text)


def test_an_instant_without_an_offset_is_told_what_it_lacks() -> None:
    with pytest.raises(BadInput, match="no offset"):
        parse_instant("2026-02-18T03:30:00")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "0999-12-31T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_a_year_that_could_not_be_written_back_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="out of reach"):
        parse_instant(text)


def test_an_instant_is_written_as_it_is_read() -> None:
    assert format_instant(parse_instant("2026-02-18T03:30:00.007Z")) == "2026-02-18T03:30:00.007Z"


@pytest.mark.parametrize(
    ("text", "ms"), [("1500ms", 1500), ("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("1d", 86_400_000)]
)
def test_durations_are_a_number_and_a_unit(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["30", "m", "-5m", "1.5h", "5 minutes", ""])
def test_other_forms_of_a_duration_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_duration(text)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (900, "900ms"),
        (40_000, "40s"),
        (90_000, "1m30s"),
        (1_800_000, "30m"),
        (5_400_000, "1h30m"),
        (266_400_000, "3d02h"),
    ],
)
def test_durations_are_shown_as_people_say_them(ms: int, text: str) -> None:
    assert format_duration(ms) == text
