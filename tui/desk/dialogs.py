"""Dialogs over the desk: a question with one line of answer, a choice, a text to read. Esc always goes back and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.desk.foot import Rule
from tui.desk.glyphs import Glyphs
from tui.desk.paint import Lines, Row, RowList, row
from tui.desk.prose import wrap

T = TypeVar("T")
_MOVES = (
    ("up,k", "move(-1)"), ("down,j", "move(1)"), ("pageup,ctrl+u", "move(-10)"), ("pagedown,ctrl+d", "move(10)"),
    ("home", "move(-100000)"), ("end,G", "move(100000)"),
)  # fmt: skip


class Body(Lines):
    """Prose of a dialog; as high as it needs to be."""

    def __init__(
        self, glyphs: Glyphs, texts: Sequence[str | Row], *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.glyphs = glyphs
        self.texts = tuple(texts)

    def fill(self, texts: Sequence[str | Row]) -> None:
        """Show other texts; the height follows."""
        if tuple(texts) != self.texts:
            self.texts = tuple(texts)
            self.refresh(layout=True)
            self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The texts, broken to the width; rows stay as they are."""
        rows: list[Row] = []
        for text in self.texts:
            rows += (
                [text] if isinstance(text, Row) else [row("", line) for line in wrap(text, max(1, width), self.glyphs)]
            )
        return rows


class Options(RowList):
    """Rows to choose from."""

    options: tuple[Row, ...] = ()

    def offer(self, options: Sequence[Row]) -> None:
        """Offer others."""
        self.options = tuple(options)
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The options as they are."""
        return self.options


class Dialog(ModalScreen[T]):
    """A box over the desk with a title and a line of keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", show=False, priority=True)]

    def __init__(self, glyphs: Glyphs, title: str, keys: str) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.heading = title
        self.keys = keys
        self.set_class(glyphs.ascii, "-ascii")

    def compose(self) -> ComposeResult:
        """Title, content, keys."""
        with Vertical(classes="box"):
            yield Rule(id="dialog-title")
            yield from self.content()
            yield Body(self.glyphs, [row("", (self.keys, "dim"))], id="dialog-keys")

    def content(self) -> ComposeResult:
        """What is between title and keys."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw the title."""
        self.query_one("#dialog-title", Rule).show(self.glyphs, self.heading, lit=True)

    def action_back(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


class Ask(Dialog[str]):
    """One line of text. With a word, only that word is an answer; an empty answer is refused unless it is optional."""

    def __init__(
        self,
        glyphs: Glyphs,
        title: str,
        texts: Sequence[str | Row],
        *,
        label: str,
        word: str = "",
        optional: bool = False,
        value: str = "",
    ) -> None:
        super().__init__(glyphs, title, "enter records it   esc back, nothing is stored")
        self.texts = texts
        self.label = label
        self.word = word
        self.optional = optional
        self.value = value

    def content(self) -> ComposeResult:
        """The question and the line."""
        if self.texts:
            yield Body(self.glyphs, [*self.texts, ""])
        yield Body(self.glyphs, [row("", (self.glyphs.text(self.label), "strong"))], id="ask-label")
        line = Input(value=self.value, placeholder="type here", select_on_focus=False, id="answer")
        line.cursor_blink = False
        yield line

    def on_mount(self) -> None:
        """The keys go to the line at once."""
        super().on_mount()
        self.set_focus(self.query_one("#answer"))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Take the answer, or say what is lacking."""
        text = message.value.strip()
        if self.word and text != self.word:
            self.complain(f"type {self.word} to do it")
        elif not text and not self.optional:
            self.complain("it needs a reason: an empty one is refused")
        else:
            self.dismiss(text)

    def complain(self, text: str) -> None:
        """Say what is lacking where the question stands."""
        self.query_one("#ask-label", Body).fill([row("", (self.glyphs.text(text), "tripped"))])


class Choose(Dialog[str]):
    """One of several rows, picked with arrows and Enter; with `sought`, a line above narrows them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", show=False),
        *(Binding(keys, call, show=False) for keys, call in _MOVES),
        *(Binding(key, call, show=False, priority=True) for key, call in (("up", "move(-1)"), ("down", "move(1)"))),
    ]

    def __init__(
        self,
        glyphs: Glyphs,
        title: str,
        texts: Sequence[str | Row],
        options: Sequence[Row],
        *,
        sought: Callable[[str], Sequence[Row]] | None = None,
    ) -> None:
        super().__init__(glyphs, title, "enter takes it   esc back")
        self.texts = texts
        self.options = options
        self.sought = sought

    def content(self) -> ComposeResult:
        """The question, a line to narrow the options, the options."""
        if self.texts:
            yield Body(self.glyphs, [*self.texts, ""])
        if self.sought is not None:
            line = Input(id="sought", placeholder="type to narrow", select_on_focus=False)
            line.cursor_blink = False
            yield line
        yield Options(id="options")

    def on_mount(self) -> None:
        """Offer the options."""
        super().on_mount()
        offered = self.query_one("#options", Options)
        offered.offer(self.options)
        self.set_focus(self.query_one("#sought", Input) if self.sought is not None else offered)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow the options."""
        if self.sought is not None:
            self.query_one("#options", Options).offer(self.sought(message.value))

    def on_input_submitted(self) -> None:
        """Take it; in the order of the keys, so that Enter never overtakes what was typed before it."""
        self.action_take()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.query_one("#options", Options).move(by)

    def action_take(self) -> None:
        """Answer with the option under the cursor."""
        key = self.query_one("#options", Options).current_key
        if key:
            self.dismiss(key)


class Read(Dialog[bool]):
    """Text to read. With `doing`, Enter does it; else Enter closes it as Esc does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", show=False),
        *(Binding(keys, call, show=False) for keys, call in _MOVES),
        *(Binding(key, "back", show=False) for key in ("q", "question_mark")),
    ]

    def __init__(self, glyphs: Glyphs, title: str, texts: Sequence[str | Row], *, doing: str = "") -> None:
        super().__init__(
            glyphs, title, f"enter {doing}   esc back, nothing happens" if doing else "esc back   j k pgup pgdn scroll"
        )
        self.texts = texts
        self.doing = doing

    def content(self) -> ComposeResult:
        """The text."""
        yield Body(self.glyphs, self.texts, id="text")

    def action_move(self, by: int) -> None:
        """Scroll."""
        self.query_one("#text", Body).scroll_rows(by)

    def action_take(self) -> None:
        """Say yes where something would be done."""
        self.dismiss(bool(self.doing))
