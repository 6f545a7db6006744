"""One tick against a real Postgres: what is counted, what is covered, and that no failure ever becomes a zero."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collectors.offload.sample import Before, Finding, look, sample_offload
from store.errors import BadInput
from store.instants import MINUTE_MS
from tests.collectors.cases import bytes_of, clock, rows, source_of
from tests.collectors.conftest import Database
from tests.collectors.offload.offload_world import DISPATCH, LEDGER, NOW, QUEUE, TABLES, World, offload_runbook

DAY_MS = 24 * 60 * MINUTE_MS


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    database.run(*TABLES)
    world = World(database, tmp_path, offload_runbook())
    yield world
    world.case.close()


def look_from(world: World, before: Before) -> Finding:
    """The ledger's part of a look, given what the case knows."""
    source = source_of(world.runbook, "offload")
    environ = {"DATABASE_URL": world.database.address()}
    return look(world.runbook, source, environ, clock(world.now), before, None).findings[1]


def failed(world: World, what: str) -> str:
    """The reason of a failed part; checks that nothing else was stored for it."""
    tick = world.sample()
    part = next(each for each in tick.collections if each.what == what)
    assert part.status == "failed"
    ended = rows(world.case, "SELECT status, reason FROM collection_end WHERE collection = ?", part.id)
    assert ended == [("failed", part.reason)]
    for table in ("snapshot", "run_count", "coverage"):
        assert rows(world.case, f"SELECT count(*) FROM {table} WHERE collection = ?", part.id) == [(0,)]
    return part.reason


def test_depth_tells_due_from_future_and_says_since_when_the_oldest_waits(world: World) -> None:
    world.events("PENDING", 3, due=f"{NOW} - interval '90 seconds'")
    world.events("PENDING", 2, due=f"{NOW} + interval '5 minutes'")
    world.events("RUNNING", 1)
    world.events("FAILED", 4)
    world.events("SUCCEEDED", 7)
    world.run("SUCCEEDED", 2)
    tick = world.sample()
    assert not tick.failed
    (snapshot,) = rows(
        world.case, "SELECT at_ms, pending, running, failed, succeeded, pending_due, oldest_due_ms FROM snapshot"
    )
    at_ms, *counts, oldest_ms = snapshot
    assert counts == [5, 1, 4, 7, 3]
    assert 89_000 < at_ms - oldest_ms < 120_000
    assert abs(at_ms - world.now) < 30_000


def test_a_queue_is_an_instant_and_the_ledger_whole_minutes_up_to_the_last_complete_one(world: World) -> None:
    world.run("SUCCEEDED", 3)
    world.sample()
    queue, ledger = rows(world.case, "SELECT form, from_ms, to_ms, collected_ms, edition FROM collection ORDER BY id")
    covered = rows(world.case, "SELECT from_ms, to_ms FROM coverage ORDER BY collection")
    assert queue[0] == "queue"
    assert queue[1] == queue[2]
    assert ledger[0] == "ledger"
    assert (ledger[1] % MINUTE_MS, ledger[2] - ledger[1]) == (0, 35 * MINUTE_MS)
    assert ledger[2] == queue[1] - queue[1] % MINUTE_MS
    assert covered == [queue[1:3], ledger[1:3]]
    assert queue[4] == world.case.edition()


def test_every_covered_minute_has_a_cell_for_attempts_and_for_runs(world: World) -> None:
    world.run("SUCCEEDED", 3, count=4)
    world.run("FAILED", 3, count=1)
    world.sample()
    cells = dict(rows(world.case, 'SELECT "of", count(*) FROM run_count GROUP BY 1'))
    assert cells == {"attempts": 35, "runs": 35}
    assert rows(world.case, "SELECT sum(total), sum(failures) FROM run_count WHERE \"of\" = 'attempts'") == [(5, 1)]


def test_a_retry_is_a_second_attempt_and_still_one_run(world: World) -> None:
    for attempt, minutes_ago in ((0, 9), (1, 8), (2, 7)):
        world.run("FAILED", minutes_ago, run="a", attempt=attempt)
    world.run("SUCCEEDED", 6, run="a", attempt=3)
    world.run("FAILED", 5, run="b")
    world.sample()
    sums = rows(world.case, 'SELECT "of", sum(total), sum(failures) FROM run_count GROUP BY 1 ORDER BY 1')
    assert sums == [("attempts", 5, 4), ("runs", 2, 1)]


def test_a_run_that_is_tried_again_right_now_is_not_finished(world: World) -> None:
    world.run("FAILED", 5, run="a")
    world.run("RUNNING", 1, run="a", attempt=1)
    world.sample()
    assert rows(world.case, "SELECT sum(total) FROM run_count WHERE \"of\" = 'runs'") == [(0,)]
    assert rows(world.case, "SELECT max(running) FROM run_count") == [(1,)]


def test_the_last_minutes_are_read_again_because_a_retry_moves_a_run(world: World) -> None:
    world.run("FAILED", 5, run="a")
    world.sample()
    world.run("SUCCEEDED", 2, run="a", attempt=1)
    world.sample()
    newest = rows(
        world.case,
        "SELECT total, failures FROM run_count AS r WHERE \"of\" = 'runs' AND total > 0 AND NOT EXISTS "
        '(SELECT 1 FROM run_count AS n WHERE n."of" = r."of" AND n.minute_ms = r.minute_ms AND n.id > r.id)',
    )
    assert newest == [(1, 0)]


def test_after_a_gap_the_ledger_is_read_back_to_where_coverage_ended(world: World) -> None:
    world.run("SUCCEEDED", 80)
    world.run("SUCCEEDED", 2)
    early = world.now - 120 * MINUTE_MS
    found = look_from(world, Before(covered_ms=early, succeeded=None))
    assert (found.from_ms, found.ledger and found.ledger.rows) == (early // MINUTE_MS * MINUTE_MS, 2)
    assert look_from(world, Before(world.now - 30 * DAY_MS, None)).from_ms == found.to_ms - DAY_MS


def test_runs_without_an_end_are_told_when_they_are_old(world: World) -> None:
    world.run("RUNNING", 20, count=2)
    world.run("RUNNING", 1)
    world.run("SUCCEEDED", 2)
    assert "2 runs have been running for more than 15 minutes" in world.reason("ledger", world.sample())


def test_an_empty_ledger_while_dispatching_is_no_health(world: World) -> None:
    for minutes_ago in (20, 15, 10):
        world.dispatch(minutes_ago)
    assert "3 dispatches" in failed(world, "ledger")


def test_dispatches_that_failed_to_be_sent_prove_nothing_about_the_ledger(world: World) -> None:
    world.dispatch(10, status="ENQUEUE_FAILED")
    tick = world.sample()
    assert not tick.failed
    assert rows(world.case, "SELECT sum(total) FROM run_count") == [(0,)]


def test_an_empty_ledger_while_the_queue_works_is_no_health(world: World) -> None:
    world.events("RUNNING", 1)
    assert "the queue works" in failed(world, "ledger")


def test_a_queue_that_got_more_done_than_before_works_too(world: World) -> None:
    world.events("SUCCEEDED", 1)
    world.sample()
    world.events("SUCCEEDED", 1)
    assert "the queue works" in failed(world, "ledger")


def test_minutes_after_which_dispatches_left_no_run_are_not_covered(world: World) -> None:
    world.run("SUCCEEDED", 20)
    world.dispatch(8.5)
    tick = world.sample()
    ledger = next(each for each in tick.collections if each.what == "ledger")
    ((covered_to,),) = rows(world.case, "SELECT to_ms FROM coverage WHERE collection = ?", ledger.id)
    assert covered_to == (world.now - int(8.5 * MINUTE_MS)) // MINUTE_MS * MINUTE_MS
    assert "left no run" in ledger.reason
    assert rows(world.case, "SELECT max(minute_ms) < ? FROM run_count", covered_to) == [(1,)]


def test_an_empty_ledger_of_an_idle_system_is_a_true_zero(world: World) -> None:
    tick = world.sample()
    assert not tick.failed
    assert rows(world.case, "SELECT count(*), sum(total) FROM run_count") == [(70, 0)]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_time_zone_of_the_role_changes_nothing(world: World, zone: str) -> None:
    name = f"reader_{zone.split('/')[0].lower()}"
    world.database.run(
        f"CREATE ROLE {name} LOGIN",
        f"ALTER ROLE {name} SET timezone = '{zone}'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
    )
    try:
        world.run("SUCCEEDED", 3)
        world.run("SUCCEEDED", 34)
        world.run("SUCCEEDED", 50)
        world.events("PENDING", 1, due=f"{NOW} - interval '1 minute'")
        world.events("PENDING", 1, due=f"{NOW} + interval '1 minute'")
        world.sample(address=world.database.address(name))
        assert rows(world.case, "SELECT sum(total) FROM run_count WHERE \"of\" = 'attempts'") == [(2,)]
        assert rows(world.case, "SELECT pending_due FROM snapshot") == [(1,)]
    finally:
        world.database.run(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_columns_with_a_zone_are_read_as_well(world: World) -> None:
    world.run("SUCCEEDED", 3)
    to_zone = """TYPE timestamptz USING "finishedAt" AT TIME ZONE 'UTC'"""
    world.database.run(f'ALTER TABLE "BackgroundFunctionRun" ALTER "finishedAt" {to_zone}')
    world.sample()
    assert rows(world.case, "SELECT sum(total) FROM run_count WHERE \"of\" = 'attempts'") == [(1,)]


def test_a_missing_table_is_told_with_the_one_that_was_meant(world: World) -> None:
    world.database.run('ALTER TABLE "WebhookEvent" RENAME TO webhook_events')
    assert failed(world, "queue") == "there is no table WebhookEvent; there is public.webhook_events"


def test_a_failed_queue_leaves_the_ledger_answerable(world: World) -> None:
    world.run("SUCCEEDED", 2)
    world.database.run('DROP TABLE "WebhookEvent"')
    tick = world.sample()
    assert [(each.what, each.status) for each in tick.collections] == [("queue", "failed"), ("ledger", "ok")]


def test_a_missing_column_is_told_with_those_there_are(world: World) -> None:
    world.database.run('ALTER TABLE "WebhookEvent" RENAME "runAt" TO run_at')
    assert 'no column "runAt"; it has id, status, run_at' in failed(world, "queue")


def test_a_column_that_holds_no_instant_is_told(world: World) -> None:
    world.database.run('ALTER TABLE "WebhookEvent" ALTER "runAt" DROP DEFAULT, ALTER "runAt" TYPE text')
    assert "has type text; a timestamp is needed" in failed(world, "queue")


def test_no_grant_is_no_data(world: World) -> None:
    world.database.run("CREATE ROLE poor LOGIN")
    try:
        tick = world.sample(address=world.database.address("poor"))
        assert "role poor may not read WebhookEvent" in world.reason("queue", tick)
        assert rows(world.case, "SELECT count(*) FROM snapshot") == [(0,)]
        world.database.run('GRANT SELECT (status) ON "WebhookEvent" TO poor')
        assert 'may not read column "runAt"' in world.reason(
            "queue", world.sample(address=world.database.address("poor"))
        )
        world.database.run('GRANT SELECT (status, "runAt") ON "WebhookEvent" TO poor')
        assert world.sample(address=world.database.address("poor")).collections[0].status == "ok"
    finally:
        world.database.run("DROP OWNED BY poor", "DROP ROLE poor")


def test_row_security_that_hides_rows_is_no_zero(world: World) -> None:
    world.events("PENDING", 3)
    world.database.run(
        "CREATE ROLE veiled LOGIN",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO veiled",
        'ALTER TABLE "WebhookEvent" ENABLE ROW LEVEL SECURITY',
    )
    try:
        tick = world.sample(address=world.database.address("veiled"))
        assert "row security hides rows of WebhookEvent from role veiled" in world.reason("queue", tick)
        assert rows(world.case, "SELECT count(*) FROM snapshot") == [(0,)]
        world.database.run("ALTER ROLE veiled BYPASSRLS")
        assert world.sample(address=world.database.address("veiled")).collections[0].status == "ok"
    finally:
        world.database.run("DROP OWNED BY veiled", "DROP ROLE veiled")


def test_a_status_that_the_enum_lacks_is_told_and_not_counted_as_zero(world: World) -> None:
    runbook = offload_runbook(QUEUE + 'running = ["PROCESSING"]\n')
    assert "has no status PROCESSING for running; it has PENDING, RUNNING" in world.sample(runbook=runbook).reason


def test_a_status_in_another_case_is_told_and_not_counted_as_zero(world: World) -> None:
    world.database.run(
        'ALTER TABLE "WebhookEvent" ALTER status DROP DEFAULT, ALTER status TYPE text USING lower(status::text)'
    )
    world.database.run("INSERT INTO \"WebhookEvent\" (status) VALUES ('pending'), ('PENDING')")
    assert "does not name the statuses pending (1)" in failed(world, "queue")


def test_text_statuses_and_another_schema_are_read(world: World) -> None:
    world.database.run(
        "CREATE SCHEMA jobs",
        "CREATE TABLE jobs.queue (state text, due_at timestamptz)",
        "INSERT INTO jobs.queue SELECT 'processing', now() FROM generate_series(1, 3)",
        "INSERT INTO jobs.queue VALUES ('waiting', now()), ('skipped', now())",
    )
    tables = (
        '[queue]\ntable = "{}"\nstatus = "state"\ndue = "due_at"\npending = ["waiting"]\nrunning = ["processing"]\n'
    )
    tick = world.sample(runbook=offload_runbook(tables.format("jobs.queue")))
    assert "skipped (1)" in world.reason("queue", tick)
    tick = world.sample(
        runbook=offload_runbook(tables.format("queue")), address=world.database.address() + "&schema=jobs"
    )
    assert rows(world.case, "SELECT pending, running, pending_due FROM snapshot") == [(1, 3, 1), (1, 3, 1)]


def test_an_unset_variable_is_a_failed_look_with_its_name(world: World) -> None:
    source = source_of(world.runbook, "offload")
    tick = sample_offload(world.case, world.runbook, source, environ={}, now_ms=clock(world.now))
    assert {each.reason for each in tick.collections} == {
        "DATABASE_URL is not set (export DATABASE_URL=postgresql://…)"
    }


def test_a_source_that_names_nothing_to_ask_is_refused(world: World) -> None:
    bare = msgspec.structs.replace(source_of(world.runbook, "offload"), queue=None, ledger=None)
    with pytest.raises(BadInput, match="names no"):
        sample_offload(world.case, world.runbook, bare, environ={}, now_ms=clock(world.now))


def test_the_password_reaches_neither_the_case_nor_the_reason(world: World) -> None:
    address = "postgresql://nobody:s3cr%40t-pw@127.0.0.1:1/db?password=s3cr%40t-pw"
    tick = world.sample(address=address)
    assert "nothing listens" in tick.reason
    for form in (b"s3cr@t-pw", b"s3cr%40t-pw"):
        assert form not in bytes_of(world.case)
        assert form not in tick.reason.encode()


def test_a_tick_is_one_transaction_and_its_rows_say_where_they_came_from(world: World) -> None:
    world.run("SUCCEEDED", 2)
    tick = world.sample()
    assert {row[0] for row in rows(world.case, "SELECT DISTINCT seq FROM collection")} == {tick.seq}
    place, version, question, skew = rows(
        world.case, "SELECT source, tool_version, command, skew_ms FROM collection WHERE form = 'queue'"
    )[0]
    assert place.startswith("local socket/t")
    assert version.startswith("PostgreSQL ")
    assert '"WebhookEvent"' in question
    assert abs(skew) < 60_000
    assert tick.collections[0].ref == f"collection:{tick.collections[0].id}"


def test_a_clock_that_goes_wrong_on_our_side_is_stored_as_skew(world: World) -> None:
    world.now -= 7_000
    world.sample()
    ((skew,),) = rows(world.case, "SELECT DISTINCT skew_ms FROM collection")
    assert 6_000 < skew < 60_000


def test_dispatch_table_that_cannot_be_read_makes_a_zero_untrusted(world: World) -> None:
    world.database.run('DROP TABLE "BackgroundDispatchWindow"')
    assert "no table BackgroundDispatchWindow" in failed(world, "ledger")


def test_a_queue_alone_and_a_ledger_alone_are_sources_too(world: World) -> None:
    assert [each.what for each in world.sample(runbook=offload_runbook(QUEUE)).collections] == ["queue"]
    assert [each.what for each in world.sample(runbook=offload_runbook(LEDGER + DISPATCH)).collections] == ["ledger"]
