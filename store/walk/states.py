"""The state of every step, derived from events, evidence and the living; nothing of it is stored.

`lost` is derived for readers: an attempt was started, has no end, and its process is gone. The next writer records it. `stale` says that
a passed step no longer speaks for now: its text changed, or its evidence grew old before anyone built on it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from store.instants import format_duration
from store.runbook.model import Effect, Runbook, Step, StepKind
from store.walk.events import Event, Query, read_events, reading
from store.walk.history import Attempt, History, histories
from store.walk.place import Jumps, current_step, jumps_of
from store.walk.session import Alive, Life, boot_id, life_of


class State(StrEnum):
    """States of a step."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    HELD = "held"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    LOST = "lost"
    STALE = "stale"
    RETRACTED = "retracted"


COLLECTING = frozenset({StepKind.CAPTURE, StepKind.PROBE, StepKind.SNAPSHOT, StepKind.BROWSER})
"""Kinds of step whose work a collector does."""

SETTLED = frozenset({State.PASSED, State.FAILED, State.SKIPPED})
"""States that ask for nothing more."""

ACTS: Mapping[str, tuple[str, ...]] = {
    State.WAITING: ("skip", "late", "start", "done"),
    State.READY: ("start", "done", "fail", "skip", "hold", "late"),
    State.RUNNING: ("done", "fail", "hold", "skip", "late"),
    State.HELD: ("confirm", "done", "fail", "skip", "late"),
    State.PASSED: ("reopen", "retract"),
    State.FAILED: ("start", "done", "skip", "reopen", "late", "retract"),
    State.SKIPPED: ("reopen", "start", "late", "retract"),
    State.LOST: ("start", "resolve", "skip", "late"),
    State.STALE: ("start", "done", "reopen", "skip", "retract"),
    State.RETRACTED: ("start", "done", "fail", "skip", "reopen", "late"),
}
"""What can be done in each state; `waiting` starts, and `stale` is done, only with an override. No state is without a way forward."""


@dataclass(frozen=True, slots=True)
class StepState:
    """One step as it stands.

    `why` is one sentence on the state; `reason` is what the last person said. `needs_remarks`: needs that are met, but skipped or stale.
    `awaits`: whom a held decision waits for. `background`: it runs by itself and does not hold the place. `elsewhere`: its process is out of
    sight. `text_changed`: stale because an adopted edition changed its text.
    """

    id: str
    title: str
    position: int
    kind: str
    effect: str
    mandatory: bool
    state: str
    attempt: int
    since_ms: int | None
    elapsed_ms: int | None
    started_ms: int | None
    operator: str
    place: str
    reason: str
    why: str
    needs_unmet: tuple[str, ...]
    needs_remarks: tuple[str, ...]
    awaits: str | None
    choice: str | None
    decision: int | None
    value: str | None
    late: bool
    override: bool
    resolved: str | None
    background: bool
    elsewhere: bool
    passed_over: bool
    text_changed: bool
    attempts: tuple[Attempt, ...]

    @property
    def acts(self) -> tuple[str, ...]:
        """What can be done with it now; a decision is made with `decide`, never just passed."""
        possible = ACTS[self.state]
        if self.state == State.LOST and self.effect == Effect.CHANGES and self.resolved is None:
            possible = ("resolve", "start", "late")
        if self.kind == StepKind.DECIDE:
            possible = tuple("decide" if act == "done" else act for act in possible)
        return (*possible, "resolve") if self.elsewhere and self.state == State.RUNNING else possible

    @property
    def open(self) -> bool:
        """Whether something is still to be done before the case can end."""
        return self.state not in SETTLED and not (self.state == State.STALE and not self.text_changed)


@dataclass(frozen=True, slots=True)
class WalkState:
    """The whole walk at one reading. `current` is the step where the operator stands; none when nothing is left."""

    edition: int
    now_ms: int
    steps: tuple[StepState, ...]
    current: str | None
    begun_ms: int | None
    last: Event | None

    @property
    def passed(self) -> int:
        """Steps that passed, stale ones among them."""
        return sum(step.state in (State.PASSED, State.STALE) for step in self.steps)

    @property
    def settled(self) -> int:
        """Steps that ask for nothing more."""
        return sum(not step.open for step in self.steps)

    @property
    def total(self) -> int:
        """Number of steps."""
        return len(self.steps)

    @property
    def lost(self) -> tuple[StepState, ...]:
        """Attempts that were in flight when their process ended."""
        return tuple(step for step in self.steps if step.state == State.LOST)

    @property
    def open_mandatory(self) -> tuple[StepState, ...]:
        """Mandatory steps that stand in the way of the end; the seal itself is not among them."""
        return tuple(step for step in self.steps if step.mandatory and step.open and step.kind != StepKind.SEAL)

    @property
    def here(self) -> StepState | None:
        """The current step."""
        return self.step(self.current) if self.current else None

    def step(self, id: str) -> StepState:
        """The state of a step of the runbook."""
        return next(step for step in self.steps if step.id == id)


def read_walk(
    db: sqlite3.Connection,
    runbook: Runbook,
    *,
    edition: int,
    now_ms: int,
    monotonic_ms: int | None = None,
    life: Alive = life_of,
) -> WalkState:
    """The walk as a reader sees it. Costs one pass over the step events; no process but ours is touched."""
    return derive(reading(db), runbook, edition=edition, now_ms=now_ms, monotonic_ms=monotonic_ms, life=life)


def derive(
    query: Query, runbook: Runbook, *, edition: int, now_ms: int, monotonic_ms: int | None = None, life: Alive = life_of
) -> WalkState:
    """The same, asked through any query: a writer asks under its write lock."""
    events = read_events(query)
    scene = _Scene(
        query, runbook, events, histories(events), jumps_of(runbook.steps, events), now_ms, monotonic_ms, life
    )
    steps = scene.steps()
    current = current_step(steps, runbook.steps, scene.jumps)
    begun = events[0].at_ms if events else None
    return WalkState(edition, now_ms, steps, current, begun, events[-1] if events else None)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that the states of one reading rest on."""

    query: Query
    runbook: Runbook
    events: Sequence[Event]
    told: Mapping[str, History]
    jumps: Jumps
    now_ms: int
    monotonic_ms: int | None
    life: Alive

    def steps(self) -> tuple[StepState, ...]:
        bare = {step.id: self._bare(step) for step in self.runbook.steps}
        return tuple(self._step(number, step, bare) for number, step in enumerate(self.runbook.steps, 1))

    def _bare(self, step: Step) -> tuple[str, str]:
        """State and why of a step by itself, before its needs are asked."""
        history = self.told.get(step.id)
        if history is None or history.fresh or history.newest is None:
            return State.READY, ""
        attempt = history.newest
        if attempt.state == "running" and self.life(attempt.who) is Life.DEAD:
            return State.LOST, f"the process that ran it is gone ({_process(attempt)})"
        if attempt.state == "passed":
            why = self._stale(step, history, attempt)
            return (State.STALE, why) if why else (State.PASSED, "")
        if attempt.state == "lost":
            return State.LOST, "nobody knows whether it took effect" if history.resolved else attempt.reason
        return attempt.state, ""

    def _step(self, position: int, step: Step, bare: Mapping[str, tuple[str, str]]) -> StepState:
        state, why = bare[step.id]
        unmet, remarks = self._needs(step, bare)
        if state == State.READY and unmet:
            state, why = State.WAITING, "needs " + ", ".join(unmet)
        history = self.told.get(step.id) or History()
        attempt = None if history.fresh else history.newest
        detail = attempt.detail if attempt else {}
        last = history.last
        running = attempt is not None and state == State.RUNNING
        return StepState(
            id=step.id,
            title=step.title,
            position=position,
            kind=step.kind,
            effect=step.effect,
            mandatory=step.mandatory,
            state=str(state),
            attempt=history.next_number if history.fresh else attempt.number if attempt else 1,
            since_ms=last.at_ms if last else None,
            elapsed_ms=self._elapsed(history.started) if running else None,
            started_ms=attempt.started_ms if attempt else None,
            operator=(last.operator if last else "") if attempt else "",
            place=attempt.who.place if attempt else "",
            reason=last.reason if last else "",
            why=why,
            needs_unmet=unmet,
            needs_remarks=remarks,
            awaits=detail.get("awaits") if state == State.HELD else None,
            choice=detail.get("choice"),
            decision=detail.get("decision"),
            value=detail.get("value"),
            late=bool(attempt and attempt.late),
            override=bool(attempt and attempt.override),
            resolved=history.resolved,
            background=running and step.kind in COLLECTING and step.for_ms is not None,
            elsewhere=running and attempt is not None and self.life(attempt.who) is Life.ELSEWHERE,
            passed_over=step.id in self.jumps.over,
            text_changed=state == State.STALE and attempt is not None and attempt.text_sha256 != step.sha256,
            attempts=_attempts(history, lost=state == State.LOST),
        )

    def _elapsed(self, started: Event | None) -> int | None:
        """How long it runs, by a clock that nobody sets if we share one with the session that began it."""
        if started is None:
            return None
        if self.monotonic_ms is not None and started.who.boot == boot_id():
            return max(0, self.monotonic_ms - started.monotonic_ms)
        return max(0, self.now_ms - started.at_ms)

    def _needs(self, step: Step, bare: Mapping[str, tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Needs that are not met, and those that are met with something to say about them."""
        unmet: list[str] = []
        remarks: list[str] = []
        for need in step.needs:
            state, _ = bare.get(need, (State.READY, ""))
            decider, choice = self.jumps.over.get(step.id, ("", ""))
            if decider == need and state in (State.PASSED, State.STALE):
                unmet.append(f"{need} (chose {choice})")
            elif state == State.PASSED:
                continue
            elif state in (State.SKIPPED, State.STALE) and step.effect is not Effect.CHANGES:
                remarks.append(f"{need} ({state})")
            else:
                unmet.append(need if state == State.READY else f"{need} ({state})")
        return tuple(unmet), tuple(remarks)

    def _stale(self, step: Step, history: History, attempt: Attempt) -> str:
        passed = history.passed
        if passed is None:
            return ""
        if attempt.text_sha256 != step.sha256:
            return "its text changed with an edition adopted since"
        if step.max_age_ms is None:
            return ""
        at = self._evidence_ms(step, passed)
        if at is None:
            return "its evidence was withdrawn"
        age = min(self.now_ms, self._first_use(step, passed)) - at
        return (
            f"its evidence is {format_duration(age)} old, limit {format_duration(step.max_age_ms)}"
            if age > step.max_age_ms
            else ""
        )

    def _evidence_ms(self, step: Step, passed: Event) -> int | None:
        """The instant for which the step's evidence speaks."""
        if "evidence_ms" in passed.detail:
            return int(passed.detail["evidence_ms"])
        if step.kind not in COLLECTING or not step.feeds:
            return passed.at_ms
        return newest_look(self.query, step.feeds)

    def _first_use(self, step: Step, passed: Event) -> int:
        """When somebody first built on it: from then on its age no longer grows."""
        users = {other.id for other in self.runbook.steps if step.id in other.needs} | {passed.detail.get("next")}
        return next(
            (
                event.at_ms
                for event in self.events
                if event.id > passed.id and event.step in users and event.kind == "started"
            ),
            self.now_ms,
        )


def _attempts(history: History, *, lost: bool) -> tuple[Attempt, ...]:
    """Every attempt, the newest one as it is derived."""
    found = [history.attempts[number] for number in sorted(history.attempts)]
    if lost:
        found[-1] = replace(found[-1], state="lost")
    return tuple(found)


def _process(attempt: Attempt) -> str:
    return f"{attempt.who.place}, process {attempt.who.pid}" if attempt.who.pid else attempt.who.place


def newest_look(query: Query, streams: Sequence[str]) -> int | None:
    """The newest instant up to which any of these streams was watched, by collections that still count."""
    marks = ", ".join("?" * len(streams))
    rows: list[Any] = query(
        f"SELECT max(to_ms) FROM coverage WHERE stream IN ({marks}) AND collection NOT IN (SELECT collection FROM retraction)",  # noqa: S608 marks are ?
        tuple(streams),
    )
    return None if rows[0][0] is None else int(rows[0][0])
