"""Triggers that make every table append-only, derived from the tables' own unique keys.

A trigger that checks only the primary key lets INSERT OR REPLACE swallow a row through another unique column, so each unique index of
each table gets its own clause.
"""

from __future__ import annotations

import sqlite3

_CITED = ("collection", "log_match", "snapshot", "run_count", "gauge", "probe", "artifact", "evaluation", "traffic")


def guard_statements(db: sqlite3.Connection) -> list[str]:
    """The CREATE TRIGGER statements for every table that `db` holds now."""
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    statements: list[str] = []
    for table in tables:
        statements += _refuse_change(table)
        statements.append(_refuse_replacement(db, table))
    statements.append(_refuse_dangling_citation())
    statements.append(_refuse_after_seal())
    return statements


def _refuse_change(table: str) -> list[str]:
    return [
        f'CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON "{table}" '
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: retract, never {verb}'); END"
        for verb in ("update", "delete")
    ]


def _refuse_replacement(db: sqlite3.Connection, table: str) -> str:
    clauses = [_taken(table, key, "1") for key in _primary_key(db, table)]
    for _, index, unique, _, partial in db.execute(f'PRAGMA index_list("{table}")').fetchall():
        if unique:
            columns = [row[2] for row in db.execute(f'PRAGMA index_info("{index}")')]
            clauses.append(_taken(table, columns, _index_condition(db, index) if partial else "1"))
    return (
        f'CREATE TRIGGER {table}_no_replace BEFORE INSERT ON "{table}" WHEN {" OR ".join(clauses)} '
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: this row is already there'); END"
    )


def _primary_key(db: sqlite3.Connection, table: str) -> list[list[str]]:
    columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")') if row[5]]
    return [columns] if columns else []


def _taken(table: str, columns: list[str], condition: str) -> str:
    same = " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
    applies = "" if condition == "1" else f" AND {condition}"
    only = "" if condition == "1" else f"(NEW.{condition}) AND "
    return f'{only}EXISTS (SELECT 1 FROM "{table}" WHERE {same}{applies})'  # noqa: S608 names come from the schema


def _index_condition(db: sqlite3.Connection, index: str) -> str:
    (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
    return str(sql).split(" WHERE ", 1)[1]


def _refuse_dangling_citation() -> str:
    known = " OR ".join(
        f"(NEW.evidence = '{table}' AND EXISTS (SELECT 1 FROM {table} WHERE id = NEW.evidence_id))"  # noqa: S608
        for table in _CITED
    )
    return (
        f"CREATE TRIGGER citation_of_evidence BEFORE INSERT ON citation WHEN NOT ({known}) "
        "BEGIN SELECT RAISE(ABORT, 'a citation must name evidence that is in this case'); END"
    )


def _refuse_after_seal() -> str:
    return (
        "CREATE TRIGGER chain_ends_with_seal BEFORE INSERT ON chain "
        "WHEN (SELECT kind FROM chain ORDER BY seq DESC LIMIT 1) = 'seal' "
        "BEGIN SELECT RAISE(ABORT, 'the case is sealed and is never written again'); END"
    )
