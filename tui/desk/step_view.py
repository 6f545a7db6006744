"""The step under the cursor: how it stands and what Enter does first, then its command, what its signals say, and its prose."""

from __future__ import annotations

from collections.abc import Sequence

from store.instants import format_duration
from store.runbook.model import Runbook, Step
from store.stamps import Stamp
from store.walk.states import StepState
from tui.desk import figures
from tui.desk.paint import Lines, Row, row
from tui.desk.primary import primary
from tui.desk.prose import code_rows, prose_rows, wrap
from tui.desk.runs import log_name
from tui.desk.snapshot import Frame
from tui.desk.steps import bare_title, worn

_TAIL_ROWS = 4


def view_rows(frame: Frame, step_id: str, width: int) -> list[Row]:
    """The lines of one step."""
    snapshot = frame.snapshot
    step = _step(snapshot.runbook, step_id)
    if step is None:
        return [row("", ("no step is chosen", "dim"))]
    state = snapshot.walk.step(step_id)
    rows = _standing(frame, state, width)
    rows += _action(frame, state, width)
    rows += _guidance_of_drill(frame, width)
    rows += drilled_rows(frame, frame.snapshot.stamps.steps.get(step_id) if frame.snapshot.stamps else None, width)
    rows += _tail(frame, state, width)
    if step.command is not None:
        rows += [row(""), *code_rows(step.command.text, width, frame.glyphs)]
    rows += _signals(frame, step, width)
    rows += [row(""), *prose_rows(step.guidance, width, frame.glyphs)]
    rows += _attempts(frame, state, width)
    return rows


def _step(runbook: Runbook, step_id: str) -> Step | None:
    return next((step for step in runbook.steps if step.id == step_id), None)


def _standing(frame: Frame, state: StepState, width: int) -> list[Row]:
    glyphs = frame.glyphs
    parts = [state.state + (f" ({state.choice})" if state.choice else "")]
    if state.elapsed_ms is not None:
        parts.append(figures.long_time(state.elapsed_ms + frame.now_ms - frame.snapshot.read_ms))
    if state.value:
        parts.append(f"answered {state.value}")
    if state.attempt > 1:
        parts.append(f"attempt {state.attempt}")
    if state.operator:
        at = f" at {figures.clock(state.since_ms)}" if state.since_ms is not None else ""
        parts.append(f"by {state.operator}{at}")
    for flag, word in (
        (state.late, "told late"),
        (state.override, "overridden"),
        (not state.mandatory, "optional"),
        (state.passed_over, "left aside"),
    ):
        if flag:
            parts.append(word)
    if state.effect == "changes":
        parts.append("CHANGES the world")
    sign = (f"{glyphs.step(state.state)} ", worn(state.state))
    rows = [row("", sign, (glyphs.text(", ".join(parts), width - 2), worn(state.state) or "strong"))]
    said = "; ".join(
        dict.fromkeys(filter(None, [state.why if state.state != "waiting" else "", state.reason, *state.needs_remarks]))
    )
    rows += [row("", (line, "dim")) for line in wrap(said, width, glyphs)] if said else []
    return rows


def _action(frame: Frame, state: StepState, width: int) -> list[Row]:
    if frame.snapshot.sealed:
        return [row("", ("sealed: nothing more is written", "dim"))]
    words = primary(frame.snapshot.runbook, state).words
    return [row("", (line, "key")) for line in wrap(words, width, frame.glyphs)]


def _guidance_of_drill(frame: Frame, width: int) -> list[Row]:
    """What the drill told a newcomer in its note, until the first step was begun."""
    snapshot = frame.snapshot
    if not snapshot.judgement.drill or any(step.attempts for step in snapshot.walk.steps):
        return []
    told = next((entry.text for entry in reversed(snapshot.timeline) if entry.kind == "note"), "")
    return [row(""), *(row("", line) for line in wrap(told, width, frame.glyphs))] if told else []


def drilled_rows(frame: Frame, stamp: Stamp | None, width: int) -> list[Row]:
    """When it was drilled last, and how that went; nothing where it never was."""
    if stamp is None:
        return []
    told = stamp.told(frame.now_ms)
    return [
        row("", (line, "watch" if stamp.void or not stamp.passed else "dim"))
        for line in wrap(told, width, frame.glyphs)
    ]


def _tail(frame: Frame, state: StepState, width: int) -> list[Row]:
    """The end of what the step's process printed."""
    lines = (
        [line for line in frame.snapshot.tails.get(log_name(state.id), ()) if line.strip()] if state.attempts else []
    )
    return [row("", ("  " + frame.glyphs.text(line, width - 2), "dim")) for line in lines[-_TAIL_ROWS:]]


def _signals(frame: Frame, step: Step, width: int) -> list[Row]:
    glyphs, rows = frame.glyphs, []
    for signal_id in step.cites:
        signal = frame.snapshot.signal(signal_id)
        if signal is None:
            continue
        value, limit = figures.pair(signal)
        age = (
            "never read"
            if signal.last_ms is None
            else f"{format_duration(max(0, frame.now_ms - signal.last_ms) // 1000 * 1000)} old"
        )
        text = f"{signal.state}  {value} / {limit}  {age}"
        name = f"{glyphs.state(signal.state)} {glyphs.text(signal.id)} "
        rows.append(row("", name, (glyphs.text(text, max(0, width - len(name))), signal.state)))
    return [row(""), *rows] if rows else []


def _attempts(frame: Frame, state: StepState, width: int) -> list[Row]:
    """Earlier attempts: a retry never hides a failure."""
    rows = []
    for attempt in state.attempts:
        if attempt.number == state.attempt and attempt.state == state.state:
            continue
        at = attempt.ended_ms or attempt.started_ms
        when = f" at {figures.clock(at)}" if at is not None else ""
        said = f"attempt {attempt.number}: {attempt.state}{when} by {attempt.ended_by or attempt.operator}" + (
            f": {attempt.reason}" if attempt.reason else ""
        )
        rows += [row("", (line, worn(attempt.state) or "dim")) for line in wrap(said, width, frame.glyphs)]
    return [row(""), *rows] if rows else []


class StepView(Lines, can_focus=True):
    """One step in full; scrolls."""

    frame: Frame | None = None
    step_id = ""

    def show(self, frame: Frame, step_id: str) -> None:
        """Draw another step or frame."""
        if step_id != self.step_id:
            self.top = 0
        self.frame, self.step_id = frame, step_id
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The lines of the step."""
        return view_rows(self.frame, self.step_id, width) if self.frame else []


def step_title(frame: Frame, step_id: str) -> str:
    """Number and title of a step, and where the walk stands if that is elsewhere."""
    walk = frame.snapshot.walk
    shown = next((step for step in walk.steps if step.id == step_id), None)
    if shown is None:
        return "no step"
    here = walk.here
    elsewhere = f" (you are at {here.position}: g)" if here is not None and here.id != step_id else ""
    return f"{shown.position} {bare_title(shown)}{elsewhere}"
