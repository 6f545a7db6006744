"""Through a real PgBouncer in transaction mode: every look works, and no setting of ours reaches another client."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from collectors.offload.postgres import Limits, session
from collectors.offload.trouble import Trouble
from collectors.offload.url import clean_address
from collectors.postgres_server.server import PostgresServer
from tests.collectors.cases import T0, clock, rows
from tests.collectors.conftest import Database
from tests.collectors.offload.offload_world import TABLES, World, offload_runbook
from tests.collectors.offload.test_postgres import until

SETTINGS = """
[databases]
* = host={server} user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 1
query_wait_timeout = 1
logfile = {folder}/log
pidfile = {folder}/pid
"""


@pytest.fixture(scope="module")
def pooler(postgres: PostgresServer) -> Iterator[str]:
    """The folder of a pooler's socket; one connection to the server for everybody."""
    program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pooler-", dir="/tmp"))
    drop: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        drop = {"user": "nobody", "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    settings = folder / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(server=postgres.socket, folder=folder))
    process = subprocess.Popen([program, settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **drop)
    try:
        until(lambda: (folder / ".s.PGSQL.6432").exists() or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield str(folder)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


@pytest.fixture
def world(database: Database, pooler: str, tmp_path: Path) -> Iterator[World]:
    database.run(*TABLES)
    world = World(database, tmp_path, offload_runbook())
    world.run("SUCCEEDED", 2)
    world.events("PENDING", 3)
    yield world
    world.case.close()


def pooled(world: World, pooler: str, more: str = "") -> str:
    return f"postgresql://postgres@/{world.database.name}?host={pooler}&port=6432{more}"


def test_a_look_works_with_the_parameters_that_such_addresses_carry(world: World, pooler: str) -> None:
    address = pooled(world, pooler, "&pgbouncer=true&connection_limit=1&pool_timeout=20&schema=public") + "\n"
    assert not world.sample(address=address).failed
    assert rows(world.case, "SELECT pending FROM snapshot") == [(3,)]


def test_no_setting_of_ours_reaches_the_next_client(world: World, pooler: str) -> None:
    world.sample(address=pooled(world, pooler))
    shown = (
        "SELECT current_setting(s) FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'row_security', 'TimeZone', "
    )
    shown += "'idle_in_transaction_session_timeout', 'default_transaction_read_only']) AS s"
    with psycopg.connect(pooled(world, pooler), autocommit=True, prepare_threshold=None) as other:
        assert [row[0] for row in other.execute(shown.encode())] == ["0", "0", "on", "UTC", "0", "off"]


def test_many_looks_at_once_share_one_connection_without_prepared_statements(world: World, pooler: str) -> None:
    address = clean_address(pooled(world, pooler), "DATABASE_URL")

    def look(_: int) -> int:
        found = 0
        for _ in range(10):
            with session(address, Limits(2_000, 20_000), clock(T0)) as opened:
                found += opened.rows('SELECT count(*)::bigint FROM "WebhookEvent"')[0][0]
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look, range(4))) == [30] * 4


def test_the_pooler_refuses_start_up_options_which_is_why_none_are_sent(world: World, pooler: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        psycopg.connect(pooled(world, pooler), options="-c statement_timeout=1")


def test_a_pooler_without_a_free_connection_is_told_and_is_no_zero(world: World, pooler: str) -> None:
    with psycopg.connect(pooled(world, pooler), prepare_threshold=None) as holder:
        holder.execute("SELECT 1")
        tick = world.sample(address=pooled(world, pooler))
    assert {each.status for each in tick.collections} == {"failed"}
    assert "the pooler had no free connection in time" in tick.reason
    assert rows(world.case, "SELECT count(*) FROM snapshot") == [(0,)]


def test_writing_is_refused_through_the_pooler_too(world: World, pooler: str) -> None:
    address = clean_address(pooled(world, pooler), "DATABASE_URL")
    with session(address, Limits(2_000, 20_000), clock(T0)) as opened:
        with pytest.raises(Trouble) as told, opened.part():
            opened.rows('DELETE FROM "WebhookEvent" RETURNING 1')
        assert told.value.sqlstate == "25006"
        with pytest.raises(Trouble) as told, opened.part():
            opened.rows("SELECT 1; COMMIT; CREATE TABLE escaped (a int)")
        assert told.value.sqlstate == "42601"
        assert opened.rows('SELECT count(*)::bigint FROM "WebhookEvent"') == [(3,)]
