"""Where the operator stands: the one current step, found anew from the events at every reading.

A jump comes from a choice that names its next step, or from reopening an earlier one. Steps that a choice jumps over are left aside
until nothing else is left; a failure stands in the way only of what needs it; a capture that runs by itself does not hold the place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from store.runbook.model import Step, StepKind
from store.walk.events import Event

if TYPE_CHECKING:
    from store.walk.states import StepState

_TAKES_PLACE = ("ready", "retracted")


@dataclass(slots=True)
class Jumps:
    """`floor`: index of the step from which the search begins. `target`: where the last choice led. `over`: steps that a choice left
    aside, by whom and which."""

    floor: int = 0
    target: str | None = None
    over: dict[str, tuple[str, str]] = field(default_factory=dict)


def jumps_of(steps: Sequence[Step], events: Iterable[Event]) -> Jumps:
    """Follow every jump of the walk so far."""
    jumps = Jumps()
    index = {step.id: number for number, step in enumerate(steps)}
    for event in events:
        if event.step not in index:
            continue
        target = event.detail.get("next") if event.kind in ("passed", "confirmed") else None
        if target in index:
            _jump(jumps, steps, index, event, str(target))
        elif event.kind in ("reopened", "retracted") and "by" not in event.detail:
            jumps.floor, jumps.target = min(jumps.floor, index[event.step]), None
            jumps.over.pop(event.step, None)
        elif event.kind in ("started", "late"):
            jumps.over.pop(event.step, None)
    return jumps


def _jump(jumps: Jumps, steps: Sequence[Step], index: Mapping[str, int], event: Event, target: str) -> None:
    start, end = index[event.step], index[target]
    jumps.floor, jumps.target = end, target
    for step in steps[end:]:
        jumps.over.pop(step.id, None)
    for step in steps[start + 1 : end]:
        jumps.over[step.id] = (event.step, str(event.detail.get("choice", "")))


def current_step(states: Sequence[StepState], steps: Sequence[Step], jumps: Jumps) -> str | None:
    """The id of the step where the operator stands."""
    awaited = _awaited(states, steps)
    lost = [s for s in states if s.state == "lost" and s.resolved is None]
    in_hand = [s for s in states if s.state == "held" or (s.state == "running" and not s.background)]
    chosen = [s for s in states if s.id == jumps.target and s.state in ("ready", "waiting")]
    here = [s for s in states[jumps.floor :] if _takes_place(s, awaited)]
    earlier = [s for s in states[: jumps.floor] if s.mandatory and _takes_place(s, awaited)]
    wrapped = (*states[jumps.floor :], *states[: jumps.floor])
    left = [s for s in wrapped if s.mandatory and s.open and not s.background and s.kind != StepKind.SEAL]
    waiting = [s for s in left if s.state == "waiting"]
    running = [s for s in states if s.background]
    seal = [s for s in states if s.kind == StepKind.SEAL and s.open]
    order = (*lost, *in_hand, *chosen, *here, *earlier, *waiting, *left, *running, *seal)
    return order[0].id if order else None


def _takes_place(state: StepState, needed: frozenset[str]) -> bool:
    if state.passed_over or state.kind == StepKind.SEAL:
        return False
    if state.state == "failed" or (state.state == "lost" and state.resolved):
        return state.id in needed
    return state.state in _TAKES_PLACE


def _awaited(states: Sequence[StepState], steps: Sequence[Step]) -> frozenset[str]:
    """Steps that a waiting mandatory one rests on, directly or through others."""
    by_id = {step.id: step for step in steps}
    open_ids = [state.id for state in states if state.mandatory and state.state == "waiting"]
    found: set[str] = set()
    while open_ids:
        for need in by_id[open_ids.pop()].needs:
            if need in by_id and need not in found:
                found.add(need)
                open_ids.append(need)
    return frozenset(found)
