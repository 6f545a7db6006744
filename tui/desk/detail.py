"""Everything about one signal: each condition with limit, window and watched time, the drawing at full height, owner and undo."""

from __future__ import annotations

from collections.abc import Sequence

from store.instants import format_duration
from store.judge import ConditionState, SignalState
from store.telling import tell_value, tell_watched
from store.words import reason_sentence, state_sentence
from tui.desk import figures
from tui.desk.paint import Lines, Row, row
from tui.desk.prose import wrap
from tui.desk.snapshot import Frame
from tui.desk.step_view import drilled_rows

_PLOT_ROWS = 4
_LABEL = 10


def detail_rows(frame: Frame, signal_id: str, width: int) -> list[Row]:
    """The lines of one signal."""
    signal = next((s for s in frame.snapshot.judgement.signals if s.id == signal_id), None)
    if signal is None:
        return [row("", (frame.glyphs.text("no signal is chosen", width), "dim"))]
    rows = _headline(frame, signal, width)
    rows += [line for condition in signal.conditions for line in _condition(frame, condition, width)]
    rows += _people(frame, signal, width)
    rows += drilled_rows(frame, frame.snapshot.stamps.signals.get(signal_id) if frame.snapshot.stamps else None, width)
    rows += _plot(frame, signal, width)
    return rows


def _headline(frame: Frame, signal: SignalState, width: int) -> list[Row]:
    glyphs = frame.glyphs
    since = f" since {figures.clock(signal.first_trip_ms)}" if signal.first_trip_ms is not None else ""
    now = f" (now {signal.now_state})" if signal.now_state != signal.state else ""
    rows = [
        row(
            "",
            (f"{glyphs.state(signal.state)} {glyphs.text(signal.id)} ", "strong"),
            (f"{signal.state}{since}{now}", signal.state),
            (
                glyphs.text(
                    f"  {signal.title}", max(0, width - len(signal.id) - len(signal.state) - len(since) - len(now) - 3)
                ),
                "dim",
            ),
        )
    ]
    rows += [row("", line) for line in wrap(f"{state_sentence(signal.state)} {_because(signal)}", width, glyphs)]
    times = []
    if signal.last_ms is not None:
        times.append(f"last reading {figures.clock(signal.last_ms)}")
    if signal.earliest_ok_ms is not None and signal.state != "ok":
        times.append(f"ok at {figures.clock(signal.earliest_ok_ms)} at the earliest")
    if times:
        rows.append(row("", (glyphs.text(", ".join(times), width), "dim")))
    return rows


def _because(signal: SignalState) -> str:
    """Why it is in its state; an `ok` has said so already."""
    return "" if signal.state == "ok" else reason_sentence(signal.reason)


def _condition(frame: Frame, condition: ConditionState, width: int) -> list[Row]:
    glyphs = frame.glyphs
    bar = figures.coverage_bar(condition, 6, glyphs)
    spoken = glyphs.text(tell_value(condition))
    first = (
        (f"{glyphs.state(condition.state)} {condition.kind:<6} ", condition.state),
        (spoken, condition.state if condition.level != "none" else ""),
        (f"  {glyphs.text(condition.state)}", condition.state),
    )
    second = f"         window {figures.span(condition.from_ms, condition.to_ms)} "
    watched = f" watched {tell_watched(condition)}"
    used = sum(len(text) for text, _ in first)
    if used + len(second) + len(watched) + 6 <= width:
        gap = " " * (width - used - len(second.strip()) - len(watched) - 8)
        return [row("", *first, (f"{gap}{second.strip()} ", "dim"), (bar, "dim"), (glyphs.text(watched), "dim"))]
    return [row("", *first), row("", (second, "dim"), (bar, "dim"), (glyphs.text(watched), "dim"))]


def _plot(frame: Frame, signal: SignalState, width: int) -> list[Row]:
    condition = figures.speaking(signal)
    series = frame.snapshot.series.get(condition.definition) if condition else None
    top = figures.scale(series)
    if condition is None or series is None or top is None or condition.kind == "trend":
        return []
    unit = "%" if condition.kind == "ratio" else ""
    room = min(len(series.cells), width - _LABEL)
    rows = []
    for place, line in enumerate(figures.plot(series, room, _PLOT_ROWS, frame.glyphs)):
        label = f"{top:g}{unit}" if place == 0 else "0" if place == _PLOT_ROWS - 1 else ""
        if series.limit and place == _PLOT_ROWS // 2 - 1:
            label = f"limit {series.limit:g}{unit}"
        rows.append(row("", (frame.glyphs.right(label, _LABEL - 1) + frame.glyphs.limit, "dim"), (line, signal.state)))
    ends = f"{figures.minute(series.from_ms)}Z"
    ends += f"{figures.minute(series.to_ms)}Z".rjust(max(0, room - len(ends)))
    rows.append(row("", (" " * _LABEL + ends, "dim")))
    return rows


def _people(frame: Frame, signal: SignalState, width: int) -> list[Row]:
    facts = [("Owner", ", ".join(signal.owner) + (f", {signal.contact}" if signal.contact else ""))]
    facts.append(("Roll back", signal.rollback_do))
    facts += [("File", file) for file in signal.rollback_files]
    facts += [("Confirm", item) for item in signal.rollback_confirm]
    facts += [("Undo", line) for line in (signal.undo or "").splitlines() if line.strip()]
    rows = []
    for label, text in facts:
        for place, line in enumerate(wrap(text, width - _LABEL, frame.glyphs)):
            rows.append(row("", (f"{label if place == 0 else '':<{_LABEL}}", "dim"), line))
    return rows


def next_look(frame: Frame) -> str:
    """When the next sample of any running capture is due; empty where none runs."""
    due = [stream.next_ms for stream in frame.snapshot.streams if stream.next_ms is not None]
    if not due:
        return ""
    wait = min(due) - frame.now_ms
    return f"next look in {format_duration(wait - wait % 1000)}" if wait >= 1000 else "looking"


class Detail(Lines):
    """The signal under the board's cursor."""

    frame: Frame | None = None
    signal_id = ""

    def show(self, frame: Frame, signal_id: str) -> None:
        """Draw another signal or frame."""
        if signal_id != self.signal_id:
            self.top = 0
        self.frame, self.signal_id = frame, signal_id
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The lines of the signal."""
        return detail_rows(self.frame, self.signal_id, width) if self.frame else []
