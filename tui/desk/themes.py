"""Colours: a dark and a light theme of few tones, and the terminal's own sixteen. Colour only ever repeats what word and sign say."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

THEMES = (
    Theme(
        name="closeout-dark", dark=True, primary="#7aa2f7", secondary="#7dcfff", accent="#e0af68", foreground="#d5d8e0",
        background="#11131a", surface="#11131a", panel="#1c2030", success="#8fc97a", warning="#e6b450", error="#ff6b6b",
    ),
    Theme(
        name="closeout-light", dark=False, primary="#1d4ed8", secondary="#0e7490", accent="#9a5b00", foreground="#1f2430",
        background="#fafafa", surface="#fafafa", panel="#e9ebf0", success="#2f7d1f", warning="#9a6200", error="#c01c28",
    ),
)  # fmt: skip
NAMES = ("closeout-dark", "closeout-light", "ansi-dark")


class Colourless(LineFilter):
    """Takes every colour out of a line and leaves bold, dim and reverse, so that no colour code at all is written."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same text in the same weights."""
        return [
            Segment(text, style.without_color if style is not None else None, control)
            for text, style, control in segments
        ]


def first_theme(*, plain: bool) -> str:
    """The theme to begin with: without colour only the terminal's own can be drawn with no code at all."""
    return "ansi-dark" if plain else "closeout-dark"


def next_theme(name: str, *, plain: bool) -> str:
    """The theme after this one."""
    if plain:
        return "ansi-dark"
    return NAMES[(NAMES.index(name) + 1) % len(NAMES)] if name in NAMES else NAMES[0]
