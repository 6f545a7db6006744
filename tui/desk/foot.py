"""Rules with titles between the parts of the screen, the line that says what just happened, and the line of keys."""

from __future__ import annotations

from collections.abc import Sequence

from tui.desk.glyphs import UNICODE, Glyphs
from tui.desk.keys import footer
from tui.desk.paint import Lines, Row, Span, row
from tui.desk.prose import wrap


class Rule(Lines):
    """A line with a title; it stands out while the keys go to the part below it."""

    glyphs: Glyphs = UNICODE
    title = ""
    right = ""
    lit = False

    def show(self, glyphs: Glyphs, title: str, right: str = "", *, lit: bool = False) -> None:
        """Draw another title."""
        self.glyphs, self.title, self.right, self.lit = glyphs, title, right, lit
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The one row."""
        glyphs = self.glyphs
        right = f" {glyphs.text(self.right)} {glyphs.line}" if self.right else ""
        if len(glyphs.text(self.title)) + len(right) + 4 > width:
            right = ""
        title = glyphs.text(self.title, max(0, width - len(right) - 4))
        fill = glyphs.line * max(0, width - len(title) - len(right) - 3)
        return [
            row("", (f"{glyphs.line} ", "dim"), (title, "lit" if self.lit else "title"), (f" {fill}{right}", "dim"))
        ]


class MessageLine(Lines):
    """What just happened, in one line; it stays until something else does."""

    glyphs: Glyphs = UNICODE
    text = ""
    worn = ""

    def say(self, glyphs: Glyphs, text: str, worn: str = "") -> None:
        """Say something."""
        self.glyphs, self.text, self.worn = glyphs, text, worn
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The one row."""
        return [row("", (f" {self.glyphs.text(self.text, max(0, width - 1))}", self.worn))]


_PANES = " 1-5 panes "


class KeyLine(Lines):
    """The keys of the pane that is shown, most wanted first, as many as fit."""

    pane = "run"

    def show(self, pane: str) -> None:
        """Show the keys of another pane."""
        self.pane = pane
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The one row; `? help` is always there."""
        actions = [a for a in footer(self.pane) if a.name != "help"]
        helped = next((a for a in footer(self.pane) if a.name == "help"), None)
        spans: list[Span] = []
        room = width - (len(helped.shown) + len(helped.label) + 3 if helped else 0)
        for action in [*actions, *([helped] if helped else [])]:
            size = len(action.shown) + len(action.label) + 3
            if action is not helped:
                if size > room:
                    continue
                room -= size
            spans += [(f" {action.shown}", "key"), (f" {action.label} ", "dim")]
        if room >= len(_PANES):
            spans += [(_PANES[:4], "key"), (_PANES[4:], "dim")]
        return [row("", *spans)]


class Notice(Lines):
    """One sentence instead of a screen that would not fit."""

    text = ""
    glyphs: Glyphs = UNICODE

    def show(self, glyphs: Glyphs, text: str) -> None:
        """Say another sentence."""
        self.glyphs, self.text = glyphs, text
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The sentence, broken where it must be."""
        return [row("", (line, "strong")) for line in wrap(self.text, max(1, width), self.glyphs)]
