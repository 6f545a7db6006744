"""T0 and T+30, on a clock that runs three hundred times as fast: what a real Postgres shows, as the signal tells it."""

from __future__ import annotations

import threading
from pathlib import Path

from collectors.offload.sample import sample_offload
from collectors.schedule import Ticks, record_missed, steady_ms, ticks
from store.case import Case, now_ms
from store.judge import judge, question_at
from store.runbook.model import Runbook
from tests.collectors.cases import make_case, runbook_of, source_of
from tests.collectors.conftest import Database
from tests.collectors.offload.offload_world import SOURCE

TRIP = 'kind = "queue"\nmax_gap = "3s"\nmin_snapshots = 4\nmin_growth = 10'

# Events that come into the queue before each look, and those done by then; None is a look that does not take place.
WORLDS: dict[str, list[tuple[int, int] | None]] = {
    "growth": [(20, 0), (3, 0), (3, 0), (0, 0), (3, 0), (3, 0), (3, 0), (3, 0)],
    "drain": [(30, 0), (5, 0), (5, 0), (0, 20), (0, 5), (0, 5), (0, 5), (0, 1)],
    "plateau": [(12, 0), (2, 2), (0, 0), (1, 1), (0, 0), (3, 3), (0, 0), (0, 0)],
    "gap": [(20, 0), (5, 0), None, None, None, (5, 0), (5, 0), (5, 0)],
}


def runbook_for(world: str) -> Runbook:
    queue = f'every = "1s"\n[queue]\ntable = "{world}.event"\n'
    return runbook_of(SOURCE.format(queue), stream="offload", trip=TRIP, window="6s")


def prepare(database: Database, world: str) -> None:
    database.run(f"CREATE SCHEMA {world}", f"CREATE TABLE {world}.event (id serial PRIMARY KEY, status text NOT NULL)")


def work(database: Database, world: str, added: int, done: int) -> None:
    database.run(
        f"INSERT INTO {world}.event (status) SELECT 'PENDING' FROM generate_series(1, {added})",
        f"UPDATE {world}.event SET status = 'SUCCEEDED' WHERE id IN "
        f"(SELECT id FROM {world}.event WHERE status = 'PENDING' ORDER BY id LIMIT {done})",
    )


def look(case: Case, runbook: Runbook, database: Database) -> None:
    environ = {"DATABASE_URL": database.address()}
    tick = sample_offload(case, runbook, source_of(runbook, "offload"), environ=environ, now_ms=now_ms)
    assert not tick.failed, tick.reason


def told(case: Case) -> tuple[str, str]:
    """What the signal says at the newest snapshot."""
    ((newest,),) = case.read().execute("SELECT max(at_ms) FROM snapshot").fetchall()
    (signal,) = judge(case.read(), question_at(case.read(), as_of_ms=newest + 1, live=False)).signals
    return signal.state, signal.reason


def test_growth_drain_plateau_and_gap_are_told_apart(database: Database, tmp_path: Path) -> None:
    runbooks = {world: runbook_for(world) for world in WORLDS}
    cases = {}
    for world, runbook in runbooks.items():
        prepare(database, world)
        (tmp_path / world).mkdir()
        cases[world] = make_case(tmp_path / world, runbook)
    schedule = Ticks(1_000, 7_000, steady_ms=steady_ms, wall_ms=now_ms)
    looks = 0
    for tick in ticks(schedule, threading.Event().wait):
        for world, case in cases.items():
            step = WORLDS[world][tick.number]
            if step is None or tick.missed:
                record_missed(case, "offload", "offload", tick.planned_ms, now_ms(), "the network was away")
                continue
            work(database, world, *step)
            look(case, runbooks[world], database)
            looks += 1
    assert looks == 8 * 4 - 3
    assert {world: told(case) for world, case in cases.items()} == {
        "growth": ("tripped", "queue_growth"),
        "drain": ("ok", "below"),
        "plateau": ("watch", "stalled"),
        "gap": ("partial", "gap"),
    }
    for case in cases.values():
        case.close()
