"""The case as it would be handed over: what is in it, what is not known, what is still open, and the commands that end it."""

from __future__ import annotations

from collections.abc import Sequence

from tui.desk import figures
from tui.desk.paint import Row, RowList, row
from tui.desk.prose import wrap
from tui.desk.snapshot import Frame, Snapshot
from tui.desk.steps import bare_title

_WORN = {"signal": "partial", "collection": "watch", "override": "watch", "clock": "watch"}


def receipt(snapshot: Snapshot, now_ms: int) -> str:
    """The line for the chat: what, when, the worst state, and the head by which anyone can check the file later."""
    states = ", ".join(f"{s.id} {s.state}" for s in snapshot.judgement.signals if s.state != "ok") or "every signal ok"
    drill = "DRILL " if snapshot.judgement.drill else ""
    return (
        f"{drill}closeout {snapshot.runbook.id} {figures.day(now_ms)} {figures.clock(now_ms)}: {states}; "
        f"{snapshot.walk.settled}/{snapshot.walk.total} steps; seq {snapshot.chain.seq} head {snapshot.chain.head}"
    )


def packet_rows(frame: Frame, width: int) -> list[Row]:
    """The lines of the pane."""
    snapshot, glyphs = frame.snapshot, frame.glyphs
    rows = _facts(frame, width)
    rows += _heading(f"Not known ({len(snapshot.gaps)})")
    for place, gap in enumerate(snapshot.gaps):
        at = f"{figures.clock(gap.at_ms)} " if gap.at_ms is not None else ""
        for line_number, line in enumerate(wrap(f"{at}{gap.what}", width - 2, glyphs)):
            rows.append(row(f"gap {place}" if line_number == 0 else "", ("  ", ""), (line, _WORN.get(gap.kind, ""))))
    left = snapshot.walk.open_mandatory
    rows += _heading(f"Open before the end ({len(left)})")
    for step in left:
        said = glyphs.text(f"{bare_title(step)}: {step.state}", width - 7)
        rows.append(row(f"step {step.id}", (f"  {glyphs.step(step.state)} {step.position:>2} ", "dim"), said))
    rows += _heading("Hand over")
    for label, command in _commands(snapshot):
        rows.append(row(f"command {command}", (f"  {label:<9} ", "dim"), (glyphs.text(command, width - 12), "code")))
    for place, line in enumerate(wrap(receipt(snapshot, snapshot.chain.at_ms), width - 12, glyphs)):
        label = "receipt" if place == 0 else ""
        rows.append(row(label, (f"  {label:<9} ", "dim"), (line, "dim")))
    return rows


def _heading(text: str) -> list[Row]:
    return [row(""), row("", (text, "title"))]


def _facts(frame: Frame, width: int) -> list[Row]:
    snapshot, glyphs = frame.snapshot, frame.glyphs
    counts = ", ".join(f"{name} {number}" for name, number in snapshot.counts.items() if number)
    facts = [
        f"{snapshot.judgement.title}",
        f"{snapshot.path}, case {snapshot.judgement.case_id[:8]}, transaction {snapshot.chain.seq}, head {snapshot.chain.head[:16]}",
        f"holds {counts or 'nothing yet'}",
    ]
    if snapshot.stamps is not None and snapshot.stamps.trouble:
        facts.append(snapshot.stamps.trouble)
    rows = [row("", (line, "")) for fact in facts for line in wrap(fact, width, glyphs)]
    for stream in snapshot.streams:
        covered = (
            f"watched up to {figures.clock(stream.covered_to_ms)}"
            if stream.covered_to_ms is not None
            else "never watched"
        )
        said = f"  {stream.stream}: {covered}" + (f"; last: {stream.failure}" if stream.failure else "")
        rows.append(row(f"stream {stream.stream}", (glyphs.text(said, width), "watch" if stream.failure else "dim")))
    return rows


def _commands(snapshot: Snapshot) -> list[tuple[str, str]]:
    case = snapshot.path
    if snapshot.sealed:
        return [
            ("check", f"closeout verify {case}"),
            ("review", f"closeout review {case}"),
            ("go on", f"closeout init NEXT.db --after {case}"),
        ]
    return [
        ("brief", f"closeout brief {case}"),
        ("review", f"closeout review {case}"),
        ("hand off", f"closeout copy {case} OUT.db"),
        ("seal", f"closeout seal {case} OUT.db"),
    ]


class Packet(RowList):
    """The pane of what is in the case and what is missing."""

    frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        """Draw another frame."""
        self.frame = frame
        self.redraw()

    def build(self, width: int) -> Sequence[Row]:
        """The lines."""
        return packet_rows(self.frame, width) if self.frame else []
