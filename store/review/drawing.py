"""Drawings of a condition's number over its window, as SVG: the line, the limit, and the time in which nobody looked.

Every coordinate is formatted from a number and every word is escaped, so that a drawing is safe wherever it is put. Same series, same
bytes: a drawing in a packet can be compared. Nothing is judged here; the limit is drawn, not compared.
"""

from __future__ import annotations

from html import escape

from store.instants import format_duration, format_instant
from store.series import Series

WIDTH, HEIGHT = 600, 116
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 6, 10, 20
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM


def draw_series(
    series: Series,
    *,
    words: str,
    bars: bool = False,
    unwatched: tuple[tuple[int, int], ...] | None = None,
    least_top: float = 0.0,
) -> str:
    """Draw a series.

    Args:
        series: the numbers, as the views gave them.
        words: what a reader who cannot see the drawing is told.
        bars: for numbers that stand for whole tiles.
        unwatched: the exact spans in which nobody looked; the cells without a number, where that is not known exactly.
        least_top: the scale reaches at least this far; what makes two drawings comparable.
    """
    top = max(_ceiling(series), least_top)
    gaps = _cell_gaps(series) if unwatched is None else unwatched
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(words)}</title>",
        f'<rect class="ground" x="{_LEFT}" y="{_TOP}" width="{_PLOT_WIDTH}" height="{_PLOT_HEIGHT}" fill="#f6f7f9"/>',
        *(() if bars else _steps(series, top)),
        *_gaps(series, gaps),
        *(_bars(series, top) if bars else ()),
        *_limit(series, top),
        *_axes(series, top),
        "</svg>",
    ]
    return "".join(parts)


def describe_series(series: Series, *, what: str) -> str:
    """The same in words, for who cannot see the drawing."""
    known = [cell for cell in series.cells if cell is not None]
    span = f"{format_instant(series.from_ms)} to {format_instant(series.to_ms)}"
    highest = f"highest {_number(max(known))}" if known else "nothing known"
    limit = "" if series.limit is None else f", limit {_number(series.limit)}"
    unseen = len(series.cells) - len(known)
    step = (series.to_ms - series.from_ms) // max(1, len(series.cells))
    gap = f", about {format_duration(unseen * step)} not watched" if unseen else ""
    return f"{what}, {span}: {highest}{limit}{gap}"


def _ceiling(series: Series) -> float:
    known = [abs(cell) for cell in series.cells if cell is not None]
    return max([1.0, *known, 1.15 * (series.limit or 0.0)])


def _x(series: Series, place: float) -> str:
    return _coordinate(_LEFT + _PLOT_WIDTH * place / max(1, len(series.cells)))


def _y(value: float, top: float) -> str:
    return _coordinate(_TOP + _PLOT_HEIGHT * (1 - max(0.0, value) / top))


def _coordinate(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _cell_gaps(series: Series) -> tuple[tuple[int, int], ...]:
    step = (series.to_ms - series.from_ms) / max(1, len(series.cells))
    return tuple(
        (series.from_ms + int(start * step), series.from_ms + int(end * step))
        for start, end in _runs(series, known=False)
    )


def _gaps(series: Series, spans: tuple[tuple[int, int], ...]) -> list[str]:
    """Grey, crossed out: nothing is known there."""
    found: list[str] = []
    bottom, whole = _TOP + _PLOT_HEIGHT, max(1, series.to_ms - series.from_ms)
    for start, end in spans:
        x, x_end = (_LEFT + _PLOT_WIDTH * max(0.0, min(1.0, (ms - series.from_ms) / whole)) for ms in (start, end))
        width = x_end - x
        if width <= 0:
            continue
        found.append(
            f'<rect class="gap" x="{_coordinate(x)}" y="{_TOP}" width="{_coordinate(max(width, 0.6))}" '
            f'height="{_PLOT_HEIGHT}" fill="#d5d9e0"/>'
        )
        if width > 70:
            line = f"M{_coordinate(x)} {bottom}L{_coordinate(x_end)} {_TOP}"
            found.append(f'<path class="gapline" d="{line}" stroke="#9aa2ae" fill="none"/>')
            found.append(_text(x + width / 2, _TOP + _PLOT_HEIGHT / 2 + 4, "not watched", anchor="middle"))
    return found


def _runs(series: Series, *, known: bool) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for place, cell in enumerate(series.cells):
        if (cell is not None) != known:
            continue
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _steps(series: Series, top: float) -> list[str]:
    """A line of steps over a light area, broken where nothing is known."""
    found: list[str] = []
    ground = _coordinate(_TOP + _PLOT_HEIGHT)
    for start, end in _runs(series, known=True):
        line = "".join(
            f"{'M' if place == start else 'L'}{_x(series, place)} {_y(series.cells[place] or 0.0, top)}H{_x(series, place + 1)}"
            for place in range(start, end)
        )
        area = f"{line}V{ground}H{_x(series, start)}Z"
        found.append(
            f'<path class="area" d="{area}" fill="#cfe0f5"/><path class="line" d="{line}" stroke="#1f5fa8" stroke-width="2" fill="none"/>'
        )
    return found


def _bars(series: Series, top: float) -> list[str]:
    found: list[str] = []
    width = _PLOT_WIDTH / max(1, len(series.cells))
    for place, cell in enumerate(series.cells):
        if cell is None:
            continue
        x, y = _LEFT + width * place + width * 0.08, float(_y(cell, top))
        word = max(y - 3, _TOP + 11)
        found.append(
            f'<rect class="bar" x="{_coordinate(x)}" y="{_coordinate(y)}" width="{_coordinate(width * 0.84)}" '
            f'height="{_coordinate(_TOP + _PLOT_HEIGHT - y)}" fill="#9dc0ea"/>'
        )
        found.append(_text(x + width * 0.42, word, _number(cell), anchor="middle", kind="barword"))
    return found


def _limit(series: Series, top: float) -> list[str]:
    if series.limit is None:
        return []
    y = _y(series.limit, top)
    return [
        f'<path class="limit" d="M{_LEFT} {y}H{WIDTH - _RIGHT}" stroke="#b3261e" stroke-width="1.5" stroke-dasharray="6 4" fill="none"/>',
        _text(_LEFT + 5, float(y) - 3, f"limit {_number(series.limit)}", anchor="start", kind="limitword"),
    ]


def _axes(series: Series, top: float) -> list[str]:
    ground = _TOP + _PLOT_HEIGHT
    return [
        f'<path class="axis" d="M{_LEFT} {_TOP}V{ground}H{WIDTH - _RIGHT}" stroke="#6b7280" fill="none"/>',
        _text(_LEFT - 4, _TOP + 8, _number(top), anchor="end"),
        _text(_LEFT - 4, ground, "0", anchor="end"),
        _text(_LEFT, HEIGHT - 5, _clock(series.from_ms), anchor="start"),
        _text(WIDTH - _RIGHT, HEIGHT - 5, f"{_clock(series.to_ms)} UTC", anchor="end"),
    ]


def _text(x: float, y: float, words: str, *, anchor: str, kind: str = "word") -> str:
    return (
        f'<text class="{kind}" x="{_coordinate(x)}" y="{_coordinate(y)}" text-anchor="{anchor}" font-size="11" '
        f'font-family="sans-serif" fill="{"#b3261e" if kind == "limitword" else "#374151"}">{escape(words)}</text>'
    )


def _clock(ms: int) -> str:
    text = format_instant(ms)
    return text[11:16] if text[17:23] == "00.000" else text[11:19]


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.4g}"
