"""What can be said of a case file before its rows are read: is it one, does it belong here, did a crash leave something beside it.

Nothing here changes a file, but one thing: the journal that a crashed writer left is rolled back, once, where the file may be written.
A journal that is not of this state of the file is never applied, because SQLite would do so without a word.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from store import raw
from store.errors import NotACase, Refused

APPLICATION_ID = 0x434C4F53  # "CLOS"
SCHEMA_VERSION = 1

_HEADER_BYTES = 100
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_MOUNTS = Path("/proc/self/mountinfo")
# SQLite needs locks that every process obeys and a sync that reaches the disk; over a network neither is certain.
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "beegfs", "davfs", "ncpfs")
_NETWORK_FUSE = ("sshfs", "glusterfs", "davfs2", "s3fs", "rclone", "ceph-fuse", "gcsfuse", "smbnetfs")


class Header(NamedTuple):
    """What the first bytes of a case say."""

    page_size: int
    pages: int
    change_counter: int
    version: int
    wal: bool


def check_file(path: Path, *, write: bool) -> Header:
    """Refuse, in one sentence, what is not a case or cannot be opened here; roll a crashed writer back.

    Raises:
        NotACase: another kind of file, or one with foreign files beside it.
        Refused: it cannot be read or written here.
    """
    header = read_header(path)
    if header.wal:
        raise NotACase(
            f"{path} was turned to WAL mode: a copy of it may lack its tail", "ask for a copy made by closeout copy"
        )
    check_neighbours(path)
    if write:
        check_place(path)
        if not os.access(path, os.W_OK):
            raise Refused(f"{path} is read-only", "work on a copy made by: closeout copy CASE OUT")
    _recover(path, header)
    return header


def read_header(path: Path) -> Header:
    """Read the first bytes of a case.

    Raises:
        NotACase: it is none.
        Refused: it cannot be read.
    """
    if path.is_dir():
        raise NotACase(f"{path} is a folder, not a case", "name the case file, such as incident.db")
    if not path.exists():
        raise NotACase(f"there is no case {path}", f"make one with: closeout init {path} --runbook FILE")
    if not path.is_file():
        raise NotACase(f"{path} is no ordinary file", "name the case file, such as incident.db")
    try:
        start = raw.read_start(path, _HEADER_BYTES)
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error
    if len(start) < _HEADER_BYTES or not start.startswith(b"SQLite format 3\0"):
        raise NotACase(f"{path} is not a case", f"bring it in with: closeout import CASE {path}")
    if _number(start, 68) != APPLICATION_ID:
        raise NotACase(f"{path} is an SQLite file of another program", "name a file made by closeout init")
    size = int.from_bytes(start[16:18], "big")
    return Header(
        65536 if size == 1 else size,
        _number(start, 28),
        _number(start, 24),
        _number(start, 60),
        2 in (start[18], start[19]),
    )


def check_neighbours(path: Path) -> None:
    """Refuse write-ahead files beside a case: it never has any, and SQLite would apply them without a word.

    Raises:
        NotACase: there is one.
    """
    for ending in ("-wal", "-shm"):
        neighbour = path.with_name(path.name + ending)
        if _size(neighbour) > 0:
            raise NotACase(
                f"{neighbour.name} lies beside {path.name} and is not of it: a case never has one",
                "move that file away",
            )


def check_place(path: Path) -> None:
    """Refuse to write on a network file system.

    Raises:
        Refused: the file lies on one.
    """
    system = file_system(path)
    if system in _NETWORK or system.removeprefix("fuse.") in _NETWORK_FUSE:
        raise Refused(
            f"{path} lies on a network file system ({system}), where locks and syncs are not certain",
            "keep the case on a local disk and hand over copies: closeout copy CASE OUT",
        )


def file_system(path: Path) -> str:
    """The kind of file system that holds a path, as Linux says; empty elsewhere."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        folder = path.absolute().parent.resolve()
        best, kind = "", ""
        for row in _MOUNTS.read_text("utf-8", "replace").splitlines():
            front, _, back = row.partition(" - ")
            point = front.split(" ")[4].replace("\\040", " ")
            if len(point) >= len(best) and folder.is_relative_to(point):
                best, kind = point, back.split(" ")[0]
        return kind
    return ""


def unfinished(path: Path) -> bool:
    """Whether a journal that SQLite would roll back lies beside the file: a writer is at work, or crashed.

    One whose first byte is zero was never synced; the file was not touched yet, and SQLite passes it over.
    """
    try:
        with journal_of(path).open("rb") as file:
            return file.read(1) not in (b"", b"\0")
    except OSError:
        return False


def journal_of(path: Path) -> Path:
    """Where SQLite keeps the journal of a file."""
    return path.with_name(path.name + "-journal")


def journal_is_foreign(path: Path) -> bool:
    """Whether the journal beside a file was written for another state of it.

    A journal holds page 1 as it was; its change counter is that of the file, or one below while the commit was under way. A journal
    whose page 1 was not written yet says nothing and passes: SQLite does not apply an unsynced one.
    """
    before = read_header(path).change_counter
    counter = _counter_in(journal_of(path))
    after = read_header(path).change_counter
    return before == after and counter is not None and (after - counter) % (1 << 32) > 1


def sealed_by_itself(path: Path) -> bool:
    """Whether the file alone, whatever lies beside it, ends with a seal."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db,
    ):
        row = db.execute("SELECT kind FROM chain ORDER BY seq DESC LIMIT 1").fetchone()
        return row is not None and row[0] == "seal"
    return False


def _recover(path: Path, header: Header) -> None:
    if not unfinished(path):
        return
    journal = journal_of(path)
    if sealed_by_itself(path):
        raise NotACase(f"{journal.name} lies beside a sealed case and is not of it", "move that file away")
    if journal_is_foreign(path):
        raise NotACase(
            f"{journal.name} is of another state of {path.name}: opening it would change the evidence",
            "move that file away",
        )
    if not os.access(path, os.W_OK):
        return  # SQLite says what it says; `verify` names the journal
    with contextlib.closing(sqlite3.connect(path, timeout=1.0)) as db, contextlib.suppress(sqlite3.OperationalError):
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _counter_in(journal: Path) -> int | None:
    with contextlib.suppress(OSError):
        text = journal.read_bytes()
        if not text.startswith(_JOURNAL_MAGIC):
            return None
        sector, page = _number(text, 20), _number(text, 24)
        if sector < 28 or not 512 <= page <= 65536:
            return None
        for place in range(sector, len(text) - page - 4, page + 8):
            if _number(text, place) == 1:
                return _number(text, place + 4 + 24)
    return None


def _number(text: bytes, place: int) -> int:
    return int.from_bytes(text[place : place + 4], "big")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
