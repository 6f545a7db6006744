"""The desk as a Textual application: it composes the parts, takes the threads' messages in, and hands every key to one table of deeds.

Nothing here touches the file or waits: one thread reads the case, one writes it, and what a step runs is a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from store import waiting
from store.case import now_ms
from store.walk.session import Who, monotonic_ms, this_process
from tui.desk import doings, figures, watching
from tui.desk.board import Board
from tui.desk.detail import Detail
from tui.desk.evidence import EvidenceList, RowDetail
from tui.desk.foot import KeyLine, MessageLine, Notice, Rule
from tui.desk.glyphs import UNICODE, Glyphs
from tui.desk.head import AlarmLine, StatusLine
from tui.desk.keys import PANES, RUN, bindings
from tui.desk.log import LogList
from tui.desk.messages import ReadFailed, ReviewOpen, RunEnded, SnapshotReady, Waiting, WriteFailed, Written
from tui.desk.packet import Packet
from tui.desk.paint import Desk, RowList
from tui.desk.parts import show_parts
from tui.desk.poller import Poller
from tui.desk.reader import CaseReader
from tui.desk.runs import REVIEW, TAKEN, Runs
from tui.desk.snapshot import Frame, Snapshot
from tui.desk.step_view import StepView
from tui.desk.steps import StepList
from tui.desk.themes import THEMES, Colourless, first_theme
from tui.desk.writer import Job, Writer


class DeskApp(App[int]):
    """The operator's desk on one case."""

    CSS_PATH = "closeout.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-normal"), (140, "-wide")]  # noqa: RUF012 as textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-short"), (40, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, call, show=False, priority=priority, system=True) for keys, call, priority in bindings()
    ]

    def __init__(
        self,
        path: Path,
        *,
        who: Who | None = None,
        glyphs: Glyphs = UNICODE,
        no_color: bool = False,
        clock: Callable[[], int] = now_ms,
        monotonic: Callable[[], int] = monotonic_ms,
    ) -> None:
        super().__init__(ansi_color=True if no_color else None)
        self.case_path = path
        self.who = who or this_process()
        self.glyphs = glyphs
        self.clock = clock
        self.plain = no_color
        self.snapshot: Snapshot | None = None
        self.frozen: Snapshot | None = None
        self.trouble = ""
        self.busy = False
        self.pane = RUN
        self.pinned: dict[str, str] = {}
        self.review_url = ""
        self.receipt = ""
        self.began: set[str] = set()
        self.runs = Runs()
        self.poller = Poller(
            path, self.post_message, self.runs, lambda at: CaseReader(at, clock=clock, monotonic=monotonic)
        )
        self.writer = Writer(path, self.who, self.post_message, clock=clock, monotonic=monotonic)

    def get_default_screen(self) -> Screen[Any]:
        """The screen that holds the classes of rows."""
        return Desk(id="_default")

    def compose(self) -> ComposeResult:
        """All parts; a pane that is not shown costs nothing."""
        yield StatusLine(id="status")
        yield AlarmLine(id="alarm")
        with ContentSwitcher(id="panes", initial=RUN):
            with Container(id="run"):
                with Container(id="columns"):
                    with Vertical(id="steps-box"):
                        yield Rule(id="steps-rule")
                        yield StepList(id="steps")
                    with Container(id="beside"):
                        with Vertical(id="board-box"):
                            yield Rule(id="signals-rule")
                            yield Board(id="signals")
                            yield Rule(id="one-rule")
                            yield Detail(id="one")
                        with Vertical(id="step-box"):
                            yield Rule(id="step-rule")
                            yield StepView(id="step")
                with Vertical(id="recent-box"):
                    yield Rule(id="recent-rule")
                    yield LogList(id="recent")
            with Vertical(id="board"):
                yield Rule(id="board-rule")
                yield Board(id="all-signals")
                yield Rule(id="detail-rule")
                yield Detail(id="detail")
            with Vertical(id="evidence"):
                yield Rule(id="evidence-rule")
                yield EvidenceList(id="rows")
                yield Rule(id="row-rule")
                yield RowDetail(id="row")
            with Vertical(id="packet"):
                yield Rule(id="packet-rule")
                yield Packet(id="open-ends")
            with Vertical(id="log"):
                yield Rule(id="log-rule")
                yield LogList(id="entries")
        yield Notice(id="small")
        yield MessageLine(id="message")
        yield KeyLine(id="keys")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without colour nothing but weights is left of a style."""
        return [Colourless()] if self.plain else super().get_line_filters()

    def on_mount(self) -> None:
        """Paint first; everything that reads, writes or parses happens in threads."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = first_theme(plain=self.plain)
        self.set_class(self.glyphs.ascii, "-ascii")
        self.screen.set_focus(self.query_one("#steps"))
        for name, run in (("read the case", self.poller.run), ("write the case", self.writer.run)):
            self.run_worker(run, name=name, group=name, description=name, thread=True, exit_on_error=False)
        waiting.say = self.wait_said
        self.set_interval(1.0, self.show)  # clocks and ages move on
        self.say("opening the case")

    def on_unmount(self) -> None:
        """Let the threads end. What a drill has begun ends with it, for the world that it looks at is gone."""
        if self.snapshot is not None and self.snapshot.judgement.drill:
            for step in self.runs.running():
                self.runs.interrupt(step)
        self.poller.stop()
        self.writer.stop()
        waiting.say = waiting.say_nothing

    @property
    def frame(self) -> Frame | None:
        """What to draw now: the newest picture, or the frozen one."""
        shown = self.frozen or self.snapshot
        if shown is None:
            return None
        return Frame(shown, shown.read_ms if self.frozen or shown.sealed else self.clock(), self.glyphs)

    def on_snapshot_ready(self, message: SnapshotReady) -> None:
        """Take a newer picture in."""
        if not self.standing:
            return
        first = self.snapshot is None
        self.snapshot, self.trouble = message.snapshot, ""
        if first:
            doings.opened(self)
        watching.watch(self)
        self.show()

    def on_read_failed(self, message: ReadFailed) -> None:
        """The last picture stands, and the alarm line says why it does not move."""
        since = f" since {figures.clock(self.snapshot.read_ms)}" if self.snapshot else ""
        self.trouble = f"DISCONNECTED{since}: {message.why}"
        self.show()

    def on_written(self, message: Written) -> None:
        """A deed is in the case."""
        if message.said or self.busy:
            self.say(message.said)
        doings.stored(self)
        self.poller.poke()

    def on_write_failed(self, message: WriteFailed) -> None:
        """A deed is not in the case, and why."""
        self.say(f"{message.why}. {message.hint}".rstrip(". "), "tripped")
        doings.refused(self, message)
        self.poller.poke()

    def wait_said(self, text: str) -> None:
        """Called by the writer's thread while it waits."""
        self.post_message(Waiting(text))

    def on_waiting(self, message: Waiting) -> None:
        """A deed waits for another process that is writing; it is stored as soon as that lets go."""
        self.say(message.text, "watch")
        self.busy = True

    def on_run_ended(self, message: RunEnded) -> None:
        """A process of a step has ended; what it did is in the case."""
        ended = message.ended
        if ended.code == TAKEN and ended.step in self.began:
            return  # two desks began the same capture by themselves, and the case took one
        if ended.step == REVIEW:
            self.review_url = ""
        said = " ".join([line for line in ended.tail if line.strip()][-2:]) or "it said nothing"
        self.say(
            f"{ended.step} {'ended' if ended.code == 0 else f'ended with {ended.code}'}: {said}",
            "" if ended.code == 0 else "tripped",
        )
        self.poller.poke()

    def on_review_open(self, message: ReviewOpen) -> None:
        """The review answers: its address is said and copied."""
        self.review_url = message.url
        self.action_do("open")

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """The cursor rests elsewhere: what hangs on it is drawn again."""
        if message.rows.has_focus or message.rows.id == "steps":
            doings.looked_at(self, message.rows)
        self.show()

    def action_do(self, name: str) -> None:
        """Every key and every palette entry comes here."""
        doings.do(self, name)

    def show(self) -> None:
        """Draw what is visible from the frame; parts that did not change are not painted."""
        if self.standing:
            show_parts(self)

    def say(self, text: str, worn: str = "") -> None:
        """Say what just happened, until something else does."""
        self.busy = False
        if self.standing:
            self.part("message", MessageLine).say(self.glyphs, text, worn)

    def write(self, job: Job) -> None:
        """Hand a deed to the writer."""
        self.writer.write(job)

    @property
    def standing(self) -> bool:
        """Whether its parts are there; not while it ends, when threads may still have something to tell."""
        return bool(self.screen_stack) and bool(self.screen_stack[0].query("#keys"))

    def part(self, id: str, kind: type[Any]) -> Any:
        """A part of the main screen, whichever dialog is above it."""
        return self.screen_stack[0].query_one(f"#{id}", kind)

    def go_to_pane(self, pane: str) -> None:
        """Show another pane and put the keys there."""
        self.pane = pane if pane in PANES else RUN
        self.part("panes", ContentSwitcher).current = self.pane
        first: Widget = self.part(
            {"run": "steps", "board": "all-signals", "evidence": "rows", "packet": "open-ends", "log": "entries"}[
                self.pane
            ],
            Widget,
        )
        self.screen_stack[0].set_focus(first)
        self.show()
        self.call_after_refresh(self.show)  # what a rule says of the part below it depends on its new size
