"""What a boundary probe is made of: evidence at times relative to the judged instant, and what must come of it.

Offsets are milliseconds from the judged instant T; the window is [-window, 0). Nothing here is judged: what must come of
evidence follows from how it was made, and the views of the case are asked whether they agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

TRIPPED = ("tripped",)
BELOW = ("watch", "ok")
UNCERTAIN = ("partial",)
UNSEEN = ("no_data", "stale", "partial")

LARGEST = 50_000
"""Matches beyond which a boundary is not rehearsed: one collection keeps twice as many."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen, and over which spans it was looked at."""

    seen: tuple[tuple[int, str], ...] = ()
    watched: tuple[tuple[int, int], ...] = ()
    depths: tuple[tuple[int, int], ...] = ()
    minutes: tuple[tuple[int, int, int], ...] = ()
    answers: tuple[tuple[int, str, int], ...] = ()
    readings: tuple[tuple[int, int], ...] = ()
    early_ms: int = 0
    """How long before it has settled the last span is collected."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One boundary probe before it is tried."""

    name: str
    says: str
    expected: tuple[str, ...]
    evidence: Evidence
    value: int | None = None


def spread(count: int, start: int, end: int) -> list[int]:
    """So many instants, evenly within [start, end)."""
    return [start + (end - start) * (2 * i + 1) // (2 * count) for i in range(count)]


def chain(start: int, end: int, parts: int) -> list[int]:
    """Instants from start to end, both included, in so many equal parts."""
    return [start + (end - start) * i // parts for i in range(parts + 1)]


def with_hole(start: int, end: int = 0) -> tuple[tuple[int, int], ...]:
    """A span that was watched but for one millisecond in its middle."""
    middle = (start + end) // 2
    return tuple(span for span in ((start, middle), (middle + 1, end)) if span[0] < span[1])


def in_turn(instants: Sequence[int], names: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """Matches at the instants, of each signature in turn, so that all of them are shown to count together."""
    return tuple((at, names[i % len(names)]) for i, at in enumerate(instants))


def settling(window_ms: int, settle_ms: int, expected: tuple[str, ...] = UNCERTAIN) -> Iterator[Trial]:
    """A window that is collected one millisecond before its end has settled."""
    if settle_ms > 0:
        yield Trial(
            "one millisecond too early",
            "nothing seen, the end of the window not settled yet",
            expected,
            Evidence(watched=((-window_ms, 0),), early_ms=1),
        )
