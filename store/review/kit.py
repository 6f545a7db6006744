"""What Datasette shows around the tables of a case: descriptions, labels, facets and the case's own questions.

All words come from the case's `description` and `canned_query` rows and from the comments in its views; none is written here.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

_LABELS = {
    "artifact": "name",
    "chain": "writer",
    "collection": "source",
    "decision": "choice",
    "edition": "path",
    "evaluation": "why",
    "mark": "name",
    "note": "body",
    "session": "operator",
    "signal": "title",
    "signature": "title",
    "step": "title",
    "window": "name",
}
_FACETS = {
    "artifact": ["role", "media_type"],
    "citation": ["evidence"],
    "collection": ["stream", "collector"],
    "collection_end": ["status"],
    "condition_state": ["state", "kind"],
    "coverage": ["stream"],
    "decision": ["step", "choice"],
    "description": ["table"],
    "evaluation_result": ["state", "signal"],
    "log_match": ["signature", "stream"],
    "probe": ["route", "status_text"],
    "signal_state": ["state"],
    "step_event": ["kind", "step"],
    "traffic": ["route"],
}
_NEWEST_FIRST = ("chain", "collection", "decision", "evaluation", "note", "step_event")
_QUESTION = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
_MACHINERY = (
    "_sqlite_migrations",
    "canned_query",
    "definition_group",
    "definition_route",
    "definition_signature",
    "definition_status",
    "definition_stream",
    "description",
    "sqlar",
)


def metadata_of(path: Path, route: str) -> dict[str, Any]:
    """Datasette's metadata of one case, its `databases` entry."""
    texts = _texts_of(path)
    tables: dict[str, dict[str, Any]] = {}
    for table, columns in texts.described.items():
        entry: dict[str, Any] = {"description": columns.get("", "")}
        entry["columns"] = {column: text for column, text in columns.items() if column}
        tables[table] = entry
    for table, label in _LABELS.items():
        tables.setdefault(table, {})["label_column"] = label
    for table, facets in _FACETS.items():
        tables.setdefault(table, {})["facets"] = facets
    for table in _NEWEST_FIRST:
        tables.setdefault(table, {})["sort_desc"] = "seq" if table == "chain" else "id"
    for table in _MACHINERY:
        tables.setdefault(table, {})["hidden"] = True
    description = f'The rows of this case. <a href="{route}/-/case"><strong>The case itself</strong></a> says what they amount to.'
    return {"title": texts.title, "description_html": description, "tables": tables}


def queries_of(path: Path) -> dict[str, dict[str, Any]]:
    """The questions that the case brings, as Datasette's canned queries. Only questions: a file from elsewhere may bring commands."""
    return {
        name: {"sql": sql, "title": title, "write": False}
        for name, title, sql in _texts_of(path).queries
        if _QUESTION.match(sql)
    }


class _Texts:
    """The words of one case, read once per change of its file."""

    def __init__(
        self, title: str, described: Mapping[str, Mapping[str, str]], queries: tuple[tuple[str, str, str], ...]
    ) -> None:
        self.title = title
        self.described = described
        self.queries = queries


_NOTHING = _Texts("", MappingProxyType({}), ())


def _texts_of(path: Path) -> _Texts:
    try:
        state = path.stat()
    except OSError:
        return _NOTHING
    return _read_texts(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=16)
def _read_texts(path: Path, mtime_ns: int, size: int) -> _Texts:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            described = _view_comments(db)
            for table, column, text in db.execute('SELECT "table", "column", text FROM description'):
                described.setdefault(table, {})[column] = text
            _spread(db, described)
            queries = tuple(db.execute("SELECT name, title, sql FROM canned_query ORDER BY id"))
            row = db.execute("SELECT title FROM case_info ORDER BY id LIMIT 1").fetchone()
    except sqlite3.Error:
        return _NOTHING  # a damaged case still opens in Datasette; its own page says what is wrong
    return _Texts(row[0] if row else "", described, queries)


def _spread(db: sqlite3.Connection, described: dict[str, dict[str, str]]) -> None:
    """Give the words that hold in every table to each table and view with such a column."""
    common = described.pop("*", {})
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')").fetchall():
        entry = described.setdefault(name, {})
        for (column,) in _columns(db, name):
            if column in common:
                entry.setdefault(column, common[column])


def _columns(db: sqlite3.Connection, table: str) -> list[tuple[str]]:
    try:
        return db.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
    except sqlite3.Error:
        return []  # a view that does not compile; its page says so


def _view_comments(db: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """The comment at the beginning of each view says what it is."""
    found: dict[str, dict[str, str]] = {}
    for name, sql in db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'view'"):
        lines = str(sql).split("\n")[1:]
        comment: list[str] = []
        for line in lines:
            if not line.startswith("--"):
                break
            comment.append(line.removeprefix("--").strip())
        found[str(name)] = {"": " ".join(comment)}
    return found
