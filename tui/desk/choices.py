"""What a decision rests on, as rows: the signals, the ways out, what each would undo, and the evidence that can be cited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from store.instants import format_duration
from store.runbook.model import Choice, Step
from store.walk.undo import Undo
from tui.desk import figures
from tui.desk.paint import Row, row
from tui.desk.prose import wrap
from tui.desk.snapshot import Frame

_ROWS_CITED = 3
_OFFERED = 40


class Offer(NamedTuple):
    """A row that can be cited: what it is, and whether it is cited unless somebody says otherwise."""

    what: str
    cited: bool


def scope_rows(frame: Frame, undo: Undo, width: int, history: Sequence[str] = ()) -> list[Row]:
    """What to undo when a signal trips: files, what to confirm, whom to wake, which deployment was good, the very commands."""
    glyphs = frame.glyphs
    facts = [("undo", undo.do)]
    facts += [("file", file) for file in undo.files]
    facts += [("confirm", item) for item in undo.confirm]
    facts.append(("wake", ", ".join(undo.owner) + (f", {undo.contact}" if undo.contact else "")))
    good = undo.deployments
    if good is not None:
        facts.append(
            (
                "before",
                f"{good.previous or 'unknown'}, until {figures.clock(good.at_ms)} brought {good.deployment or 'this one'}",
            )
        )
    facts += [("run", line) for line in (undo.command or "").splitlines() if line.strip()]
    facts += [("unset", name) for name in undo.unset]
    facts += [("log", line) for line in history]
    rows, last = [], ""
    for label, text in facts:
        for line in wrap(text, max(8, width - 8), glyphs):
            shown, last = (label if label != last else ""), label
            rows.append(row("", (f"{shown:<8}", "dim"), (line, "code" if label in ("run", "file") else "")))
    return rows


def signal_rows(frame: Frame, step: Step, scope: str | None) -> list[Row]:
    """The step's signals that are not ok, in the runbook's order, and how many are; with a scope only that signal."""
    glyphs, rows, fine = frame.glyphs, [], 0
    for signal_id in [scope] if scope else step.cites:
        signal = frame.snapshot.signal(signal_id)
        if signal is None or (signal.state == "ok" and not scope):
            fine += signal is not None
            continue
        value, limit = figures.pair(signal)
        age = "never read"
        if signal.last_ms is not None:
            age = f"{format_duration(max(0, frame.now_ms - signal.last_ms) // 1000 * 1000)} old"
        said = f"{glyphs.state(signal.state)} {glyphs.text(signal.id)} {signal.state} {value} / {limit}, {age}"
        rows.append(row("", (said, signal.state)))
    if fine:
        rows.append(row("", (f"{glyphs.state('ok')} {fine} ok", "ok")))
    return rows


def paper_rows(frame: Frame, choice: Choice, width: int) -> list[Row]:
    """The papers that a choice must cite: those that the case has with the time they speak of, and how the others get there."""
    glyphs, rows = frame.glyphs, []
    have = {one.role: one for one in frame.snapshot.papers}
    for role in choice.roles:
        one = have.get(role)
        if one is None or one.from_ms is None or one.to_ms is None:
            why = "not in the case" if one is None else f"{one.ref} says no window"
            rows.append(row("", (glyphs.text(f"cites {role}: {why}", width), "watch")))
        else:
            said = f"cites {role}: {one.ref}, {figures.span(one.from_ms, one.to_ms)}"
            rows.append(row("", (glyphs.text(said, width), "ok")))
    if any(spans[0][1] == "watch" for _, spans in rows):
        said = "name the windows baseline and postfix (W on the desk), then P on the desk writes them"
        rows += [row("", (line, "dim")) for line in wrap(said, width, glyphs)]
    return rows


def choice_row(frame: Frame, step: Step, choice: Choice) -> Row:
    """One way out, with the state of the signal whose scope it undoes."""
    signal = frame.snapshot.signal(choice.scope or "")
    sign = (f"{frame.glyphs.state(signal.state)} ", signal.state) if signal else ("  ", "")
    second = "  (two people)" if choice.id in step.second_person else ""
    return row(choice.id, sign, frame.glyphs.text(choice.label), (second, "dim"))


def offered_evidence(frame: Frame, step: Step, choice: Choice, pinned: Mapping[str, str]) -> dict[str, Offer]:
    """What can be cited, by its reference: papers, pinned rows, the newest rows of the scope, and who looked; cited ones first."""
    scope = choice.scope
    papers = [one for one in frame.snapshot.papers if one.role in choice.roles]
    offered = {one.ref: Offer(f"{one.role} {one.name}", cited=True) for one in papers}
    offered.update({ref: Offer(what, cited=True) for ref, what in pinned.items() if ref not in offered})
    for signal_id in [scope] if scope else step.cites:
        found = frame.snapshot.explanations.get(signal_id)
        for part in found.conditions if found else ():
            for place, one in enumerate(reversed(part.rows[-_ROWS_CITED * 2 :])):
                if one.ref:
                    cited = scope is not None and place < _ROWS_CITED
                    offered.setdefault(one.ref, Offer(f"{figures.clock(one.at_ms)} {one.what}", cited))
            for ref in part.collections[-1:]:
                offered.setdefault(ref, Offer(f"the newest look for {signal_id}", cited=True))
    ordered = sorted(offered.items(), key=lambda item: not item[1].cited)
    return dict(ordered[:_OFFERED])
