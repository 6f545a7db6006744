"""The list of steps: where the walk stands, what became of each, and a cursor that looks around without moving the place."""

from __future__ import annotations

from collections.abc import Sequence

from store.walk.states import StepState
from tui.desk import figures
from tui.desk.paint import Row, RowList, row
from tui.desk.snapshot import Frame

_WORN = {
    "passed": "ok", "failed": "tripped", "lost": "tripped", "running": "here", "held": "watch", "stale": "stale", "waiting": "dim",
    "skipped": "dim", "retracted": "watch",
}  # fmt: skip


def worn(state: str) -> str:
    """The class that a step's state wears."""
    return _WORN.get(state, "")


def bare_title(step: StepState) -> str:
    """The title without the number that many runbooks write into the heading: the list has numbers of its own."""
    number, _, rest = step.title.partition(". ")
    return rest if rest and number.isdecimal() else step.title


def step_rows(frame: Frame, width: int) -> list[Row]:
    """Every step as one row."""
    return [_row(frame, step, width) for step in frame.snapshot.walk.steps]


def _row(frame: Frame, step: StepState, width: int) -> Row:
    glyphs = frame.glyphs
    here = step.id == frame.snapshot.walk.current
    elapsed = step.elapsed_ms + frame.now_ms - frame.snapshot.read_ms if step.elapsed_ms is not None else None
    age = elapsed if elapsed is not None else frame.now_ms - step.since_ms if step.since_ms is not None else None
    when = figures.short_age(age) if age is not None else ""
    state = worn(step.state)
    quiet = "strong" if here else "dim" if step.passed_over or step.state in ("waiting", "skipped") else ""
    return row(
        step.id,
        (glyphs.here if here else " ", "here"),
        (glyphs.step(step.state) + " ", state),
        (f"{step.position:>2} ", "dim"),
        (glyphs.fit(bare_title(step), max(0, width - 11)) + " ", quiet),
        (glyphs.right(when, 4), "here" if elapsed is not None else "dim"),
    )


class StepList(RowList):
    """The steps of the runbook. Until somebody looks around, the cursor rests where the walk stands and moves on with it."""

    frame: Frame | None = None
    _followed = ""

    def show(self, frame: Frame) -> None:
        """Draw another frame; follow the walk unless the operator has looked elsewhere."""
        current = frame.snapshot.walk.current or ""
        moved = current and current != self._followed
        followed = not self.cursor_key or self.cursor_key == self._followed
        self.frame = frame
        self.redraw()
        if moved and followed:
            self.go_to(current)
        if current:
            self._followed = current

    def build(self, width: int) -> Sequence[Row]:
        """One row per step."""
        return step_rows(self.frame, width) if self.frame else []
