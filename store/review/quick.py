"""Answer `signal_state` and `condition_state` at once in Datasette's own pages.

Datasette asks a view again and again for one page: its rows, its count, its facets. Here the case's own view texts are run once per change
of the file, step by step as `store.judge` does, and their rows are kept in temporary tables of the connection under the same names, where
unqualified names find them first. The rows are those of the views; where this fails, the views themselves answer.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

from store.errors import CloseoutError
from store.judge import frontier_question, make_tables, staged, view_texts
from store.review.recognise import cases_of
from store.review.timebox import CutShort, limited

KEPT = ("signal_state", "condition_state", "condition_coverage", "condition_level", "condition_trip")
KEPT_OF_VERDICT = (
    "verdict_side", "verdict_pair", "verdict_tail", "verdict_interval", "verdict_tested", "verdict_holm", "verdict_row", "verdict_open",
    "verdict_watch_item", "verdict_fact", "verdict_rule", "verdict",
)  # fmt: skip
"""Views with few rows that are dear to compute; Datasette asks a view once per column when it looks for facets."""

_LIMIT_S = 5.0


def quicken(datasette: Any) -> None:
    """Let every case of this Datasette be read through connections that keep the rows of its states."""
    from datasette.database import Database

    class CaseDatabase(Database):  # type: ignore[misc]
        async def execute_fn(self, fn: Callable[[sqlite3.Connection], Any]) -> Any:
            def with_states(db: sqlite3.Connection) -> Any:
                keep_states(db)
                return fn(db)

            return await super().execute_fn(with_states)

        async def attached_databases(self) -> list[Any]:
            """The temporary tables are ours and nothing that a reader attached."""
            return [each for each in await super().attached_databases() if each.name != "temp"]

    for name in cases_of(datasette):
        old = datasette.databases[name]
        if type(old) is Database and not old.is_memory:
            new = CaseDatabase(datasette, path=old.path, is_mutable=old.is_mutable)
            datasette.remove_database(name)
            datasette.add_database(new, name=name, route=old.route)


def keep_states(db: sqlite3.Connection) -> None:
    """Bring the kept rows up to the newest transaction of the file."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS kept (version INTEGER)")
    (version,) = db.execute("PRAGMA main.data_version").fetchone()
    held = db.execute("SELECT version FROM temp.kept").fetchone()
    if held is not None and held[0] == version:
        return
    for name in (*KEPT, *KEPT_OF_VERDICT):
        db.execute(f"DROP TABLE IF EXISTS temp.{name}")
    with contextlib.suppress(sqlite3.Error, CloseoutError, CutShort, LookupError, TypeError, ValueError):
        _keep(db)
    with contextlib.suppress(sqlite3.Error):
        db.execute("DELETE FROM temp.kept")
        db.execute("INSERT INTO temp.kept VALUES (?)", (version,))
        db.commit()


def _keep(db: sqlite3.Connection) -> None:
    found: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {}
    with limited(db, _LIMIT_S), staged(db, frontier_question(db)):
        found |= {name: _rows(db, name) for name in KEPT}
        with contextlib.suppress(
            sqlite3.Error
        ):  # a case from elsewhere may lack them; the signals are kept all the same
            make_tables(db, view_texts(db, of_verdict=True))
            found |= {name: _rows(db, name) for name in KEPT_OF_VERDICT}
    for name, (columns, rows) in found.items():
        db.execute(f"CREATE TEMP TABLE {name} ({', '.join(_quoted(column) for column in columns)})")
        db.executemany(f"INSERT INTO temp.{name} VALUES ({', '.join('?' * len(columns))})", rows)  # noqa: S608


def _rows(db: sqlite3.Connection, name: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    cursor = db.execute(f"SELECT * FROM temp.{name}")  # noqa: S608 fixed names
    return [column[0] for column in cursor.description], [tuple(row) for row in cursor]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
