"""Gives every visible part of the screen its frame. One place decides what is drawn, in one pass."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tui.desk import figures
from tui.desk.board import Board
from tui.desk.decide import Decide
from tui.desk.detail import Detail, next_look
from tui.desk.evidence import EvidenceList, RowDetail
from tui.desk.foot import KeyLine, Notice, Rule
from tui.desk.head import AlarmLine, StatusLine
from tui.desk.log import LogList
from tui.desk.packet import Packet
from tui.desk.snapshot import Frame
from tui.desk.step_view import StepView, step_title
from tui.desk.steps import StepList

if TYPE_CHECKING:
    from tui.desk.app import DeskApp


def show_parts(desk: DeskApp) -> None:
    """Draw the lines that are always there and the pane that is shown."""
    frame = desk.frame
    width, height = desk.size
    if isinstance(desk.screen, Decide):
        desk.screen.show()
    desk.part("small", Notice).show(
        desk.glyphs, f"terminal {width}x{height} is too small; need 60x16. q leave, or run: closeout next"
    )
    desk.part("keys", KeyLine).show(desk.pane)
    desk.part("alarm", AlarmLine).show(frame, desk.trouble)
    if frame is None:
        return
    desk.part("status", StatusLine).show(frame, frozen=desk.frozen is not None)
    {"run": _run, "board": _board, "evidence": _evidence, "packet": _packet, "log": _log}[desk.pane](desk, frame)


def _run(desk: DeskApp, frame: Frame) -> None:
    steps, signals, view = desk.part("steps", StepList), desk.part("signals", Board), desk.part("step", StepView)
    walk, glyphs = frame.snapshot.walk, frame.glyphs
    steps.show(frame)
    signals.show(frame)
    view.show(frame, steps.current_key)
    desk.part("steps-rule", Rule).show(
        glyphs, f"[1] Steps {walk.settled}/{walk.total}", steps.below, lit=steps.has_focus
    )
    desk.part("signals-rule", Rule).show(glyphs, f"Signals {_window(frame)}", next_look(frame), lit=signals.has_focus)
    desk.part("step-rule", Rule).show(glyphs, step_title(frame, steps.current_key), view.more, lit=view.has_focus)
    one = desk.part("one", Detail)
    if one.size.height:
        one.show(frame, signals.current_key)
        desk.part("one-rule", Rule).show(glyphs, signals.current_key, one.more)
    recent = desk.part("recent", LogList)
    if recent.size.height:
        recent.show(frame)
        desk.part("recent-rule", Rule).show(glyphs, "Everything, newest last", lit=recent.has_focus)


def _board(desk: DeskApp, frame: Frame) -> None:
    signals, detail = desk.part("all-signals", Board), desk.part("detail", Detail)
    signals.show(frame)
    first = next((signal.id for signal in frame.snapshot.judgement.signals), "")
    chosen = signals.current_key or first  # before its first layout the list has no rows yet
    detail.show(frame, chosen)
    desk.part("board-rule", Rule).show(
        frame.glyphs, f"[2] Board {_window(frame)}", next_look(frame), lit=signals.has_focus
    )
    desk.part("detail-rule", Rule).show(frame.glyphs, chosen, detail.more, lit=detail.has_focus)


def _evidence(desk: DeskApp, frame: Frame) -> None:
    rows, one = desk.part("rows", EvidenceList), desk.part("row", RowDetail)
    signal_id = desk.poller.wanted.signals[0] if desk.poller.wanted.signals else ""
    rows.show(frame, signal_id, desk.pinned)
    if rows.ref and rows.ref != desk.poller.wanted.ref:
        desk.poller.want(desk.poller.wanted._replace(ref=rows.ref))
    signal = frame.snapshot.signal(signal_id)
    title = f"[3] Why is {signal.id} {signal.state}?" if signal else "[3] Evidence"
    looked = frame.snapshot.looked
    one.show(frame, looked)
    filtered = f"only rows with {rows.wanted!r}" if rows.wanted else rows.place
    desk.part("evidence-rule", Rule).show(frame.glyphs, title, filtered, lit=rows.has_focus)
    desk.part("row-rule", Rule).show(frame.glyphs, looked.ref if looked else "the row under the cursor", one.more)


def _packet(desk: DeskApp, frame: Frame) -> None:
    rows = desk.part("open-ends", Packet)
    rows.show(frame)
    desk.part("packet-rule", Rule).show(
        frame.glyphs, "[4] The case as it would be handed over", rows.place, lit=rows.has_focus
    )


def _log(desk: DeskApp, frame: Frame) -> None:
    rows = desk.part("entries", LogList)
    rows.show(frame)
    if rows.current_key and rows.current_key != desk.poller.wanted.ref:
        desk.poller.want(desk.poller.wanted._replace(ref=rows.current_key))
    filtered = f"only entries with {rows.wanted!r}" if rows.wanted else rows.place
    desk.part("log-rule", Rule).show(
        frame.glyphs, f"[5] Everything that happened ({len(frame.snapshot.timeline)})", filtered, lit=rows.has_focus
    )


def _window(frame: Frame) -> str:
    """The window that most signals are judged over, as judged now."""
    spans = Counter(
        (s.conditions[0].from_ms, s.conditions[0].to_ms) for s in frame.snapshot.judgement.signals if s.conditions
    )
    return figures.span(*spans.most_common(1)[0][0]) if spans else ""
