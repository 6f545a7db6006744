"""Record a decision: a named choice, its reason, the evidence it cites, and what the signals said at that moment.

All of it is one transaction, so that none can exist without the others. A choice that names its next step moves the place; one that goes
back opens again what must be done again. A choice that asks for a second person holds the step until somebody else confirms it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from store.errors import BadInput, Refused
from store.instants import format_duration, format_instant
from store.journal import Citation, Decision
from store.judge import Judgement, SignalState
from store.runbook.model import Choice, Step, StepKind
from store.walk.act import begin_attempt
from store.walk.citations import Cited, resolve_refs, speaks_for, too_old
from store.walk.evaluations import judged_now, record_evaluation
from store.walk.events import reading
from store.walk.gaps import UNKNOWN
from store.walk.masking import masked
from store.walk.roles import check_roles
from store.walk.session import Who
from store.walk.states import State, StepState
from store.walk.walk import Acting, Deed, Walk, refuse, scope_to_begin

_SECOND = "a second person"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as stored. `unknown`: signals of the step of which nothing certain was known at that moment."""

    ref: str
    step: str
    choice: Choice
    evaluation: int
    cited: tuple[Cited, ...]
    ages_ms: tuple[int | None, ...]
    judged: tuple[SignalState, ...]
    unknown: tuple[str, ...]
    awaits: str | None
    override: str
    deed: Deed


def record_decision(
    walk: Walk,
    step: str,
    choice: str,
    *,
    refs: Sequence[str],
    reason: str,
    override: str = "",
    judgement: Judgement | None = None,
) -> Decided:
    """Choose a named way out of a decision.

    Args:
        walk: who decides, on which case.
        step: a step of kind `decide`.
        choice: the id of one of its choices.
        refs: at least one reference to evidence, such as `log_match:12`.
        reason: why; never empty.
        override: a reason to decide in spite of an unmet need, of a missing role, of evidence older than `max_age`, or alone where two
            are asked for.
        judgement: the signals as they were shown, if they were judged already.

    Raises:
        BadInput: no such step, choice or evidence.
        Refused: somebody else decided, or something stands in the way and no override was given.
    """
    judged = judgement or _judged(walk)
    with walk.acting() as acting:
        plan = acting.step(step)
        chosen = _chosen(plan, choice)
        if not reason.strip():
            raise Refused(f"{step} needs a reason", f"closeout decide CASE {step} {choice} --cite REF --reason R")
        state = _undecided(acting, step)
        if state.needs_unmet and not _in_hand(state) and not override.strip():
            raise Refused(f"{step} needs {', '.join(state.needs_unmet)}", "do that first, or decide with --override R")
        cited = resolve_refs(acting.tx.query, refs)
        if not override.strip():
            check_roles(acting.tx.query, plan, chosen, cited)
            _check_age(plan, chosen, cited, judged, acting.now_ms)
        return _store(acting, plan, state, chosen, cited, judged, reason, override)


def complete_decision(acting: Acting, state: StepState, reason: str) -> Deed:
    """Confirm a decision as the second person it waits for; the walk goes on from there."""
    attempt = state.attempts[-1]
    plan = acting.step(state.id)
    chosen = _chosen(plan, state.choice or "")
    first = Who(*attempt.detail["by"])
    proof = second_person(first, acting.who)
    said = {"method": proof, "second": acting.who.operator}
    acting.write(state.id, "confirmed", state.attempt, reason=reason, detail=said)
    return _pass(
        acting, plan, chosen, state.attempt, reason or state.reason, {**attempt.detail, **said, "awaits": None}, ""
    )


def second_person(first: Who, second: Who) -> str:
    """How sure it is that these are two people: `proved` by two accounts, else `claimed`.

    Raises:
        Refused: the same person, or the same terminal.
    """
    if first.operator.strip().casefold() == second.operator.strip().casefold():
        raise Refused(
            f"{first.operator} decided this: somebody else has to confirm it", "give their name with --operator NAME"
        )
    if first.pid and (first.host, first.pid, first.process_start) == (second.host, second.pid, second.process_start):
        raise Refused("this is the terminal of the decision", "confirm it from another terminal")
    return "proved" if (first.host, first.os_user) != (second.host, second.os_user) else "claimed"


def _chosen(step: Step, choice: str) -> Choice:
    if step.kind is not StepKind.DECIDE:
        raise BadInput(
            f"{step.id} is a {step.kind} step: there is nothing to choose", f"closeout step done CASE {step.id}"
        )
    for one in step.choices:
        if one.id == choice:
            return one
    known = [one.id for one in step.choices]
    close = difflib.get_close_matches(choice, known, n=1)
    raise BadInput(
        f"{step.id} has no choice {choice!r}",
        f"did you mean {close[0]}?" if close else f"choose one of {', '.join(known)}",
    )


def _judged(walk: Walk) -> Judgement:
    """The signals over the run, also where this decision begins it."""
    scope = scope_to_begin(reading(walk.case.read()), walk.case.edition(), walk.case.clock())
    return judged_now(walk.case, scope_start_ms=scope.start_ms if scope else None)


def _in_hand(state: StepState) -> bool:
    return state.state == State.RUNNING or (state.state == State.HELD and state.started_ms is not None)


def _undecided(acting: Acting, step: str) -> StepState:
    state = acting.state(step)
    if state.state == State.WAITING or "decide" in state.acts:
        return state
    raise refuse(state, "decide", acting.now_ms)


def _check_age(plan: Step, choice: Choice, cited: Sequence[Cited], judged: Judgement, now_ms: int) -> None:
    """A decision on old evidence is refused: what it says may no longer be so."""
    if plan.max_age_ms is None:
        return
    limit = format_duration(plan.max_age_ms)
    old = too_old(cited, now_ms=now_ms, max_age_ms=plan.max_age_ms)
    if old:
        told = ", ".join(
            f"{group} {'was never covered' if age is None else format_duration(age) + ' old'}" for group, age in old
        )
        raise Refused(
            f"{plan.id} takes no evidence older than {limit}: {told}", "look again, or decide with --override R"
        )
    signal = next((one for one in judged.signals if one.id == choice.scope), None)
    if signal is not None and signal.last_ms is not None and now_ms - signal.last_ms > plan.max_age_ms:
        age = format_duration(now_ms - signal.last_ms)
        raise Refused(
            f"the last reading of {signal.id} is {age} old, limit {limit}", "look again, or decide with --override R"
        )


def _store(
    acting: Acting,
    plan: Step,
    state: StepState,
    choice: Choice,
    cited: tuple[Cited, ...],
    judged: Judgement,
    reason: str,
    override: str,
) -> Decided:
    attempt = state.attempt
    if not _in_hand(state):
        attempt = begin_attempt(acting, state, override=override).attempt
    evaluation = record_evaluation(acting.tx, judged, now_ms=acting.now_ms, why=f"decision at {plan.id}: {choice.id}")
    decision = _add_decision(acting, plan, choice, cited, evaluation, reason, override)
    ages = tuple(one.age_ms(acting.now_ms) for one in cited)
    evidence_ms = acting.now_ms if override.strip() else speaks_for(cited, acting.now_ms)
    detail: dict[str, object] = {
        "choice": choice.id,
        "decision": decision,
        "evaluation": evaluation,
        "evidence_ms": evidence_ms,
    }
    awaits = _SECOND if choice.id in plan.second_person and not override.strip() else None
    if awaits:
        held = {**detail, "awaits": awaits, "by": list(acting.who)}
        deed = acting.write(plan.id, "held", attempt, reason=reason, detail=held)
    else:
        deed = _pass(acting, plan, choice, attempt, reason, detail, override)
    looked = tuple(signal for signal in judged.signals if signal.id in plan.cites or signal.id == choice.scope)
    unknown = tuple(signal.id for signal in looked if signal.state in UNKNOWN)
    return Decided(
        f"decision:{decision}", plan.id, choice, evaluation, cited, ages, looked, unknown, awaits, override, deed
    )


def _add_decision(
    acting: Acting, plan: Step, choice: Choice, cited: Sequence[Cited], evaluation: int, reason: str, override: str
) -> int:
    """The decision names its first citation and each citation its decision; both keys are checked at commit."""
    (first,) = acting.tx.query("SELECT ifnull(max(id), 0) + 1 FROM citation", ())[0]
    decision = acting.tx.add(
        Decision(
            acting.now_ms,
            acting.who.operator,
            acting.edition,
            plan.id,
            choice.id,
            masked(reason, acting.secrets),
            evaluation,
            choice.scope,
            masked(override, acting.secrets) or None,
            first,
        )
    )
    acting.tx.add_all(Citation(decision, one.ref, one.kind, one.id, one.age_ms(acting.now_ms)) for one in cited)
    return decision


def _pass(
    acting: Acting, plan: Step, choice: Choice, attempt: int, reason: str, detail: dict[str, object], override: str
) -> Deed:
    deed = acting.write(
        plan.id, "passed", attempt, reason=reason, detail={**detail, "next": choice.next}, override=override
    )
    if choice.next is not None:
        _open_again(acting, plan, choice.next, choice, deed)
    return deed


def _open_again(acting: Acting, plan: Step, target: str, choice: Choice, deed: Deed) -> None:
    """A choice that goes back asks for another round: its target, this decision, and what was built on the target in between."""
    steps = acting.runbook.steps
    index = {step.id: number for number, step in enumerate(steps)}
    if index[target] > index[plan.id]:
        return
    acting.refresh()
    again = {target, plan.id}
    for step in steps[index[target] : index[plan.id] + 1]:
        if again.intersection(step.needs) and step.id != target:
            again.add(step.id)
    said = f"{plan.id} chose {choice.id} at {format_instant(acting.now_ms)}"
    for step in steps[index[target] : index[plan.id] + 1]:
        state = acting.walk.step(step.id)
        if step.id in again and state.state in (State.PASSED, State.FAILED, State.STALE):
            acting.write(step.id, "reopened", state.attempt, reason=said, detail={"by": deed.ref})
