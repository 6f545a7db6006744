"""What is behind a number: every row that counts, the gaps in which nobody looked, who looked, and the check that anyone can rerun."""

from __future__ import annotations

from collections.abc import Sequence

from store.explain import Explanation, SignalExplanation
from store.instants import format_duration
from store.telling import tell_value, tell_watched
from tui.desk import figures
from tui.desk.paint import Lines, Row, RowList, row
from tui.desk.prose import code_rows, wrap
from tui.desk.snapshot import Frame, Looked

SHOWN_ROWS = 1000


def evidence_rows(frame: Frame, found: SignalExplanation, pinned: dict[str, str], wanted: str, width: int) -> list[Row]:
    """Every condition of a signal with what is behind it, newest rows first; only lines that contain a text if one is wanted."""
    rows: list[Row] = []
    for part in found.conditions:
        rows += _condition(frame, part, pinned, wanted, width)
    for signature, check in found.checks:
        rows += [row("", (frame.glyphs.text(f"count {signature} again by hand:", width), "dim"))]
        rows += code_rows(check, width, frame.glyphs)
    return rows


def _condition(frame: Frame, part: Explanation, pinned: dict[str, str], wanted: str, width: int) -> list[Row]:
    glyphs, condition = frame.glyphs, part.condition
    window = figures.span(condition.from_ms, condition.to_ms)
    head = f"{glyphs.state(condition.state)} {condition.kind}: {tell_value(condition)}, {window}, watched {tell_watched(condition)}, {condition.state}"
    rows = [row("", (line, condition.state)) for line in wrap(head, width, glyphs)]
    for gap in part.gaps:
        what = f"{gap.stream} {gap.signature}".strip()
        said = f"  nobody looked {figures.stretch(gap.from_ms, gap.to_ms)} ({format_duration(gap.to_ms - gap.from_ms)}): {what}"
        rows.append(row("", (glyphs.text(said, width), "partial")))
    matching = [r for r in part.rows if not wanted or wanted in f"{r.ref} {r.what}".casefold()]
    told = f"{len(matching)} rows" + (f" of {len(part.rows)} that contain it" if wanted else "")
    by = f", seen by {', '.join(part.collections[-3:])}" if part.collections else ""
    rows.append(row("", (glyphs.text(f"  {told}{by}", width), "dim")))
    for found in reversed(matching[-SHOWN_ROWS:]):
        mark = "+" if found.ref in pinned else " "
        text = glyphs.text(found.what, max(0, width - 28))
        key = f"{condition.definition} {found.ref}"
        rows.append(
            row(key, f"{mark}{figures.clock(found.at_ms)} ", (glyphs.fit(found.ref or "-", 17) + " ", "dim"), text)
        )
    if len(matching) > SHOWN_ROWS:
        rows.append(
            row(
                "",
                (f"  {len(matching) - SHOWN_ROWS} earlier rows: narrow them with /, or closeout explain --all", "dim"),
            )
        )
    return rows


class EvidenceList(RowList):
    """The rows behind one signal; the cursor chooses what is shown in full, copied, pinned."""

    frame: Frame | None = None
    signal_id = ""
    wanted = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.pinned: dict[str, str] = {}

    def show(self, frame: Frame, signal_id: str, pinned: dict[str, str]) -> None:
        """Draw another signal or frame."""
        if signal_id != self.signal_id:
            self.top, self.cursor_key = 0, ""
        self.frame, self.signal_id, self.pinned = frame, signal_id, pinned
        self.redraw()

    @property
    def ref(self) -> str:
        """The reference of the row under the cursor."""
        return self.current_key.partition(" ")[2]

    def build(self, width: int) -> Sequence[Row]:
        """Rows of the signal, or what to do to see some."""
        if self.frame is None:
            return []
        found = self.frame.snapshot.explanations.get(self.signal_id)
        if found is None:
            text = "reading the evidence" if self.signal_id else "put the cursor on a signal or a step and press e"
            return [row("", (text, "dim"))]
        return evidence_rows(self.frame, found, self.pinned, self.wanted, width)


class RowDetail(Lines):
    """One row of evidence with all its columns."""

    looked: Looked | None = None
    frame: Frame | None = None

    def show(self, frame: Frame, looked: Looked | None) -> None:
        """Draw another row."""
        if looked is None or self.looked is None or looked.ref != self.looked.ref:
            self.top = 0
        self.frame, self.looked = frame, looked
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """Columns with their values; instants in words beside the number."""
        if self.looked is None or self.frame is None:
            return []
        rows = []
        for name, value in self.looked.fields:
            if value == "":
                continue
            said = (
                f"{value}  {figures.clock(int(value))}"
                if name.endswith("_ms") and value.isdecimal() and len(value) > 11
                else value
            )
            for place, line in enumerate(wrap(said, max(8, width - 14), self.frame.glyphs)[:6]):
                rows.append(row("", (f"{name if place == 0 else '':<13} ", "dim"), line))
        return rows
