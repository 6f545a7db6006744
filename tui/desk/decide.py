"""The decision on one screen: what the signals say, the named ways out, what each would undo, the evidence it rests on, and why.

The program shows and records; it never reverts anything. The dialog stays open until the decision is in the case, so that a refusal is
read where it can be answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from store.runbook.model import Choice, Step
from store.walk.decisions import record_decision
from store.walk.states import StepState
from store.walk.walk import Walk, standing
from tui.desk.choices import choice_row, offered_evidence, paper_rows, scope_rows, signal_rows
from tui.desk.dialogs import Body, Dialog, Options
from tui.desk.foot import Rule
from tui.desk.history import capture_history
from tui.desk.paint import row
from tui.desk.reader import Wanted
from tui.desk.snapshot import Frame
from tui.desk.steps import bare_title

if TYPE_CHECKING:
    from tui.desk.app import DeskApp


def decide(desk: DeskApp, state: StepState) -> None:
    """Open the dialog of a decision step."""
    if "decide" not in state.acts and state.state != "waiting":
        desk.say(
            f"cannot decide {state.id}: {standing(state, desk.clock())}; possible now: {', '.join(state.acts)}", "watch"
        )
        return
    if desk.frame is None:
        return
    step = next(step for step in desk.frame.snapshot.runbook.steps if step.id == state.id)
    scopes = [choice.scope for choice in step.choices if choice.scope]
    desk.poller.want(Wanted(tuple(dict.fromkeys([*step.cites, *scopes])), desk.poller.wanted.ref))
    desk.push_screen(Decide(desk, step, state))


class Decide(Dialog[None]):
    """Two pages: the choice with its scope, then the evidence and the reason."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("space", "cite", show=False),
        Binding("c", "copy", show=False),
    ]

    def __init__(self, desk: DeskApp, step: Step, state: StepState) -> None:
        super().__init__(desk.glyphs, f"{state.position} {bare_title(state)}", "")
        self.desk = desk
        self.step = step
        self.unmet = state.needs_unmet
        self.cited: dict[str, bool] = {}
        self.history: dict[str, tuple[str, ...]] = {}
        self.complaint = ("", "")
        self.recording = False
        self.stored = False

    def content(self) -> ComposeResult:
        """Both pages; the style sheet shows one."""
        yield Body(self.glyphs, [], id="said")
        yield Options(id="choices")
        yield Body(self.glyphs, [], id="scope")
        yield Options(id="cites")
        for name, label in (
            ("reason", "Why:"),
            ("word", f"Type {self.step.id} to record it:"),
            ("override", "Override, because:"),
        ):
            yield Body(self.glyphs, [row("", (label, "strong"))], id=f"{name}-label", classes="label")
            line = Input(id=name, placeholder="type here", select_on_focus=False)
            line.cursor_blink = False
            yield line

    def on_mount(self) -> None:
        """First the choice."""
        super().on_mount()
        self.turn("choose")
        if self.step.effect == "changes":
            self.add_class("-typed")
        if self.unmet:
            self.add_class("-blocked")
            self.complain(f"needs {', '.join(self.unmet)}: decide in spite of it only with a reason to override")
        self.show()
        self.set_focus(self.query_one("#choices"))

    @property
    def choice(self) -> Choice:
        """The choice under the cursor."""
        key = self.query_one("#choices", Options).current_key
        return next((choice for choice in self.step.choices if choice.id == key), self.step.choices[0])

    def turn(self, page: str) -> None:
        """Show one of the two pages."""
        self.set_class(page == "choose", "-choose")
        self.set_class(page == "record", "-record")
        keys = (
            "enter goes on   j k choose   esc back"
            if page == "choose"
            else "enter records it   tab: evidence, space marks it   esc back"
        )
        self.query_one("#dialog-keys", Body).fill([row("", (keys, "dim"))])

    def show(self) -> None:
        """Draw from the newest frame."""
        frame = self.desk.frame
        if frame is None:
            return
        scope_id = self.choice.scope if self.has_class("-record") else None
        self.query_one("#said", Body).fill(signal_rows(frame, self.step, scope_id))
        heading = f"{self.heading}: {self.choice.label}" if self.has_class("-record") else self.heading
        self.query_one("#dialog-title", Rule).show(self.glyphs, heading, lit=True)
        self.query_one("#choices", Options).offer([choice_row(frame, self.step, one) for one in self.step.choices])
        scope = self.query_one("#scope", Body)
        undo = frame.snapshot.undos.get(self.choice.scope or "")
        history = self.history.get(self.choice.scope or "", ())
        width = scope.size.width or 60
        papers = paper_rows(frame, self.choice, width)
        scope.fill(scope_rows(frame, undo, width, history) if undo else papers or ["this choice undoes nothing"])
        self._offer_evidence(frame)

    def on_row_list_moved(self, message: Options.Moved) -> None:
        """Another choice has another scope and rests on other evidence."""
        message.stop()
        if message.rows.id == "choices" and self.has_class("-choose"):
            self.cited = {}
            self.show()

    def action_move(self, by: int) -> None:
        """Move the cursor of the list that has the keys."""
        focused = self.query_one("#choices", Options) if self.has_class("-choose") else self.focused
        if isinstance(focused, Options):
            focused.move(by)

    def action_cite(self) -> None:
        """Cite the row under the cursor, or do not."""
        cites = self.query_one("#cites", Options)
        if self.focused is cites and cites.current_key:
            self.cited[cites.current_key] = not self.cited.get(cites.current_key, False)
            self.show()

    def action_copy(self) -> None:
        """Copy the undo command of the choice."""
        frame = self.desk.frame
        undo = frame.snapshot.undos.get(self.choice.scope or "") if frame else None
        if undo is not None and undo.command:
            self.app.copy_to_clipboard(undo.command.strip())
            self.complain(f"copied: {undo.command.strip().splitlines()[-1]}", worn="ok")

    def action_back(self) -> None:
        """From the evidence back to the choice, from there back to the desk."""
        if self.has_class("-record"):
            self.turn("choose")
            self.set_focus(self.query_one("#choices"))
        else:
            self.dismiss(None)

    def action_go_on(self) -> None:
        """From the choice to the evidence, from there to the reason."""
        if self.has_class("-choose"):
            self.turn("record")
            self.show()
            self._ask_history()
        self.set_focus(self.query_one("#reason"))

    def on_input_submitted(self) -> None:
        """Into the case; in the order of the keys, so that Enter never overtakes what was typed before it."""
        self._record()

    def complain(self, text: str, worn: str = "tripped") -> None:
        """Say what stands in the way, where it can be answered."""
        self.complaint = (text, worn)
        self._label_reason()

    def refused(self, why: str, hint: str) -> None:
        """The case did not take it: say why; where it can be overridden, ask for the reason."""
        self.recording = False
        self.complain(why)
        if "override" in hint:
            self.add_class("-blocked")
            self.set_focus(self.query_one("#override"))

    def _label_reason(self) -> None:
        text, worn = self.complaint
        number = sum(self.cited.values())
        why = row("", (f"Why (citing {number} of {len(self.cited)} rows):", "strong"))
        complaint = [row("", (self.glyphs.text(text), worn))] if text else []
        self.query_one("#reason-label", Body).fill([*complaint, why])

    def _offer_evidence(self, frame: Frame) -> None:
        offered = offered_evidence(frame, self.step, self.choice, self.desk.pinned)
        for ref, offer in offered.items():
            self.cited.setdefault(ref, offer.cited)
        glyphs = frame.glyphs
        rows = [
            row(
                ref,
                (f"{'[x]' if self.cited[ref] else '[ ]'} ", "strong"),
                (f"{ref:<17} ", "dim"),
                glyphs.text(offer.what, 60),
            )
            for ref, offer in offered.items()
        ]
        self._label_reason()
        self.query_one("#cites", Options).offer(
            rows or [row("", ("no evidence in this case yet: collect or import first, or skip the step", "watch"))]
        )

    def _ask_history(self) -> None:
        """What changed last in just those files, kept as evidence; the dialog shows it when it is there."""
        frame = self.desk.frame
        signal = frame.snapshot.signal(self.choice.scope or "") if frame else None
        if signal is None or not signal.rollback_files or signal.id in self.history:
            return

        def job(walk: Walk) -> str:
            kept = capture_history(walk, signal.id, signal.rollback_files)
            if kept is None:
                return ""
            self.history[signal.id] = kept.lines
            self.desk.pinned.setdefault(kept.ref, kept.what)
            return f"{kept.what}: {kept.ref}"

        self.desk.write(job)

    def _record(self) -> None:
        texts = {name: self.query_one(f"#{name}", Input).value.strip() for name in ("reason", "word", "override")}
        refs = [ref for ref, cited in self.cited.items() if cited]
        frame = self.desk.frame
        if not texts["reason"]:
            self.complain("it needs a reason: an empty one is refused")
        elif self.step.effect == "changes" and texts["word"] != self.step.id:
            self.complain(f"type {self.step.id} to record it")
            self.set_focus(self.query_one("#word"))
        elif self.unmet and not texts["override"]:
            self.set_focus(self.query_one("#override"))
        elif frame is None or (
            not refs and any(name not in frame.snapshot.explanations for name in self.desk.poller.wanted.signals)
        ):
            self.complain("the evidence is still being read; look at it, then press enter again", worn="watch")
        elif not self.recording:
            self.recording = True
            choice, judged = self.choice, frame.snapshot.judgement

            def job(walk: Walk) -> str:
                made = record_decision(
                    walk,
                    self.step.id,
                    choice.id,
                    refs=refs,
                    reason=texts["reason"],
                    override=texts["override"],
                    judgement=judged,
                )
                self.stored = True
                waits = f"; it waits for {made.awaits}, from another terminal" if made.awaits else ""
                unknown = f"; not known then: {', '.join(made.unknown)}" if made.unknown else ""
                return f"decided {choice.id}, citing {len(made.cited)} rows (seq {made.deed.seq}){waits}{unknown}"

            self.desk.write(job)
