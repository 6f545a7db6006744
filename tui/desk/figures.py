"""Numbers as they stand on the screen: value of limit, age, windows, coverage bars and drawings on an absolute scale.

Pure text of what the views answered; nothing is compared with a limit here, except where ink ends on a scale.
"""

from __future__ import annotations

from store.instants import format_instant
from store.judge import ConditionState, SignalState
from store.series import Series
from store.telling import headline
from tui.desk.glyphs import Glyphs

_UNKNOWN = "---"


def clock(ms: int) -> str:
    """Time of day: `03:41:07Z`."""
    return format_instant(ms)[11:19] + "Z"


def minute(ms: int) -> str:
    """Time of day to the minute: `03:41`."""
    return format_instant(ms)[11:16]


def span(from_ms: int, to_ms: int) -> str:
    """A window: `03:11-03:41Z`; with the day where it is not one day."""
    if format_instant(from_ms)[:10] == format_instant(to_ms)[:10]:
        return f"{minute(from_ms)}-{minute(to_ms)}Z"
    return f"{format_instant(from_ms)[5:16]}-{format_instant(to_ms)[5:16]}Z"


def stretch(from_ms: int, to_ms: int) -> str:
    """A stretch of time to the second where it is short: `03:41:03-03:41:07Z`."""
    return span(from_ms, to_ms) if to_ms - from_ms >= 10 * 60_000 else f"{clock(from_ms)[:-1]}-{clock(to_ms)}"


def short_age(ms: int) -> str:
    """An age in at most four characters: `4s`, `12m`, `3h`, `12d`."""
    seconds = max(0, ms) // 1000
    for size, unit in ((60, "s"), (60, "m"), (48, "h")):
        if seconds < size:
            return f"{seconds}{unit}"
        seconds //= 60 if unit != "h" else 24
    return f"{seconds}d" if seconds < 1000 else "old"


def long_time(ms: int) -> str:
    """Elapsed time as a clock: `00:22:37`, `2d 04:10:00`."""
    seconds = max(0, ms) // 1000
    days, seconds = divmod(seconds, 86400)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{days}d {text}" if days else text


def value(condition: ConditionState) -> str:
    """The measured value; a dash where nothing was looked at, never a zero that nobody saw."""
    if condition.coverage == "none" and condition.state != "tripped":
        return _UNKNOWN
    if condition.value is None:
        return _UNKNOWN
    if condition.kind == "ratio":
        return _percent(condition.value * 100, condition.limit)
    if condition.kind == "level":
        return f"{condition.value:g}"
    return str(int(condition.value))


def _percent(measured: float, limit: float | None) -> str:
    """As short as it can be said without looking like the limit where it is not: `12%`, `10.5%`."""
    for digits in range(4):
        shown = f"{measured:.{digits}f}"
        if limit is None or float(shown) != limit or measured == limit:
            break
    return f"{shown}%"


def limit(condition: ConditionState) -> str:
    """The limit as short as it can be said."""
    detail = condition.detail
    if condition.kind == "queue":
        growth = detail.get("growth")
        return f"{growth:+d}" if isinstance(growth, int) else "depth"
    if condition.kind == "trend":
        return "rise"
    if condition.kind == "probe":
        return "bad"
    if condition.limit is None:
        return ""
    return f"{condition.limit:g}%" if condition.kind == "ratio" else f"{condition.limit:g}"


def pair(signal: SignalState) -> tuple[str, str]:
    """Value and limit of the condition that speaks for the signal."""
    condition = speaking(signal)
    return (value(condition), limit(condition)) if condition else (_UNKNOWN, "")


def speaking(signal: SignalState) -> ConditionState | None:
    """The condition whose number stands for the signal: that of its latched reason where one trips, else the worst."""
    if signal.state == "tripped" and signal.now_state != "tripped":
        kinds = {
            "count_over": "count", "burst_over": "burst", "trend_up": "trend", "loop": "loop", "queue_growth": "queue",
            "ratio_over": "ratio", "level_over": "level",
        }  # fmt: skip
        found = next((c for c in signal.conditions if c.kind == kinds.get(signal.reason)), None)
        if found is not None:
            return found
    return headline(signal)


def coverage_bar(condition: ConditionState, width: int, glyphs: Glyphs) -> str:
    """How much of the window was watched, as a bar; full only when all of it was."""
    if condition.want_ms <= 0 or (condition.coverage == "full" and not condition.covered_ms):  # instants have no length
        return (glyphs.full if condition.coverage == "full" else glyphs.empty) * width
    filled = (
        width
        if condition.covered_ms >= condition.want_ms
        else min(width - 1, condition.covered_ms * width // condition.want_ms)
    )
    return glyphs.full * filled + glyphs.empty * (width - filled)


def gauge(condition: ConditionState, width: int, glyphs: Glyphs) -> str:
    """The value on a scale from nothing to twice the limit, the limit in the middle; question signs where nothing is known."""
    if condition.limit is None or condition.limit <= 0 or condition.kind in ("queue", "trend", "probe") or width < 3:
        return " " * width
    if value(condition) == _UNKNOWN:
        return glyphs.gap * (width // 2) + glyphs.limit + glyphs.gap * (width - width // 2 - 1)
    measured = (condition.value or 0) * (100 if condition.kind == "ratio" else 1)
    room = width - 1
    filled = max(0, min(room, round(measured * room / (2 * condition.limit))))
    cells = glyphs.full * filled + glyphs.empty * (room - filled)
    return cells[: width // 2] + glyphs.limit + cells[width // 2 :]


def drawing(series: Series | None, width: int, glyphs: Glyphs) -> str:
    """The series as one line of heights; half height is the limit where there is one, else the highest value is the top."""
    return plot(series, width, 1, glyphs)[0]


def plot(series: Series | None, width: int, height: int, glyphs: Glyphs) -> list[str]:
    """The series as lines of heights, uppermost first. Slices that nobody watched are gap signs on the lowest line."""
    if series is None or not series.cells or width <= 0:
        return [" " * max(0, width)] * height
    cells = _resampled(series.cells, width)
    top = _top(series)
    steps = len(glyphs.levels) - 1
    lines = []
    for level in range(height - 1, -1, -1):
        line = "".join(_cell(cell, top, level, height, steps, glyphs) for cell in cells)
        if series.limit and height > 1 and level == height // 2:
            line = "".join(glyphs.line if c == " " else c for c in line)
        lines.append(line)
    return lines


def scale(series: Series | None) -> float | None:
    """What the upper edge of a drawing stands for."""
    return _top(series) if series is not None and series.cells else None


def _top(series: Series) -> float:
    if series.limit:
        return 2 * series.limit
    return max([cell for cell in series.cells if cell is not None], default=0.0) or 1.0


def _cell(cell: float | None, top: float, level: int, height: int, steps: int, glyphs: Glyphs) -> str:
    if cell is None:
        return glyphs.gap if level == 0 else " "
    ink = min(1.0, cell / top) * height * steps
    inside = round(ink - level * steps)
    if level == 0 and cell > 0:
        inside = max(1, inside)
    return glyphs.levels[max(0, min(steps, inside))]


def _resampled(cells: tuple[float | None, ...], width: int) -> list[float | None]:
    """Cells for a width: the highest of those that fall together, a gap if any of them is one and none is high enough to matter."""
    count = len(cells)
    found: list[float | None] = []
    for place in range(width):
        group = cells[place * count // width : max(place * count // width + 1, (place + 1) * count // width)]
        known = [cell for cell in group if cell is not None]
        found.append(max(known) if known and len(known) * 2 >= len(group) else None)
    return found


def day(ms: int) -> str:
    """The date: `2026-02-18`."""
    return format_instant(ms)[:10]
