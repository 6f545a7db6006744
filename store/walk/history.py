"""What has become of one step: its attempts, folded from its events.

A failed or lost attempt stays what it was when another one follows it. The fold trusts nothing but the order of the rows; it never looks
at a clock, a process or the runbook.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from store.walk.events import Event
from store.walk.session import Who

ENDS = ("passed", "failed", "skipped", "lost", "late")
"""Kinds of event that end an attempt."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a step. `state` is running, held, passed, failed, skipped, lost, retracted or untouched."""

    number: int
    state: str
    started_ms: int | None
    ended_ms: int | None
    operator: str
    ended_by: str
    reason: str
    late: bool
    override: bool
    claimed_ms: int | None
    detail: dict[str, Any]
    text_sha256: str
    who: Who


@dataclass(slots=True)
class History:
    """The fold of one step's events. `fresh`: the next deed begins a new attempt, or the first one."""

    attempts: dict[int, Attempt] = field(default_factory=dict)
    fresh: bool = True
    resolved: str | None = None
    last: Event | None = None
    passed: Event | None = None
    started: Event | None = None

    @property
    def newest(self) -> Attempt | None:
        """The attempt with the highest number."""
        return self.attempts[max(self.attempts)] if self.attempts else None

    @property
    def next_number(self) -> int:
        """Number of the attempt that the next deed belongs to."""
        newest = self.newest
        if newest is None:
            return 1
        return newest.number if newest.state in ("untouched", "running", "held") else newest.number + 1

    def take(self, event: Event) -> None:
        """Take the next event in."""
        old = self.attempts.get(event.attempt)
        self.attempts[event.attempt] = attempt = _moved(old, event)
        self.last = event
        self.fresh = attempt.state == "untouched" or event.kind == "reopened" or _undone(event)
        if event.kind == "resolved":
            self.resolved = str(event.detail.get("took_effect", "unknown"))
        elif event.kind not in ("answered", "confirmed"):
            self.resolved = None
        if event.kind == "started":
            self.started = event
        if attempt.state == "passed" and event.kind not in ("reopened", "answered"):
            self.passed = event


def histories(events: Iterable[Event]) -> dict[str, History]:
    """The history of every step that was ever touched."""
    found: dict[str, History] = {}
    for event in events:
        found.setdefault(event.step, History()).take(event)
    return found


def _undone(event: Event) -> bool:
    return event.kind == "resolved" and event.detail.get("took_effect") == "no"


def _state_after(old: Attempt | None, event: Event) -> str:
    match event.kind:
        case "started":
            return "running"
        case "passed" | "late":
            return "passed"
        case "failed" | "skipped" | "lost" | "held" | "retracted":
            return event.kind
        case "resolved":
            return "passed" if event.detail.get("took_effect") == "yes" else "lost"
        case "confirmed":
            if old is None or old.state != "held":
                return old.state if old else "untouched"
            return "running" if old.started_ms is not None else "untouched"
        case _:
            return old.state if old else "untouched"


def _moved(old: Attempt | None, event: Event) -> Attempt:
    state = _state_after(old, event)
    starts = event.kind == "started"
    ends = event.kind in ENDS
    says = event.kind not in ("answered", "reopened")
    return Attempt(
        number=event.attempt,
        state=state,
        started_ms=event.at_ms if starts else old.started_ms if old else None,
        ended_ms=event.at_ms if ends else old.ended_ms if old else None,
        operator=event.operator if starts or old is None else old.operator,
        ended_by=event.operator if ends else old.ended_by if old else "",
        reason=event.reason if says else old.reason if old else "",
        late=event.kind == "late" or (old is not None and old.late),
        override=event.override or (old is not None and old.override),
        claimed_ms=event.claimed_ms if event.claimed_ms is not None else old.claimed_ms if old else None,
        detail={**(old.detail if old else {}), **event.detail},
        text_sha256=event.step_sha256,
        who=event.who if starts or old is None else old.who,
    )
