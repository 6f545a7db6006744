"""Sealed inserts against plain executemany and `sqlite-utils insert`; verify against a bare scan of the same file.

    python -m tests.bench store_bench [--rows 20000] [--batch 1000] [--rounds 5] [--verify-rows 100000]

`plain` is executemany of the same rows into the same tables with the same indexes, guards, journal mode and sync, one commit a batch, without
digest and chain; `bare` the same without guards. `scan` reads every column of every row inside SQLite. Rounds alternate; medians count.
Bars: sealed at least 0.35 of plain, verify at most 40 scans. Each way must leave the same rows.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from store import evidence
from store.case import WRITER_PRAGMAS, Case
from store.verify import standalone
from store.verify.contents import look_at_contents
from store.verify.verify import verify_case
from tests.store import world

LEAST_SEALED, MOST_SCANS = 0.35, 40.0
COLUMNS = ("seq", *evidence.LogMatch._fields)
NAMES = ", ".join(f'"{column}"' for column in COLUMNS)
INSERT = f"INSERT INTO log_match ({NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"


def main() -> int:
    """Print both ratios; 1 if one misses its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--verify-rows", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        inserted = bench_inserts(Path(folder), asked.rows, asked.batch, asked.rounds)
        print(json.dumps(inserted))
        verified = bench_verify(Path(folder), asked.verify_rows, asked.rounds)
        print(json.dumps(verified))
    return int(inserted["sealed_of_plain"] < LEAST_SEALED or verified["verify_in_scans"] > MOST_SCANS)


def bench_inserts(folder: Path, rows: int, batch: int, rounds: int) -> dict[str, float]:
    """Rows a second of each way, and the ratios."""
    template = folder / "template.db"
    world.World(template, world.runbook_text())
    with Case.open(template, write=True) as case, case.transaction("logs") as tx:
        tx.add(evidence.Collection("rt", "logs", 0, 1, 2))
    ways = {"sealed": sealed, "plain": plain, "bare": bare, "sqlite_utils": by_sqlite_utils}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            path = folder / f"{name}-{number}.db"
            path.write_bytes(template.read_bytes())
            taken[name].append(way(path, matches(rows), batch))
            with contextlib.closing(sqlite3.connect(path)) as db:
                if db.execute("SELECT count(*), sum(at_ms) FROM log_match").fetchone() != (
                    rows,
                    sum(m.at_ms for m in matches(rows)),
                ):
                    raise SystemExit(f"{name} did not store the rows")
            path.unlink()
    rate = {f"{name}_rows_a_second": round(rows / statistics.median(times)) for name, times in taken.items()}
    return {
        **rate,
        **{
            f"sealed_of_{name}": round(rate["sealed_rows_a_second"] / rate[f"{name}_rows_a_second"], 3)
            for name in ways
            if name != "sealed"
        },
    }


def bench_verify(folder: Path, rows: int, rounds: int) -> dict[str, float]:
    """How many scans of the file a verification costs."""
    path = folder / "verify.db"
    world.World(path, world.runbook_text())
    with Case.open(path, write=True) as case:
        with case.transaction("logs") as tx:
            tx.add(evidence.Collection("rt", "logs", 0, 1, 2))
        for start in range(0, rows, 1000):
            with case.transaction("logs") as tx:
                tx.add_all(matches(rows)[start : start + 1000])
    taken: dict[str, list[float]] = {"verify": [], "contents": [], "scan": [], "integrity": [], "alone": []}
    for _ in range(rounds):
        taken["verify"].append(timed(lambda: verify_case(path)))
        taken["alone"].append(timed(lambda: standalone.ask(path, None)))
        with contextlib.closing(sqlite3.connect(path)) as db:
            taken["scan"].append(timed(lambda db=db: scan(db)))
            taken["integrity"].append(timed(lambda db=db: db.execute("PRAGMA integrity_check").fetchall()))
            taken["contents"].append(timed(lambda db=db: look_at_contents(db)))
    median = {name: statistics.median(times) for name, times in taken.items()}
    return {
        "rows": rows,
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "scan_ms": round(median["scan"] * 1000, 1),
        "verify_ms": round(median["verify"] * 1000, 1),
        "verify_rows_a_second": round(rows / median["verify"]),
        **{
            f"{name}_in_scans": round(median[name] / median["scan"], 2)
            for name in ("verify", "contents", "integrity", "alone")
        },
    }


def matches(rows: int) -> list[evidence.LogMatch]:
    """Log matches of the usual length."""
    return [
        evidence.LogMatch(1, "rt", "alpha", "web", f"k{n}", world.START + n * 37, route="/api/x", raw="x" * 85)
        for n in range(rows)
    ]


def sealed(path: Path, rows: list[evidence.LogMatch], batch: int) -> float:
    """As the product stores them."""
    with Case.open(path, write=True) as case:
        began = time.perf_counter()
        for start in range(0, len(rows), batch):
            with case.transaction("logs") as tx:
                tx.add_all(rows[start : start + batch])
        return time.perf_counter() - began


def plain(path: Path, rows: list[evidence.LogMatch], batch: int) -> float:
    """executemany, with the same settings."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for setting in WRITER_PRAGMAS:
            db.execute(f"PRAGMA {setting}").fetchall()
        stored = [(2, *row) for row in rows]
        began = time.perf_counter()
        for start in range(0, len(stored), batch):
            db.execute("BEGIN IMMEDIATE")
            db.executemany(INSERT, stored[start : start + batch])
            db.execute("COMMIT")
        return time.perf_counter() - began


def bare(path: Path, rows: list[evidence.LogMatch], batch: int) -> float:
    """executemany into tables without guards."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            db.execute(f'DROP TRIGGER "{name}"')
    return plain(path, rows, batch)


def by_sqlite_utils(path: Path, rows: list[evidence.LogMatch], batch: int) -> float:
    """`sqlite-utils insert` of the same rows as newline-delimited JSON: what users know. Its start-up is not counted."""
    lines = path.with_suffix(".nl")
    lines.write_text("".join(json.dumps({"seq": 2, **row._asdict()}) + "\n" for row in rows))
    words = [sys.executable, "-m", "sqlite_utils"]
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    start_up = min(
        timed(lambda: subprocess.run([*words, "tables", str(path)], check=True, capture_output=True, env=quiet))
        for _ in range(2)
    )
    insert = [*words, "insert", str(path), "log_match", str(lines), "--nl", "--batch-size", str(batch)]
    taken = timed(lambda: subprocess.run(insert, check=True, capture_output=True, env=quiet))
    lines.unlink()
    return max(taken - start_up, 1e-6)


def scan(db: sqlite3.Connection) -> None:
    """Read every column of every row."""
    for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
        db.execute(
            "SELECT " + ", ".join(f'sum(length("{column}"))' for column in columns) + f' FROM "{table}"'
        ).fetchone()


def timed(do: object) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    do()  # type: ignore[operator]
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
