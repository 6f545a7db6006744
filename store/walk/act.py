"""What people do to a step: start, pass, fail, skip, hold, confirm, resolve, reopen, retract, and tell of it afterwards.

Intent is stored before effect: `start` is committed before anything of the step may run. No deed changes an earlier row; a retry is a new
attempt. Every block can be overridden, with a reason that stays in the record.
"""

from __future__ import annotations

from typing import Any

from store.errors import BadInput, Refused
from store.instants import format_instant
from store.runbook.model import Effect, StepKind
from store.walk.challenge import Answer
from store.walk.states import COLLECTING, State, StepState
from store.walk.walk import Acting, Deed, Walk, refuse

_OVERRIDE = "or override with a reason: --override R"
_EFFECTS = ("yes", "no", "unknown")


def start(walk: Walk, step: str, *, override: str = "") -> Deed:
    """Begin an attempt. Committed before anything runs.

    Raises:
        Refused: somebody else did, a need is not met, or the step is done.
    """
    with walk.acting() as acting:
        state = _possible(acting, step, "start")
        if state.state == State.LOST and state.effect == Effect.CHANGES:
            _demand(
                override,
                Refused(
                    f"{step} may have taken effect: {state.why}", f"say so with: closeout step resolve CASE {step}"
                ),
            )
        return begin_attempt(acting, state, override=override)


def finish(
    walk: Walk,
    step: str,
    *,
    reason: str = "",
    answer: Answer | None = None,
    override: str = "",
    detail: dict[str, Any] | None = None,
) -> Deed:
    """Mark a step passed, with the answer to its challenge if there was one.

    Raises:
        Refused: it is not in hand, a need is not met, the answer is not what was shown, or it changes something and was never started.
    """
    with walk.acting() as acting:
        state = _possible(acting, step, "done")
        if state.kind == StepKind.DECIDE:
            raise Refused(
                f"{step} is a decision", f"choose with: closeout decide CASE {step} CHOICE --cite REF --reason R"
            )
        if state.state == State.HELD and state.awaits:
            _demand(
                override, Refused(f"{step} waits for {state.awaits}", f"confirm it from another terminal, {_OVERRIDE}")
            )
        if state.state == State.STALE:
            _demand(
                override,
                Refused(f"{step} is stale: {state.why}", f"do it again: closeout step start CASE {step}, {_OVERRIDE}"),
            )
        if answer is not None and not answer.agrees:
            wrong = f"answered {answer.value}, shown {answer.shown}"
            _demand(override, Refused(f"{step}: {wrong}", f"closeout step fail CASE {step} --reason R, {_OVERRIDE}"))
        attempt = _attempt_in_hand(acting, state, override=override)
        said = dict(detail or {})
        if answer is not None:
            acting.write(step, "answered", attempt, detail=answer._asdict())
            said["value"] = answer.value
        return acting.write(step, "passed", attempt, reason=reason, detail=said, override=override)


def fail(walk: Walk, step: str, *, reason: str, detail: dict[str, Any] | None = None) -> Deed:
    """Mark a step failed, with the reason."""
    _said(reason, "fail", step)
    with walk.acting() as acting:
        state = _possible(acting, step, "fail")
        attempt = _number(state)
        return acting.write(step, "failed", attempt, reason=reason, detail=detail)


def skip(walk: Walk, step: str, *, reason: str) -> Deed:
    """Leave a step out, with the reason; it stays in the list of what is not known."""
    _said(reason, "skip", step)
    with walk.acting() as acting:
        state = _possible(acting, step, "skip")
        return acting.write(step, "skipped", _number(state), reason=reason)


def hold(walk: Walk, step: str, *, reason: str) -> Deed:
    """Stop at a step without ending it. A hold never passes by itself."""
    _said(reason, "hold", step)
    with walk.acting() as acting:
        state = _possible(acting, step, "hold")
        return acting.write(step, "held", _number(state), reason=reason)


def confirm(walk: Walk, step: str, *, reason: str = "") -> Deed:
    """Let a held step go on; where a second person was asked for, as that person.

    Raises:
        Refused: it does not hold, or the second person is the first one.
    """
    with walk.acting() as acting:
        state = _possible(acting, step, "confirm")
        if state.awaits is None:
            return acting.write(step, "confirmed", state.attempt, reason=reason)
        from store.walk.decisions import complete_decision

        return complete_decision(acting, state, reason)


def resolve(walk: Walk, step: str, *, took_effect: str, reason: str) -> Deed:
    """Say of a lost attempt whether it took effect: yes (it counts as passed), no (do it again) or unknown (it blocks what needs it).

    Raises:
        Refused: nothing was lost here.
    """
    _said(reason, "resolve", step)
    if took_effect not in _EFFECTS:
        raise BadInput(f"did it take effect? {took_effect!r} is no answer", f"say one of {', '.join(_EFFECTS)}")
    with walk.acting() as acting:
        state = _possible(acting, step, "resolve")
        if state.state == State.RUNNING:
            acting.write(
                step,
                "lost",
                state.attempt,
                reason=f"given up from another machine: {state.place}",
                detail={"by": state.operator},
            )
        return acting.write(step, "resolved", state.attempt, reason=reason, detail={"took_effect": took_effect})


def reopen(walk: Walk, step: str, *, reason: str = "") -> Deed:
    """Go back to a step that was done: the old attempt stays, the next deed begins a new one, and the place moves there."""
    with walk.acting() as acting:
        state = _possible(acting, step, "reopen")
        return acting.write(step, "reopened", state.attempt, reason=reason)


def retract(walk: Walk, step: str, *, reason: str) -> Deed:
    """Take back what was answered; the original stays in the record."""
    _said(reason, "retract", step)
    with walk.acting() as acting:
        state = _possible(acting, step, "retract")
        return acting.write(step, "retracted", state.attempt, reason=reason)


def answer(walk: Walk, step: str, *, asked: str, shown: str, value: str, age_ms: int | None = None) -> Deed:
    """Store a response without ending the step: what was asked, what was shown and how old that was, and what came back."""
    with walk.acting() as acting:
        state = acting.state(step)
        if state.state not in (State.READY, State.RUNNING, State.HELD):
            raise refuse(state, "answer", acting.now_ms)
        attempt = _attempt_in_hand(acting, state, override="")
        return acting.write(
            step, "answered", attempt, detail=Answer(asked, shown, value, age_ms, agrees=True)._asdict()
        )


def late(walk: Walk, step: str, *, reason: str, done_at_ms: int, told_by: str = "") -> Deed:
    """Tell of a step that was done outside: when it is said to have been done, beside when that was recorded.

    Raises:
        Refused: it is done already, or said to be done in the future.
    """
    _said(reason, "late", step)
    with walk.acting() as acting:
        state = _possible(acting, step, "late")
        if done_at_ms > acting.now_ms:
            raise Refused(f"{format_instant(done_at_ms)} is still to come", "give the moment at which it was done")
        detail = {"told_by": told_by} if told_by else {}
        return acting.write(step, "late", _number(state), reason=reason, detail=detail, claimed_ms=done_at_ms)


def begin_attempt(acting: Acting, state: StepState, *, override: str) -> Deed:
    """Store the start of an attempt with what it is going to run, variables not filled in."""
    step = acting.step(state.id)
    if state.needs_unmet:
        _demand(override, Refused(f"{state.id} needs {', '.join(state.needs_unmet)}", f"do that first, {_OVERRIDE}"))
    left = [other.id for other in acting.walk.open_mandatory]
    if step.kind is StepKind.SEAL and left:
        _demand(override, Refused(f"open steps: {', '.join(left)}", f"end or skip them, {_OVERRIDE}"))
    detail: dict[str, Any] = {}
    if step.command is not None:
        detail = {"language": step.command.language, "command": step.command.text}
    if step.feeds and step.kind in COLLECTING:
        detail["streams"] = list(step.feeds)
    return acting.write(state.id, "started", _number(state), detail=detail, override=override)


def end_with(acting: Acting, kind: StepKind, *, reason: str, override: str = "") -> None:
    """Pass the steps of a kind in the very transaction that does their work, however they stood."""
    for state in acting.walk.steps:
        if state.kind != kind or state.state == State.PASSED:
            continue
        attempt = state.attempt
        if not (state.state == State.RUNNING or (state.state == State.HELD and state.started_ms is not None)):
            attempt = acting.write(state.id, "started", _number(state), override=override).attempt
        acting.write(state.id, "passed", attempt, reason=reason)
    acting.refresh()


def _possible(acting: Acting, step: str, act: str) -> StepState:
    state = acting.state(step)
    acts = (*state.acts, "done") if state.kind == StepKind.DECIDE and act == "done" else state.acts
    if act not in acts:
        raise refuse(state, act, acting.now_ms)
    return state


def _number(state: StepState) -> int:
    """The attempt that the next deed belongs to: the one in hand, else a new one."""
    return (
        state.attempt + 1
        if state.state in (State.FAILED, State.SKIPPED, State.LOST, State.STALE, State.RETRACTED)
        else state.attempt
    )


def _attempt_in_hand(acting: Acting, state: StepState, *, override: str) -> int:
    """The attempt to end; begun in the same transaction where that can do no harm."""
    if state.state == State.RUNNING or (state.state == State.HELD and state.started_ms is not None):
        return state.attempt
    if state.effect == Effect.CHANGES:
        raise Refused(
            f"{state.id} changes something and was not started",
            f"start it first, so that the intent is on record: closeout step start CASE {state.id}; "
            f"if it is done already: closeout step late CASE {state.id} --at T --reason R",
        )
    return begin_attempt(acting, state, override=override).attempt


def _demand(override: str, refusal: Refused) -> None:
    if not override.strip():
        raise refusal


def _said(reason: str, act: str, step: str) -> None:
    if not reason.strip():
        raise Refused(f"{act} needs a reason", f"closeout step {act} CASE {step} --reason R")
