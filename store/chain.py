"""The chain over everything that was stored: how rows are written down, digested and linked.

Everything that is hashed is UTF-8 text of JSON arrays, one a line: no blanks, the shortest escapes, integers in decimal. A
transaction's digest is the SHA-256 over, for each table that it added to in name order, the line ["table"] and one line per row with
all its columns, in id order. `head` is the SHA-256 over one line: "closeout-chain/1" and the entry's fields, the previous head among
them. What was stored is read back and hashed, not what was passed: SQLite converts, and the file is what others verify. SQLite writes
the lines itself (json_array), a third of the cost of doing it in Python; tests hold the two equal. Bytes of artifacts enter by their
SHA-256 in `artifact`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

FORMAT = "closeout-chain/1"

_UNCHAINED = ("chain", "sqlar")


class ChainEntry(NamedTuple):
    """One transaction's link; field names are the columns of `chain`."""

    seq: int
    at_ms: int
    writer: str
    kind: str
    prev: str | None
    rows: int
    digest: str
    schema_sha256: str
    head: str


class Layout(NamedTuple):
    """What the chain covers in a file: a query per table that writes its rows down, and the hash of the schema."""

    queries: Mapping[str, str]
    schema_sha256: str
    cookie: int


def line(*values: int | str | None) -> bytes:
    """Write values down as one line; no two different lists of values have the same bytes."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def head_of(entry: ChainEntry) -> str:
    """The head that an entry's fields give (its own `head` field is not read)."""
    return hashlib.sha256(line(FORMAT, *entry[:-1])).hexdigest()


def layout(db: sqlite3.Connection) -> Layout:
    """What the chain covers here. It holds as long as `schema_cookie` stays."""
    queries = {table: row_query(db, table) for table in chained_tables(db)}
    return Layout(MappingProxyType(queries), schema_sha256(db), schema_cookie(db))


def schema_cookie(db: sqlite3.Connection) -> int:
    """A number that SQLite changes with every change of the schema."""
    return int(db.execute("PRAGMA main.schema_version").fetchone()[0])


def chained_tables(db: sqlite3.Connection) -> list[str]:
    """Names of the tables whose rows the chain covers, in name order."""
    rows = db.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows if name not in _UNCHAINED and not name.startswith(("_", "sqlite_"))]


def row_query(db: sqlite3.Connection, table: str) -> str:
    """SELECT that gives `seq` and the line (without its end) of rows with id between two parameters, in id order."""
    columns = ", ".join(f'"{name}"' for _, name, *_ in db.execute(f'PRAGMA main.table_info("{table}")'))
    return f'SELECT seq, json_array({columns}) FROM main."{table}" WHERE id > ? AND id <= ? ORDER BY id'  # noqa: S608 names come from the schema


def schema_sha256(db: sqlite3.Connection) -> str:
    """SHA-256 over every object of the schema: a replaced view or a dropped trigger changes it."""
    rows = db.execute(
        "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "ORDER BY type, name, tbl_name"
    )
    digest = hashlib.sha256()
    for row in rows:
        digest.update(line(*row))
    return digest.hexdigest()


def last_entry(db: sqlite3.Connection) -> ChainEntry | None:
    """The newest chain entry, if there is one."""
    row = db.execute(
        "SELECT seq, at_ms, writer, kind, prev, rows, digest, schema_sha256, head FROM main.chain ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return ChainEntry(*row) if row else None
