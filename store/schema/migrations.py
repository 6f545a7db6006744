"""The schema of a case, carried by sqlite-utils migrations.

Sealed tables are never rebuilt: a later migration may add tables, indexes and views, nothing else. `transform()` is forbidden here: it
silently drops triggers and deferred keys.
"""

from __future__ import annotations

from importlib.resources import files

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from store.schema.guards import guard_statements
from store.schema.views import view_statements

migrations = Migrations("closeout")


@migrations(name="0001_case")
def _case(db: Database) -> None:
    for statement in table_statements():
        db.execute(statement)
    for statement in guard_statements(db.conn):
        db.execute(statement)
    for _, statement in view_statements():
        db.execute(statement)


def table_statements() -> list[str]:
    """The CREATE TABLE and CREATE INDEX statements of tables.sql, in order."""
    return _statements(files("store.schema").joinpath("tables.sql").read_text("utf-8"))


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip().rstrip(";")]
