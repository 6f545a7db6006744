"""Signs of the screen in two tables, Unicode and ASCII, and the one way in which text from outside becomes text on the screen.

A state is always a word with a sign; colour comes third. With the ASCII table no byte above 127 reaches the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rich.cells import cell_len, set_cell_size

from tui.output import plain

_FOLDED = str.maketrans(
    {
        "–": "-", "—": "-", "‐": "-", "‑": "-", "…": "...", "’": "'", "‘": "'", "“": '"', "”": '"', "×": "x", "≥": ">=", "≤": "<=",
        "→": "->", "←": "<-", "·": ".", "•": "*", "\u00a0": " ", "✓": "v", "✗": "x", "µ": "u", "±": "+-",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One table of signs. `levels` are the heights of a drawing from nothing to full; `gap` is a slice that nobody watched."""

    ascii: bool
    states: Mapping[str, str]
    steps: Mapping[str, str]
    levels: str
    gap: str
    full: str
    empty: str
    limit: str
    line: str
    here: str
    more: str

    def text(self, raw: str, width: int | None = None) -> str:
        """Text that can do nothing to a terminal, on one line, in this table's characters, cut to a width in cells."""
        shown = raw if raw.isprintable() else plain(raw)  # what is printable holds nothing that `plain` would change
        if self.ascii and not shown.isascii():
            shown = "".join(c if c.isascii() else "?" for c in shown.translate(_FOLDED))
        if width is None or cell_len(shown) <= width:
            return shown
        if width <= len(self.more):
            return set_cell_size(shown, max(0, width))
        return set_cell_size(shown, width - len(self.more)).rstrip() + self.more

    def fit(self, raw: str, width: int) -> str:
        """The same, padded to exactly that width."""
        return set_cell_size(self.text(raw, width), max(0, width))

    def right(self, raw: str, width: int) -> str:
        """The same, pushed to the right."""
        shown = self.text(raw, width)
        return " " * max(0, width - cell_len(shown)) + shown

    def state(self, state: str) -> str:
        """The sign of a signal's state."""
        return self.states.get(state, "?")

    def step(self, state: str) -> str:
        """The sign of a step's state."""
        return self.steps.get(state, "?")


UNICODE = Glyphs(
    ascii=False,
    states=MappingProxyType({"tripped": "✗", "no_data": "?", "stale": "~", "partial": "◐", "watch": "!", "ok": "✓"}),
    steps=MappingProxyType(
        {
            "waiting": "·",
            "ready": "○",
            "running": "●",
            "held": "‖",
            "passed": "✓",
            "failed": "✗",
            "skipped": "»",
            "lost": "?",
            "stale": "~",
            "retracted": "↶",
        }
    ),
    levels=" ▁▂▃▄▅▆▇█",
    gap="?",
    full="█",
    empty="░",
    limit="│",
    line="─",
    here="▶",
    more="…",
)
ASCII = Glyphs(
    ascii=True,
    states=MappingProxyType({"tripped": "X", "no_data": "?", "stale": "~", "partial": "%", "watch": "!", "ok": "v"}),
    steps=MappingProxyType(
        {
            "waiting": ".",
            "ready": "o",
            "running": "*",
            "held": "=",
            "passed": "v",
            "failed": "x",
            "skipped": "-",
            "lost": "?",
            "stale": "~",
            "retracted": "u",
        }
    ),
    levels=" ._:-=+*#",
    gap="?",
    full="#",
    empty=".",
    limit="|",
    line="-",
    here=">",
    more="..",
)


def glyphs_for(encoding: str | None, *, ascii_asked: bool = False) -> Glyphs:
    """The table that a terminal of this encoding can show."""
    if ascii_asked:
        return ASCII
    try:
        (UNICODE.levels + UNICODE.here + UNICODE.more).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE
