"""Boundary probes of the conditions that go by readings: queue, ratio, probe, level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from collectors.drill.boundary_trial import (
    BELOW,
    TRIPPED,
    UNCERTAIN,
    Evidence,
    Trial,
    chain,
    settling,
    with_hole,
)
from store.instants import MINUTE_MS, format_duration
from store.runbook.model import Condition

_MICRO = 1_000_000
_ODD_STATUSES = (500, 503, 418, 599)
_STALE = ("stale",)

_Make = Callable[[str, str, tuple[str, ...], Sequence[tuple[int, int, int]]], Trial]
_Say = Callable[[int, int], str]


def queue_trials(condition: Condition) -> Iterator[Trial]:
    """Queue: growth to one, a span a millisecond short, one drop, gaps and age exactly as long as allowed and beyond."""
    window, gap, growth = condition.window_ms, condition.max_gap_ms or 1, condition.min_growth or 1
    least = condition.min_snapshots or 2
    parts = max(-(-window // gap), least - 1, 1)
    whole, over = chain(-1 - window, -1, parts), format_duration(window)
    rising, slower = chain(0, growth, parts), chain(0, growth - 1, parts)

    def trial(name: str, says: str, expected: tuple[str, ...], instants: list[int], depths: list[int]) -> Trial:
        depth = tuple(zip(instants, depths, strict=True))
        told = f"{len(instants)} snapshots over {over}{says}"
        return Trial(name, told, expected, Evidence(depths=depth, watched=((instants[0], 0),)))

    up = f", depth up by {growth}"
    yield trial("last harmless value", f", depth up by {growth - 1}", BELOW, whole, slower)
    yield trial("first tripping value", up, TRIPPED, whole, rising)
    yield trial("one millisecond short", f" less a millisecond{up}", UNCERTAIN, [whole[0] + 1, *whole[1:]], rising)
    dropped = [growth + 2, *chain(growth + 1, 3 * growth + 1, parts - 1)] if parts > 1 else [growth + 2, growth + 1]
    yield trial("one drop", ", growing but for one drop", BELOW, whole, dropped)
    if window > gap:
        rest = chain(-1 - window + gap, -1, parts)
        depths = [0, *chain(0, growth, parts)]
        told = f"{up}, two of them {format_duration(gap)} apart"
        yield trial("longest gap", told, TRIPPED, [-1 - window, *rest], depths)
        yield trial("a gap too long", f"{told} and a millisecond", UNCERTAIN, [-2 - window, *rest], depths)
    if least > 2 and least - 2 >= -(-window // gap):
        few = chain(-1 - window, -1, least - 2)
        yield trial("one snapshot too few", up, UNCERTAIN, few, chain(0, growth, least - 2))
    age = f"{up}, the last {format_duration(gap)} ago"
    yield trial("oldest reading that counts", age, TRIPPED, [at - gap + 1 for at in whole], rising)
    yield trial("a reading too old", f"{age} and a millisecond", _STALE, [at - gap for at in whole], rising)


def ratio_trials(condition: Condition) -> Iterator[Trial]:
    """Ratio: exactly the limit and one failure more, the floors, the watched share, the window's edges, no runs at all."""
    window, percent = condition.window_ms, condition.limit or 0
    least_failures, least_total = condition.min_failures or 0, condition.min_total or 1
    times = max(1, -(-least_total // 100), -(-(least_failures - 1) // percent) if percent else 1)
    total, trips = 100 * times, max(percent * times + 1, least_failures)
    whole = ((-window, 0),)
    first = -(window // MINUTE_MS) * MINUTE_MS

    def trial(
        name: str, says: str, expected: tuple[str, ...], minutes: Sequence[tuple[int, int, int]],
        watched: tuple[tuple[int, int], ...] = whole,
    ) -> Trial:  # fmt: skip
        return Trial(name, says, expected, Evidence(minutes=tuple(minutes), watched=watched))

    def of(failures: int, runs: int) -> str:
        return f"{failures} failures in {runs} {condition.of or 'runs'} within {format_duration(window)}"

    over, below = of(trips, total), of(trips - 1, total)
    yield trial("last harmless value", below, BELOW, [(-MINUTE_MS, total, trips - 1)])
    yield trial("first tripping value", over, TRIPPED, [(-MINUTE_MS, total, trips)])
    yield from _floors(condition, trial, of)
    need = -(-window * (condition.min_cover_percent or 0) // 100)
    if need > 0:
        share = f"{over}, {condition.min_cover_percent} % of it watched"
        yield trial("least watched time", share, TRIPPED, [(-MINUTE_MS, total, trips)], ((-need, 0),))
        if need > 1:
            short = ((-need + 1, 0),)
            yield trial(
                "watched too little", f"{share} but a millisecond", UNCERTAIN, [(-MINUTE_MS, total, trips)], short
            )
    yield trial("at the window's start", f"{over}, in its first minute", TRIPPED, [(first, total, trips)])
    before = [(first - MINUTE_MS, total, trips), (-MINUTE_MS, total, 0)]
    yield trial("before the window", f"{over}, but all in the minute before it", BELOW, before)
    after = [(-MINUTE_MS, total, 0), (0, total, trips)]
    yield trial("at the window's end", f"{over}, but all in the minute after it", BELOW, after)
    yield trial("no runs at all", f"no {condition.of or 'runs'} in {format_duration(window)}", ("no_data",), [])
    hole = f"{of(0, total)}, of which one millisecond was not watched"
    yield trial("a hole of one millisecond", hole, UNCERTAIN, [(-MINUTE_MS, total, 0)], with_hole(-window))
    yield from settling(window, max(use.settle_ms for use in condition.streams), ("partial", "no_data"))


def _floors(condition: Condition, trial: _Make, of: _Say) -> Iterator[Trial]:
    """One failure and one run below the floors, although the share is beyond the limit."""
    failures, total, percent = condition.min_failures or 0, condition.min_total or 1, condition.limit or 0
    runs = max(total, failures)
    if failures > 1 and (failures - 1) * 100 > percent * runs:
        yield trial("one failure too few", of(failures - 1, runs), BELOW, [(-MINUTE_MS, runs, failures - 1)])
        yield trial("just enough failures", of(failures, runs), TRIPPED, [(-MINUTE_MS, runs, failures)])
    if total > 1 and total - 1 >= failures and percent < 100:
        yield trial("one run too few", of(total - 1, total - 1), BELOW, [(-MINUTE_MS, total - 1, total - 1)])
        yield trial("just enough runs", of(total, total), TRIPPED, [(-MINUTE_MS, total, total)])


def probe_trials(condition: Condition) -> Iterator[Trial]:
    """Probe: every answer as expected, one not, none, one at either edge of the window, one route not asked."""
    window, routes = condition.window_ms, tuple(dict.fromkeys(condition.routes))
    good, first = condition.expect[0], routes[0]
    odd = next((status for status in _ODD_STATUSES if status not in condition.expect), 598)
    every = [(-1, route, good) for route in routes]
    rest = [answer for answer in every if answer[1] != first]

    def trial(name: str, says: str, expected: tuple[str, ...], answers: Sequence[tuple[int, str, int]]) -> Trial:
        told = f"{len(routes)} route{'' if len(routes) == 1 else 's'} within {format_duration(window)}: {says}"
        return Trial(name, told, expected, Evidence(answers=tuple(answers), watched=((-window, 0),)))

    watch = ("watch",)
    yield trial("last harmless value", f"each answered {good}", ("ok",), every)
    yield trial("first watched value", f"{first} answered {odd}", watch, [*rest, (-1, first, odd)])
    yield trial("no answer", f"{first} answered 000", watch, [*rest, (-1, first, 0)])
    yield trial("a later success", f"{first} answered 000, then {good}", watch, [(-window, first, 0), *every])
    yield trial("before the window", f"{first} answered 000 a millisecond before it, then {good}", ("ok",), [(-window - 1, first, 0), *every])  # fmt: skip
    missing = UNCERTAIN if rest else ("no_data",)
    yield trial("a route not asked", f"{first} was asked before the window only", missing, [(-window - 1, first, good), *rest])  # fmt: skip
    yield trial("at the window's end", f"{first} was asked at its end only", missing, [*rest, (0, first, good)])


def level_trials(condition: Condition) -> Iterator[Trial]:
    """Level: exactly the limit and a millionth beyond, long enough or a millisecond short, a dip, gaps, age."""
    held, gap, limit = condition.for_ms or 1, condition.max_gap_ms or 1, condition.limit or 0
    beyond = limit - 1 if condition.op == "<" else limit + 1
    parts = max(1, -(-held // gap))
    whole, over = chain(-1 - held, -1, parts), format_duration(held)
    sign = "under" if condition.op == "<" else "over"

    def trial(name: str, says: str, expected: tuple[str, ...], readings: Sequence[tuple[int, int]]) -> Trial:
        told = f"{len(readings)} readings of {condition.series}{says}"
        return Trial(name, told, expected, Evidence(readings=tuple(readings), watched=((readings[0][0], 0),)))

    def all_at(instants: Sequence[int], micro: int) -> list[tuple[int, int]]:
        return [(at, micro) for at in instants]

    stays = f" a millionth {sign} {plain(limit)} for {over}"
    yield trial("last harmless value", f" at {plain(limit)} for {over}", BELOW, all_at(whole, limit))
    yield trial("first tripping value", stays, TRIPPED, all_at(whole, beyond))
    short = [(whole[0], limit), *all_at([whole[0] + 1, *whole[1:]], beyond)]
    yield trial("one millisecond short", f"{stays} less a millisecond", BELOW, short)
    dip = (whole[0] + whole[1]) // 2
    if whole[0] < dip < whole[1]:
        readings = [(whole[0], beyond), (dip, limit), *all_at(whole[1:], beyond)]
        yield trial("one dip", f"{stays} but for one", BELOW, readings)
    if held > gap:
        rest = chain(-1 - held + gap, -1, parts)
        told = f"{stays}, two of them {format_duration(gap)} apart"
        yield trial("longest gap", told, TRIPPED, all_at([-1 - held, *rest], beyond))
        if gap > 1:
            yield trial("a gap too long", f"{told} and a millisecond", UNCERTAIN, all_at([-2 - held, *rest], beyond))
    age = f"{stays}, the last {format_duration(gap)} ago"
    yield trial("oldest reading that counts", age, TRIPPED, all_at([at - gap + 1 for at in whole], beyond))
    yield trial("a reading too old", f"{age} and a millisecond", _STALE, all_at([at - gap for at in whole], beyond))


def plain(micro: int) -> str:
    """Millionths as a decimal number, exactly."""
    whole, rest = divmod(abs(micro), _MICRO)
    text = f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
    return f"-{text}" if micro < 0 else text
