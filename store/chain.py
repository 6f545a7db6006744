"""The chain over everything that was stored: how rows are encoded, digested and linked.

Encoding of one value: `n;` for NULL, `i<decimal>;` for an integer, `t<bytes>:<utf-8>` for text. A row is its values in column order; a
transaction's digest is the SHA-256 over `t<bytes>:<table>` and the rows of each table that it added to, tables in name order, rows in id
order. `head` is the SHA-256 over "closeout-chain/1" and the entry's fields, the previous head among them. What was stored is read back and
hashed, not what was passed: SQLite converts, and the file is what others verify. Bytes of artifacts enter by their SHA-256.
"""

from __future__ import annotations

import hashlib
import sqlite3
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


def encode(*values: int | str | None) -> bytes:
    """Encode values one after another; no two different lists of values have the same bytes."""
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(b"n;")
        elif isinstance(value, int):
            parts.append(b"i%d;" % value)
        else:
            raw = value.encode()
            parts.append(b"t%d:%s" % (len(raw), raw))
    return b"".join(parts)


def head_of(entry: ChainEntry) -> str:
    """The head that an entry's fields give (its own `head` field is not read)."""
    fields = (
        entry.seq,
        entry.at_ms,
        entry.writer,
        entry.kind,
        entry.prev,
        entry.rows,
        entry.digest,
        entry.schema_sha256,
    )
    return hashlib.sha256(encode(FORMAT, *fields)).hexdigest()


def chained_tables(db: sqlite3.Connection) -> list[str]:
    """Names of the tables whose rows the chain covers, in name order."""
    rows = db.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows if name not in _UNCHAINED and not name.startswith(("_", "sqlite_"))]


def row_query(db: sqlite3.Connection, table: str) -> str:
    """SELECT that gives `id`, `seq` and the encoded text of rows with id between two parameters, in id order."""
    columns = [(name, kind) for _, name, kind, *_ in db.execute(f'PRAGMA main.table_info("{table}")')]
    encoded = " || ".join(
        f"ifnull('i' || \"{name}\" || ';', 'n;')"
        if kind == "INTEGER"
        else f"ifnull('t' || length(CAST(\"{name}\" AS BLOB)) || ':' || \"{name}\", 'n;')"
        for name, kind in columns
    )
    return f'SELECT id, seq, {encoded} FROM main."{table}" WHERE id > ? AND id <= ? ORDER BY id'  # noqa: S608 names come from the schema


def schema_sha256(db: sqlite3.Connection) -> str:
    """SHA-256 over every object of the schema: a replaced view or a dropped trigger changes it."""
    rows = db.execute(
        "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "ORDER BY type, name, tbl_name"
    )
    digest = hashlib.sha256()
    for row in rows:
        digest.update(encode(*row))
    return digest.hexdigest()


def last_entry(db: sqlite3.Connection) -> ChainEntry | None:
    """The newest chain entry, if there is one."""
    row = db.execute(
        "SELECT seq, at_ms, writer, kind, prev, rows, digest, schema_sha256, head FROM chain ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return ChainEntry(*row) if row else None
