"""A case with a bit of everything, and the ways to tamper with its file that a bare SQLite allows."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from store import evidence, journal
from store.case import Case
from store.chain import ChainEntry, head_of, layout, line, schema_sha256
from store.judge import frontier_question, judge
from store.walk.evaluations import record_evaluation
from tests.store import world
from tests.store.harness.deeds import kept_folder

FRONTIER = world.START + 30 * world.MINUTE


def sample_case(path: Path) -> Path:
    """A copy of a case with evidence, an artifact, a note, a decision and a recorded evaluation: seven transactions."""
    shutil.copyfile(_sample(), path)
    return path


@lru_cache(maxsize=1)
def _sample() -> Path:
    path = kept_folder() / "sample.db"
    made = world.World(path, world.runbook_text())
    made.load(
        world.collection("b1", "rt", world.START, FRONTIER),
        *(world.match("b1", f"k{n}", world.START + n * world.MINUTE) for n in range(12)),
    )
    made.load(world.collection("b2", "pg", world.START, FRONTIER), world.snapshot("b2", FRONTIER - 1, 7))
    with Case.open(path, write=True, clock=lambda: FRONTIER) as case:
        with case.transaction("attach") as tx:
            attach(tx, "artifacts/shot.txt", b"what the screen showed")
        with case.transaction("walk") as tx:
            tx.add(journal.Note(FRONTIER, "kim", None, "support calls since 03:10"))
        db = case.read()
        judgement = judge(db, frontier_question(db))
        with case.transaction("walk") as tx:
            evaluation = record_evaluation(tx, judgement, now_ms=FRONTIER, why="a decision")
            tx.add(journal.Decision(FRONTIER, "kim", 1, "look", "hold", "one more window", evaluation, None, None, 1))
            tx.add(journal.Citation(1, "log_match:3", "log_match", 3, 0))
        with case.transaction("walk") as tx:
            tx.add(journal.Note(FRONTIER + 1, "kim", None, "handing over"))
    return path


def attach(tx: object, name: str, data: bytes) -> None:
    """Store an artifact with its bytes."""
    digest = hashlib.sha256(data).hexdigest()
    tx.add_blob(name, data)  # type: ignore[attr-defined]
    tx.add(evidence.Artifact(None, name, "note", "text/plain", len(data), digest, FRONTIER))  # type: ignore[attr-defined]


@contextlib.contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """Write to a case as an attacker would: guards taken away, and put back word for word afterwards."""
    db = sqlite3.connect(path, isolation_level=None)
    with contextlib.closing(db):
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f'DROP TRIGGER "{name}"')
        yield db
        for _, sql in triggers:
            with contextlib.suppress(sqlite3.OperationalError):  # its table may be gone
                db.execute(sql)
        db.execute("COMMIT")


def rewrite_chain(path: Path) -> None:
    """Make every digest and head fit what the file holds now: what somebody does who knows the format."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        schema = schema_sha256(db)
        queries = layout(db).queries
        rows = {table: db.execute(query, (-1, 1 << 62)).fetchall() for table, query in queries.items()}
        entries = [ChainEntry(*row) for row in db.execute("SELECT * FROM chain ORDER BY seq")]
    head: str | None = None
    renewed: list[ChainEntry] = []
    for entry in entries:
        digest, count = hashlib.sha256(), 0
        for table in sorted(rows):
            own = [text for seq, text in rows[table] if seq == entry.seq]
            if own:
                digest.update(line(table) + "".join(f"{text}\n" for text in own).encode())
                count += len(own)
        entry = entry._replace(prev=head, rows=count, digest=digest.hexdigest(), schema_sha256=schema)
        head = head_of(entry)
        renewed.append(entry._replace(head=head))
    with tampering(path) as db:
        db.execute("DELETE FROM chain")
        db.executemany("INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", renewed)


def head_of_file(path: Path) -> str:
    """The head that somebody wrote down: SEQ:HEX."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        seq, head = db.execute("SELECT seq, head FROM chain ORDER BY seq DESC LIMIT 1").fetchone()
    return f"{seq}:{head}"


def tables_with_seq(db: sqlite3.Connection) -> list[str]:
    """Tables whose rows belong to a transaction."""
    return list(layout(db).queries)


def lay_write_ahead_beside(path: Path) -> None:
    other = path.with_name("other.db")
    shutil.copyfile(path, other)
    with contextlib.closing(sqlite3.connect(other)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE stale (x)")
        shutil.copyfile(f"{other}-wal", f"{path}-wal")


def lay_journal_beside(path: Path) -> None:
    """A journal of an earlier state: SQLite would roll it into the file without a word."""
    other = path.with_name("other.db")
    shutil.copyfile(path, other)
    with contextlib.closing(sqlite3.connect(other, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        db.execute("CREATE TABLE filler (x)")
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO filler SELECT randomblob(900) FROM n"
        )
        shutil.copyfile(f"{other}-journal", f"{path}-journal")
    _go_on(path)


def _go_on(path: Path) -> None:
    """Let the file change three times, as by three transactions after the journal was taken."""
    aside = path.with_name("aside.db-journal")
    Path(f"{path}-journal").rename(aside)
    with contextlib.closing(sqlite3.connect(path)) as db:
        for _ in range(3):
            db.execute("CREATE TABLE later (x)")
            db.execute("DROP TABLE later")
    aside.rename(f"{path}-journal")
