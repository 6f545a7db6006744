"""The runbook's own question, and the question that is pasted elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from collectors.offload.queue import query_to_paste
from tests.collectors.cases import rows, source_of
from tests.collectors.conftest import Database
from tests.collectors.offload.offload_world import LEDGER, NOW, QUEUE, TABLES, World, offload_runbook


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    database.run(*TABLES)
    world = World(database, tmp_path, offload_runbook())
    yield world
    world.case.close()


FENCE = """
-- depth; by status
SELECT status, count(*) AS count, min("runAt") AS oldest_due, count(*) FILTER (WHERE "runAt" <= :until) AS due
FROM "WebhookEvent" WHERE "createdAt" >= :since AND payload::text IS DISTINCT FROM '100%' GROUP BY status; -- done
"""


def test_a_fence_is_the_question_and_its_enum_dates_and_numbers_are_read(world: World) -> None:
    world.events("PENDING", 3, due=f"{NOW} - interval '2 minutes'")
    world.events("SUCCEEDED", 2)
    world.events("RUNNING", 1, due=f"{NOW} - interval '50 minutes'")
    tick = world.sample(runbook=offload_runbook("", FENCE))
    assert not tick.failed, tick.reason
    (found,) = rows(world.case, "SELECT at_ms - oldest_due_ms, pending, running, succeeded, pending_due FROM snapshot")
    assert 119_000 < found[0] < 150_000
    assert found[1:] == (3, 0, 2, 3)
    assert rows(world.case, "SELECT command FROM collection")[0][0].strip() == FENCE.strip()


def test_an_empty_queue_is_a_true_zero_when_its_table_was_checked(world: World) -> None:
    tick = world.sample(runbook=offload_runbook("", FENCE))
    assert not tick.failed
    assert rows(world.case, "SELECT pending, running, failed FROM snapshot") == [(0, 0, 0)]


def test_a_fence_over_rows_that_are_hidden_is_no_zero(world: World) -> None:
    world.database.run(
        "CREATE ROLE blind LOGIN",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO blind",
        'ALTER TABLE "WebhookEvent" ENABLE ROW LEVEL SECURITY',
    )
    try:
        tick = world.sample(runbook=offload_runbook("", FENCE), address=world.database.address("blind"))
        assert tick.failed
        assert "row" in tick.reason
    finally:
        world.database.run("DROP OWNED BY blind", "DROP ROLE blind")


def test_beside_a_fence_the_names_of_the_queue_say_what_statuses_mean(world: World) -> None:
    names = '[queue]\ntable = "WebhookEvent"\npending = ["waiting"]\nrunning = ["busy"]\n'
    fence = "SELECT * FROM (VALUES ('waiting', 4), ('busy', 1)) AS v (status, count)"
    world.sample(runbook=offload_runbook(names, fence))
    assert rows(world.case, "SELECT pending, running, pending_due FROM snapshot") == [(4, 1, None)]


@pytest.mark.parametrize(
    ("fence", "told"),
    [
        ("SELECT 1; SELECT 2", "several statements"),
        ("SELECT 'PENDING' AS status", "no count"),
        ("SELECT 'PENDING' AS status, 'many' AS count", "not a whole number"),
        ("SELECT 'PENDING' AS status, -1 AS count", "below zero"),
        ("SELECT 'waiting' AS status, 1 AS count", "does not name the statuses waiting (1)"),
        ("SELECT 'PENDING' AS status, 1 AS count, 'soon' AS oldest_due", "not an instant"),
        ('SELECT status, count(*) AS count FROM WebhookEvent GROUP BY 1', 'relation "webhookevent" does not exist'),
        ("SELECT status, 1 AS count FROM \"WebhookEvent\" WHERE status = 'PROCESSING'", "invalid input value"),
        ("SELECT 1 FROM", "the database refuses the question"),
    ],
)  # fmt: skip
def test_a_fence_that_gives_no_depth_is_a_failed_look_with_its_reason(world: World, fence: str, told: str) -> None:
    tick = world.sample(runbook=offload_runbook("", fence))
    assert told in tick.reason
    assert rows(world.case, "SELECT count(*) FROM snapshot") == [(0,)]


def test_an_unknown_parameter_never_reaches_the_runbook_and_a_known_one_is_found_in_any_case(world: World) -> None:
    fence = "SELECT 'PENDING' AS status, 1 AS count WHERE :base_url = 'https://a.example'"
    tick = world.sample(runbook=offload_runbook("", fence))
    assert "uses :base_url" in tick.reason


def test_the_question_to_paste_runs_as_it_is_and_prints_zeros_too(world: World) -> None:
    world.events("PENDING", 2)
    text = query_to_paste(source_of(offload_runbook(QUEUE + 'failed = ["FAILED"]\n'), "offload"))
    assert text is not None
    with psycopg.connect(world.database.address()) as connection:
        answer = {row[0]: row[1] for row in connection.execute(text.encode())}
    assert answer == {"PENDING": 2, "RUNNING": 0, "FAILED": 0}


def test_the_question_to_paste_is_the_fence_when_there_is_one() -> None:
    assert query_to_paste(source_of(offload_runbook(QUEUE, "SELECT 1"), "offload")) == "SELECT 1\n"
    assert query_to_paste(source_of(offload_runbook(LEDGER), "offload")) is None
