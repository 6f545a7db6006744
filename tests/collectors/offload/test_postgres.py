"""The connection itself: nothing can be written, everything ends in time, every failure is one sentence."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from collectors.offload.postgres import Limits, Session, session
from collectors.offload.sample import sample_offload
from collectors.offload.trouble import Trouble
from collectors.offload.url import Address, clean_address
from collectors.postgres_server.server import PostgresServer
from collectors.schedule import CollectedTick
from tests.collectors.cases import T0, clock, make_case, rows, source_of
from tests.collectors.conftest import Database
from tests.collectors.offload.offload_world import offload_runbook

ROOT = Path(__file__).resolve().parents[3]
SLOW = "SELECT 'PENDING' AS status, 1 AS count FROM pg_sleep(30)"


def address_of(text: str) -> Address:
    return clean_address(text, "DATABASE_URL")


@pytest.fixture
def opened(database: Database) -> Iterator[Session]:
    with session(address_of(database.address()), Limits(1_000, 10_000), clock(T0)) as opened:
        yield opened


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; the test's own time limit is the end of patience."""
    while not condition():
        threading.Event().wait(0.005)


def asked_on(address: str, folder: Path, fence: str, timeout: str = "20s") -> CollectedTick:
    """One tick with the runbook's own question."""
    runbook = offload_runbook("", fence, f'timeout = "{timeout}"\n')
    with make_case(folder, runbook) as case:
        environ = {"DATABASE_URL": address}
        tick = sample_offload(case, runbook, source_of(runbook, "offload"), environ=environ, now_ms=clock(T0))
        assert rows(case, "SELECT count(*) FROM snapshot") == [(0,)] or not tick.failed
    return tick


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM t RETURNING 1",
        "INSERT INTO t VALUES (1) RETURNING 1",
        "CREATE TEMP TABLE mine (a int)",
        "CREATE TABLE mine (a int)",
        "SELECT nextval('s')",
        "WITH gone AS (DELETE FROM t RETURNING 1) SELECT * FROM gone",
    ],
)
def test_nothing_can_be_written(database: Database, opened: Session, statement: str) -> None:
    database.run("CREATE TABLE t (a int)", "CREATE SEQUENCE s")
    with pytest.raises(Trouble) as told:
        opened.rows(statement)
    assert told.value.sqlstate == "25006"
    assert "read-only" in told.value.reason


def test_several_statements_cannot_escape_the_transaction(database: Database, opened: Session) -> None:
    with pytest.raises(Trouble) as told:
        opened.rows("SELECT 1; COMMIT; CREATE TABLE escaped (a int)")
    assert told.value.sqlstate == "42601"
    assert database.value("SELECT to_regclass('escaped')::text") is None


@pytest.mark.parametrize(
    "fence",
    [
        "SELECT 'PENDING' AS status, 1 AS count; COMMIT; CREATE TABLE escaped (a int)",
        "SELECT 'PENDING' AS status, 1 AS count) AS q; COMMIT; CREATE TABLE escaped (a int); SELECT (1",
        "SELECT 'PENDING' AS status, 1 AS count) AS q, (SELECT pg_notify('a', 'b')",
        "DELETE FROM t RETURNING 'PENDING' AS status, 1 AS count",
        "WITH gone AS (DELETE FROM t RETURNING 1) SELECT 'PENDING' AS status, count(*) FROM gone",
    ],
)
def test_a_fence_cannot_write_either(database: Database, tmp_path: Path, fence: str) -> None:
    database.run("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    tick = asked_on(database.address(), tmp_path, fence)
    assert [each.status for each in tick.collections] == ["failed"]
    assert database.value("SELECT to_regclass('escaped')::text") is None
    assert database.value("SELECT count(*) FROM t") == 1


def test_limits_hold_for_the_transaction_and_both_clocks_are_read(database: Database) -> None:
    with session(address_of(database.address()), Limits(1_234, 10_000), clock(T0, 0)) as opened:
        settings = opened.rows(
            "SELECT current_setting(s) FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'row_security', "
            "'transaction_isolation', 'transaction_read_only', 'max_parallel_workers_per_gather']) AS s"
        )
        assert [row[0] for row in settings] == ["1234ms", "200ms", "off", "repeatable read", "on", "0"]
        assert opened.moment.skew_ms == opened.moment.at_ms - T0
        assert (opened.moment.replica, opened.moment.role, opened.moment.encrypted) == (False, "postgres", False)


def test_a_slow_question_ends_at_the_limit_and_is_no_zero(database: Database, tmp_path: Path) -> None:
    begun = time.monotonic()
    tick = asked_on(database.address(), tmp_path, SLOW, timeout="3s")
    assert time.monotonic() - begun < 0.3 + 0.25 + 0.5  # the limit, the allowed extra, connecting and storing
    assert tick.reason == "queue: the database cancelled the question after 300 ms (statement timeout)"


def test_a_locked_table_is_told_soon(database: Database, tmp_path: Path) -> None:
    database.run("CREATE TABLE t (status text)")
    with psycopg.connect(database.address()) as other:
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        tick = asked_on(database.address(), tmp_path, "SELECT status, count(*) AS count FROM t GROUP BY 1")
    assert "another session holds a lock" in tick.reason


def test_a_backend_that_is_terminated_is_told(database: Database, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        tick = pool.submit(asked_on, database.address(), tmp_path, SLOW, "60s")
        busy = "FROM pg_stat_activity WHERE application_name = 'closeout' AND query LIKE '%pg_sleep(30)%'"
        until(lambda: database.value(f"SELECT count(*) {busy} AND state = 'active'"))
        database.run(f"SELECT pg_terminate_backend(pid) {busy}")
        assert "the server shut down in the middle of the question" in tick.result().reason


def test_a_server_that_is_shut_down_in_mid_question_is_told(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool, PostgresServer.start(os.environ) as server:
        tick = pool.submit(asked_on, server.address(), tmp_path, SLOW, "60s")
        with psycopg.connect(server.address(), autocommit=True) as admin:
            active = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'closeout' AND state = 'active'"
            until(lambda: admin.execute(active).fetchone() == (1,))
        server.stop()
        assert "the server shut down in the middle of the question" in tick.result().reason


def test_a_server_that_no_longer_answers_is_cut_off_at_the_deadline(database: Database) -> None:
    def ask() -> str:
        with session(address_of(database.address()), Limits(60_000, 700), clock(T0)) as opened:
            with pytest.raises(Trouble) as told:
                opened.rows("SELECT 1 FROM pg_sleep(60)")
            return told.value.reason

    with ThreadPoolExecutor(1) as pool, psycopg.connect(database.address(), autocommit=True) as admin:
        reason = pool.submit(ask)
        find = b"SELECT min(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT 1 FROM pg_sleep%' AND state = 'active'"
        until(lambda: (admin.execute(find).fetchone() or (None,))[0])
        pid = (admin.execute(find).fetchone() or (0,))[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            assert reason.result() == "the database did not answer within 700 ms; the connection was cut"
        finally:
            os.kill(pid, signal.SIGCONT)
            admin.execute(f"SELECT pg_terminate_backend({pid})".encode())


def test_connections_that_fail_are_told_apart(database: Database, postgres: PostgresServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    told = {
        f"postgresql://u:pw@127.0.0.1:{port}/x": "nothing listens",
        "postgresql://u:pw@no-such-host.invalid/x?sslmode=disable": "name is not known",
        postgres.address("no_such_db"): "there is no such database",
        postgres.address("postgres", "no_such_role"): "there is no such role",
        f"postgresql://postgres@/x?host={tmp_path}": "nothing listens",
        postgres.address() + "&sslmode=bogus": "sslmode",
    }
    for number, (address, sentence) in enumerate(told.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert sentence in asked_on(address, folder, SLOW).reason


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    with PostgresServer.start(os.environ) as server:
        with psycopg.connect(server.address(), autocommit=True) as admin:
            admin.execute("CREATE ROLE app LOGIN PASSWORD 'right'")
            rules = Path(str((admin.execute("SHOW hba_file").fetchone() or ("",))[0]))
            rules.write_text("local all app scram-sha-256\nlocal all all trust\n")
            admin.execute("SELECT pg_reload_conf()")
        wrong = f"postgresql://app:wr0ng-one@/postgres?host={server.socket}"
        tick = asked_on(wrong, tmp_path, SLOW)
    assert "the database refuses the password" in tick.reason
    assert "wr0ng-one" not in tick.reason


def test_a_listener_that_says_nothing_is_left_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x?sslmode=disable&connect_timeout=2"
        begun = time.monotonic()
        tick = asked_on(address, tmp_path, SLOW)
    assert "did not answer the connection in time" in tick.reason
    assert time.monotonic() - begun < 6


def test_a_server_without_tls_is_told_when_the_address_wants_it(tmp_path: Path) -> None:
    refusing = threading.Thread(target=lambda: refuse_tls(listener), daemon=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing.start()
        address = f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/x?sslmode=require"
        tick = asked_on(address, tmp_path, SLOW)
    refusing.join()
    assert "disagree about TLS" in tick.reason


def refuse_tls(listener: socket.socket) -> None:
    """Answer the TLS request as a server without TLS does."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(8)
        connection.sendall(b"N")
        connection.recv(1)


def test_the_options_variable_of_the_driver_is_not_sent(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(1_000, 10_000)
    with monkeypatch.context() as environment:
        environment.setenv("PGOPTIONS", "-c statement_timeout=1")
        with session(address_of(database.address()), limits, clock(T0)) as opened:
            assert opened.rows("SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout'") == [("0",)]


def test_only_one_module_imports_the_driver() -> None:
    importing = [path.name for path in (ROOT / "collectors").rglob("*.py") if "import psycopg" in path.read_text()]
    assert importing == ["postgres.py"]
    text = (ROOT / "collectors/offload/postgres.py").read_text()
    assert "prepare_threshold=None" in text
    assert not [line for line in text.splitlines() if '"SET ' in line or "'SET " in line]
