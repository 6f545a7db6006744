"""A replica knows the world as of what it has replayed, whatever its clock says."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from collectors.offload.postgres import Limits, session
from collectors.offload.trouble import Trouble
from collectors.offload.url import clean_address
from collectors.postgres_server.binaries import find_binaries
from collectors.postgres_server.server import PostgresServer
from tests.collectors.cases import T0, clock
from tests.collectors.offload.test_postgres import until

STANDBY = {"wal_level": "replica", "max_wal_senders": "2", "full_page_writes": "on"}


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgresServer]:
    with PostgresServer.start(os.environ, settings=STANDBY) as primary:
        yield primary


@contextmanager
def replica(primary: PostgresServer) -> Iterator[str]:
    """A copy of a running server, started as a replica that has lost its primary; its address."""
    owner = primary.data.stat()
    drop: dict[str, Any] = (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    place = Path(tempfile.mkdtemp(prefix="replica-", dir="/tmp"))
    shutil.copytree(primary.data, place / "d", ignore=shutil.ignore_patterns("postmaster.*"))
    (place / "d" / "standby.signal").touch()
    for path in (place, *place.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    (place / "d").chmod(0o700)
    command: list[str | Path] = [
        find_binaries(os.environ).folder / "postgres",
        "-D",
        place / "d",
        "-h",
        "",
        "-k",
        place,
    ]
    for name, value in {**STANDBY, "fsync": "off", "timezone": "UTC", "max_connections": "40"}.items():
        command += ["-c", f"{name}={value}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **drop)
    try:
        until(lambda: process.poll() is not None or state(place / "d" / "postmaster.pid") in ("ready", "standby"))
        assert process.poll() is None
        yield f"postgresql://postgres@/postgres?host={place}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(place)


def state(file: Path) -> str:
    lines = file.read_text().splitlines() if file.exists() else []
    return lines[7].strip() if len(lines) >= 8 else ""


def test_a_look_at_a_replica_is_as_of_its_last_replayed_transaction(primary: PostgresServer) -> None:
    with psycopg.connect(primary.address(), autocommit=True) as admin:
        admin.execute("CREATE TABLE t (a int)")
        admin.execute("CHECKPOINT")
        admin.execute("SET synchronous_commit = on")  # so that the copy below holds the commit
        admin.execute("INSERT INTO t VALUES (1)")
        committed = (admin.execute("SELECT (extract(epoch FROM now()) * 1000)::bigint").fetchone() or (0,))[0]
    with replica(primary) as address:
        with psycopg.connect(address, autocommit=True) as admin:
            replayed = "SELECT pg_last_xact_replay_timestamp() IS NOT NULL AND (SELECT count(*) = 1 FROM t)"
            until(lambda: admin.execute(replayed.encode()).fetchone() == (True,))
        with session(clean_address(address, "A"), Limits(2_000, 20_000), clock(T0, 0)) as opened:
            assert opened.moment.replica
            assert committed - 60_000 < opened.moment.at_ms <= committed
            assert opened.moment.skew_ms > opened.moment.at_ms - T0, "the skew is that of its clock"
            assert opened.rows("SELECT count(*)::bigint FROM t") == [(1,)]


def test_a_replica_that_replayed_nothing_knows_nothing(primary: PostgresServer) -> None:
    with psycopg.connect(primary.address(), autocommit=True) as admin:
        admin.execute("CHECKPOINT")
    with replica(primary) as address, pytest.raises(Trouble, match="has replayed nothing yet"):
        session(clean_address(address, "A"), Limits(2_000, 20_000), clock(T0)).__enter__()
