"""Deeds on steps: each asks what it must ask, then hands one transaction to the writer; nothing is shown as done before it is committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store.errors import BadInput
from store.moments import resolve_moment
from store.walk import act, remarks
from store.walk.challenge import Reading, answered, readings
from store.walk.citations import KINDS
from store.walk.states import COLLECTING, StepState
from store.walk.walk import Deed, Walk, named_step, standing
from tui.desk import figures
from tui.desk.dialogs import Ask, Choose
from tui.desk.evidence import EvidenceList
from tui.desk.log import LogList
from tui.desk.paint import row

if TYPE_CHECKING:
    from tui.desk.app import DeskApp

_EFFECTS = (
    ("yes", "yes, it took effect: the step counts as passed"),
    ("no", "no, nothing happened: do it again"),
    ("unknown", "nobody knows: what needs this step stays blocked"),
)


def done(desk: DeskApp, state: StepState) -> None:
    """Mark a step passed, asking only where something stands in the way."""
    if state.kind == "decide":
        from tui.desk.decide import decide

        decide(desk, state)
    elif state.kind == "seal":
        desk.action_do("seal")
    elif state.awaits:
        _write(desk, lambda walk: act.confirm(walk, state.id))
    elif "done" not in state.acts:
        desk.say(f"{state.id}: {standing(state, desk.clock())}; possible now: {', '.join(state.acts)}", "watch")
    elif state.state in ("waiting", "stale"):
        label = "Why (it stays in the list of what is not known):"
        _ask(desk, f"Pass {state.id} in spite of it?", [state.why], label, lambda why: _pass(desk, state, override=why))
    elif state.effect == "changes" and state.state not in ("running", "held"):
        start(desk, state)
    elif state.kind in COLLECTING and state.state != "running" and not _looked(desk, state):
        texts = ["No collection of this step's streams is in the case."]
        _ask(desk, f"Pass {state.id} without having looked?", texts, "Why:", lambda why: _pass(desk, state, reason=why))
    else:
        _pass(desk, state)


def answer(desk: DeskApp, state: StepState) -> None:
    """Pass a step with the reading that it asks about; the answer is compared with what is shown."""
    frame, shown = desk.frame, _readings(desk, state)
    if frame is None or not shown:
        desk.say(f"{state.id} asks about no signal: Space marks it done", "watch")
        return
    plan = named_step(frame.snapshot.runbook, state.id)

    def said(value: str) -> None:
        _write(desk, lambda walk: act.finish(walk, state.id, answer=answered(plan, shown, value)))

    texts = [f"{one.signal}: {one.shown}" for one in shown]
    first = next((f"{one.signal}={one.values[0]:g}" for one in shown if one.values), "")
    _ask(desk, f"Answer {state.id}", texts, "SIGNAL=NUMBER that you read:", said, value=first)


def start(desk: DeskApp, state: StepState) -> None:
    """Write the intent of a step, in spite of unmet needs only with a reason."""
    if state.needs_unmet:
        texts = [f"{state.id} needs {', '.join(state.needs_unmet)}."]
        _ask(
            desk,
            f"Start {state.id} in spite of it?",
            texts,
            "Why:",
            lambda why: _write(desk, lambda walk: act.start(walk, state.id, override=why)),
        )
    else:
        _write(desk, lambda walk: act.start(walk, state.id))


def skip(desk: DeskApp, state: StepState) -> None:
    """Leave a step out."""
    _with_reason(desk, state, "skip", act.skip)


def fail(desk: DeskApp, state: StepState) -> None:
    """Mark a step failed."""
    _with_reason(desk, state, "fail", act.fail)


def hold(desk: DeskApp, state: StepState) -> None:
    """Stop at a step without ending it."""
    _with_reason(desk, state, "hold", act.hold)


def undo(desk: DeskApp, state: StepState) -> None:
    """Take back what was answered."""
    _with_reason(desk, state, "retract", act.retract)


def confirm(desk: DeskApp, state: StepState) -> None:
    """Let a held step go on."""
    _write(desk, lambda walk: act.confirm(walk, state.id))


def again(desk: DeskApp, state: StepState) -> None:
    """A new attempt of what was done; the old one stays."""
    if "reopen" in state.acts:
        _write(desk, lambda walk: act.reopen(walk, state.id, reason="once more"))
    else:
        desk.action_do("primary")


def resolve(desk: DeskApp, state: StepState) -> None:
    """Say of a lost attempt whether it took effect."""

    def chosen(answer: str | None) -> None:
        if answer:

            def why(reason: str) -> None:
                _write(desk, lambda walk: act.resolve(walk, state.id, took_effect=answer, reason=reason))

            _ask(desk, f"{state.id}: {answer}", [], "How do you know:", why)

    options = [row(key, text) for key, text in _EFFECTS]
    texts = [f"{state.id} was in flight when its process ended ({state.why}).", "Did it take effect?"]
    desk.push_screen(Choose(desk.glyphs, "In flight", texts, options), chosen)


def late(desk: DeskApp, state: StepState) -> None:
    """Tell of a step that was done outside of the program."""
    if "late" not in state.acts:
        desk.say(f"{state.id}: {standing(state, desk.clock())}", "watch")
        return

    def told(text: str) -> None:
        when, _, why = text.partition(" ")

        def job(walk: Walk) -> Deed:
            at = resolve_moment(when, now_ms=walk.case.clock(), db=walk.case.read())
            return act.late(walk, state.id, reason=why, done_at_ms=at)

        _write(desk, job)

    texts = [
        "It was done outside of this program. When, and how do you know?",
        "Such as: 20m reverted by hand, seen in the deploy log",
    ]
    _ask(desk, f"Late entry: {state.id}", texts, "TIME WHAT:", told)


def cited_ref(desk: DeskApp) -> str:
    """The reference under the cursor of the evidence or the timeline; empty elsewhere."""
    if desk.pane == "evidence":
        return str(desk.part("rows", EvidenceList).ref)
    return str(desk.part("entries", LogList).current_key) if desk.pane == "log" else ""


def note(desk: DeskApp, state: StepState | None) -> None:
    """A note, stamped with time, name and step; the row under the cursor is cited with it."""
    step = state.id if state is not None and desk.pane == "run" else None
    cites = [ref for ref in (cited_ref(desk),) if ref.partition(":")[0] in KINDS]

    def said(text: str) -> None:
        def job(walk: Walk) -> str:
            stored = remarks.add_note(walk.case, walk.who.operator, text, step=step, cites=cites)
            return f"{stored.ref} is in the case (seq {stored.seq})"

        desk.write(job)

    about = f"at {step}" if step else "about the case"
    texts = [f"citing {', '.join(cites)}"] if cites else []
    _ask(desk, f"Note {about}", texts, "What you saw, did, think, or still have to do:", said)


def mark(desk: DeskApp) -> None:
    """Name a moment."""

    def said(text: str) -> None:
        words = text.split()

        def job(walk: Walk) -> str:
            at = (
                resolve_moment(words[1], now_ms=walk.case.clock(), db=walk.case.read())
                if len(words) > 1
                else walk.case.clock()
            )
            ids = [*words[2:4], None, None]
            marked = remarks.add_mark(walk.case, walk.who.operator, words[0], at, deployment=ids[0], previous=ids[1])
            scope = "; the run begins anew here" if marked.scope_start_ms is not None else ""
            return f"mark {words[0]} at {figures.clock(at)} is in the case (seq {marked.seq}){scope}"

        desk.write(job)

    texts = [
        "deploy, rollback and fix have a meaning: windows and the run are measured from them.",
        "Such as: deploy 40m dpl_new dpl_before",
    ]
    _ask(desk, "Name a moment", texts, "NAME TIME DEPLOYMENT PREVIOUS (all but the name can be left out):", said)


def window(desk: DeskApp) -> None:
    """Name a stretch of time."""

    def said(text: str) -> None:
        name, _, span = text.partition(" ")

        def job(walk: Walk) -> str:
            from store.moments import resolve_span

            if "/" not in span:
                raise BadInput(
                    "a window has two ends", "write it NAME FROM/TO, such as: baseline @deploy-40m/@deploy-10m"
                )
            start_ms, end_ms = resolve_span(span.strip(), now_ms=walk.case.clock(), db=walk.case.read())
            stored = remarks.add_window(walk.case, walk.who.operator, name, start_ms, end_ms)
            return f"window {name} {figures.span(start_ms, end_ms)} is in the case (seq {stored.seq})"

        desk.write(job)

    texts = ["baseline and postfix are compared by the verdict.", "Such as: baseline @deploy-40m/@deploy-10m"]
    _ask(desk, "Name a window", texts, "NAME FROM/TO:", said)


def acknowledge(desk: DeskApp, signal_id: str) -> None:
    """Say that an alarm was seen."""

    def job(walk: Walk) -> str:
        seen = remarks.acknowledge(walk.case, walk.who.operator, signal_id)
        return f"{signal_id} {seen.state}: seen by {walk.who.operator}; its state stays what it is"

    desk.write(job)


def _pass(desk: DeskApp, state: StepState, *, reason: str = "", override: str = "") -> None:
    seen = _seen(desk, state)
    detail = {"seen": seen} if seen else None
    _write(desk, lambda walk: act.finish(walk, state.id, reason=reason, override=override, detail=detail))


def _seen(desk: DeskApp, state: StepState) -> str:
    """What the step's signals said on the screen at this moment: it is recorded with the deed."""
    return "; ".join(f"{one.signal}: {one.shown}" for one in _readings(desk, state))


def _readings(desk: DeskApp, state: StepState) -> tuple[Reading, ...]:
    frame = desk.frame
    return readings(frame.snapshot.judgement, named_step(frame.snapshot.runbook, state.id)) if frame else ()


def _looked(desk: DeskApp, state: StepState) -> bool:
    if desk.snapshot is None:
        return False
    step = named_step(desk.snapshot.runbook, state.id)
    looked = {stream.stream for stream in desk.snapshot.streams if stream.collected_ms is not None}
    return not step.feeds or bool(looked.intersection(step.feeds))


def _with_reason(desk: DeskApp, state: StepState, verb: str, deed: Callable[..., Deed]) -> None:
    if verb not in state.acts:
        desk.say(
            f"cannot {verb} {state.id}: {standing(state, desk.clock())}; possible now: {', '.join(state.acts)}", "watch"
        )
        return
    texts = [f"{state.position} {state.title}: {state.state}"]
    title = {"skip": "Skip", "fail": "Mark as failed", "hold": "Hold", "retract": "Take back the answer of"}[verb]
    _ask(
        desk,
        f"{title} {state.id}",
        texts,
        "Reason:",
        lambda why: _write(desk, lambda walk: deed(walk, state.id, reason=why)),
    )


def _ask(
    desk: DeskApp, title: str, texts: list[str], label: str, then: Callable[[str], None], *, value: str = ""
) -> None:
    def answered(text: str | None) -> None:
        if text is not None:
            then(text)

    desk.push_screen(Ask(desk.glyphs, title, texts, label=label, value=value), answered)


def _write(desk: DeskApp, deed: Callable[[Walk], Deed]) -> None:
    def job(walk: Walk) -> str:
        stored = deed(walk)
        again = f", attempt {stored.attempt}" if stored.attempt > 1 else ""
        return f"{stored.step} {stored.kind}{again} at {figures.clock(stored.at_ms)}, by {walk.who.operator} (seq {stored.seq})"

    desk.write(job)
