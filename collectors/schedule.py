"""Look again and again without drift, and leave a row for every look: one that was missed or failed is evidence too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from store.case import Case
from store.evidence import Collection, CollectionEnd, CollectionStatus
from store.instants import format_duration


class Collected(NamedTuple):
    """One collection as it ended. `what` says which part of a tick it is: queue, ledger, probes, browser, files."""

    id: int
    what: str
    status: str
    reason: str
    from_ms: int
    to_ms: int
    rows: int

    @property
    def ref(self) -> str:
        """The form of citation used everywhere."""
        return f"collection:{self.id}"


class CollectedTick(NamedTuple):
    """What one look at one stream left in the case, in one transaction."""

    stream: str
    collections: tuple[Collected, ...]
    seq: int

    @property
    def failed(self) -> tuple[Collected, ...]:
        """The parts that gave no answer."""
        return tuple(each for each in self.collections if each.status == CollectionStatus.FAILED)

    @property
    def reason(self) -> str:
        """Why parts failed, in one line; empty when none did."""
        return "; ".join(f"{each.what}: {each.reason}" for each in self.failed)


class Ticks:
    """The instants t0 + k*every on a clock that only moves forward; the wall clock may jump meanwhile."""

    def __init__(
        self, every_ms: int, for_ms: int | None, *, steady_ms: Callable[[], int], wall_ms: Callable[[], int]
    ) -> None:
        self.every_ms = every_ms
        self.for_ms = for_ms
        self._steady_ms = steady_ms
        self._start_ms = steady_ms()
        self._wall_start_ms = wall_ms()

    def planned_ms(self, number: int) -> int:
        """When a tick was to be, on the wall clock as it stood at the start."""
        return self._wall_start_ms + number * self.every_ms

    def wait_ms(self, number: int) -> int:
        """How long until a tick is due; not above zero when it is."""
        return self._start_ms + number * self.every_ms - self._steady_ms()

    def due(self) -> int:
        """The newest tick that is due."""
        return (self._steady_ms() - self._start_ms) // self.every_ms

    @property
    def ends_ms(self) -> int | None:
        """When the last look must be over, on the steady clock: one pace after the end."""
        return None if self.for_ms is None else self._start_ms + self.for_ms + self.every_ms

    def over(self, number: int) -> bool:
        """Whether a tick lies beyond the end; the one at the end itself still belongs to it (T0 and T0 + 30 min)."""
        return self.for_ms is not None and number * self.every_ms > self.for_ms


class Tick(NamedTuple):
    """One planned look; `missed` when its time passed while an earlier one was still going on."""

    number: int
    planned_ms: int
    missed: bool


def ticks(schedule: Ticks, wait: Callable[[float], bool]) -> Iterator[Tick]:
    """Each planned look when it is due; `wait(seconds)` returns True to stop. Missed looks come out as missed."""
    number = 0
    while not schedule.over(number):
        remaining = schedule.wait_ms(number)
        if remaining > 0:
            if wait(remaining / 1000):
                return
            continue
        newest = schedule.due()
        while number < newest and not schedule.over(number):
            yield Tick(number, schedule.planned_ms(number), missed=True)
            number += 1
        if schedule.over(number):
            return
        yield Tick(number, schedule.planned_ms(number), missed=False)
        number += 1


def steady_ms() -> int:
    """A clock that counts a sleeping machine's time too, so that a closed lid is seen as missed ticks."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000_000


def record_missed(case: Case, stream: str, collector: str, planned_ms: int, now_ms: int, reason: str) -> CollectedTick:
    """Store a look that did not take place; it covers nothing."""
    return store_failure(case, stream, collector, planned_ms, now_ms, missed_by(planned_ms, now_ms, reason))


def missed_by(planned_ms: int, now_ms: int, reason: str) -> str:
    """Why a look did not take place, in one sentence."""
    return f"missed by {format_duration(max(now_ms - planned_ms, 0))}: {reason}"


def store_failure(case: Case, stream: str, collector: str, planned_ms: int, now_ms: int, reason: str) -> CollectedTick:
    """Store a look that gave nothing, with the reason."""
    collection = Collection(stream, collector, planned_ms, planned_ms, now_ms, edition=case.edition())
    with case.transaction(collector) as tx:
        id = tx.add(collection)
        tx.add(CollectionEnd(id, CollectionStatus.FAILED, reason, now_ms))
    ended = Collected(id, collector, CollectionStatus.FAILED, reason, planned_ms, planned_ms, 0)
    return CollectedTick(stream, (ended,), tx.seq)
