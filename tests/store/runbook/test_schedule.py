"""How many runs of a schedule fit in a window, both ends included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.instants import MINUTE_MS
from store.runbook.schedule import Schedule

HOUR = 60 * MINUTE_MS
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("text", "window", "most"),
    [
        ("*/5 * * * *", 30 * MINUTE_MS, 7),
        ("*/5 * * * *", 5 * MINUTE_MS, 2),
        ("*/5 * * * *", 5 * MINUTE_MS - 1, 1),
        ("* * * * *", 30 * MINUTE_MS, 31),
        ("*/7 * * * *", 30 * MINUTE_MS, 5),
        ("58,59,0,1 * * * *", 3 * MINUTE_MS, 4),
        ("0 * * * *", 30 * MINUTE_MS, 1),
        ("@hourly", 2 * HOUR, 3),
        ("0 9-17 * * *", DAY, 10),
        ("0 0 * * mon-fri", 7 * DAY, 6),
        ("0 0 1 * *", 40 * DAY, 2),
        ("0 0 1 * mon", 30 * DAY, 7),
        ("0 0 29 feb *", 365 * DAY, 1),
        ("0 0 30 2 *", 365 * DAY, 0),
        ("0 0 * * 7", 7 * DAY, 2),
        ("5-59/20 0 * * 0", DAY, 3),
    ],
)
def test_the_most_runs_of_a_window(text: str, window: int, most: int) -> None:
    assert Schedule.parse(text).most_runs(window) == most


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "x * * * *",
        "* * 0 * *",
        "1,,2 * * * *",
        "* * * * 8",
    ],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cron schedule"):
        Schedule.parse(text)


@settings(max_examples=30, deadline=None)
@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=3),
    weekdays=st.sets(st.integers(0, 6), min_size=1, max_size=3),
    window=st.integers(0, 50 * 60),
)
def test_the_count_agrees_with_walking_every_minute(
    minutes: set[int], hours: set[int], weekdays: set[int], window: int
) -> None:
    text = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * {','.join(map(str, weekdays))}"
    start = datetime(2023, 1, 1, tzinfo=UTC)
    runs = [
        day * 1440 + hour * 60 + minute
        for day in range(17)
        if (start + timedelta(days=day)).isoweekday() % 7 in weekdays
        for hour in sorted(hours)
        for minute in sorted(minutes)
    ]
    walked = max(sum(1 for other in runs if 0 <= other - run <= window) for run in runs if run < 8 * 1440)
    assert Schedule.parse(text).most_runs(window * MINUTE_MS) == walked
