"""Real parts for the collectors' tests: one embedded Postgres per session, an empty database per test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from collectors.postgres_server.binaries import PostgresMissing
from collectors.postgres_server.server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server; without binaries the test is skipped, or fails when CLOSEOUT_REQUIRE_PG=1."""
    try:
        server = PostgresServer.start(os.environ)
    except PostgresMissing as error:
        if os.environ.get("CLOSEOUT_REQUIRE_PG") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with server:
        yield server


class Database:
    """One empty database of the test's own."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.server = server
        self.name = name

    def address(self, user: str = "postgres") -> str:
        return self.server.address(self.name, user)

    def run(self, *statements: str, user: str = "postgres") -> None:
        with psycopg.connect(self.address(user), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def value(self, query: str) -> object:
        with psycopg.connect(self.address(), autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


_CLEAR = (
    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()""",
    """DO $$ DECLARE name text; BEGIN
         FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' LOOP
           EXECUTE format('DROP SCHEMA %I CASCADE', name);
         END LOOP;
       END $$""",
    "CREATE SCHEMA public",
    "GRANT USAGE ON SCHEMA public TO PUBLIC",
)


@pytest.fixture(scope="session")
def test_database(postgres: PostgresServer) -> Database:
    """The one database that tests share; making one for each would take longer than the tests."""
    Database(postgres, "postgres").run("CREATE DATABASE test")
    return Database(postgres, "test")


@pytest.fixture
def database(test_database: Database) -> Iterator[Database]:
    """An empty database; emptied again afterwards, whoever is still busy in it."""
    yield test_database
    test_database.run(*_CLEAR)
