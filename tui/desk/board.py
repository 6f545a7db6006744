"""The board: one row per signal in the runbook's order, with sign, value of limit, drawing, state in words and age.

Columns drop by width in this order: drawing, age, limit; the state never. Rows never move by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from store.judge import SignalState
from tui.desk import figures
from tui.desk.glyphs import Glyphs
from tui.desk.paint import Row, RowList, Span, row
from tui.desk.snapshot import Frame

_STATE = 7
_AGE = 4


class Columns(NamedTuple):
    """Widths of the board's columns; 0 leaves one out."""

    name: int
    value: int
    limit: int
    drawing: int
    coverage: int
    age: int


def columns(signals: Sequence[SignalState], width: int) -> Columns:
    """The columns that fit, wide enough for what they hold."""
    name = max((len(s.id) for s in signals), default=0)
    value = max((len(figures.pair(s)[0]) for s in signals), default=0)
    limit = max((len(figures.pair(s)[1]) for s in signals), default=0)
    room = width - (2 + name + 1 + value + 1 + _STATE)
    shown_limit = limit + 3 if room >= limit + 3 else 0
    room -= shown_limit
    shown_age = _AGE + 1 if room >= _AGE + 1 else 0
    room -= shown_age
    coverage = 7 if room >= 24 else 0
    room -= coverage
    drawing = min(60, room - 2) if room >= 7 else 0
    return Columns(
        name if room >= 0 else max(4, name + room),
        value,
        max(0, shown_limit - 3),
        drawing,
        coverage,
        max(0, shown_age - 1),
    )


def board_rows(frame: Frame, width: int) -> list[Row]:
    """Every signal as one row."""
    signals = frame.snapshot.judgement.signals
    fitted = columns(signals, width)
    return [_signal_row(frame, signal, fitted) for signal in signals]


def _signal_row(frame: Frame, signal: SignalState, fitted: Columns) -> Row:
    glyphs, state = frame.glyphs, signal.state
    value, limit = figures.pair(signal)
    spans: list[Span] = [
        (f"{glyphs.state(state)} ", state),
        (glyphs.fit(signal.id, fitted.name) + " ", "strong" if state == "tripped" else ""),
        (glyphs.right(value, fitted.value), _worn(state)),
    ]
    if fitted.limit:
        spans.append((f" / {glyphs.fit(limit, fitted.limit)}", "dim"))
    if fitted.drawing:
        spans.append((f" {_drawing(frame, signal, fitted.drawing, glyphs)}", _worn(state)))
    if fitted.coverage:
        condition = figures.speaking(signal)
        bar = figures.coverage_bar(condition, fitted.coverage - 2, glyphs) if condition else ""
        spans.append((f" {bar} ", "dim" if condition and condition.coverage == "full" else "partial"))
    spans.append((" " + glyphs.fit(state, _STATE), state))
    if fitted.age:
        age = "none" if signal.last_ms is None else figures.short_age(frame.now_ms - signal.last_ms)
        spans.append((" " + glyphs.right(age, fitted.age), "dim" if state in ("ok", "watch") else _worn(state)))
    return row(signal.id, *spans)


def _worn(state: str) -> str:
    return {"stale": "dim", "no_data": "dim", "ok": ""}.get(state, state)


def _drawing(frame: Frame, signal: SignalState, width: int, glyphs: Glyphs) -> str:
    condition = figures.speaking(signal)
    if condition is None:
        return " " * width
    if width < 16 and condition.limit:
        return glyphs.fit(figures.gauge(condition, width, glyphs), width)
    return figures.drawing(frame.snapshot.series.get(condition.definition), width, glyphs)


class Board(RowList):
    """The signals of the case; the cursor chooses what `e`, `a` and `D` are about."""

    frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        """Draw another frame; only rows that differ are painted."""
        self.frame = frame
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """One row per signal."""
        return board_rows(self.frame, width) if self.frame else []
