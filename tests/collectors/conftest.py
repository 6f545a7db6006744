"""Real parts for the collectors' tests: one embedded Postgres per session, one fresh database per test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import psycopg
import pytest

from collectors.postgres_server.binaries import PostgresMissing
from collectors.postgres_server.server import PostgresServer

_numbers = itertools.count(1)


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


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    """A fresh database; dropped afterwards, with whoever is still connected."""
    name = f"t{next(_numbers)}"
    admin = Database(postgres, "postgres")
    admin.run(f"CREATE DATABASE {name} STRATEGY file_copy")
    yield Database(postgres, name)
    admin.run(f"DROP DATABASE {name} WITH (FORCE)")
