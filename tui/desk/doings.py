"""What every action does: one table from the names of keys.py, used by keys and palette alike, and the reasons why one cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store.walk.states import StepState
from store.walk.walk import begin
from store.words import STATE_WORDS
from tui.desk import deeds, figures, world
from tui.desk.board import Board
from tui.desk.decide import Decide
from tui.desk.deeds import cited_ref
from tui.desk.dialogs import Ask, Choose, Read
from tui.desk.evidence import EvidenceList
from tui.desk.keys import ACTIONS, BY_NAME, help_rows
from tui.desk.log import LogList
from tui.desk.packet import Packet, receipt
from tui.desk.paint import Lines, Row, RowList, row
from tui.desk.primary import primary
from tui.desk.reader import Wanted
from tui.desk.step_view import StepView
from tui.desk.steps import StepList
from tui.desk.themes import next_theme

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
        desk.say(f"the case is sealed and is never written again; go on with: closeout init NEXT.db --after {desk.case_path!s}", "watch")
    else:
        _DOINGS[name](desk)


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
        lost = f"; in flight and lost: {', '.join(resume.lost)}" if resume.lost else ""
        here = snapshot.walk.here
        place = f"resumed at step {here.position}" if here else "resumed"
        said = f"{place}; last: {resume.said} by {resume.operator} {ago} ago{lost}" + (f"; since then {changed}" if changed else "")

    def job(walk: object) -> str:
        begin(walk)  # type: ignore[arg-type]
        return said

    desk.write(job)


def stored(desk: DeskApp) -> None:
    """A dialog that waits for the case is told that it was stored."""
    if isinstance(desk.screen, Decide) and desk.screen.recording and desk.screen.stored:
        desk.pop_screen()


def refused(desk: DeskApp, message: WriteFailed) -> None:
    """A dialog that waits for the case is told that it was refused."""
    if isinstance(desk.screen, Decide) and desk.screen.recording:
        desk.screen.refused(message.why, message.hint)


def looked_at(desk: DeskApp, rows: RowList) -> None:
    """The cursor moved: the evidence row under it is read in full, the boards follow each other."""
    if isinstance(rows, EvidenceList):
        desk.want(desk.wanted._replace(ref=rows.ref))
    elif isinstance(rows, LogList) and desk.pane == "log":
        desk.want(desk.wanted._replace(ref=rows.current_key))


def _step(desk: DeskApp) -> StepState | None:
    frame = desk.frame
    key = desk.part("steps", StepList).current_key
    return next((step for step in frame.snapshot.walk.steps if step.id == key), None) if frame else None


def _signal(desk: DeskApp) -> str:
    """The signal that a key is about: under the cursor, else the worst that the step cites, else the first alarm, else the first."""
    frame = desk.frame
    if frame is None:
        return ""
    if desk.pane == "board":
        return str(desk.part("all-signals", Board).current_key)
    if desk.pane == "evidence" and desk.wanted.signals:
        return desk.wanted.signals[0]
    if desk.part("signals", Board).has_focus:
        return str(desk.part("signals", Board).current_key)
    alarms = [signal.id for signal in frame.snapshot.alarms]
    state = _step(desk)
    step = next((s for s in frame.snapshot.runbook.steps if state is not None and s.id == state.id), None)
    cited = step.cites if step else ()
    odd = [s.id for s in frame.snapshot.judgement.signals if s.id in cited and s.state != "ok"]
    every = [s.id for s in frame.snapshot.judgement.signals]
    return next(iter([*[name for name in alarms if name in cited], *alarms, *odd, *cited, *every]), "")


def _on_step(deed: Callable[[DeskApp, StepState], None]) -> Doing:
    def doing(desk: DeskApp) -> None:
        state = _step(desk)
        if state is None:
            desk.say("no step is chosen")
            return
        if desk.pane != "run":
            desk.go_to_pane("run")
        deed(desk, state)

    return doing


def _primary(desk: DeskApp) -> None:
    if desk.pane == "board" or (desk.pane == "run" and desk.part("signals", Board).has_focus):
        _evidence(desk)
        return
    if desk.pane != "run":
        _open_row(desk)
        return
    frame, state = desk.frame, _step(desk)
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


def _open_row(desk: DeskApp) -> None:
    """Enter in a list: the row in full, or where it leads."""
    if desk.pane == "packet":
        key = desk.part("open-ends", Packet).current_key
        if key.startswith("step "):
            desk.go_to_pane("run")
            desk.part("steps", StepList).go_to(key.removeprefix("step "))
        elif key.startswith("command "):
            world.copy(desk, key.removeprefix("command "), "the command")
        elif key == "receipt":
            _cite(desk)
        return
    looked = desk.frame.snapshot.looked if desk.frame else None
    if looked is None:
        desk.say("no row is chosen")
        return
    rows = [row("", (f"{name:<14} ", "dim"), (desk.glyphs.text(value, 2000), "")) for name, value in looked.fields if value]
    texts: list[str | Row] = []
    for shown in rows:
        text = "".join(part for part, _ in shown.spans)
        texts.append(text if len(text) > 74 else shown)
    desk.push_screen(Read(desk.glyphs, looked.ref, texts))


def _need(desk: DeskApp, state: StepState) -> None:
    first = state.needs_unmet[0].partition(" ")[0]
    desk.part("steps", StepList).go_to(first)
    desk.say(f"{state.id} needs {', '.join(state.needs_unmet)}; you are looking at {first}; g goes back")


def _here(desk: DeskApp, _: StepState | None = None) -> None:
    current = desk.snapshot.walk.current if desk.snapshot else None
    if current is None:
        desk.say("nothing is left to do; the case can be sealed (4)")
        return
    if desk.pane != "run":
        desk.go_to_pane("run")
    desk.part("steps", StepList).go_to(current)


def _evidence(desk: DeskApp) -> None:
    signal = _signal(desk)
    desk.want(Wanted((signal,) if signal else (), ""))
    desk.go_to_pane("evidence")


def _show_evidence(desk: DeskApp) -> None:
    if desk.wanted.signals:
        desk.go_to_pane("evidence")
    else:
        _evidence(desk)


def _ack(desk: DeskApp) -> None:
    frame = desk.frame
    signal = _signal(desk)
    alarms = [one.id for one in frame.snapshot.alarms] if frame else []
    chosen = signal if signal in alarms else next(iter(alarms), "")
    if not chosen:
        desk.say("no alarm waits for anybody")
        return
    deeds.acknowledge(desk, chosen)


def _alarm(desk: DeskApp, by: int) -> None:
    frame = desk.frame
    if frame is None:
        return
    board = desk.part("all-signals" if desk.pane == "board" else "signals", Board)
    if desk.pane not in ("run", "board"):
        desk.go_to_pane("board")
        board = desk.part("all-signals", Board)
    ids = [signal.id for signal in frame.snapshot.judgement.signals]
    odd = [signal.id for signal in frame.snapshot.judgement.signals if signal.state != "ok"]
    if not odd:
        desk.say("every signal is ok")
        return
    at = ids.index(board.current_key) if board.current_key in ids else -1
    order = [ids[(at + by * step) % len(ids)] for step in range(1, len(ids) + 1)]
    board.focus()
    board.go_to(next(name for name in order if name in odd))


def _filter(desk: DeskApp) -> None:
    lists = {"evidence": "rows", "log": "entries"}
    if desk.pane not in lists:
        desk.go_to_pane("log")
    rows = desk.part(lists[desk.pane], RowList)

    def narrowed(text: str | None) -> None:
        if text is not None:
            rows.wanted = text.casefold()
            rows.top = 0
            desk.show()

    desk.push_screen(Ask(desk.glyphs, "Show only rows that contain", [], label="Text (empty shows all):", optional=True, value=rows.wanted), narrowed)


def _cite(desk: DeskApp) -> None:
    frame = desk.frame
    if frame is None:
        return
    ref = cited_ref(desk)
    if ref:
        world.copy(desk, ref, "the citation")
    else:
        world.copy(desk, receipt(frame.snapshot, frame.now_ms), "the receipt line")


def _pin(desk: DeskApp) -> None:
    ref = cited_ref(desk)
    if not ref:
        desk.say("no evidence row is under the cursor")
    elif desk.pinned.pop(ref, None) is not None:
        desk.say(f"{ref} is no longer pinned")
    else:
        desk.pinned[ref] = "pinned"
        desk.say(f"{ref} is pinned: the decision offers it first")
    desk.show()


def _copy(desk: DeskApp) -> None:
    frame, state = desk.frame, _step(desk)
    if frame is None:
        return
    if desk.pane == "run" and state is not None and not desk.part("signals", Board).has_focus:
        step = next(step for step in frame.snapshot.runbook.steps if step.id == state.id)
        if step.command is not None:
            world.copy(desk, step.command.text.strip(), "the command")
            return
    signal = frame.snapshot.signal(_signal(desk))
    if signal is not None and signal.undo:
        world.copy(desk, signal.undo.strip(), f"the undo of {signal.id}")
    else:
        desk.say("there is no command here")


def _freeze(desk: DeskApp) -> None:
    desk.frozen = None if desk.frozen else desk.snapshot
    desk.say("frozen: evidence keeps flowing in, z shows it again" if desk.frozen else "")
    desk.show()


def _who(desk: DeskApp) -> None:
    frame = desk.frame
    if frame is None:
        return
    people = frame.snapshot.people
    texts = [f"{p.operator} at {p.place or 'no terminal'}, process {p.pid or '-'}, since {figures.clock(p.since_ms)}: {p.life}" for p in people]
    desk.push_screen(Read(desk.glyphs, "Who is at this case", texts or ["nobody has written to it yet"]))


def _theme(desk: DeskApp) -> None:
    desk.theme = next_theme(desk.theme, plain=desk.plain)
    desk.say(f"theme {desk.theme}" if not desk.plain else "NO_COLOR is set: no theme has colours")


def _help(desk: DeskApp) -> None:
    rows: list[str | Row] = [row("", (f"{keys:<14}", "key"), text) for keys, text in help_rows()]
    rows += [row(""), *(row("", (f"{desk.glyphs.state(s)} {s:<12}", s), text) for s, text in STATE_WORDS.items())]
    rows += [row(""), row("", (f"{desk.glyphs.gap:<14}", "partial"), "in a drawing: nobody looked at that time")]
    rows.append(row("", (f"{desk.glyphs.limit:<14}", "dim"), "in a drawing: the limit, in the middle of the scale"))
    desk.push_screen(Read(desk.glyphs, "Keys and words", rows))


def _palette(desk: DeskApp) -> None:
    frame = desk.frame
    if frame is None:
        return
    entries = [(f"do {a.name}", f"{a.name.replace('_', ' ')}: {a.help}", a.shown) for a in ACTIONS if a.name != "palette"]
    entries += [(f"step {s.id}", f"step {s.position}: {s.title}", s.state) for s in frame.snapshot.walk.steps]
    entries += [(f"signal {s.id}", f"why {s.id}: {s.title}", s.state) for s in frame.snapshot.judgement.signals]

    def matching(text: str) -> list[Row]:
        words = text.casefold().split()
        found = [e for e in entries if all(word in f"{e[0]} {e[1]}".casefold() for word in words)]
        return [row(key, (f"{desk.glyphs.fit(beside, 10)} ", "key"), desk.glyphs.text(said, 62)) for key, said, beside in found]

    desk.push_screen(Choose(desk.glyphs, "Everything by name", [], matching(""), sought=matching), lambda key: _taken(desk, key or ""))


def _taken(desk: DeskApp, key: str) -> None:
    what, _, name = key.partition(" ")
    if what == "do":
        do(desk, name)
    elif what == "step":
        desk.go_to_pane("run")
        desk.part("steps", StepList).go_to(name)
    elif what == "signal":
        desk.want(Wanted((name,), ""))
        desk.go_to_pane("evidence")


def _seal(desk: DeskApp) -> None:
    frame = desk.frame
    if frame is None:
        return
    from tui.desk.sealing import seal

    seal(desk, frame)


def _move(by: int, *, page: bool = False) -> Doing:
    def doing(desk: DeskApp) -> None:
        focused = desk.focused
        if page and desk.pane == "run" and isinstance(focused, StepList):
            focused = desk.part("step", StepView)
        elif page and desk.pane == "board":
            focused = desk.part("detail", Lines)
        if isinstance(focused, RowList):
            focused.move(by)
        elif isinstance(focused, Lines):
            focused.scroll_rows(by)
        desk.show()

    return doing


def _part(by: int) -> Doing:
    def doing(desk: DeskApp) -> None:
        desk.screen.focus_next() if by > 0 else desk.screen.focus_previous()
        desk.show()

    return doing


def _pane(name: str) -> Doing:
    return lambda desk: desk.go_to_pane(name)


def _decide(desk: DeskApp) -> None:
    """The decision under the cursor, else the one that the walk comes to next."""
    frame, state = desk.frame, _step(desk)
    if frame is None:
        return
    if state is None or state.kind != "decide":
        left = [step for step in frame.snapshot.walk.steps if step.kind == "decide" and step.open and not step.passed_over]
        if not left:
            desk.say("no decision is open")
            return
        state = left[0]
    if desk.pane != "run":
        desk.go_to_pane("run")
    deeds.done(desk, state)


_STEP_DEEDS: dict[str, Callable[[DeskApp, StepState], None]] = {
    "done": deeds.done, "start": deeds.start, "collect": world.collect, "run": world.run, "confirm": deeds.confirm, "resolve": deeds.resolve,
    "decide": deeds.done, "need": _need, "here": _here, "seal": lambda desk, _: _seal(desk),
}  # fmt: skip
_DOINGS: dict[str, Doing] = {
    "primary": _primary,
    "done": _on_step(deeds.done), "skip": _on_step(deeds.skip), "fail": _on_step(deeds.fail), "hold": _on_step(deeds.hold),
    "again": _on_step(deeds.again), "late": _on_step(deeds.late), "undo": _on_step(deeds.undo), "run": _on_step(world.run),
    "answer": _on_step(deeds.answer),
    "note": lambda desk: deeds.note(desk, _step(desk)), "mark": deeds.mark, "window": deeds.window,
    "decide": _decide, "evidence": _evidence, "ack": _ack, "copy": _copy,
    "alarm_next": lambda desk: _alarm(desk, 1), "alarm_previous": lambda desk: _alarm(desk, -1),
    "here": _here, "filter": _filter, "cite": _cite, "pin": _pin, "open": world.open_review, "seal": _seal, "shell": world.shell,
    "who": _who, "freeze": _freeze, "theme": _theme,
    "pane_run": _pane("run"), "pane_board": _pane("board"), "pane_evidence": _show_evidence, "pane_packet": _pane("packet"), "pane_log": _pane("log"),
    "next_part": _part(1), "previous_part": _part(-1),
    "up": _move(-1), "down": _move(1), "page_up": _move(-_PAGE, page=True), "page_down": _move(_PAGE, page=True),
    "first": _move(-1_000_000), "last": _move(1_000_000),
    "back": lambda desk: desk.go_to_pane("run"), "palette": _palette, "help": _help, "leave": world.leave, "stop": world.stop,
}  # fmt: skip
