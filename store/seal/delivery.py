"""Make the file that is handed over: one compact copy, checked, on the disk for good, and never half there.

The copy gets its name only when it is whole, so a crash leaves nothing that could be taken for it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from store import raw
from store.case import connect
from store.casefile import check_place, journal_of, read_header
from store.errors import DiskFull, EvidenceBroken, Refused
from store.transaction import refusal
from store.verify.contents import Contents, look_at_contents
from store.verify.report import Answer
from store.verify.whole import ask_whole


def check_free(out: Path) -> None:
    """Refuse a place that is taken or cannot be written.

    Raises:
        Refused: it is.
    """
    if out.exists() or out.is_symlink():
        raise Refused(f"{out} is there already", "name a file that is not there yet")
    if not out.parent.is_dir():
        raise Refused(f"there is no folder {out.parent}", f"make it with: mkdir -p {out.parent}")
    if not os.access(out.parent, os.W_OK):
        raise Refused(f"cannot write in {out.parent}", "choose another place")
    check_place(out)


def deliver(source: Path, out: Path, *, mode: int, exactly: bool = False) -> Contents:
    """Copy a case to `out`, check the copy, and make it durable. `exactly` copies byte for byte, else a compact file is made.

    Raises:
        EvidenceBroken: the copy does not verify; nothing is left at `out`.
        DiskFull: there is no room; nothing is left at `out`.
        Refused: the place does not take it.
    """
    check_free(out)
    partial = out.with_name(f".{out.name}.partial")
    _remove(partial)
    try:
        (_copy_bytes if exactly else _vacuum)(source, partial)
        contents = check_copy(partial)
        _settle(partial, mode)
        _name(partial, out)
        return contents
    except sqlite3.OperationalError as error:
        raise refusal(out, error) from error
    except OSError as error:
        raise DiskFull(
            f"{out} cannot be written: {error.strerror}", "choose another place; the case itself is as it was"
        ) from error
    finally:
        _remove(partial)


def check_copy(path: Path) -> Contents:
    """Pages and contents of a file that nobody writes.

    Raises:
        EvidenceBroken: something is wrong; each finding is named.
    """
    with contextlib.closing(connect(path, writable=False)) as db:
        whole, contents = ask_whole(path, db), look_at_contents(db)
    findings = (*whole.findings, *contents.findings)
    if read_header(path).wal or whole.answer is not Answer.YES or contents.findings:
        raise EvidenceBroken(
            f"{path} does not verify: {'; '.join(findings[:3])}", f"look closer with: closeout verify {path}"
        )
    return contents


def _vacuum(source: Path, partial: Path) -> None:
    with contextlib.closing(connect(source, writable=False)) as db:
        db.execute("VACUUM INTO ?", (str(partial),))


def _copy_bytes(source: Path, partial: Path) -> None:
    with partial.open("wb") as file:
        for piece in raw.chunks(source):
            file.write(piece)


def _settle(partial: Path, mode: int) -> None:
    raw.forget(partial)
    descriptor = os.open(partial, os.O_RDWR)
    try:
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(partial: Path, out: Path) -> None:
    """Give the finished file its name; one that appeared meanwhile is not overwritten."""
    link: Callable[..., None] = os.link
    try:
        link(partial, out)
    except FileExistsError as error:
        raise Refused(f"{out} appeared meanwhile", "name a file that is not there yet") from error
    except OSError:
        partial.rename(out)  # a file system without links
    sync_folder(out.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(partial: Path) -> None:
    raw.forget(partial)
    for leftover in (partial, journal_of(partial)):
        leftover.unlink(missing_ok=True)
