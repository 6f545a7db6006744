"""One person's hold on one case, and the frame in which every deed is stored.

Each deed is one transaction that takes the write lock first and looks second: what it sees cannot be raced, and the loser of a race is
told who won. The frame also records what the deed makes certain: attempts whose process is gone, and where the run's scope begins.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from store.case import Case, Transaction
from store.errors import BadInput, Refused
from store.instants import format_duration, format_instant
from store.journal import Scope, StepEvent
from store.runbook.model import Runbook, Step
from store.walk.events import Query
from store.walk.masking import masked, masked_detail, secret_values
from store.walk.session import Alive, Who, life_of, monotonic_ms, open_session
from store.walk.states import State, StepState, WalkState, derive, read_walk

WRITER = "walk"


@dataclass(frozen=True, slots=True)
class Deed:
    """What was stored: the event's reference, its step and attempt, and the transaction it belongs to."""

    ref: str
    step: str
    attempt: int
    kind: str
    at_ms: int
    seq: int


class Walk:
    """A case in the hands of one person. Reads on any case; deeds need it open for writing."""

    def __init__(
        self,
        case: Case,
        who: Who,
        *,
        monotonic: Callable[[], int] = monotonic_ms,
        life: Alive = life_of,
        runbook: Runbook | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.case = case
        self.who = who
        self.monotonic = monotonic
        self.life = life
        self.environ = environ
        self._known: tuple[int, Runbook] | None = None if runbook is None else (case.edition(), runbook)

    def edition(self) -> tuple[int, Runbook]:
        """The edition that holds, parsed once for as long as no other is adopted."""
        newest = self.case.edition()
        if self._known is None or self._known[0] != newest:
            self._known = (newest, self.case.runbook())
        return self._known

    @property
    def runbook(self) -> Runbook:
        """The runbook of the edition that holds."""
        return self.edition()[1]

    def read(self) -> WalkState:
        """The walk as it stands."""
        edition, runbook = self.edition()
        return read_walk(
            self.case.read(),
            runbook,
            edition=edition,
            now_ms=self.case.clock(),
            monotonic_ms=self.monotonic(),
            life=self.life,
        )

    @contextlib.contextmanager
    def acting(self) -> Iterator[Acting]:
        """The frame of one deed: the write lock, the state under it, and one commit at the end."""
        self.edition()  # parsing is slow; not under the lock
        with self.case.transaction(WRITER) as tx:
            acting = self.take_up(tx)
            acting.begin_scope()
            yield acting

    def take_up(self, tx: Transaction) -> Acting:
        """The state as a transaction sees it, with the attempts written down whose process is gone."""
        edition, runbook = self.edition()
        now, elapsed = self.case.clock(), self.monotonic()
        session = open_session(tx, self.who, now_ms=now)
        seen = derive(tx.query, runbook, edition=edition, now_ms=now, monotonic_ms=elapsed, life=self.life)
        secrets = secret_values(runbook, self.environ)
        acting = Acting(tx, self.who, runbook, edition, session, now, elapsed, self.life, secrets, seen)
        acting.record_lost()
        return acting


def begin(walk: Walk) -> WalkState:
    """Take a case up, as the desk does when it opens: attempts without a living process are recorded as lost, the run gets its scope."""
    with walk.acting():
        pass
    return walk.read()


@dataclass(slots=True)
class Acting:
    """One deed under way. `walk` is the state under the write lock."""

    tx: Transaction
    who: Who
    runbook: Runbook
    edition: int
    session: int
    now_ms: int
    monotonic_ms: int
    life: Alive
    secrets: Mapping[str, str]
    walk: WalkState

    def step(self, id: str) -> Step:
        """The step of that id.

        Raises:
            BadInput: there is none; the nearest name is given.
        """
        return named_step(self.runbook, id)

    def state(self, id: str) -> StepState:
        """The state of a step."""
        return self.walk.step(self.step(id).id)

    def refresh(self) -> None:
        """Derive the state again, after rows of this deed."""
        self.walk = derive(
            self.tx.query,
            self.runbook,
            edition=self.edition,
            now_ms=self.now_ms,
            monotonic_ms=self.monotonic_ms,
            life=self.life,
        )

    def write(
        self,
        step: str,
        kind: str,
        attempt: int,
        *,
        reason: str = "",
        detail: Mapping[str, Any] | None = None,
        override: str = "",
        claimed_ms: int | None = None,
    ) -> Deed:
        """Store one transition."""
        said = masked_detail({**(detail or {}), **({"override": override} if override else {})}, self.secrets)
        words = masked(reason or override, self.secrets)
        row = StepEvent(
            self.session,
            self.edition,
            step,
            attempt,
            kind,
            self.now_ms,
            self.monotonic_ms,
            claimed_ms,
            self.who.operator,
            self.step(step).sha256,
            words,
            json.dumps(said, ensure_ascii=False, sort_keys=True),
            int(bool(override)),
        )
        return Deed(f"step_event:{self.tx.add(row)}", step, attempt, kind, self.now_ms, self.tx.seq)

    def record_lost(self) -> None:
        """Write down the attempts that readers derive as lost."""
        found = [s for s in self.walk.lost if s.attempts[-1].ended_ms is None]
        for state in found:
            attempt = state.attempts[-1]
            self.write(
                state.id,
                "lost",
                attempt.number,
                reason=state.why,
                detail={"pid": attempt.who.pid, "by": attempt.operator},
            )
        if found:
            self.refresh()

    def begin_scope(self) -> None:
        """Give the run its scope if it has none."""
        scope = scope_to_begin(self.tx.query, self.edition, self.now_ms)
        if scope is not None:
            self.tx.add(scope)


def scope_to_begin(query: Query, edition: int, now_ms: int) -> Scope | None:
    """The scope that a walk begun now gets: from the last deployment, else one longest window before now; nothing if there is one."""
    if query("SELECT 1 FROM scope LIMIT 1", ()):
        return None
    mark = query("SELECT id, at_ms FROM mark WHERE name = 'deploy' ORDER BY id DESC LIMIT 1", ())
    if mark:
        return Scope(mark[0][1], "the walk began: from the mark deploy", mark[0][0], now_ms)
    (longest,) = query("SELECT max(window_ms) FROM definition WHERE edition = ?", (edition,))[0]
    if longest is None:
        return None
    return Scope(
        now_ms - longest, f"the walk began: one longest window before it, {format_duration(longest)}", None, now_ms
    )


def named_step(runbook: Runbook, id: str) -> Step:
    """The step of that id.

    Raises:
        BadInput: there is none; the nearest name is given.
    """
    for step in runbook.steps:
        if step.id == id:
            return step
    known = [step.id for step in runbook.steps]
    close = difflib.get_close_matches(id, known, n=1)
    raise BadInput(
        f"there is no step {id!r}", f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
    )


def refuse(state: StepState, wanted: str, now_ms: int) -> Refused:
    """Why a deed is not possible in a state, naming who brought it there and when, and what is possible."""
    ways = ", ".join(state.acts)
    verb = "finish" if wanted == "done" else wanted
    return Refused(f"cannot {verb} {state.id}: {standing(state, now_ms)}", f"possible now: {ways}")


def standing(state: StepState, now_ms: int) -> str:
    """How a step stands, by whose hand and since when."""
    if state.since_ms is None or not state.operator:
        return f"it is {state.state}" + (f", {state.why}" if state.why else "")
    words = {
        State.RUNNING: "started",
        State.HELD: "held",
        State.PASSED: "passed",
        State.FAILED: "marked failed",
        State.SKIPPED: "skipped",
        State.RETRACTED: "retracted",
    }
    at = state.started_ms if state.state == State.RUNNING and state.started_ms is not None else state.since_ms
    ago = format_duration(max(0, now_ms - at))
    verb = words.get(State(state.state))
    by = f"{state.operator} at {format_instant(at)} ({ago} ago{_from(state)})"
    return f"it was {verb} by {by}" if verb else f"it is {state.state}, {state.why}; last touched by {by}"


def _from(state: StepState) -> str:
    return f", {state.place}" if state.place and state.state in (State.RUNNING, State.HELD) else ""
