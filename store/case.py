"""The case file: how it is made, opened and appended to.

All evidence goes through `Case.transaction`: BEGIN IMMEDIATE, rows, the digest of what was stored, a chain entry, COMMIT. Journal mode
TRUNCATE with synchronous FULL: a copied file is complete or visibly broken, never silently short. Reading never writes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from store import disk, raw
from store.casefile import APPLICATION_ID, SCHEMA_VERSION, Header, check_file, check_place, journal_of
from store.chain import ChainEntry, Layout, last_entry, layout, schema_cookie
from store.errors import CaseSealed, CloseoutError, NotACase, Refused
from store.transaction import BUSY_S, Transaction, refusal, reserve_only

if TYPE_CHECKING:
    from store.runbook.model import Runbook

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "Case", "Transaction", "now_ms", "remove_case"]

# The settings that the power-cut and kill tests hold. A page is never spilled before the commit, so that readers wait for commits only.
WRITER_PRAGMAS = ("recursive_triggers = ON", "journal_mode = TRUNCATE", "synchronous = FULL", "cache_spill = OFF")


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
        self._layout: Layout | None = None
        self._held: raw.Identity | None = raw.hold(path)

    @classmethod
    def create(cls, path: Path | str, *, clock: Callable[[], int] = now_ms) -> Case:
        """Make an empty case at a path where nothing is yet; the caller stores `case_info` and the edition first.

        Raises:
            Refused: something is there already, or the place cannot be written.
        """
        path = Path(path)
        if path.exists() or path.is_symlink():
            raise Refused(f"{path} is there already", f"look at it with: closeout status {path}")
        if not path.parent.is_dir():
            raise Refused(f"there is no folder {path.parent}", f"make it with: mkdir -p {path.parent}")
        check_place(path)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise Refused(f"cannot write {path}: {error.strerror}", "choose another place") from error
        try:
            _lay_schema(path)
            return cls(path, connect(path, writable=True), writable=True, clock=clock)
        except (sqlite3.Error, OSError) as error:
            remove_case(path)
            raise Refused(f"cannot write {path}: {error}", "choose another place") from error

    @classmethod
    def open(cls, path: Path | str, *, write: bool = False, clock: Callable[[], int] = now_ms) -> Case:
        """Open a case, read-only unless `write`. A crashed writer's journal is rolled back first.

        Raises:
            NotACase: not a file of this program, or of a newer version, or damaged at its head.
            CaseSealed: asked to write to a case that has ended.
            Refused: it cannot be read or written here.
        """
        path = Path(path)
        header = check_file(path, write=write)
        case: Case | None = None
        try:
            case = cls(path, connect(path, writable=write), writable=write, clock=clock)
            _check_version(path, header, case.read(), write=write)
            entry = last_entry(case.read())
            if write and entry is not None and entry.kind == "seal":
                raise CaseSealed(
                    f"{path} is sealed and is never written again", f"go on with: closeout init NEXT.db --after {path}"
                )
            return case
        except (sqlite3.Error, CloseoutError) as error:
            if case is not None:
                case.close()
            if isinstance(error, sqlite3.OperationalError):
                raise refusal(path, error) from error
            if isinstance(error, sqlite3.Error):
                raise NotACase(
                    f"{path} is not a readable case: {error}", f"look closer with: closeout verify {path}"
                ) from error
            raise

    def __enter__(self) -> Case:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        if self._held is not None:
            raw.release(self._held)
            self._held = None

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
        from store.runbook.remembered import runbook_of  # status never needs it

        text, path = self._db.execute("SELECT text, path FROM edition WHERE id = ?", (self.edition(),)).fetchone()
        return runbook_of(text, path)

    def evidence_stopped(self) -> str | None:
        """Why evidence is not being written, in one sentence for the screen; nothing while it is."""
        try:
            disk_is_full = disk.room_for_evidence(self.path) <= 0
        except OSError as error:
            return f"EVIDENCE IS NOT BEING WRITTEN: {self.path.name} cannot be reached ({error.strerror})"
        return reserve_only(self.path).message if disk_is_full else None

    @contextlib.contextmanager
    def transaction(self, writer: str, *, kind: str = "append") -> Iterator[Transaction]:
        """One sealed transaction; everything in it becomes visible together, or nothing does.

        Raises:
            CaseBusy: another process wrote for longer than ten seconds.
            CaseSealed: the case ended meanwhile.
            DiskFull: there is no room; nothing was stored.
            Refused: the file does not take it; nothing was stored.
        """
        if not self.writable:
            raise Refused(f"{self.path} is open for reading only")
        tx = Transaction(self, writer, kind)
        try:
            tx.begin()
            yield tx
            tx.commit()
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.rollback()
            if isinstance(error, sqlite3.OperationalError):
                raise refusal(self.path, error) from error
            raise

    def layout(self) -> Layout:
        """What the chain covers in this file; read again when the schema changed."""
        if self._layout is None or self._layout.cookie != schema_cookie(self._db):
            self._layout = layout(self._db)
        return self._layout


def remove_case(path: Path) -> None:
    """Remove a case that could not be finished, with its journal."""
    raw.forget(path)
    for leftover in (path, journal_of(path)):
        leftover.unlink(missing_ok=True)


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open the file with the settings of this program; for reading, nothing of it can write."""
    mode = "rw" if writable else "ro"
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for setting in ("foreign_keys = ON", "temp_store = MEMORY", *(WRITER_PRAGMAS if writable else ())):
            db.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        db.close()
        raise
    return db


def _check_version(path: Path, header: Header, db: sqlite3.Connection, *, write: bool) -> None:
    if header.version == SCHEMA_VERSION:
        return
    reader, program = db.execute("SELECT format_reader, program_version FROM case_info ORDER BY id LIMIT 1").fetchone()
    if reader > SCHEMA_VERSION:
        raise NotACase(
            f"{path} has format {header.version} and needs a program that reads format {reader}; this one reads up to {SCHEMA_VERSION}",
            f"install closeout {program} or newer",
        )
    if write:
        raise Refused(
            f"{path} has format {header.version}, this program writes format {SCHEMA_VERSION}: it can be read here, not written",
            f"go on in a new case: closeout init NEXT.db --after {path}",
        )


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
