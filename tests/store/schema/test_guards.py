"""Nothing is ever changed or taken away: the attempts are generated from the schema itself, with SQLite's default settings."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from store.schema.guards import guard_statements
from store.schema.shipped import schema_objects, shipped_objects
from store.schema.statements import table_statements
from store.schema.views import view_statements
from tests.store import world
from tests.store.harness.deeds import kept_folder


class Key(NamedTuple):
    """One unique key of one table; `where` is a partial index's condition."""

    table: str
    columns: tuple[str, ...]
    where: str


@lru_cache(maxsize=1)
def filled() -> Path:
    """A case in which every table holds one row, made without any of its guards and checks being in the way."""
    path = kept_folder() / "filled.db"
    world.World(path, world.runbook_text())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        for table in tables_of(db):
            if not db.execute(f'SELECT 1 FROM "{table}"').fetchone():
                row = [made_up(*column[1:3]) for column in columns_of(db, table)]
                db.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)
        names = ", ".join(
            f'"{column[1]}"' for column in columns_of(db, "step_event") if column[1] not in ("id", "kind")
        )
        db.execute(f"INSERT INTO step_event (id, kind, {names}) SELECT 2, 'passed', {names} FROM step_event")
    return path


def made_up(name: str, kind: str) -> object:
    """A value for a column."""
    if name in ("kind", "evidence"):
        return {"kind": "started", "evidence": "artifact"}[name]
    return b"x" if kind == "BLOB" else 1 if kind == "INTEGER" else "x"


def tables_of(db: sqlite3.Connection) -> list[str]:
    """Every table of the schema."""
    return [
        name
        for (name,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    ]


def columns_of(db: sqlite3.Connection, table: str) -> list[Any]:
    """Every column of a table."""
    return db.execute(f'PRAGMA table_info("{table}")').fetchall()


def all_keys() -> list[Key]:
    """Every unique key of every table, the primary ones among them."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for statement in table_statements():
            db.execute(statement)
        return [key for table in tables_of(db) for key in keys_of(db, table)]


def keys_of(db: sqlite3.Connection, table: str) -> Iterator[Key]:
    """The unique keys of a table."""
    yield Key(table, tuple(row[1] for row in columns_of(db, table) if row[5]), "")
    for _, index, unique, _, partial in db.execute(f'PRAGMA index_list("{table}")').fetchall():
        if unique:
            (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
            columns = tuple(row[2] for row in db.execute(f'PRAGMA index_info("{index}")'))
            yield Key(table, columns, sql.split(" WHERE ", 1)[1] if partial else "")


KEPT = ("seq", "kind", "evidence", "evidence_id")  # what other guards look at
KEYS = all_keys()
TABLES = sorted({key.table for key in KEYS})


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "case.db"
    shutil.copyfile(filled(), path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as found:
        assert found.execute("PRAGMA recursive_triggers").fetchone() == (0,)
        assert found.execute("PRAGMA foreign_keys").fetchone() == (0,)
        found.execute("PRAGMA ignore_check_constraints = ON")
        yield found


def rows_of(db: sqlite3.Connection, table: str) -> list[Any]:
    """All rows of a table."""
    return db.execute(f'SELECT * FROM "{table}" ORDER BY 1').fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_no_row_can_be_updated_or_deleted(db: sqlite3.Connection, table: str) -> None:
    before = rows_of(db, table)
    column = columns_of(db, table)[-1][1]
    for attempt in (
        f'UPDATE "{table}" SET "{column}" = "{column}"',
        f'UPDATE OR REPLACE "{table}" SET "{column}" = NULL',
        f'DELETE FROM "{table}"',
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(attempt)
    assert rows_of(db, table) == before


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.table}-{'-'.join(key.columns)}")
def test_no_row_can_be_replaced_through_any_of_its_keys(db: sqlite3.Connection, key: Key, recursive: str) -> None:
    db.execute(f"PRAGMA recursive_triggers = {recursive}")
    before = rows_of(db, key.table)
    columns = columns_of(db, key.table)
    names = [column[1] for column in columns]
    held = dict(
        zip(names, db.execute(f'SELECT * FROM "{key.table}" WHERE {key.where or 1} LIMIT 1').fetchone(), strict=True)
    )
    row = [
        held[name] if name in key.columns or name in KEPT else other(held[name], kind) for _, name, kind, *_ in columns
    ]
    values = ", ".join("?" * len(row))
    for verb in ("INSERT OR REPLACE", "REPLACE", "INSERT OR FAIL", "INSERT"):
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|sealed"):
            db.execute(f'{verb} INTO "{key.table}" VALUES ({values})', row)
    target = "(" + ", ".join(f'"{name}"' for name in key.columns) + ")" + (f" WHERE {key.where}" if key.where else "")
    upsert = f'INSERT INTO "{key.table}" VALUES ({values}) ON CONFLICT {target} DO UPDATE SET "{names[-1]}" = excluded."{names[-1]}"'
    with pytest.raises(sqlite3.Error, match=r"append-only|sealed|does not match any"):
        db.execute(upsert, row)
    assert rows_of(db, key.table) == before


def other(value: object, kind: str) -> object:
    """Another value of the same type."""
    if kind == "INTEGER":
        return 77
    return b"other" if kind == "BLOB" else "other"


def test_a_row_without_its_transaction_cannot_be_committed_where_keys_are_enforced(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("BEGIN")
    db.execute("INSERT INTO note (seq, at_ms, operator, body) VALUES (999, 1, 'kim', 'hello')")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        db.execute("COMMIT")
    db.execute("ROLLBACK")


def test_a_row_without_its_transaction_is_found_where_keys_are_not_enforced(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO note (seq, at_ms, operator, body) VALUES (999, 1, 'kim', 'hello')")
    assert ("note", 999) in {(row[0], 999) for row in db.execute("PRAGMA foreign_key_check(note)")}


def test_nothing_follows_a_seal(tmp_path: Path) -> None:
    path = tmp_path / "case.db"
    world.World(path, world.runbook_text())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        (head,) = db.execute("SELECT head FROM chain").fetchone()
        db.execute("INSERT INTO chain VALUES (2, 1, 'kim', 'seal', ?, 1, 'd', 's', 'h2')", (head,))
        with pytest.raises(sqlite3.IntegrityError, match="sealed"):
            db.execute("INSERT INTO chain VALUES (3, 1, 'kim', 'append', 'h2', 1, 'd', 's', 'h3')")


def test_a_citation_of_evidence_that_is_not_there_is_refused(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="must name evidence"):
        db.execute(
            "INSERT INTO citation (seq, decision, ref, evidence, evidence_id) VALUES (1, 1, 'probe:404', 'probe', 404)"
        )


def test_every_table_is_strict_and_has_its_three_guards() -> None:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for statement in table_statements():
            db.execute(statement)
        for statement in guard_statements(db):
            db.execute(statement)
        guards = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
        for table in tables_of(db):
            assert {f"{table}_no_{verb}" for verb in ("update", "delete", "replace")} <= guards
        strict = dict(db.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"))
        assert all(strict[table] for table in tables_of(db))


def test_every_view_names_columns_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "case.db"
    world.World(path, world.runbook_text())
    with contextlib.closing(sqlite3.connect(path)) as db:
        for name in (
            name for name, _ in view_statements() if not name.startswith("verdict")
        ):  # those have tests of their own
            db.execute(f'EXPLAIN SELECT * FROM "{name}"').fetchall()


def test_a_new_case_has_exactly_the_schema_that_is_shipped(tmp_path: Path) -> None:
    path = tmp_path / "case.db"
    world.World(path, world.runbook_text())
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert schema_objects(db) == shipped_objects(1)
    assert shipped_objects(2) is None


def test_sealed_tables_are_never_rebuilt() -> None:
    root = Path(__file__).parents[3]
    for package in ("store", "collectors", "tui"):
        for module in (root / package).rglob("*.py"):
            assert ".transform(" not in module.read_text("utf-8"), module
