"""What every action does: one table from the names of keys.py, used by keys and palette alike, and the reasons why one cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store.walk.states import StepState
from store.walk.walk import begin
from tui.desk import deeds, figures, views, world
from tui.desk.board import Board
from tui.desk.decide import Decide
from tui.desk.dialogs import Read
from tui.desk.evidence import EvidenceList
from tui.desk.keys import BY_NAME
from tui.desk.log import LogList
from tui.desk.paint import RowList
from tui.desk.primary import primary
from tui.desk.steps import StepList

if TYPE_CHECKING:
    from tui.desk.app import DeskApp
    from tui.desk.messages import WriteFailed

Doing = Callable[["DeskApp"], None]
_PAGE = 10


def do(desk: DeskApp, name: str) -> None:
    """Do an action, or say why not."""
    action = BY_NAME[name]
    if desk.snapshot is None and name not in ("leave", "stop", "help", "theme"):
        desk.say("the case is still being opened")
    elif action.writes and desk.snapshot is not None and desk.snapshot.sealed:
        desk.say(
            f"the case is sealed and is never written again; go on with: closeout init NEXT.db --after {desk.case_path!s}",
            "watch",
        )
    else:
        DOINGS[name](desk)


def opened(desk: DeskApp) -> None:
    """The first picture is there: take the case up, and say where it stands."""
    snapshot = desk.snapshot
    if snapshot is None:
        return
    if snapshot.sealed:
        desk.say("sealed: everything can be read, nothing is written")
        return
    resume = snapshot.resume
    if resume is None:
        said = "a new walk: begin at step 1; ? explains the keys"
    else:
        ago = figures.short_age(snapshot.read_ms - resume.at_ms)
        changed = ", ".join(f"{name} {old}->{new}" for name, old, new in resume.changed[:3])
        lost = f", in flight and lost: {', '.join(resume.lost)}" if resume.lost else ""
        here = snapshot.walk.here
        place = f"resumed at step {here.position}" if here else "resumed"
        said = (
            f"{place}{lost}"
            + (f"; since then {changed}" if changed else "")
            + f"; last: {resume.said} by {resume.operator} {ago} ago"
        )

    def job(walk: object) -> str:
        begin(walk)  # type: ignore[arg-type]
        return said

    desk.write(job)


def stored(desk: DeskApp) -> None:
    """A dialog that waits for the case is told that it was stored."""
    if isinstance(desk.screen, Decide) and desk.screen.recording and desk.screen.stored:
        desk.pop_screen()


def refused(desk: DeskApp, message: WriteFailed) -> None:
    """A dialog that waits for the case is told that it was refused; a refusal that is longer than its line is shown whole."""
    if isinstance(desk.screen, Decide) and desk.screen.recording:
        desk.screen.refused(message.why, message.hint)
    elif len(message.why) + len(message.hint) + 3 > desk.size.width and len(desk.screen_stack) == 1:
        desk.push_screen(Read(desk.glyphs, "Refused; nothing was stored", [message.why, message.hint]))


def looked_at(desk: DeskApp, rows: RowList) -> None:
    """The cursor moved: the evidence row under it is read in full, the boards follow each other."""
    if isinstance(rows, EvidenceList):
        desk.poller.want(desk.poller.wanted._replace(ref=rows.ref))
    elif isinstance(rows, LogList) and desk.pane == "log":
        desk.poller.want(desk.poller.wanted._replace(ref=rows.current_key))


def _on_step(deed: Callable[[DeskApp, StepState], None]) -> Doing:
    def doing(desk: DeskApp) -> None:
        state = views.chosen_step(desk)
        if state is None:
            desk.say("no step is chosen")
            return
        if desk.pane != "run":
            desk.go_to_pane("run")
        deed(desk, state)

    return doing


def _primary(desk: DeskApp) -> None:
    if desk.pane == "board" or (desk.pane == "run" and desk.part("signals", Board).has_focus):
        views.open_evidence(desk)
        return
    if desk.pane != "run":
        views.open_row(desk)
        return
    frame, state = desk.frame, views.chosen_step(desk)
    if frame is None or state is None:
        return
    if frame.snapshot.sealed:
        do(desk, "done")
        return
    chosen = primary(frame.snapshot.runbook, state)
    if chosen.deed in _STEP_DEEDS:
        _STEP_DEEDS[chosen.deed](desk, state)
    else:
        desk.say(chosen.words)


def _need(desk: DeskApp, state: StepState) -> None:
    first = state.needs_unmet[0].partition(" ")[0]
    desk.part("steps", StepList).go_to(first)
    desk.say(f"{state.id} needs {', '.join(state.needs_unmet)}; you are looking at {first}; g goes back")


def _ack(desk: DeskApp) -> None:
    frame = desk.frame
    signal = views.chosen_signal(desk)
    alarms = [one.id for one in frame.snapshot.alarms] if frame else []
    chosen = signal if signal in alarms else next(iter(alarms), "")
    if not chosen:
        desk.say("no alarm waits for anybody")
        return
    deeds.acknowledge(desk, chosen)


def _seal(desk: DeskApp) -> None:
    frame = desk.frame
    if frame is None:
        return
    from tui.desk.sealing import seal

    seal(desk, frame)


def _pane(name: str) -> Doing:
    return lambda desk: desk.go_to_pane(name)


def _decide(desk: DeskApp) -> None:
    """The decision under the cursor, else the one that the walk comes to next."""
    frame, state = desk.frame, views.chosen_step(desk)
    if frame is None:
        return
    if state is None or state.kind != "decide":
        left = [
            step for step in frame.snapshot.walk.steps if step.kind == "decide" and step.open and not step.passed_over
        ]
        if not left:
            desk.say("no decision is open")
            return
        state = left[0]
    if desk.pane != "run":
        desk.go_to_pane("run")
    deeds.done(desk, state)


_STEP_DEEDS: dict[str, Callable[[DeskApp, StepState], None]] = {
    "done": deeds.done, "start": deeds.start, "collect": world.collect, "run": world.run, "confirm": deeds.confirm, "resolve": deeds.resolve,
    "decide": deeds.done, "need": _need, "here": views.here, "seal": lambda desk, _: _seal(desk),
}  # fmt: skip
DOINGS: dict[str, Doing] = {
    "primary": _primary,
    "done": _on_step(deeds.done), "skip": _on_step(deeds.skip), "fail": _on_step(deeds.fail), "hold": _on_step(deeds.hold),
    "again": _on_step(deeds.again), "late": _on_step(deeds.late), "undo": _on_step(deeds.undo), "run": _on_step(world.run),
    "answer": _on_step(deeds.answer),
    "note": lambda desk: deeds.note(desk, views.chosen_step(desk)), "mark": deeds.mark, "window": deeds.window,
    "decide": _decide, "evidence": views.open_evidence, "ack": _ack, "copy": views.copy_command,
    "alarm_next": lambda desk: views.alarm(desk, 1), "alarm_previous": lambda desk: views.alarm(desk, -1),
    "here": views.here, "filter": views.narrow, "cite": views.cite, "pin": views.pin, "open": world.open_review,
    "seal": _seal, "papers": world.papers, "shell": world.shell,
    "who": views.show_people, "freeze": views.freeze, "theme": views.change_theme,
    "pane_run": _pane("run"), "pane_board": _pane("board"), "pane_evidence": views.show_evidence, "pane_packet": _pane("packet"), "pane_log": _pane("log"),
    "next_part": views.part(1), "previous_part": views.part(-1),
    "up": views.move(-1), "down": views.move(1), "page_up": views.move(-_PAGE, page=True), "page_down": views.move(_PAGE, page=True),
    "first": views.move(-1_000_000), "last": views.move(1_000_000),
    "back": lambda desk: desk.go_to_pane("run"), "palette": views.palette, "help": views.show_help, "leave": world.leave, "stop": world.stop,
}  # fmt: skip
