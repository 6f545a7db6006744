"""What the operator looks at: panes, rows, filters, the palette, help. Nothing here is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store.walk.states import StepState
from store.words import STATE_WORDS
from tui.desk import figures, world
from tui.desk.board import Board
from tui.desk.deeds import cited_ref
from tui.desk.dialogs import Ask, Choose, Read
from tui.desk.keys import ACTIONS, help_rows
from tui.desk.packet import Packet, receipt
from tui.desk.paint import Lines, Row, RowList, Span, row
from tui.desk.prose import wrap
from tui.desk.reader import Wanted
from tui.desk.step_view import StepView
from tui.desk.steps import StepList
from tui.desk.themes import next_theme

if TYPE_CHECKING:
    from tui.desk.app import DeskApp

Doing = Callable[["DeskApp"], None]
_HELP_WIDTH = 60


def chosen_step(desk: DeskApp) -> StepState | None:
    frame = desk.frame
    key = desk.part("steps", StepList).current_key
    return next((step for step in frame.snapshot.walk.steps if step.id == key), None) if frame else None


def chosen_signal(desk: DeskApp) -> str:
    """The signal that a key is about: under the cursor, else the worst that the step cites, else the first alarm, else the first."""
    frame = desk.frame
    if frame is None:
        return ""
    if desk.pane == "board":
        return str(desk.part("all-signals", Board).current_key)
    if desk.pane == "evidence" and desk.poller.wanted.signals:
        return desk.poller.wanted.signals[0]
    if desk.part("signals", Board).has_focus:
        return str(desk.part("signals", Board).current_key)
    alarms = [signal.id for signal in frame.snapshot.alarms]
    state = chosen_step(desk)
    step = next((s for s in frame.snapshot.runbook.steps if state is not None and s.id == state.id), None)
    cited = step.cites if step else ()
    odd = [s.id for s in frame.snapshot.judgement.signals if s.id in cited and s.state != "ok"]
    every = [s.id for s in frame.snapshot.judgement.signals]
    return next(iter([*[name for name in alarms if name in cited], *alarms, *odd, *cited, *every]), "")


def open_row(desk: DeskApp) -> None:
    """Enter in a list: the row in full, or where it leads."""
    if desk.pane == "packet":
        key = desk.part("open-ends", Packet).current_key
        if key.startswith("step "):
            desk.go_to_pane("run")
            desk.part("steps", StepList).go_to(key.removeprefix("step "))
        elif key.startswith("command "):
            world.copy(desk, key.removeprefix("command "), "the command")
        elif key == "receipt":
            cite(desk)
        return
    looked = desk.frame.snapshot.looked if desk.frame else None
    if looked is None:
        desk.say("the row under the cursor is being read" if desk.poller.wanted.ref else "no row is chosen")
        return
    rows = [
        row("", (f"{name:<14} ", "dim"), (desk.glyphs.text(value, 2000), "")) for name, value in looked.fields if value
    ]
    texts: list[str | Row] = []
    for shown in rows:
        text = "".join(part for part, _ in shown.spans)
        texts.append(text if len(text) > 74 else shown)
    desk.push_screen(Read(desk.glyphs, looked.ref, texts))


def here(desk: DeskApp, _: StepState | None = None) -> None:
    current = desk.snapshot.walk.current if desk.snapshot else None
    if current is None:
        desk.say("nothing is left to do; the case can be sealed (4)")
        return
    if desk.pane != "run":
        desk.go_to_pane("run")
    desk.part("steps", StepList).go_to(current)


def open_evidence(desk: DeskApp) -> None:
    signal = chosen_signal(desk)
    desk.poller.want(Wanted((signal,) if signal else (), ""))
    desk.go_to_pane("evidence")


def show_evidence(desk: DeskApp) -> None:
    if desk.poller.wanted.signals:
        desk.go_to_pane("evidence")
    else:
        open_evidence(desk)


def alarm(desk: DeskApp, by: int) -> None:
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
    desk.screen_stack[0].set_focus(board)
    board.go_to(next(name for name in order if name in odd))


def narrow(desk: DeskApp) -> None:
    lists = {"evidence": "rows", "log": "entries"}
    if desk.pane not in lists:
        desk.go_to_pane("log")
    rows = desk.part(lists[desk.pane], RowList)

    def narrowed(text: str | None) -> None:
        if text is not None:
            rows.wanted = text.casefold()
            rows.top = 0
            desk.show()

    desk.push_screen(
        Ask(
            desk.glyphs,
            "Show only rows that contain",
            [],
            label="Text (empty shows all):",
            optional=True,
            value=rows.wanted,
        ),
        narrowed,
    )


def cite(desk: DeskApp) -> None:
    frame = desk.frame
    if frame is None:
        return
    ref = cited_ref(desk)
    if ref:
        world.copy(desk, ref, "the citation")
    else:
        world.copy(desk, desk.receipt or receipt(frame.snapshot, frame.now_ms), "the receipt line")


def pin(desk: DeskApp) -> None:
    ref = cited_ref(desk)
    if not ref:
        desk.say("no evidence row is under the cursor")
    elif desk.pinned.pop(ref, None) is not None:
        desk.say(f"{ref} is no longer pinned")
    else:
        desk.pinned[ref] = "pinned"
        desk.say(f"{ref} is pinned: the decision offers it first")
    desk.show()


def copy_command(desk: DeskApp) -> None:
    frame, state = desk.frame, chosen_step(desk)
    if frame is None:
        return
    if desk.pane == "run" and state is not None and not desk.part("signals", Board).has_focus:
        step = next(step for step in frame.snapshot.runbook.steps if step.id == state.id)
        if step.command is not None:
            world.copy(desk, step.command.text.strip(), "the command")
            return
    signal = frame.snapshot.signal(chosen_signal(desk))
    if signal is not None and signal.undo:
        world.copy(desk, signal.undo.strip(), f"the undo of {signal.id}")
    else:
        desk.say("there is no command here")


def freeze(desk: DeskApp) -> None:
    desk.frozen = None if desk.frozen else desk.snapshot
    desk.say("frozen: evidence keeps flowing in, z shows it again" if desk.frozen else "")
    desk.show()


def show_people(desk: DeskApp) -> None:
    frame = desk.frame
    if frame is None:
        return
    people = frame.snapshot.people
    texts = [
        f"{p.operator} at {p.place or 'no terminal'}, process {p.pid or '-'}, since {figures.clock(p.since_ms)}: {p.life}"
        for p in people
    ]
    desk.push_screen(Read(desk.glyphs, "Who is at this case", texts or ["nobody has written to it yet"]))


def change_theme(desk: DeskApp) -> None:
    desk.theme = next_theme(desk.theme, plain=desk.plain)
    desk.say(f"theme {desk.theme}" if not desk.plain else "NO_COLOR is set: no theme has colours")


def _beside(name: Span, text: str, desk: DeskApp) -> list[Row]:
    """A name and what it means, the words broken beside it."""
    said, worn = name
    lines = wrap(text, _HELP_WIDTH, desk.glyphs)
    return [row("", (f"{said if place == 0 else '':<14}", worn), line) for place, line in enumerate(lines)]


def show_help(desk: DeskApp) -> None:
    rows: list[str | Row] = []
    for heading, entries in help_rows(desk.pane):
        rows += [
            row("", (heading, "title")),
            *(line for keys, text in entries for line in _beside((keys, "key"), text, desk)),
            row(""),
        ]
    rows.pop()
    rows.append(row(""))
    for state, text in STATE_WORDS.items():
        rows += _beside((f"{desk.glyphs.state(state)} {state}", state), text, desk)
    rows += [row(""), row("", (f"{desk.glyphs.gap:<14}", "partial"), "in a drawing: nobody looked at that time")]
    rows.append(row("", (f"{desk.glyphs.limit:<14}", "dim"), "in a drawing: the limit, in the middle of the scale"))
    desk.push_screen(Read(desk.glyphs, "Keys and words", rows))


def palette(desk: DeskApp) -> None:
    frame = desk.frame
    if frame is None:
        return
    entries = [
        (f"do {a.name}", f"{a.name.replace('_', ' ')}: {a.help}", a.shown) for a in ACTIONS if a.name != "palette"
    ]
    entries += [(f"step {s.id}", f"step {s.position}: {s.title}", s.state) for s in frame.snapshot.walk.steps]
    entries += [(f"signal {s.id}", f"why {s.id}: {s.title}", s.state) for s in frame.snapshot.judgement.signals]

    def matching(text: str) -> list[Row]:
        words = text.casefold().split()
        found = [e for e in entries if all(word in f"{e[0]} {e[1]}".casefold() for word in words)]
        return [
            row(key, (f"{desk.glyphs.fit(beside, 10)} ", "key"), desk.glyphs.text(said, 62))
            for key, said, beside in found
        ]

    desk.push_screen(
        Choose(desk.glyphs, "Everything by name", [], matching(""), sought=matching),
        lambda key: _taken(desk, key or ""),
    )


def _taken(desk: DeskApp, key: str) -> None:
    what, _, name = key.partition(" ")
    if what == "do":
        desk.action_do(name)
    elif what == "step":
        desk.go_to_pane("run")
        desk.part("steps", StepList).go_to(name)
    elif what == "signal":
        desk.poller.want(Wanted((name,), ""))
        desk.go_to_pane("evidence")


def move(by: int, *, page: bool = False) -> Doing:
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


def part(by: int) -> Doing:
    def doing(desk: DeskApp) -> None:
        desk.screen.focus_next() if by > 0 else desk.screen.focus_previous()
        desk.show()

    return doing
