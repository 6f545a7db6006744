#!/usr/bin/env python3
"""Verify a case of `closeout` without closeout: Python 3.9 or newer, standard library only, this one file; nothing is written.

    sqlite3 CASE.db -Ax tools/closeout-verify.py      takes this file out of a case; better take it from where you trust it
    python3 tools/closeout-verify.py CASE.db --head 42:9ab3…

What is hashed is UTF-8 text: one JSON array a line, no blanks, the shortest escapes. Digest of a transaction: SHA-256 over, for each table
it added to in name order, the line ["table"] and a line per row with all its columns, in id order. Head: SHA-256 over the line of
"closeout-chain/1", seq, at_ms, writer, kind, prev, rows, digest, schema_sha256. Schema: one line per object (type, name, tbl_name, sql).

Exit 0: whole, and the head you gave is its last. 21: whole, but without a head a file that was shortened or rewritten as a whole would
look the same. 20: broken. Not asked here: signatures, and whether the views are closeout's and give the recorded results again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MODE = 33188
SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_' ORDER BY 1, 2, 3"


def line(*values: Any) -> bytes:
    """One line of what is hashed."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def look_outside(path: Path) -> Iterator[str]:
    """Header, size and neighbours; before SQLite opens the file, because closing it here would drop SQLite's locks."""
    for beside in (path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm")):
        if beside.exists() and beside.read_bytes()[:1] not in (b"", b"\0"):
            yield f"{beside.name} lies beside it"
    with path.open("rb") as file:
        start = file.read(100)
    size = int.from_bytes(start[16:18], "big")
    if 2 in start[18:20]:
        yield "the file was turned to WAL mode: it may lack its tail"
    if (65536 if size == 1 else size) * int.from_bytes(start[28:32], "big") != path.stat().st_size:
        yield "the file is not as long as its header says"


def look_inside(db: sqlite3.Connection) -> Iterator[str]:
    """Pages and references."""
    yield from (f"integrity: {text}" for (text,) in db.execute("PRAGMA integrity_check(20)") if text != "ok")
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check").fetchmany(20):
        yield f"{table} {row} refers to a row of {parent} that is not there"


class Rows:
    """The rows of one table in id order, with the one that comes next; `seq` is the second column of every table."""

    def __init__(self, db: sqlite3.Connection, table: str) -> None:
        self.table, self.cursor = table, db.execute(f'SELECT * FROM "{table}" ORDER BY id')  # noqa: S608
        self.ahead = self.cursor.fetchone()

    def take(self, seq: int, digest: Any) -> int:
        """Digest the rows of one transaction; returns how many they are."""
        count = 0
        while self.ahead and self.ahead[1] == seq:
            digest.update(line(*self.ahead) if count else line(self.table) + line(*self.ahead))
            self.ahead, count = self.cursor.fetchone(), count + 1
        return count


def look_chain(db: sqlite3.Connection) -> Iterator[str]:
    """Links and digests, in one pass."""
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    tables = [Rows(db, name) for name in names if not re.match("chain$|sqlar$|_|sqlite_", name)]
    last, head, schema, sealed = 0, None, "", False
    for seq, at_ms, writer, kind, prev, rows, digest, schema, named in db.execute("SELECT * FROM chain ORDER BY seq"):
        text = line("closeout-chain/1", seq, at_ms, writer, kind, prev, rows, digest, schema)
        if seq != last + 1 or prev != head or hashlib.sha256(text).hexdigest() != named or sealed:
            yield f"transaction {seq} does not continue the chain"
        found, count = hashlib.sha256(), 0
        for table in tables:
            count += table.take(seq, found)
        if found.hexdigest() != digest or count != rows:
            yield f"the rows of transaction {seq} are not those that were stored"
        last, head, sealed = seq, named, kind == "seal"
    yield from (f"a row of {table.table} is in no transaction of the chain" for table in tables if table.ahead)
    if not last or hashlib.sha256(b"".join(line(*row) for row in db.execute(SCHEMA))).hexdigest() != schema:
        yield "the schema is not that of the last transaction"


def look_artifacts(db: sqlite3.Connection) -> Iterator[str]:
    """Bytes of artifacts."""
    bodies = {name: rest for name, *rest in db.execute("SELECT name, mode, mtime, sz, data FROM sqlar")}
    for name, size, sha256, captured, elsewhere in db.execute(
        "SELECT name, size, sha256, captured_ms, path FROM artifact"
    ):
        mode, mtime, sz, data = bodies.pop(name, (MODE, 0, size, None))
        if data is None and elsewhere is not None:
            continue
        if data is None or hashlib.sha256(data).hexdigest() != sha256 or not sz == size == len(data):
            yield f"the bytes of {name} are not those that were stored"
        elif mode != MODE or mtime not in (0, captured // 1000):
            yield f"the mode or time of {name} was changed"
    yield from (f"{name} lies among the artifacts, and no transaction stored it" for name in bodies)


def compare(db: sqlite3.Connection, given: str) -> tuple[str, list[str]]:
    """The head you were given: yes, no, or unknown."""
    number, _, head = given.replace(" ", ":").rpartition(":")
    (last,) = db.execute("SELECT max(seq) FROM chain").fetchone()
    row = db.execute("SELECT seq FROM chain WHERE head = ?", (head.lower(),)).fetchone()
    if row is None or number not in ("", str(row[0])):
        return "no", ["the file was shortened or rewritten, or is another one"]
    follow = f"the head is of transaction {row[0]}, and {last - row[0]} follow"
    return ("yes", []) if row[0] == last else ("unknown", [follow])


def ask(path: Path, head: str | None) -> dict[str, tuple[str, list[str]]]:
    """The three answers, each with what was found."""
    found = list(look_outside(path))
    answers = {"whole": ("no", found), "chain": ("unknown", list[str]()), "anchor": ("unknown", list[str]())}
    if not found:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        for name, looks in (("whole", [look_inside(db)]), ("chain", [look_chain(db), look_artifacts(db)])):
            try:
                found = [text for look in looks for text in look]
            except (sqlite3.Error, UnicodeError, TypeError, ValueError) as error:
                found = [f"it cannot be read: {error}"]
            answers[name] = ("no" if found else "yes", found)
        if head and answers["chain"][0] == "yes":
            answers["anchor"] = compare(db, head)
        db.close()
    return answers


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path)
    parser.add_argument("--head", help="SEQ:HEX or the 64 hexadecimal digits")
    asked = parser.parse_args()
    if asked.head and not re.fullmatch(r"(\d+[: ])?[0-9a-fA-F]{64}", asked.head):
        parser.error(f"{asked.head!r} is not a head")
    told = ask(asked.case, asked.head)
    said = [answer for answer, _ in told.values()]
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(20 if "no" in said else 0 if said == ["yes", "yes", "yes"] else 21)
