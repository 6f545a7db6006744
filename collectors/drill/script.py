"""A scenario as concrete requests and numbers at concrete instants. Pure: the same scenario at the same moment gives the same story."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from collectors.drill.scenario import Depth, Faults, Runs, Scenario
from store.instants import MINUTE_MS

HOST = "app.example.com"
LAST_MS = 240 * MINUTE_MS
"""How long a live world goes on at most; nobody rehearses longer without a break."""
SAMPLE_MS = 5 * MINUTE_MS
_NEVER_MS = 10 * LAST_MS

# What passes when nothing is wrong: route, method, requests in a minute.
_CALM = (
    ("/api/webhooks/email", "POST", 10),
    ("/api/inbox/conversations", "GET", 5),
    ("/api/inbox/counts", "GET", 3),
    ("/", "GET", 2),
)
# What the platform's scheduler asks for: route, every so many minutes, at which second of it.
_CRONS = (
    ("/api/cron/response-timing", 5, 2),
    ("/api/cron/background-jobs", 1, 4),
    ("/api/cron/followups", 5, 7),
    ("/api/cron/availability", 10, 9),
)
_CALM_DEPTHS = (4, 7, 3, 6, 2, 5)

_TEXTS = {
    "timeout": "Vercel Runtime Timeout Error: Task timed out after {seconds} seconds",
    "p2028": (
        "Transaction API error: A commit cannot be executed on an expired transaction. The timeout for this transaction was "
        "5000 ms, however 5612 ms passed since the start of the transaction."
    ),
    "query-wait": "Raw query failed. Code: `08P01`. Message: `query_wait_timeout`",
    "error-500": "Error: response timing batch failed: statement was cancelled",
}
_TOOK_MS = {"p2028": 5_700, "query-wait": 10_100, "error-500": 900}


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the story. `fault` is empty where it went well; `crosses` marks the one that crosses a limit."""

    started_ms: int
    ended_ms: int
    id: str
    method: str
    route: str
    status: int
    lines: tuple[tuple[str, str], ...] = ()
    fault: str = ""
    crosses: bool = False


class LiveTime(NamedTuple):
    """When a story takes place: its past lies before `begin_ms`, what is still to come begins at `live_ms`, perhaps quicker than written.

    Without `live_ms` the story stands still: nothing of what is to come has a time yet.
    """

    begin_ms: int
    quicker: int = 1
    live_ms: int | None = None

    def at(self, moment_ms: int) -> int:
        """The instant of a moment of the scenario."""
        if moment_ms <= 0:
            return self.begin_ms + moment_ms
        live = self.live_ms if self.live_ms is not None else self.begin_ms + _NEVER_MS
        return live + moment_ms // self.quicker


def history(scenario: Scenario, begin_ms: int) -> list[Request]:
    """Every request that had ended when the world went live, in the order in which they ended."""
    told = [*_calm(scenario.name, begin_ms - scenario.history_ms, begin_ms)]
    told += [
        one
        for faults in scenario.faults
        for one in _failed(scenario, faults, LiveTime(begin_ms))
        if one.ended_ms < begin_ms
    ]
    return sorted(told, key=lambda request: (request.ended_ms, request.id))


def live(scenario: Scenario, time: LiveTime) -> list[Request]:
    """Every request that ends after the world went live, in the order in which they end."""
    told = [*_calm(scenario.name, time.begin_ms, time.begin_ms + LAST_MS)]
    told += [
        one for faults in scenario.faults for one in _failed(scenario, faults, time) if one.ended_ms >= time.begin_ms
    ]
    return sorted(told, key=lambda request: (request.ended_ms, request.id))


def depth_at(scenario: Scenario, time: LiveTime, at_ms: int) -> Depth:
    """How many events wait at an instant."""
    points = scenario.depths
    if not points or at_ms < time.at(points[0].at_ms):
        # Up and down: a queue that is worked on.
        step = (at_ms - time.begin_ms) // (SAMPLE_MS if at_ms < time.begin_ms else 2_000)
        return Depth(at_ms, _CALM_DEPTHS[step % len(_CALM_DEPTHS)], points[0].failed if points else 0)
    before = max((one for one in points if time.at(one.at_ms) <= at_ms), key=lambda one: one.at_ms)
    after = next((one for one in points if time.at(one.at_ms) > at_ms), None)
    if after is None:
        return Depth(at_ms, before.pending, before.failed)
    passed, whole = at_ms - time.at(before.at_ms), time.at(after.at_ms) - time.at(before.at_ms)
    return Depth(
        at_ms,
        before.pending + (after.pending - before.pending) * passed // whole,
        before.failed + (after.failed - before.failed) * passed // whole,
    )


def sample_instants(scenario: Scenario, begin_ms: int) -> Iterator[int]:
    """When the queue was looked at before the world went live: every five minutes, and at each moment the scenario names."""
    first = begin_ms - scenario.history_ms
    named = {begin_ms + depth.at_ms for depth in scenario.depths if depth.at_ms < 0}
    yield from sorted({*range(first, begin_ms, SAMPLE_MS), *(at for at in named if at >= first)})


def runs_at(scenario: Scenario, time: LiveTime, at_ms: int) -> Runs:
    """What is dispatched and finished in the minute of an instant."""
    found = [one for one in scenario.runs if time.at(one.from_ms) <= at_ms < time.at(one.to_ms)]
    return found[-1] if found else Runs(0, 0, 4, 0, 1)


def _calm(name: str, from_ms: int, to_ms: int) -> Iterator[Request]:
    for route, method, per_minute in _CALM:
        gap = MINUTE_MS // per_minute
        first = from_ms + gap - from_ms % gap
        for at in range(first, to_ms, gap):
            chance = _chance(name, route, at)
            ended = at + chance.randrange(gap // 2)
            if ended >= to_ms:
                continue
            started = ended - chance.randrange(40, 400)
            yield Request(started, ended, _id(chance, started), method, route, 202 if "webhooks" in route else 200)
    for route, minutes, second in _CRONS:
        gap = minutes * MINUTE_MS
        for at in range(from_ms - from_ms % gap + second * 1000, to_ms, gap):
            if at >= from_ms and at + 700 < to_ms:
                chance = _chance(name, route, at)
                yield Request(at, at + 650, _id(chance, at), "GET", route, 202 if "background" in route else 200)


def _failed(scenario: Scenario, faults: Faults, time: LiveTime) -> Iterator[Request]:
    first, last = time.at(faults.from_ms), time.at(faults.to_ms)
    timed = faults.kind in ("timeout", "own")
    took = max(faults.seconds * 1000, 80) if timed else _TOOK_MS[faults.kind]
    text = faults.text if faults.kind == "own" else _TEXTS[faults.kind].format(seconds=faults.seconds)
    for number in range(faults.count):
        ended = first + (last - first) * number // faults.count
        chance = _chance(scenario.name, faults.route, faults.kind, ended, number)
        method = "POST" if "webhooks" in faults.route else "GET"
        lines = (("info", f"{method} {faults.route} began"), ("error", text or f"{method} {faults.route} failed"))
        crosses = faults.crosses and number == faults.count - 1
        status = faults.status or (504 if faults.kind == "timeout" else 500)
        yield Request(
            ended - took, ended, _id(chance, ended - took), method, faults.route, status, lines, faults.kind, crosses
        )


def _chance(*parts: object) -> random.Random:
    """Numbers that look like chance and are the same in every play of the same story."""
    return random.Random("\0".join(map(str, parts)))  # noqa: S311 nothing is kept secret by it


def _id(chance: random.Random, started_ms: int) -> str:
    letters = "".join(chance.choices("abcdefghijkmnpqrstuvwxyz23456789", k=5))
    return f"{letters}-{started_ms}-{chance.getrandbits(48):012x}"
