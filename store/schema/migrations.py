"""The schema of a case, carried by sqlite-utils migrations.

Sealed tables are never rebuilt: a later migration may add tables, indexes and views, nothing else. `transform()` is forbidden here: it
silently drops triggers and deferred keys.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from store.schema.guards import guard_statements
from store.schema.statements import table_statements
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
