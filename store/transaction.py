"""One transaction of a case: rows, the digest of what was stored, a link of the chain, COMMIT.

The only place that inserts into a case. An acknowledgement is the return of `commit`; nothing before it counts as stored.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from store import disk, waiting
from store.chain import ChainEntry, head_of, last_entry, line
from store.errors import CaseBusy, CaseSealed, CloseoutError, DiskFull, Refused
from store.evidence import EvidenceRow

if TYPE_CHECKING:
    from store.case import Case

BUSY_S = 10.0

_EVIDENCE = frozenset(get_args(EvidenceRow))
_ROWS_AT_ONCE = 1000


class Transaction:
    """Rows on their way into the case; made by `Case.transaction` only."""

    def __init__(self, case: Case, writer: str, kind: str) -> None:
        self._case = case
        self._db = case.read()
        self._writer = writer
        self._kind = kind
        self._marks: dict[str, int] = {}
        self._blobs: dict[str, tuple[str, int]] = {}
        self._room_known = False
        self.seq = 0

    def begin(self) -> None:
        """Take the write lock and note where every table ends."""
        self._take_lock()
        entry = last_entry(self._db)
        if entry is not None and entry.kind == "seal":
            raise CaseSealed(
                f"{self._case.path} was sealed{self._sealer()} and is never written again",
                f"go on with: closeout init NEXT.db --after {self._case.path}",
            )
        self.seq = entry.seq + 1 if entry else 1
        self._prev = entry.head if entry else None
        self._layout = self._case.layout()
        self._marks = {table: self._last_id(table) for table in self._layout.queries}

    def add(self, row: Any) -> int:
        """Store one evidence or journal row; returns its id.

        Raises:
            DiskFull: the row is evidence and only the reserve is left.
        """
        self._look_for_room(row)
        table, columns = _table_of(row)
        cursor = self._db.execute(_insert(table, columns), (self.seq, *row))
        return int(cursor.lastrowid or 0)

    def add_all(self, rows: Iterable[Any]) -> None:
        """Store many rows of one type.

        Raises:
            DiskFull: the rows are evidence and only the reserve is left.
        """
        iterator = iter(rows)
        first = next(iterator, None)
        if first is None:
            return
        self._look_for_room(first)
        table, columns = _table_of(first)
        statement, seq = _insert(table, columns), self.seq
        self._db.execute(statement, (seq, *first))
        self._db.executemany(statement, ((seq, *row) for row in iterator))

    def add_blob(self, name: str, data: bytes, *, mtime_s: int = 0) -> None:
        """Store an artifact's bytes under its name, as `sqlite3 CASE -Ax` extracts it. Its `artifact` row comes with it."""
        self._db.execute(
            "INSERT INTO sqlar (name, mode, mtime, sz, data) VALUES (?, 33188, ?, ?, ?)",
            (name, mtime_s, len(data), data),
        )
        self._blobs[name] = (hashlib.sha256(data).hexdigest(), mtime_s)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Read inside the transaction, under the write lock: what is seen here cannot be raced."""
        return self._db.execute(sql, parameters).fetchall()

    def commit(self) -> None:
        """Digest what was stored, link it into the chain, make it durable. Nothing stored means no entry."""
        self._check_blobs()
        rows, digest = self._digest()
        if rows == 0:
            self._db.rollback()
            self.seq -= 1
            return
        now, schema = self._case.clock(), self._layout.schema_sha256
        entry = ChainEntry(self.seq, now, self._writer, self._kind, self._prev, rows, digest, schema, head="")
        entry = entry._replace(head=head_of(entry))
        self._db.execute("INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", entry)
        self._db.commit()

    def _take_lock(self) -> None:
        # SQLite's own waiting grows to a tenth of a second between two looks and starves one of several writers; looking often is fair.
        began = told = time.monotonic()
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    now = time.monotonic()
                    if not is_busy(error) or now - began >= BUSY_S:
                        raise
                if now - told >= waiting.SAY_AFTER_S:
                    told = now
                    holder = waiting.holder_of(self._case.path)
                    waiting.say(f"waiting for {self._case.path.name}: {holder} is writing ({now - began:.0f} s)")
                time.sleep(0.002 + time.monotonic_ns() % 8 / 1000)
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")

    def _sealer(self) -> str:
        row = self._db.execute("SELECT operator FROM seal ORDER BY id DESC LIMIT 1").fetchone()
        return f" by {row[0]}" if row else ""

    def _last_id(self, table: str) -> int:
        (newest,) = self._db.execute(f'SELECT ifnull(max(id), 0) FROM "{table}"').fetchone()  # noqa: S608 names come from the schema
        return int(newest)

    def _look_for_room(self, row: Any) -> None:
        if not self._room_known and type(row) in _EVIDENCE:
            if disk.room_for_evidence(self._case.path) <= 0:
                raise reserve_only(self._case.path)
            self._room_known = True

    def _check_blobs(self) -> None:
        for name, (sha256, mtime) in self._blobs.items():
            rows = self.query("SELECT captured_ms / 1000 FROM artifact WHERE name = ? AND sha256 = ?", (name, sha256))
            if not rows or mtime not in (0, rows[0][0]):
                raise ValueError(f"the bytes of {name} have no artifact row with their hash and time")

    def _digest(self) -> tuple[int, str]:
        digest, count = hashlib.sha256(), 0
        for table, mark in self._marks.items():
            if self._last_id(table) == mark:
                continue
            digest.update(line(table))
            cursor = self._db.execute(self._layout.queries[table], (mark, 1 << 62))
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                digest.update("".join([f"{text}\n" for _, text in rows]).encode())
                count += len(rows)
        return count, digest.hexdigest()


def is_busy(error: sqlite3.Error) -> bool:
    """Whether an error only says that somebody else is at the file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def refusal(path: Path, error: sqlite3.OperationalError) -> CloseoutError:
    """What an error of SQLite means to a user."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if is_busy(error):
        return CaseBusy(f"{path} is busy: {waiting.holder_of(path)} has been writing for {BUSY_S:.0f} s", "try again")
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"the disk of {path} is full: EVIDENCE IS NOT BEING WRITTEN", "free some space and try again")
    if code == sqlite3.SQLITE_IOERR:
        return DiskFull(
            f"the disk of {path} does not take what is written: EVIDENCE IS NOT BEING WRITTEN",
            f"look at the disk and at quotas, then run: closeout verify {path}",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return Refused(f"{path} cannot be used here: {error}", "work on a copy made by: closeout copy CASE OUT")
    return Refused(f"{path}: {error}")


def reserve_only(path: Path) -> DiskFull:
    """Evidence is refused because only the reserve for notes and decisions is left."""
    return DiskFull(
        f"EVIDENCE IS NOT BEING WRITTEN: the disk of {path} has only the reserve for notes and decisions left",
        "free some space; what was stored is safe",
    )


def _table_of(row: Any) -> tuple[str, tuple[str, ...]]:
    name = type(row).__name__
    table = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    return table, row._fields


def _insert(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{column}"' for column in ("seq", *columns))
    return f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * (len(columns) + 1))})'  # noqa: S608 names are ours
