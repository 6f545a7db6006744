"""How often a cron schedule can run within a window: pure calendar arithmetic in UTC, no clock.

Only used to tell an author that a limit can never be reached, so a doubt always counts upward.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from store.instants import MINUTE_MS

_MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6}
_MONTHS |= {"jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_DAY_MINUTES = 24 * 60
# Weekdays and leap days repeat after 28 years.
_HORIZON_DAYS = 28 * 1461 // 4


@dataclass(frozen=True, slots=True)
class Schedule:
    """A five-field cron expression."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a cron expression.

        Raises:
            ValueError: not five fields, or a field beyond its range.
        """
        fields = _SHORTHANDS.get(text.strip().casefold(), text).split()
        if len(fields) != 5:
            raise ValueError(f'{text!r} is not a cron schedule: it has five fields, such as "*/5 * * * *"')
        sets = [_field(text, part, *about) for part, about in zip(fields, _FIELDS, strict=True)]
        weekdays = frozenset(day % 7 for day in sets[4])
        any_day, any_weekday = fields[2].startswith("*"), fields[4].startswith("*")
        return cls(text, sets[0], sets[1], sets[2], sets[3], weekdays, any_day, any_weekday)

    def runs_on(self, day: date) -> bool:
        """Tell whether the schedule runs at all on a day; cron joins its two day fields by OR unless one is `*`."""
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_month and by_week if self.any_day or self.any_weekday else by_month or by_week

    def most_runs(self, window_ms: int) -> int:
        """Count the most runs that fit in a window of this length, both ends included: a late run may still count."""
        return _most_runs(self, window_ms)


@lru_cache(maxsize=256)
def _most_runs(schedule: Schedule, window_ms: int) -> int:
    ticks = sorted(hour * 60 + minute for hour in schedule.hours for minute in schedule.minutes)
    span = window_ms // MINUTE_MS
    length = span // _DAY_MINUTES + 2
    if (len(schedule.days), len(schedule.months), len(schedule.weekdays)) == (31, 12, 7):
        return _most_in((1 << length) - 1, length, ticks, span)  # every day is alike: no calendar needed
    first = date(2000, 1, 1)
    calendar = 0
    for offset in range(_HORIZON_DAYS + length):
        calendar |= schedule.runs_on(first + timedelta(days=offset)) << offset
    mask = (1 << length) - 1
    patterns = {calendar >> offset & mask for offset in range(_HORIZON_DAYS)}
    return max((_most_in(pattern, length, ticks, span) for pattern in patterns if pattern & 1), default=0)


def _most_in(pattern: int, length: int, ticks: list[int], span: int) -> int:
    """Slide the window over the runs of some consecutive days, starting on the first of them."""
    runs = [day * _DAY_MINUTES + tick for day in range(length) if pattern >> day & 1 for tick in ticks]
    most = end = 0
    for begin in range(len(ticks)):
        while end < len(runs) and runs[end] - runs[begin] <= span:
            end += 1
        most = max(most, end - begin)
    return most


def _field(text: str, part: str, name: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    chosen: set[int] = set()
    for item in part.split(","):
        bounds, slash, stride = item.partition("/")
        step = _number(text, stride, name, 1, high, {}) if slash else 1
        if bounds == "*":
            start, end = low, high
        else:
            begin, dash, last = bounds.partition("-")
            start = _number(text, begin, name, low, high, names)
            end = _number(text, last, name, low, high, names) if dash else (high if slash else start)
        if start > end:
            raise ValueError(f"{text!r} is not a cron schedule: {name} {item!r} runs backwards")
        chosen.update(range(start, end + 1, step))
    return frozenset(chosen)


def _number(text: str, word: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    if word.casefold() in names:
        return names[word.casefold()]
    if word.isascii() and word.isdigit() and len(word) <= 4 and low <= int(word) <= high:
        return int(word)
    raise ValueError(f"{text!r} is not a cron schedule: {name} {word!r} is not within {low}-{high}")
