"""The case file: how it is made, opened and appended to.

All evidence goes through `Case.transaction`: BEGIN IMMEDIATE, rows, the digest of what was stored, a chain entry, COMMIT. Journal mode
TRUNCATE with synchronous FULL: a copied file is complete or visibly broken, never silently short. Reading never writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.chain import ChainEntry, chained_tables, encode, head_of, last_entry, row_query, schema_sha256
from store.errors import CaseBusy, CaseSealed, CloseoutError, NotACase, Refused

if TYPE_CHECKING:
    from store.runbook.model import Runbook

APPLICATION_ID = 0x434C4F53  # "CLOS"
SCHEMA_VERSION = 1
BUSY_S = 10.0

_HEADER_BYTES = 100


def now_ms() -> int:
    """The wall clock in epoch milliseconds; the only place of the store that reads it."""
    return time.time_ns() // 1_000_000


class Case:
    """One open case file. Use as a context manager; `read` is for SELECTs, `transaction` for everything that is stored."""

    def __init__(
        self, path: Path, db: sqlite3.Connection, *, writable: bool, clock: Callable[[], int] = now_ms
    ) -> None:
        self.path = path
        self.writable = writable
        self.clock = clock
        self._db = db

    @classmethod
    def create(cls, path: Path | str, *, clock: Callable[[], int] = now_ms) -> Case:
        """Make an empty case at a path where nothing is yet; the caller stores `case_info` and the edition first.

        Raises:
            Refused: something is there already, or the place cannot be written.
        """
        path = Path(path)
        if path.exists():
            raise Refused(f"{path} is there already", f"look at it with: closeout status {path}")
        if not path.parent.is_dir():
            raise Refused(f"there is no folder {path.parent}", f"make it with: mkdir -p {path.parent}")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise Refused(f"cannot write {path}: {error.strerror}", "choose another place") from error
        try:
            _lay_schema(path)
            return cls(path, _connect(path, writable=True), writable=True, clock=clock)
        except (sqlite3.Error, OSError) as error:
            remove_case(path)
            raise Refused(f"cannot write {path}: {error}", "choose another place") from error

    @classmethod
    def open(cls, path: Path | str, *, write: bool = False, clock: Callable[[], int] = now_ms) -> Case:
        """Open a case, read-only unless `write`.

        Raises:
            NotACase: not a file of this program, or of a newer version, or damaged at its head.
            CaseSealed: asked to write to a case that has ended.
            Refused: it cannot be read or written here.
        """
        path = Path(path)
        _check_file(path, write=write)
        try:
            db = _connect(path, writable=write)
            case = cls(path, db, writable=write, clock=clock)
            entry = last_entry(db)
        except sqlite3.OperationalError as error:
            raise _refusal(path, error) from error
        except sqlite3.DatabaseError as error:
            raise NotACase(
                f"{path} is not a readable case: {error}", f"look closer with: closeout verify {path}"
            ) from error
        if write and entry is not None and entry.kind == "seal":
            case.close()
            raise CaseSealed(
                f"{path} is sealed and is never written again", f"go on with: closeout init NEXT.db --after {path}"
            )
        return case

    def __enter__(self) -> Case:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def read(self) -> sqlite3.Connection:
        """The connection for SELECTs; never used for writing."""
        return self._db

    def head(self) -> ChainEntry:
        """The newest chain entry.

        Raises:
            NotACase: the file holds none.
        """
        entry = last_entry(self._db)
        if entry is None:
            raise NotACase(f"{self.path} holds no chain entry", "make a case with: closeout init CASE --runbook FILE")
        return entry

    def edition(self) -> int:
        """Id of the newest adopted runbook edition."""
        row = self._db.execute("SELECT max(id) FROM edition").fetchone()
        if row is None or row[0] is None:
            raise NotACase(f"{self.path} holds no runbook", "make a case with: closeout init CASE --runbook FILE")
        return int(row[0])

    def runbook(self) -> Runbook:
        """The newest edition's runbook, parsed from the text stored in the case."""
        from store.runbook.parse import parse_runbook  # pydantic is heavy; status never needs it

        text, path = self._db.execute("SELECT text, path FROM edition WHERE id = ?", (self.edition(),)).fetchone()
        return parse_runbook(text, path)

    @contextlib.contextmanager
    def transaction(self, writer: str, *, kind: str = "append") -> Iterator[Transaction]:
        """One sealed transaction; everything in it becomes visible together, or nothing does.

        Raises:
            CaseBusy: another process wrote for longer than ten seconds.
            CaseSealed: the case ended meanwhile.
            Refused: the disk or the file does not take it; nothing was stored.
        """
        if not self.writable:
            raise Refused(f"{self.path} is open for reading only")
        tx = Transaction(self._db, writer, kind, self.clock)
        try:
            tx.begin()
            yield tx
            tx.commit()
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.rollback()
            if isinstance(error, sqlite3.OperationalError):
                raise _refusal(self.path, error) from error
            raise


class Transaction:
    """Rows on their way into the case; made by `Case.transaction` only."""

    def __init__(self, db: sqlite3.Connection, writer: str, kind: str, clock: Callable[[], int]) -> None:
        self._db = db
        self._writer = writer
        self._kind = kind
        self._clock = clock
        self._marks: dict[str, int] = {}
        self.seq = 0

    def begin(self) -> None:
        """Take the write lock and note where every table ends."""
        self._db.execute("BEGIN IMMEDIATE")
        entry = last_entry(self._db)
        if entry is not None and entry.kind == "seal":
            raise CaseSealed("the case is sealed and is never written again")
        self.seq = entry.seq + 1 if entry else 1
        self._prev = entry.head if entry else None
        self._marks = {
            table: self._db.execute(f'SELECT ifnull(max(id), 0) FROM "{table}"').fetchone()[0]  # noqa: S608 names come from the schema
            for table in chained_tables(self._db)
        }

    def add(self, row: Any) -> int:
        """Store one evidence or journal row; returns its id."""
        table, columns = _table_of(row)
        cursor = self._db.execute(_insert(table, columns), (self.seq, *row))
        return int(cursor.lastrowid or 0)

    def add_all(self, rows: Iterable[Any]) -> None:
        """Store many rows of one type."""
        iterator = iter(rows)
        first = next(iterator, None)
        if first is None:
            return
        table, columns = _table_of(first)
        statement, seq = _insert(table, columns), self.seq
        self._db.execute(statement, (seq, *first))
        self._db.executemany(statement, ((seq, *row) for row in iterator))

    def add_blob(self, name: str, data: bytes, *, mtime_s: int = 0) -> None:
        """Store an artifact's bytes under its name, in the form that `sqlite3 CASE -Ax` extracts."""
        self._db.execute(
            "INSERT INTO sqlar (name, mode, mtime, sz, data) VALUES (?, 33188, ?, ?, ?)",
            (name, mtime_s, len(data), data),
        )

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Read inside the transaction, under the write lock: what is seen here cannot be raced."""
        return self._db.execute(sql, parameters).fetchall()

    def commit(self) -> None:
        """Digest what was stored, link it into the chain, make it durable. Nothing stored means no entry."""
        rows, digest = self._digest()
        if rows == 0:
            self._db.rollback()
            self.seq -= 1
            return
        entry = ChainEntry(
            self.seq,
            self._clock(),
            self._writer,
            self._kind,
            self._prev,
            rows,
            digest,
            schema_sha256(self._db),
            head="",
        )
        entry = entry._replace(head=head_of(entry))
        self._db.execute("INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", entry)
        self._db.commit()

    def _digest(self) -> tuple[int, str]:
        digest, count = hashlib.sha256(), 0
        for table, mark in self._marks.items():
            started = False
            for _, _, text in self._db.execute(row_query(self._db, table), (mark, 1 << 62)):
                if not started:
                    digest.update(encode(table))
                    started = True
                digest.update(text.encode())
                count += 1
        return count, digest.hexdigest()


def remove_case(path: Path) -> None:
    """Remove a case that could not be finished, with its journal."""
    for leftover in (path, path.with_name(path.name + "-journal")):
        leftover.unlink(missing_ok=True)


def _table_of(row: Any) -> tuple[str, tuple[str, ...]]:
    name = type(row).__name__
    table = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    return table, row._fields


def _insert(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{column}"' for column in ("seq", *columns))
    return f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * (len(columns) + 1))})'  # noqa: S608 names are ours


def _connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    mode = "rw" if writable else "ro"
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA temp_store = MEMORY")
    if writable:
        db.execute("PRAGMA recursive_triggers = ON")
        db.execute("PRAGMA journal_mode = TRUNCATE").fetchone()
        db.execute("PRAGMA synchronous = FULL")
    return db


def _lay_schema(path: Path) -> None:
    from sqlite_utils import Database  # only where a schema is written

    from store.schema.migrations import migrations

    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA page_size = 4096")
        db.execute("PRAGMA journal_mode = TRUNCATE").fetchone()
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrations.apply(Database(db, recursive_triggers=False))
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    finally:
        db.close()


def _check_file(path: Path, *, write: bool) -> None:
    if path.is_dir():
        raise NotACase(f"{path} is a folder, not a case", "name the case file, such as incident.db")
    if not path.exists():
        raise NotACase(f"there is no case {path}", f"make one with: closeout init {path} --runbook FILE")
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error
    if len(header) < _HEADER_BYTES or not header.startswith(b"SQLite format 3\0"):
        raise NotACase(f"{path} is not a case", f"bring it in with: closeout import CASE {path}")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise NotACase(f"{path} is an SQLite file of another program", "name a file made by closeout init")
    version = int.from_bytes(header[60:64], "big")
    if version > SCHEMA_VERSION:
        raise NotACase(
            f"{path} has schema {version}, this program reads up to {SCHEMA_VERSION}", "install a newer closeout"
        )
    if header[18] == 2 or header[19] == 2:
        raise NotACase(
            f"{path} was turned to WAL mode: a copy of it may lack its tail", "ask for a copy made by closeout copy"
        )
    if write and not os.access(path, os.W_OK):
        raise Refused(f"{path} is read-only", "work on a copy made by: closeout copy CASE OUT")
    _recover(path)


def _recover(path: Path) -> None:
    """Roll a crashed writer's journal back, so that readers can open the file; a no-op without one."""
    journal = path.with_name(path.name + "-journal")
    if not journal.exists() or journal.stat().st_size == 0 or not os.access(path, os.W_OK):
        return
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_S)) as db, contextlib.suppress(sqlite3.OperationalError):
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _refusal(path: Path, error: sqlite3.OperationalError) -> CloseoutError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return CaseBusy(f"{path} is busy: another process has been writing for {BUSY_S:.0f} s", "try again")
    if "full" in text:
        return Refused(f"the disk of {path} is full: evidence is NOT being written", "free some space and try again")
    if "readonly" in text or "read-only" in text or "unable to open" in text:
        return Refused(f"{path} cannot be written here: {text}", "work on a copy made by: closeout copy CASE OUT")
    if "disk I/O" in text:
        return Refused(
            f"the disk of {path} fails: evidence is NOT being written", "look at the disk, then run: closeout verify"
        )
    return Refused(f"{path}: {text}")
