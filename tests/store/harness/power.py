"""A disk that loses power: every write, truncation, sync and unlink of a run is recorded, then cut off anywhere and replayed.

What was synced is there. What was written after the last sync of its file is there, missing, or torn at 512 bytes, as chance has it. Names
that were made or removed hold from the next sync on, before that in order as far as chance has it. SQLite is asked through apsw, which
can stand between it and the files; the transactions are the store's own.
"""

from __future__ import annotations

import itertools
import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from store.case import WRITER_PRAGMAS, Case
from store.verify.contents import look_at_contents
from tests.store.harness.deeds import do_something, make_case

SECTOR = 512
SHIPPED = WRITER_PRAGMAS
WAL_NORMAL = ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL")
DELETE_FULL = ("journal_mode = DELETE", "synchronous = FULL")


class Op(NamedTuple):
    """One thing that happened to a file; `ack` marks a transaction that was acknowledged."""

    kind: str
    file: str = ""
    place: int = 0
    data: bytes = b""
    ack: tuple[int, str] = (0, "")


class CutOff(NamedTuple):
    """What cuts found: how many left a corrupt file, how many lost an acknowledged transaction."""

    cuts: int
    acknowledged: int
    corrupt: int
    lost: int


class _Recorder(apsw.VFS):
    def __init__(self, name: str, log: list[Op]) -> None:
        self.log = log
        super().__init__(name, "", 0)

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 the name that SQLite knows
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is not None and not Path(path).exists():
            self.log.append(Op("create", Path(path).name))
        return _Recorded(name, flags, self.log, Path(path).name if path else "")

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.log.append(Op("unlink", Path(filename).name, int(syncdir)))


class _Recorded(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], log: list[Op], short: str) -> None:
        self.log, self.short = log, short
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self.log.append(Op("write", self.short, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self.log.append(Op("truncate", self.short, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self.log.append(Op("sync", self.short))


class _Cursor:
    """An answer of apsw with the manners of sqlite3."""

    def __init__(self, connection: apsw.Connection, rows: Any) -> None:
        self._connection, self._rows = connection, iter(rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def fetchmany(self, size: int) -> list[Any]:
        return list(itertools.islice(self._rows, size))

    @property
    def lastrowid(self) -> int:
        return self._connection.last_insert_rowid()


class _Connection:
    """A connection of apsw with the manners of sqlite3, as far as the store uses them."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> _Cursor:
        return _Cursor(self._connection, self._connection.execute(sql, tuple(parameters)))

    def executemany(self, sql: str, rows: Any) -> _Cursor:
        return _Cursor(self._connection, self._connection.executemany(sql, (tuple(row) for row in rows)))

    def commit(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


def record(
    folder: Path, settings: Sequence[str], transactions: int, *, seed: int = 1
) -> tuple[dict[str, bytes], list[Op]]:
    """Store transactions on the recording disk; returns the files as they were before, and everything that happened."""
    path = make_case(folder / "case.db")
    path.with_name("case.db-journal").unlink(missing_ok=True)
    before: dict[str, bytes] = {"case.db": path.read_bytes()}
    log: list[Op] = []
    recorder = _Recorder("closeout-recorder", log)
    connection = apsw.Connection(str(path), vfs="closeout-recorder")
    db = _Connection(connection)
    for setting in ("foreign_keys = ON", *settings):
        db.execute(f"PRAGMA {setting}").fetchall()
    case = Case(path, db, writable=True)  # type: ignore[arg-type]
    rng = random.Random(seed)
    for _ in range(transactions):
        log.append(Op("ack", ack=do_something(case, rng)))
    log_copy = list(log)  # before closing: the power went while the program ran
    case.close()
    recorder.unregister()
    return before, log_copy


class _Inode:
    """The bytes of one file: those that are durable, and what was done since."""

    def __init__(self, data: bytes = b"") -> None:
        self.durable = bytearray(data)
        self.pending: list[Op] = []

    def sync(self) -> None:
        for op in self.pending:
            _apply(self.durable, op)
        self.pending.clear()

    def after_loss(self, rng: random.Random, fate: str) -> bytes:
        data = bytearray(self.durable)
        for op in self.pending:
            chance = {"none": 0.0, "all": 1.0}.get(fate, rng.random())
            if chance > 0.66:
                _apply(data, op)
            elif chance > 0.33 and op.kind == "write":
                for start in range(0, len(op.data), SECTOR):
                    if rng.random() < 0.5:
                        _apply(data, op._replace(place=op.place + start, data=op.data[start : start + SECTOR]))
        return bytes(data)


def _apply(data: bytearray, op: Op) -> None:
    if op.kind == "truncate":
        del data[op.place :]
        return
    if len(data) < op.place:
        data.extend(b"\0" * (op.place - len(data)))
    data[op.place : op.place + len(op.data)] = op.data


def replay(before: dict[str, bytes], log: Sequence[Op], rng: random.Random) -> dict[str, bytes]:
    """The files as they may be found after the power went at the end of this log."""
    names = {name: _Inode(data) for name, data in before.items()}
    durable_names, pending_names = dict(names), list[tuple[str, _Inode | None]]()
    for op in log:
        if op.kind == "create":
            names[op.file] = _Inode()
            pending_names.append((op.file, names[op.file]))
        elif op.kind == "unlink":
            names.pop(op.file, None)
            pending_names.append((op.file, None))
        elif op.kind == "sync":
            names[op.file].sync()
        elif op.kind in ("write", "truncate"):
            names[op.file].pending.append(op)
        if op.kind == "sync" or (op.kind == "unlink" and op.place):
            _settle_names(durable_names, pending_names, len(pending_names))
    _settle_names(durable_names, pending_names, rng.randint(0, len(pending_names)))
    fate = rng.choice(("none", "all", "mixed", "mixed", "mixed"))
    return {name: inode.after_loss(rng, fate) for name, inode in durable_names.items()}


def _settle_names(durable: dict[str, _Inode], pending: list[tuple[str, _Inode | None]], count: int) -> None:
    for name, inode in pending[:count]:
        if inode is None:
            durable.pop(name, None)
        else:
            durable[name] = inode
    del pending[:count]


def cut_power(folder: Path, settings: Sequence[str], cuts: int, *, transactions: int = 25, seed: int = 1) -> CutOff:
    """Cut the power at random places of a run, each with another outcome; count what was lost or damaged."""
    made, found = folder / "made", folder / "found"
    made.mkdir()
    before, log = record(made, settings, transactions, seed=seed)
    rng, corrupt, lost = random.Random(seed), 0, 0
    for _ in range(cuts):
        end = rng.randint(1, len(log))
        shutil.rmtree(found, ignore_errors=True)
        found.mkdir()
        for name, data in replay(before, log[:end], rng).items():
            (found / name).write_bytes(data)
        heads = _heads_after(found / "case.db")
        acked = dict(op.ack for op in log[:end] if op.kind == "ack")
        corrupt += heads is None
        lost += heads is not None and any(heads.get(seq) != head for seq, head in acked.items())
    return CutOff(cuts, transactions, corrupt, lost)


def _heads_after(path: Path) -> dict[int, str] | None:
    """What SQLite makes of the files: heads by transaction, or nothing if they are corrupt or do not verify."""
    db = sqlite3.connect(path)
    try:
        heads = dict(db.execute("SELECT seq, head FROM chain").fetchall())
        whole = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return heads if whole and not look_at_contents(db).findings else None
    except sqlite3.Error:
        return None
    finally:
        db.close()
