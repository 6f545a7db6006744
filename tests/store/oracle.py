"""A second reading of SEMANTICS: each rule as the plainest possible loop over all rows, to hold the views against.

It knows nothing of SQL, of windows functions or of sweeps. It answers for the runbook of world.py: one condition per signal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from store.instants import parse_instant
from store.runbook.model import Condition, Runbook

STALE, SKEW = 300_000, 5_000


@dataclass
class Batch:
    """A collection as the oracle sees it."""

    stream: str
    start: int
    end: int
    collected: int
    status: str
    skew: int
    rows: list[dict[str, Any]] = field(default_factory=list)


def batches_of(records: list[dict[str, Any]]) -> list[Batch]:
    """Collections that were not withdrawn, with their rows."""
    gone = {r["collection"] for r in records if r["record"] == "retraction"}
    found = {
        r["id"]: Batch(
            r["stream"],
            parse_instant(r["from"]),
            parse_instant(r["to"]),
            parse_instant(r["collected"]),
            r["status"],
            r["skew_ms"],
        )
        for r in records
        if r["record"] == "collection" and r["id"] not in gone
    }
    for r in records:
        if r["record"] not in ("collection", "retraction") and r["collection"] in found:
            row = dict(r)
            for name in ("at", "minute"):
                if name in row:
                    row[name] = parse_instant(row[name])
            found[r["collection"]].rows.append(row)
    return list(found.values())


class Oracle:
    """Judges one condition over a list of records."""

    def __init__(self, runbook: Runbook, condition: Condition, records: list[dict[str, Any]]) -> None:
        self.c = condition
        self.streams = [use.stream for use in condition.streams]
        self.settle = {use.stream: use.settle_ms for use in condition.streams}
        self.groups = {s.id: s.group for s in runbook.signatures}
        self.batches = [b for b in batches_of(records) if b.stream in self.streams]

    def now(self, t: int, scope: int | None) -> tuple[str, str]:
        """State and reason at an instant, without memory."""
        return getattr(self, f"_{self.c.kind.value}")(t, scope)

    def first_trip(self, t: int, scope: int) -> int | None:
        """The first instant of the run at which `now` trips, found by asking at every instant that could matter."""
        instants = {t}
        for b in self.batches:
            for row in b.rows:
                if "at" in row:
                    instants.add(row["at"] + 1)
        step = {"ratio": 60_000, "trend": self.c.window_ms}.get(self.c.kind.value)
        if step:
            instants = set(range(scope - scope % step + step, t + 1, step))
        return min((i for i in instants if scope < i <= t and self.now(i, scope)[0] == "tripped"), default=None)

    # what was watched -------------------------------------------------------------------------------------------------

    def _watched(self, lo: int, hi: int) -> set[tuple[int, int]]:
        points = sorted({lo, hi, *(p for b in self.batches for p in (b.start, self._end(b, hi)) if lo < p < hi)})
        spans = set()
        for a, z in zip(points, points[1:], strict=False):
            if all(any(self._covers(b, s, a, z, hi) for b in self.batches) for s in self.streams):
                spans.add((a, z))
        return spans

    def _end(self, b: Batch, hi: int) -> int:
        return min(b.end, b.collected - self.settle[b.stream], hi)

    def _covers(self, b: Batch, stream: str, a: int, z: int, hi: int) -> bool:
        return b.stream == stream and b.status == "ok" and b.start <= a and self._end(b, hi) >= z

    def _covered(self, lo: int, hi: int) -> int:
        return sum(z - a for a, z in self._watched(lo, hi)) if lo < hi else 0

    def _lack(self, t: int, scope: int | None, lo: int, hi: int, want: int) -> tuple[str, str] | None:
        begin = scope or 0
        ends = {}
        for stream in self.streams:
            mine = [b for b in self.batches if b.stream == stream]
            good = [self._end(b, t) for b in mine if b.status == "ok" and max(b.start, begin) < self._end(b, t)]
            if not good:
                ends[stream] = None
            else:
                ends[stream] = max(good)
        missing = [s for s, end in ends.items() if end is None]
        if missing:
            empty = any(not [b for b in self.batches if b.stream == s] for s in missing)
            failed = any(
                [b for b in self.batches if b.stream == s]
                and all(b.status != "ok" for b in self.batches if b.stream == s)
                for s in missing
            )
            return ("no_data", "never_collected" if empty or not failed else "collector_failed")
        if t - min(e for e in ends.values() if e is not None) > STALE:
            return ("stale", "frontier_lag")
        if self._covered(max(lo, begin), hi) < want:
            short = scope is not None and scope > lo and self._covered(scope, t) == t - scope
            return ("partial", "window_short" if short else "gap")
        if self._skewed(max(lo, begin), hi, t):
            return ("partial", "clock_skew")
        return None

    def _skewed(self, lo: int, hi: int, t: int) -> bool:
        sound = [
            b
            for b in self.batches
            if b.status == "ok" and self._end(b, t) > lo and b.start < hi and b.start < self._end(b, t)
        ]
        return any(a.stream != b.stream and abs(a.skew - b.skew) > SKEW for a in sound for b in sound)

    # what failed ------------------------------------------------------------------------------------------------------

    def _failures(self, scope: int | None, t: int) -> list[tuple[int, str]]:
        earliest: dict[tuple[str, str, str], int] = {}
        for b in self.batches:
            for row in b.rows:
                if row["record"] != "log_match":
                    continue
                group = row.get("group") or self.groups[row["signature"]] or ""
                if self.c.kind.value == "loop":
                    if group not in self.c.groups:
                        continue
                elif row["signature"] not in self.c.signatures:
                    continue
                key = (b.stream, row["key"], group if self.c.kind.value == "loop" else "")
                earliest[key] = min(earliest.get(key, row["at"]), row["at"])
        return sorted((at, key[2]) for key, at in earliest.items() if (scope or 0) <= at < t)

    def _over(self, n: int) -> bool:
        return n > self.c.limit if self.c.op == ">" else n >= self.c.limit  # type: ignore[operator]

    def _near(self, n: int) -> bool:
        return n > 0 and n * 100 >= self.c.limit * self.c.watch_percent  # type: ignore[operator]

    def _conclude(self, lack: tuple[str, str] | None, trip: str | None, watch: str | None) -> tuple[str, str]:
        if trip:
            return ("tripped", trip)
        if lack:
            return lack
        return ("watch", watch) if watch else ("ok", "below")

    def _count(self, t: int, scope: int | None) -> tuple[str, str]:
        lo = t - self.c.window_ms
        n = sum(at >= lo for at, _ in self._failures(scope, t))
        lack = self._lack(t, scope, lo, t, self.c.window_ms)
        return self._conclude(lack, "count_over" if self._over(n) else None, "approaching" if self._near(n) else None)

    def _burst(self, t: int, scope: int | None) -> tuple[str, str]:
        lo = t - self.c.window_ms
        times = [at for at, _ in self._failures(scope, t) if at >= lo]
        n = max((sum(s <= e < s + self.c.slice_ms for e in times) for s in times), default=0)  # type: ignore[operator]
        lack = self._lack(t, scope, lo, t, self.c.window_ms)
        return self._conclude(lack, "burst_over" if self._over(n) else None, "approaching" if self._near(n) else None)

    def _loop(self, t: int, scope: int | None) -> tuple[str, str]:
        lo = t - self.c.window_ms
        failures = [(at, g) for at, g in self._failures(scope, t) if at >= lo]
        slices, free = 0, 0
        for at, _ in failures:
            held = {g for e, g in failures if at <= e < at + self.c.slice_ms}  # type: ignore[operator]
            if at >= free and held >= set(self.c.groups):
                slices, free = slices + 1, at + self.c.slice_ms  # type: ignore[operator]
        lack = self._lack(t, scope, lo, t, self.c.window_ms)
        return self._conclude(lack, "loop" if self._over(slices) else None, "one_slice" if slices else None)

    def _trend(self, t: int, scope: int | None) -> tuple[str, str]:
        w, rises = self.c.window_ms, self.c.rises or 0
        end = t - t % w
        tiles = [(end - (rises + 1 - i) * w, end - (rises - i) * w) for i in range(rises + 1)]
        failures = [at for at, _ in self._failures(scope, t)]
        counts = [sum(a <= at < z for at in failures) for a, z in tiles]
        full = [self._covered(max(a, scope or 0), z) == w for a, z in tiles]
        rising = all(b > a for a, b in zip(counts, counts[1:], strict=False))
        trip = rising and all(full) and counts[-1] >= (self.c.floor or 0) and self._significant(counts[0], counts[-1])
        pair = (
            counts[-1] > counts[-2]
            and counts[-1] >= (self.c.floor or 0)
            and all(full[-2:])
            and self._significant(*counts[-2:])
        )
        lack = self._lack(t, scope, tiles[0][0], end, (rises + 1) * w)
        return self._conclude(lack, "trend_up" if trip else None, "one_rise" if pair else None)

    def _significant(self, a: int, b: int) -> bool:
        return (b - a) ** 2 * 1_000_000 >= (self.c.z2_micro or 0) * (a + b)

    # readings ---------------------------------------------------------------------------------------------------------

    def _nothing(self) -> tuple[str, str]:
        if self.batches and all(b.status != "ok" for b in self.batches):
            return ("no_data", "collector_failed")
        return ("no_data", "never_collected")

    def _latest(self, kind: str, scope: int | None, t: int, value: Any) -> list[tuple[int, Any]]:
        best: dict[int, tuple[int, Any]] = {}
        for b in self.batches:
            for row in b.rows:
                if row["record"] == kind and b.status == "ok" and (scope or 0) <= row["at"] < t:
                    offered = (b.collected, value(row))
                    best[row["at"]] = max(best.get(row["at"], offered), offered)
        return sorted((at, v) for at, (_, v) in best.items())

    def _queue(self, t: int, scope: int | None) -> tuple[str, str]:
        c = self.c
        snaps = self._latest("snapshot", scope, t, lambda r: (r["pending"] + r["running"], r["failed"]))
        if not snaps:
            return self._nothing()
        chain = [snaps[-1]]
        for snap in reversed(snaps[:-1]):
            if chain[0][0] - snap[0] > c.max_gap_ms:  # type: ignore[operator]
                break
            chain.insert(0, snap)
        tail = [chain[-1]]
        for snap in reversed(chain[:-1]):
            if snap[1][0] > tail[0][1][0]:
                break
            tail.insert(0, snap)
        last, depth = chain[-1][0], chain[-1][1][0]
        anchor = next((i for i in range(len(tail) - 1, -1, -1) if tail[i][0] <= last - c.window_ms), None)
        growth = None if anchor is None else depth - tail[anchor][1][0]
        grown = growth is not None and growth >= c.min_growth and len(tail) - anchor >= c.min_snapshots  # type: ignore[operator]
        watch = None
        if grown:
            watch = "growing"
        elif growth == 0 and depth > 0:
            watch = "stalled"
        elif growth and growth < c.min_growth:  # type: ignore[operator]
            watch = "slow_growth"
        elif growth is None and (last - tail[0][0]) * 2 >= c.window_ms and depth - tail[0][1][0] >= c.min_growth:  # type: ignore[operator]
            watch = "growing"
        elif scope is not None and depth < chain[0][1][0] and chain[-1][1][1] > chain[0][1][1]:
            watch = "draining_by_failure"
        lack = None
        if t - last > c.max_gap_ms:  # type: ignore[operator]
            lack = ("stale", "frontier_lag")
        elif last - chain[0][0] < c.window_ms:
            if len(chain) < len(snaps):
                lack = ("partial", "gap")
            elif scope is not None and chain[0][0] - scope <= c.max_gap_ms:  # type: ignore[operator]
                lack = ("partial", "window_short")
            else:
                lack = ("partial", "too_few_snapshots" if len(chain) < c.min_snapshots else "gap")  # type: ignore[operator]
        elif len(chain) < c.min_snapshots:  # type: ignore[operator]
            lack = ("partial", "too_few_snapshots")
        return self._conclude(lack, "queue_growth" if grown and lack != ("stale", "frontier_lag") else None, watch)

    def _ratio(self, t: int, scope: int | None) -> tuple[str, str]:
        c = self.c
        t -= t % 60_000
        lo = t - c.window_ms
        cells: dict[tuple[str, int], tuple[bool, int, int, int]] = {}
        for b in self.batches:
            for row in b.rows:
                if row["record"] == "run_count" and max(lo, scope or 0) <= row["minute"] < t:
                    offered = (b.status == "ok", b.collected, row["failures"], row["total"])
                    key = (b.stream, row["minute"])
                    cells[key] = max(cells.get(key, offered), offered)
        failures, total = sum(x[2] for x in cells.values()), sum(x[3] for x in cells.values())
        covered = self._covered(max(lo, scope or 0), t)
        beyond = failures * 100 > c.limit * total  # type: ignore[operator]
        trip = (
            beyond
            and failures >= c.min_failures
            and total >= c.min_total
            and covered * 100 >= c.min_cover_percent * c.window_ms
        )  # type: ignore[operator]
        watch = None
        if failures and (beyond or failures * 10_000 >= total * c.limit * c.watch_percent):  # type: ignore[operator]
            watch = "small_sample" if beyond else "approaching"
        lack = self._lack(t, scope, lo, t, c.window_ms)
        if covered == c.window_ms and total == 0 and (lack is None or lack[0] != "no_data"):
            lack = ("no_data", "zero_denominator")
        return self._conclude(lack, "ratio_over" if trip else None, watch)

    def _probe(self, t: int, scope: int | None) -> tuple[str, str]:
        lo = max(t - self.c.window_ms, scope or 0)
        bad, seen, any_reading = set(), set(), False
        for b in self.batches:
            for row in b.rows:
                if row["record"] == "probe" and lo <= row["at"] < t and row["route"] in self.c.routes:
                    any_reading = True
                    if b.status == "ok":
                        seen.add(row["route"])
                    if row["status"] not in self.c.expect:
                        bad.add(row["route"])
        if not any_reading:
            return self._nothing()
        lack = ("partial", "routes_missing") if set(self.c.routes) - seen else None
        return self._conclude(lack, None, "probe_failed" if bad else None)

    def _level(self, t: int, scope: int | None) -> tuple[str, str]:
        c = self.c
        readings = self._latest("gauge", scope, t, lambda r: round(r["value"] * 1_000_000))
        if not readings:
            return self._nothing()
        tail: list[int] = []
        for at, value in reversed(readings):
            if value <= c.limit or (tail and tail[0] - at > c.max_gap_ms):  # type: ignore[operator]
                break
            tail.insert(0, at)
        last = readings[-1][0]
        stale = t - last > c.max_gap_ms  # type: ignore[operator]
        long = len(tail) >= 2 and tail[-1] - tail[0] >= c.for_ms  # type: ignore[operator]
        lo = t - c.for_ms  # type: ignore[operator]
        near = 0
        for (at, _), until in zip(readings, [*(a for a, _ in readings[1:]), t], strict=True):
            near += max(0, min(until, at + c.max_gap_ms, t) - max(at, lo))  # type: ignore[operator]
        lack = None
        if stale:
            lack = ("stale", "frontier_lag")
        elif near < c.for_ms:  # type: ignore[operator]
            first = readings[0][0]
            short = scope is not None and scope > lo and first - scope <= c.max_gap_ms and near == t - first  # type: ignore[operator]
            lack = ("partial", "window_short" if short else "gap")
        return self._conclude(lack, "level_over" if long and not stale else None, "approaching" if tail else None)
