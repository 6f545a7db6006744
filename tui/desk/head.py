"""The two lines that are always on screen: where and when we are, and the alarm that stays until somebody acknowledges it."""

from __future__ import annotations

from collections.abc import Sequence

from store.judge import STATES
from tui.desk import figures
from tui.desk.detail import next_look
from tui.desk.paint import Lines, Row, Span, row
from tui.desk.snapshot import Frame

_ROOMY = 100


def status_row(frame: Frame, width: int, *, frozen: bool) -> Row:
    """Phase, drill or live, clock, elapsed time, worst state, place in the walk, chain, next look, title; the last ones drop first."""
    snapshot, glyphs = frame.snapshot, frame.glyphs
    walk, judgement = snapshot.walk, snapshot.judgement
    mode = ("FROZEN", "watch") if frozen else ("SEALED", "watch") if snapshot.sealed else ("LIVE", "strong")
    modes: list[Span] = [("  ", ""), ("DRILL", "drill")] if judgement.drill else []
    if not judgement.drill or mode[0] != "LIVE":
        modes.append((f"  {mode[0]}", mode[1]))
    worst = judgement.worst
    spans: list[Span] = [
        (f" {glyphs.text(snapshot.runbook.id, 24)}", "title"),
        *modes,
        (f"  {figures.clock(frame.now_ms)}", "strong"),
        (f"  +{figures.long_time(frame.now_ms - walk.begun_ms)}" if walk.begun_ms is not None else "  not begun", ""),
        (f"  {glyphs.state(worst)} {worst}", worst),
        (f"  {walk.settled}/{walk.total} done", ""),
    ]
    extra = [f"seq {snapshot.chain.seq} {snapshot.chain.head[:8]}", next_look(frame), _people(frame)]
    extra += [_scope(frame), judgement.title, snapshot.path]
    used = sum(len(text) for text, _ in spans)
    for text in filter(None, extra):
        shown = "  " + glyphs.text(text)
        if used + len(shown) < width:
            spans.append((shown, "dim"))
            used += len(shown)
    return row("", *spans)


def alarm_row(frame: Frame, width: int, trouble: str) -> Row:
    """What needs eyes: trouble of our own, then trips that nobody acknowledged, then how many signals are not ok."""
    snapshot, glyphs = frame.snapshot, frame.glyphs
    trouble = trouble or snapshot.stopped
    if trouble:
        return row("", (glyphs.text(f" {trouble}", width), "tripped"))
    states = [signal.state for signal in snapshot.judgement.signals]
    alarms = snapshot.alarms
    spans = _counts(states, brief=bool(alarms) and width < _ROOMY)
    counted = len(spans)
    hint = "a ack  e why " if alarms else ""
    room = width - sum(len(text) for text, _ in spans) - len(hint) - 2
    if not alarms:
        return row("", *spans, (glyphs.text(_calm(frame), max(0, room)), "dim"))
    for signal in alarms:
        value, limit = figures.pair(signal)
        since = f" since {figures.clock(signal.first_trip_ms)}" if signal.first_trip_ms is not None else ""
        text = f"  {signal.id} {value} of {limit}{since}"
        if len(text) > room:
            if len(spans) == counted:
                spans.append((glyphs.text(text, max(0, room)), "tripped"))
            break
        spans.append((text, "tripped"))
        room -= len(text)
    pad = max(1, width - sum(len(text) for text, _ in spans) - len(hint))
    return row("", *spans, (" " * pad, ""), (hint, "key"))


def _counts(states: list[str], *, brief: bool) -> list[Span]:
    """How many signals are in each state that is not ok; where room is short, the tripped ones and how many more."""
    counts = [(state, states.count(state)) for state in STATES if state != "ok" and state in states]
    if not brief:
        return [(f" {number} {state}", state) for state, number in counts]
    rest = sum(number for state, number in counts if state != "tripped")
    return [(f" {number} {state}", state) for state, number in counts if state == "tripped"] + (
        [(f", {rest} more not ok", "watch")] if rest else []
    )


def _calm(frame: Frame) -> str:
    snapshot = frame.snapshot
    tripped = [s for s in snapshot.judgement.signals if s.state == "tripped"]
    if tripped:
        seen = snapshot.seen[tripped[-1].id]
        return f"  every alarm was acknowledged, last by {seen.operator} at {figures.clock(seen.at_ms)}"
    if all(s.state == "ok" for s in snapshot.judgement.signals):
        return " every signal is ok: all of each window was watched"
    failing = [s for s in snapshot.streams if s.failure]
    if failing:
        return f"  {failing[0].stream}: {failing[0].failure}"
    return "  no alarm; a signal without data is not ok"


def _people(frame: Frame) -> str:
    alive = {person.place for person in frame.snapshot.people if person.life == "alive"}
    return f"{len(alive)} terminals" if len(alive) > 1 else ""


def _scope(frame: Frame) -> str:
    start = frame.snapshot.judgement.question.scope_start_ms
    return "" if start is None else f"run since {figures.clock(start)}"


class StatusLine(Lines):
    """The first line."""

    frame: Frame | None = None
    frozen = False

    def show(self, frame: Frame, *, frozen: bool) -> None:
        """Draw another frame."""
        self.frame, self.frozen = frame, frozen
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The one row."""
        return (
            [status_row(self.frame, width, frozen=self.frozen)]
            if self.frame
            else [row("", (" closeout", "title"), "  opening the case")]
        )


class AlarmLine(Lines):
    """The second line."""

    frame: Frame | None = None
    trouble = ""

    def show(self, frame: Frame | None, trouble: str) -> None:
        """Draw another frame."""
        self.frame, self.trouble = frame, trouble
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The one row."""
        if self.frame is None:
            return [row("", (f" {self.trouble}"[:width], "tripped"))]
        return [alarm_row(self.frame, width, self.trouble)]
