"""The first question: is the file readable and whole, with nothing beside it that SQLite would mix in?

Pages, sizes, foreign keys and neighbours; no word about who wrote the rows.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from store.casefile import read_header, unfinished
from store.raw import locked_by
from store.verify.report import Answer, Asked

_SHOWN = 20
_RESERVED = (0x40000001, 1)


def ask_whole(path: Path, db: sqlite3.Connection) -> Asked:
    """Look at the pages. The connection holds a read lock, so that no writer changes them meanwhile."""
    findings = [*_sizes(path), *_neighbours(path)]
    try:
        findings += _structure(db)
    except sqlite3.Error as error:
        findings.append(f"SQLite cannot read it: {error}")
    if findings:
        return Asked(
            "whole", Answer.NO, "The file is damaged, cut off, or has foreign files beside it.", tuple(findings)
        )
    return Asked("whole", Answer.YES, "Every page is readable, the size is right, and nothing lies beside the file.")


def unreadable(reason: str) -> Asked:
    """The answer for a file that could not be opened at all."""
    return Asked("whole", Answer.NO, "The file cannot be read as it lies there.", (reason,))


def _sizes(path: Path) -> list[str]:
    header = read_header(path)
    said, found = header.page_size * header.pages, path.stat().st_size
    return [] if said == found else [f"the header says {said} bytes, the file has {found}"]


def _neighbours(path: Path) -> list[str]:
    if not unfinished(path) or locked_by(path, *_RESERVED) is not None:
        return []
    return [
        f"{path.name}-journal lies beside it with an unfinished transaction; a place where the file can be written settles it"
    ]


def _structure(db: sqlite3.Connection) -> list[str]:
    found = [row[0] for row in db.execute(f"PRAGMA integrity_check({_SHOWN})").fetchall()]
    findings = [] if found == ["ok"] else [f"integrity: {text}" for text in found]
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN):
        findings.append(f"{table} {row} refers to a row of {parent} that is not there")
    return findings
