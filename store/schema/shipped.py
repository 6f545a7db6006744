"""The schema as this program makes it, to compare with the one in a case: a view or trigger that somebody replaced decides verdicts.

The bookkeeping table of the migrations is left out, because its form belongs to another library and no verdict rests on it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from functools import lru_cache
from typing import NamedTuple

_BOOKKEEPING = "_sqlite_migrations"


class SchemaObject(NamedTuple):
    """A table, index, trigger or view, and the text that made it."""

    type: str
    name: str
    table: str
    sql: str


def schema_objects(db: sqlite3.Connection) -> frozenset[SchemaObject]:
    """Everything that makes up the schema of a file."""
    rows = db.execute(
        "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND tbl_name <> ?",
        (_BOOKKEEPING,),
    )
    return frozenset(SchemaObject(*row) for row in rows if not row[1].startswith("sqlite_"))


@lru_cache(maxsize=4)
def shipped_objects(version: int) -> frozenset[SchemaObject] | None:
    """The schema of that version as this program makes it; nothing for a version that it does not know."""
    from store.casefile import SCHEMA_VERSION

    if version != SCHEMA_VERSION:
        return None
    from store.schema.guards import guard_statements
    from store.schema.statements import table_statements
    from store.schema.views import view_statements

    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for statement in table_statements():
            db.execute(statement)
        for statement in guard_statements(db):
            db.execute(statement)
        for _, statement in view_statements():
            db.execute(statement)
        return schema_objects(db)
