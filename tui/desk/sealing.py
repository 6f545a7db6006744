"""The end of a case from the desk: what is still open, where the sealed copy goes, and its receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import Refused
from store.walk.walk import Walk
from tui.desk.dialogs import Ask
from tui.desk.paint import Row, row
from tui.desk.snapshot import Frame

if TYPE_CHECKING:
    from tui.desk.app import DeskApp

_SHOWN = 6


def seal(desk: DeskApp, frame: Frame) -> None:
    """Ask where the copy goes, then seal, which ends the seal step with it; with open steps only for a reason."""
    left = frame.snapshot.walk.open_mandatory
    texts: list[str | Row] = ["Nothing can be written after the seal."]
    texts += [
        row("", (f"{frame.glyphs.step(s.state)} {s.position:>2} {frame.glyphs.text(s.title, 50)}: {s.state}", "watch"))
        for s in left[:_SHOWN]
    ]
    if len(left) > _SHOWN:
        texts.append(f"and {len(left) - _SHOWN} more steps that are open")
    case = Path(desk.case_path)
    offered = str(case.with_name(f"{case.stem}-sealed{case.suffix or '.db'}"))

    def placed(out: str | None) -> None:
        if out is None:
            return
        if not left:
            _run(desk, out, "")
            return
        ask = Ask(desk.glyphs, "Seal in spite of open steps?", [f"{len(left)} steps are open."], label="Why:")
        desk.push_screen(ask, lambda why: _run(desk, out, why) if why else None)

    desk.push_screen(Ask(desk.glyphs, "Seal the case", texts, label="Copy to:", value=offered), placed)


def _run(desk: DeskApp, out: str, override: str) -> None:
    def job(walk: Walk) -> str:
        from store.seal.seal import seal_case

        if Path(out).exists():
            raise Refused(f"{out} is there already", "name another file")
        done = seal_case(
            Path(desk.case_path),
            Path(out),
            operator=walk.who.operator,
            override=override or None,
            clock=walk.case.clock,
        )
        desk.receipt = done.receipt.line()
        return f"sealed: {out}; keep the receipt outside the file: y copies it"

    desk.say("the case is verified, sealed and copied")
    desk.write(job)
