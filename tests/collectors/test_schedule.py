"""The schedule: no drift, no silent gap, and the look at the very end still belongs to it."""

from __future__ import annotations

from pathlib import Path

from collectors.schedule import CollectedTick, Tick, Ticks, record_missed, steady_ms, store_failure, ticks
from store.instants import MINUTE_MS
from tests.collectors.cases import T0, make_case, rows, runbook_of


class Time:
    """A steady clock that only moves when somebody waits or works."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.stop_after: int | None = None

    def steady(self) -> int:
        return self.now_ms

    def wall(self) -> int:
        return T0 + self.now_ms - 1_000_000

    def wait(self, seconds: float) -> bool:
        self.now_ms += round(seconds * 1000)
        return self.stop_after is not None and self.now_ms - 1_000_000 >= self.stop_after


def walk(time: Time, every_ms: int, for_ms: int | None, work_ms: dict[int, int]) -> list[Tick]:
    """All ticks, with the time that each one's work takes."""
    found = []
    for tick in ticks(Ticks(every_ms, for_ms, steady_ms=time.steady, wall_ms=time.wall), time.wait):
        found.append(tick)
        if not tick.missed:
            time.now_ms += work_ms.get(tick.number, 0)
    return found


def test_t0_and_t_plus_30_are_both_looked_at() -> None:
    found = walk(Time(), 5 * MINUTE_MS, 30 * MINUTE_MS, {})
    assert [tick.planned_ms - T0 for tick in found] == [k * 5 * MINUTE_MS for k in range(7)]
    assert not any(tick.missed for tick in found)


def test_slow_work_does_not_make_the_schedule_drift() -> None:
    time = Time()
    found = walk(time, 1000, 5000, dict.fromkeys(range(6), 900))
    assert [tick.planned_ms - T0 for tick in found] == [0, 1000, 2000, 3000, 4000, 5000]


def test_looks_whose_time_passed_come_out_as_missed_and_the_newest_is_still_taken() -> None:
    found = walk(Time(), 1000, 6000, {1: 2500})
    assert [(tick.number, tick.missed) for tick in found] == [
        (0, False), (1, False), (2, True), (3, False), (4, False), (5, False), (6, False),
    ]  # fmt: skip


def test_missed_looks_at_the_end_are_told_too() -> None:
    found = walk(Time(), 1000, 3000, {1: 10_000})
    assert [(tick.number, tick.missed) for tick in found] == [(0, False), (1, False), (2, True), (3, True)]


def test_without_an_end_it_goes_on_until_it_is_stopped() -> None:
    time = Time()
    time.stop_after = 4500
    assert len(walk(time, 1000, None, {})) == 5


def test_a_missed_look_is_a_row_that_covers_nothing(tmp_path: Path) -> None:
    runbook = runbook_of(
        '```toml source\nid = "logs"\nkind = "records"\n```\n', stream="logs", trip='kind = "level"\nseries = "s"\nover = 1\nfor = "5m"'
    )  # fmt: skip
    with make_case(tmp_path, runbook) as case:
        tick = record_missed(case, "logs", "offload", T0, T0 + 65_000, "the look before was still going on")
        assert rows(case, "SELECT from_ms, to_ms, collected_ms FROM collection") == [(T0, T0, T0 + 65_000)]
        reason = "missed by 1m05s: the look before was still going on"
        assert rows(case, "SELECT status, reason FROM collection_end") == [("failed", reason)]
        assert rows(case, "SELECT count(*) FROM coverage") == [(0,)]
        assert tick.reason == f"offload: {reason}"
        other = store_failure(case, "logs", "probes", T0, T0, "the program was stopped")
        assert isinstance(other, CollectedTick)
        assert other.failed[0].ref == "collection:2"


def test_the_steady_clock_moves_forward() -> None:
    first = steady_ms()
    assert steady_ms() >= first
