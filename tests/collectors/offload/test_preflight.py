"""Before the question the planner is asked: a big table is never read whole, and the refusal names the index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.offload import preflight, queue
from collectors.offload.preflight import Index
from tests.collectors.cases import rows
from tests.collectors.conftest import Database
from tests.collectors.offload.offload_world import TABLES, World, offload_runbook


@pytest.fixture
def world(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Twenty thousand done events, on a machine where two hundred pages are many; the bench has the true size."""
    database.run(
        *TABLES,
        'DROP INDEX "WebhookEvent_status_runAt_idx"',
        """INSERT INTO "WebhookEvent" (status) SELECT 'SUCCEEDED' FROM generate_series(1, 20000)""",
        """INSERT INTO "BackgroundFunctionRun" (status, "finishedAt")
           SELECT 'SUCCEEDED', now() AT TIME ZONE 'UTC' - interval '1 day' FROM generate_series(1, 20000)""",
    )
    for module in (preflight, queue):
        monkeypatch.setattr(module, "MAX_PAGES", 50)
    world = World(database, tmp_path, offload_runbook())
    yield world
    world.case.close()


INDEXES = (
    """CREATE INDEX ON "WebhookEvent" (status, "runAt") WHERE status IN ('PENDING', 'RUNNING', 'FAILED')""",
    'CREATE INDEX ON "BackgroundFunctionRun" ("finishedAt")',
    'CREATE INDEX ON "BackgroundFunctionRun" (status)',
)


def test_without_an_index_the_question_is_not_asked_and_the_index_is_suggested(world: World) -> None:
    tick = world.sample()
    assert [each.status for each in tick.collections] == ["failed", "failed"]
    reason = world.reason("queue", tick)
    assert reason.startswith("unavailable: the question would read WebhookEvent whole (")
    index = reason.split("this index would help: ")[1]
    assert index == (
        'CREATE INDEX CONCURRENTLY ON "public"."WebhookEvent" ("status", "runAt") '
        "WHERE \"status\" IN ('PENDING', 'RUNNING', 'FAILED')"
    )
    assert '("finishedAt", "status")' in world.reason("ledger", tick)


def test_the_refused_plan_is_kept_as_evidence(world: World) -> None:
    world.sample()
    name, data = rows(
        world.case,
        "SELECT a.name, s.data FROM artifact AS a JOIN sqlar AS s USING (name) WHERE role = 'plan' ORDER BY a.id",
    )[0]
    assert name.startswith("artifacts/plans/offload-queue-20")
    assert "Seq Scan" in json.dumps(json.loads(data))


def test_the_suggested_index_makes_the_question_cheap_enough(world: World) -> None:
    reason = world.reason("queue", world.sample())
    world.database.run(reason.split("this index would help: ")[1].replace(" CONCURRENTLY", ""), *INDEXES[1:])
    world.database.run('ANALYZE "WebhookEvent"', 'ANALYZE "BackgroundFunctionRun"')
    world.events("PENDING", 2)
    tick = world.sample()
    assert not tick.failed, tick.reason
    assert rows(world.case, "SELECT pending, succeeded FROM snapshot") == [(2, None)]


def test_runs_without_an_end_are_left_out_and_said_so_when_only_they_are_dear(world: World) -> None:
    world.database.run(*INDEXES[:2], 'ANALYZE "WebhookEvent"', 'ANALYZE "BackgroundFunctionRun"')
    tick = world.sample()
    assert not tick.failed, tick.reason
    assert "runs without an end were not counted" in world.reason("ledger", tick)
    assert rows(world.case, "SELECT max(running) FROM run_count") == [(None,)]


def test_a_fence_of_ones_own_is_held_to_the_same(world: World) -> None:
    tick = world.sample(
        runbook=offload_runbook("", 'SELECT status::text AS status, count(*) AS count FROM "WebhookEvent" GROUP BY 1')
    )
    assert "would read WebhookEvent whole" in tick.reason
    assert "an index on what it filters by would help" in tick.reason


def test_an_index_in_words_is_ready_to_paste() -> None:
    assert Index('"t"', ('"a"', '"b"')).words() == 'CREATE INDEX CONCURRENTLY ON "t" ("a", "b")'
