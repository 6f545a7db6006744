"""Boundary probes of the conditions that count log matches: count, burst, trend, loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collectors.drill.boundary_trial import (
    BELOW,
    TRIPPED,
    UNCERTAIN,
    Evidence,
    Trial,
    in_turn,
    settling,
    spread,
    with_hole,
)
from store.instants import format_duration
from store.runbook.model import Condition

_MICRO = 1_000_000


class Makers(NamedTuple):
    """The signatures of which specimens can be made: all that a condition counts, and for a loop one per group.

    `shares` says which other groups a group's specimen also belongs to.
    """

    names: tuple[str, ...]
    groups: dict[str, str]
    shares: dict[str, frozenset[str]]


def count_trials(condition: Condition, makers: Makers) -> Iterator[Trial]:
    """Count: the last harmless number and the first that trips, at the window's edges, and with a hole."""
    window, trips, quiet = condition.window_ms, _first_over(condition), _last_below(condition)
    whole, within = ((-window, 0),), f"within {format_duration(window)}"

    def trial(name: str, says: str, expected: tuple[str, ...], instants: Sequence[int], value: int) -> Trial:
        seen = in_turn(instants, makers.names)
        return Trial(name, f"{_matches(len(instants), makers)} {says}", expected, Evidence(seen, whole), value)

    yield trial("last harmless value", within, BELOW, spread(quiet, -window, 0), quiet)
    yield trial("first tripping value", within, TRIPPED, spread(trips, -window, 0), trips)
    rest = spread(quiet, -window + 1, 0)
    yield trial("at the window's start", f"{within}, one exactly at its start", TRIPPED, [-window, *rest], trips)
    yield trial("before the window", f"{within}, one a millisecond before it", BELOW, [-window - 1, *rest], quiet)
    yield trial("at the window's end", f"{within}, one exactly at its end", BELOW, [*rest, 0], quiet)
    yield trial("just inside the end", f"{within}, one a millisecond before its end", TRIPPED, [*rest, -1], trips)
    yield _hole(window)
    yield from settling(window, max(use.settle_ms for use in condition.streams))


def burst_trials(condition: Condition, makers: Makers) -> Iterator[Trial]:
    """Burst: the same, and a slice that is one millisecond too long."""
    window, length = condition.window_ms, condition.slice_ms or condition.window_ms
    trips, quiet, whole = _first_over(condition), _last_below(condition), ((-window, 0),)
    start = -window + (window - length) // 2
    within = f"within {format_duration(length)}"

    def trial(name: str, says: str, expected: tuple[str, ...], instants: Sequence[int], value: int) -> Trial:
        seen = in_turn(instants, makers.names)
        return Trial(name, f"{_matches(len(instants), makers)} {says}", expected, Evidence(seen, whole), value)

    yield trial("last harmless value", within, BELOW, spread(quiet, start, start + length), quiet)
    yield trial("first tripping value", within, TRIPPED, spread(trips, start, start + length), trips)
    if trips > 1:
        inside = spread(trips - 2, start + 1, start + length - 1)
        last = start + length - 1
        yield trial("slice just long enough", f"{within}, to the millisecond", TRIPPED, [start, *inside, last], trips)
        if length < window:
            yield trial(
                "slice one millisecond too short",
                f"over {format_duration(length)} and a millisecond",
                BELOW,
                [start, *inside, start + length],
                quiet,
            )
        early = spread(quiet, -window, -window + length - 1)
        yield trial("before the window", f"{within}, one before the window", BELOW, [-window - 1, *early], quiet)
        edge = spread(quiet, -window + 1, -window + length)
        yield trial("at the window's start", f"{within}, one at the window's start", TRIPPED, [-window, *edge], trips)
    yield _hole(window)


def trend_trials(condition: Condition, makers: Makers) -> Iterator[Trial]:
    """Trend: the floor and the significance to one match, the tile's edge, a fall, and a hole."""
    rises, floor, z2 = condition.rises or 2, condition.floor or 0, condition.z2_micro or 0
    low = list(range(rises))
    least = max(floor, -(-z2 // _MICRO), rises)
    yield _tiles(condition, makers, "last harmless value", BELOW, [*low, least - 1])
    yield _tiles(condition, makers, "first tripping value", TRIPPED, [*low, least])
    if z2 > 0 and floor > 0:
        high = [floor + step for step in range(rises)]
        least = _significant(floor, floor + rises, z2)
        if least > floor + rises:
            yield _tiles(condition, makers, "last rise within chance", BELOW, [*high, least - 1])
            yield _tiles(condition, makers, "first rise beyond chance", TRIPPED, [*high, least])
    least = max(floor, -(-z2 // _MICRO), rises)
    yield _tiles(condition, makers, "at the tile's end", BELOW, [*low, least], last_at=0, value=least - 1)
    yield _tiles(condition, makers, "just inside the tile", TRIPPED, [*low, least], last_at=-1)
    if rises > 1:
        yield _tiles(condition, makers, "one rise missing", BELOW, [*([0] * rises), least + rises])
    yield _tiles(condition, makers, "a hole of one millisecond", UNCERTAIN, [*low, least], hole=True)


def loop_trials(condition: Condition, makers: Makers) -> Iterator[Trial]:
    """Loop: the last slice complete or not, slices that overlap by a millisecond, edges, and a hole."""
    window, length, slices = condition.window_ms, condition.slice_ms or condition.window_ms, condition.limit or 1
    starts = [-window + i * max(length, (window - length) // max(slices, 1)) for i in range(slices)]
    cycle = f"{slices} slices of {format_duration(length)} in which {', '.join(condition.groups)} failed"

    def trial(name: str, says: str, expected: tuple[str, ...], seen: list[tuple[int, str]], value: int) -> Trial:
        return Trial(name, says, expected, Evidence(tuple(seen), ((-window, 0),)), value)

    whole = [event for at in starts for event in _slice(at, makers)]
    yield trial("first tripping value", cycle, TRIPPED, whole, slices)
    part = _incomplete(condition, makers)
    if part is not None:
        kept = [event for at in starts[:-1] for event in _slice(at, makers)]
        missing = [(starts[-1], makers.groups[group]) for group in condition.groups if group != part]
        yield trial("last harmless value", f"{cycle}, but {part} not in the last", BELOW, kept + missing, slices - 1)
        late = [(starts[-1], name) for group, name in makers.groups.items() if group != part]
        edge = starts[-1] + length
        if edge < 0 and len(condition.groups) > 1:
            seen = [*kept, *late, (edge, makers.groups[part])]
            yield trial("one slice too long", f"{cycle}, {part} a millisecond late", BELOW, seen, slices - 1)
        if edge <= 0:
            seen = [*kept, *late, (edge - 1, makers.groups[part])]
            says = f"{cycle}, {part} at the end of the last"
            yield trial("a slice just long enough", says, TRIPPED, seen, slices)
    if slices > 1:
        tight = [-window + i * length for i in range(slices - 1)]
        for name, last, expected in (("slices that touch", 0, TRIPPED), ("slices that overlap", 1, BELOW)):
            at = [*tight, tight[-1] + length - last]
            seen = [event for start in at for event in _slice(start, makers)]
            yield trial(name, f"{cycle}, the last two {length - last} ms apart", expected, seen, slices - last)
    seen = [event for at in (-window - 1, *starts[1:]) for event in _slice(at, makers)]
    yield trial("before the window", f"{cycle}, the first a millisecond before it", BELOW, seen, slices - 1)
    yield _hole(window)


def _first_over(condition: Condition) -> int:
    limit = condition.limit or 0
    return limit + 1 if condition.op == ">" else limit


def _last_below(condition: Condition) -> int:
    return _first_over(condition) - 1


def _matches(count: int, makers: Makers) -> str:
    return f"{count} log match{'' if count == 1 else 'es'} of {', '.join(makers.names)}"


def _hole(window: int) -> Trial:
    says = f"nothing seen in {format_duration(window)}, of which one millisecond was not watched"
    return Trial("a hole of one millisecond", says, UNCERTAIN, Evidence(watched=with_hole(-window)))


def _significant(first: int, least: int, z2_micro: int) -> int:
    """The smallest last count whose rise from the first one is beyond chance."""
    last = least
    while (last - first) ** 2 * _MICRO < z2_micro * (last + first):
        last += 1
    return last


def _tiles(
    condition: Condition, makers: Makers, name: str, expected: tuple[str, ...], counts: list[int], *,
    last_at: int | None = None, value: int | None = None, hole: bool = False,
) -> Trial:  # fmt: skip
    """Consecutive windows with these counts; with `last_at` the last match stands there."""
    window, start = condition.window_ms, -len(counts) * condition.window_ms
    instants = [at for i, n in enumerate(counts) for at in spread(n, start + i * window, start + (i + 1) * window)]
    if last_at is not None:
        instants[-1] = last_at
    where = {None: "", 0: ", the last of them exactly at their end"}.get(last_at, ", the last of them just before it")
    told = ", ".join(map(str, counts)) + where
    says = f"log matches of {', '.join(makers.names)} in {len(counts)} windows of {format_duration(window)}: {told}"
    if hole:
        says += "; one millisecond was not watched"
    watched = with_hole(start) if hole else ((start, 0),)
    shown = counts[-1] if value is None else value
    return Trial(name, says, expected, Evidence(in_turn(instants, makers.names), watched), None if hole else shown)


def _slice(at: int, makers: Makers) -> list[tuple[int, str]]:
    return [(at, name) for name in makers.groups.values()]


def _incomplete(condition: Condition, makers: Makers) -> str | None:
    """A group that no other group's specimen stands for, so that a slice without it is incomplete."""
    for group in reversed(condition.groups):
        if not any(group in makers.shares[other] for other in condition.groups if other != group):
            return group
    return None
