"""The second question: does the chain hold, and do the rows and artifacts give the digests that it names?

One pass over all tables in id order, merged by transaction; memory stays constant whatever the size, and no index is trusted. No claim is
made that the chain is the one that was first written: a rewritten one would pass here.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from store.chain import ChainEntry, head_of, layout, line
from store.instants import format_instant
from store.verify.report import Answer, Asked

_SHOWN = 20
_ROWS_AT_ONCE = 1000
_MODE = 33188  # an ordinary file, as sqlite3 -Ax extracts it


@dataclass(slots=True)
class Contents:
    """What the pass found: the newest entry, the rows in all, and what is wrong."""

    seq: int = 0
    head: str | None = None
    rows: int = 0
    sealed: bool = False
    artifacts: int = 0
    outside: int = 0
    findings: list[str] = field(default_factory=list)

    def asked(self) -> Asked:
        """The answer to the question."""
        if self.findings:
            more = len(self.findings) - _SHOWN
            shown = (*self.findings[:_SHOWN], *((f"and {more} more",) if more > 0 else ()))
            return Asked("chain", Answer.NO, "The contents are not what the chain says was stored.", shown)
        return Asked(
            "chain",
            Answer.YES,
            f"{self.seq} transactions with {self.rows} rows give the digests that were stored with them, {self.artifacts} artifacts their "
            f"hashes, and the schema is that of the last transaction.{self._outside()}",
        )

    def _outside(self) -> str:
        return f" {self.outside} artifacts lie outside the file and were not looked at." if self.outside else ""


class _Rows:
    """The rows of one table on their way through the pass, with the transaction that comes next."""

    def __init__(self, db: sqlite3.Connection, table: str, query: str) -> None:
        self.table = table
        self._cursor = db.execute(query, (-(1 << 63), (1 << 63) - 1))
        self._buffer: list[tuple[int, bytes]] = []
        self._place = 0
        self.seq: int | None = None
        self._look()

    def take(self, digest: Any) -> int:
        """Digest the rows of the next transaction; returns how many they are."""
        seq, count = self.seq, 0
        digest.update(line(self.table))
        while self.seq == seq and seq is not None:
            end = self._place
            while end < len(self._buffer) and self._buffer[end][0] == seq:
                end += 1
            digest.update(b"".join([text + b"\n" for _, text in self._buffer[self._place : end]]))
            count += end - self._place
            self._place = end
            self._look()
        return count

    def _look(self) -> None:
        if self._place >= len(self._buffer):
            self._buffer, self._place = self._cursor.fetchmany(_ROWS_AT_ONCE), 0
        self.seq = self._buffer[self._place][0] if self._buffer else None


class _Pass:
    """The merge of all tables along the chain."""

    def __init__(self, db: sqlite3.Connection, queries: Mapping[str, str], contents: Contents) -> None:
        self.contents = contents
        self._waiting: dict[int, list[_Rows]] = {}
        for table in sorted(queries):
            self._queue(_Rows(db, table, queries[table]), after=0)

    def check(self, entry: ChainEntry) -> None:
        """Digest the rows of one transaction and compare."""
        digest, rows = hashlib.sha256(), 0
        for table in sorted(self._waiting.pop(entry.seq, []), key=lambda each: each.table):
            rows += table.take(digest)
            self._queue(table, after=entry.seq)
        self.contents.rows += rows
        if digest.hexdigest() != entry.digest or rows != entry.rows:
            self.contents.findings.append(
                f"transaction {entry.seq} ({entry.writer}, {format_instant(entry.at_ms)}): its rows are not those that were stored "
                f"({rows} now, {entry.rows} then)"
            )

    def finish(self) -> None:
        """Say which rows no transaction of the chain accounts for."""
        for seq, tables in sorted(self._waiting.items()):
            named = ", ".join(sorted(each.table for each in tables))
            self.contents.findings.append(f"rows of {named} name transaction {seq}, which the chain does not have")

    def _queue(self, rows: _Rows, *, after: int) -> None:
        while rows.seq is not None and rows.seq <= after:
            seq, count = rows.seq, rows.take(hashlib.sha256())
            self.contents.findings.append(
                f"{count} rows of {rows.table} name transaction {seq}, but stand behind later ones"
            )
        if rows.seq is not None:
            self._waiting.setdefault(rows.seq, []).append(rows)


def look_at_contents(db: sqlite3.Connection) -> Contents:
    """Recompute every digest, head and hash."""
    contents = Contents()
    shape = layout(db)
    db.text_factory = bytes  # what is stored is hashed as it is, whatever it is
    try:
        merge = _Pass(db, shape.queries, contents)
        last = None
        for entry in _entries(db):
            _check_link(contents, entry)
            merge.check(entry)
            last = entry
        merge.finish()
        _check_end(contents, last, shape.schema_sha256)
        _check_artifacts(db, contents)
    except (sqlite3.Error, UnicodeDecodeError, TypeError, ValueError) as error:
        contents.findings.append(f"it holds what no case holds: {error}")
    finally:
        db.text_factory = str
    return contents


def _entries(db: sqlite3.Connection) -> Iterator[ChainEntry]:
    columns = "seq, at_ms, writer, kind, prev, rows, digest, schema_sha256, head"
    for row in db.execute(f"SELECT {columns} FROM main.chain ORDER BY seq"):  # noqa: S608 constant
        yield ChainEntry._make(value.decode() if isinstance(value, bytes) else value for value in row)


def _check_link(contents: Contents, entry: ChainEntry) -> None:
    named = f"transaction {entry.seq}"
    if entry.seq != contents.seq + 1:
        contents.findings.append(f"{named} follows transaction {contents.seq}: something between them is missing")
    if entry.prev != contents.head:
        contents.findings.append(f"{named} does not continue the head before it")
    if entry.head != head_of(entry):
        contents.findings.append(f"{named} does not give the head that it names")
    if contents.sealed:
        contents.findings.append(f"{named} was stored after the seal")
    contents.seq, contents.head, contents.sealed = entry.seq, entry.head, entry.kind == "seal"


def _check_end(contents: Contents, last: ChainEntry | None, schema_sha256: str) -> None:
    if last is None:
        contents.findings.append("the chain has no entry")
    elif last.schema_sha256 != schema_sha256:
        contents.findings.append(f"the schema is not the one under which transaction {last.seq} was stored")


def _check_artifacts(db: sqlite3.Connection, contents: Contents) -> None:
    rows = db.execute(
        "SELECT a.name, a.size, a.sha256, a.captured_ms, a.path IS NOT NULL, s.name IS NOT NULL, s.mode, s.mtime, s.sz, s.data "
        "FROM artifact a LEFT JOIN sqlar s ON s.name = a.name ORDER BY a.id"
    )
    for name, size, sha256, captured, elsewhere, here, mode, mtime, sz, data in rows:
        shown = name.decode("utf-8", "replace")
        if not here:
            contents.outside += elsewhere
            if not elsewhere:
                contents.findings.append(f"the bytes of the artifact {shown} are not in the case")
            continue
        contents.artifacts += 1
        if hashlib.sha256(data).hexdigest().encode() != sha256 or not len(data) == sz == size:
            contents.findings.append(f"the bytes of the artifact {shown} are not those that were stored")
        if mode != _MODE or mtime not in (0, captured // 1000):
            contents.findings.append(f"the file mode or time of the artifact {shown} was changed")
    for (name,) in db.execute("SELECT name FROM sqlar WHERE name NOT IN (SELECT name FROM artifact)"):
        contents.findings.append(
            f"{name.decode('utf-8', 'replace')} lies among the artifacts, and no transaction stored it"
        )
