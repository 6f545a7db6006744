"""Everything that happened, newest last, with the reference of each entry."""

from __future__ import annotations

from collections.abc import Sequence

from store.walk.timeline import Entry
from tui.desk import figures
from tui.desk.paint import Row, RowList, row
from tui.desk.snapshot import Frame

SHOWN_ENTRIES = 2000
_WORN = {"trip": "tripped", "decision": "strong", "note": "strong", "retraction": "watch", "mark": "here"}


def log_rows(frame: Frame, wanted: str, width: int) -> list[Row]:
    """Entries that contain a text, oldest first."""
    entries = [
        e for e in frame.snapshot.timeline if not wanted or wanted in f"{e.kind} {e.who} {e.ref} {e.text}".casefold()
    ]
    return [_row(frame, entry, width) for entry in entries[-SHOWN_ENTRIES:]]


def _row(frame: Frame, entry: Entry, width: int) -> Row:
    glyphs = frame.glyphs
    who = f"{entry.who}: " if entry.who else ""
    when = figures.clock(entry.at_ms)
    kind = glyphs.fit(entry.kind, 10)
    return row(
        entry.ref,
        (f"{when} ", ""),
        (f"{kind} ", "dim"),
        (glyphs.text(f"{who}{entry.text}", max(0, width - 21)), _WORN.get(entry.kind, "")),
    )


class LogList(RowList):
    """The timeline; it follows what happens while its cursor is on the newest entry."""

    frame: Frame | None = None
    wanted = ""

    def show(self, frame: Frame) -> None:
        """Draw another frame."""
        newest = not self.rows or self.cursor == len(self.rows) - 1 or not self.cursor_key
        self.frame = frame
        self.redraw()
        if newest and self.rows and self.rows[-1].key != self.cursor_key:
            self.go_to(self.rows[-1].key)

    def build(self, width: int) -> Sequence[Row]:
        """One row per entry."""
        return log_rows(self.frame, self.wanted, width) if self.frame else []
