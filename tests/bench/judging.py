"""All signals of the shipped runbook at 1e3, 1e4, 1e5 matches in the window: against count(*) of the same rows and against DuckDB.

    python -m tests.bench judging [--matches 1000 10000 100000] [--history 100000] [--rounds 5]

DuckDB answers the same log questions (five counts, the worst five-minute slice, three tiles, the reversal loop's slices) on its own table,
with the same de-duplication; the answers are compared before a ratio is printed. The last figure is every view before and after ANALYZE.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from store.begin import begin_case
from store.case import Case
from store.editions import signatures_of_stream
from store.evidence import Collection, CollectionEnd, Coverage, LogMatch, LookedFor
from store.instants import parse_instant
from store.judge import Judgement, Question, judge
from store.runbook.find import read_runbook, shipped_runbook_path

T = parse_instant("2026-02-18T03:30:00Z")
WINDOW = 1_800_000
DAY = 86_400_000
STREAM = "runtime-logs"


def main() -> int:
    """Print a line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matches", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--history", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number in asked.matches:
            _measure(Path(folder) / f"{number}.db", number, asked.history, asked.rounds)
    return 0


def _measure(path: Path, number: int, history: int, rounds: int) -> None:
    rows = _make(path, number, history)
    duck = _duck(rows)
    with Case.open(path) as case:
        db = case.read()
        question = Question(T, case.head().seq, None, False, case.edition())
        answer, ours = _time(lambda: judge(db, question), rounds)
        _, counting = _time(lambda: _count(db), rounds)
        theirs_answer, theirs = _time(duck, rounds)
    _compare(answer, theirs_answer)
    path_analyzed = path.with_suffix(".analyzed.db")
    path_analyzed.write_bytes(path.read_bytes())
    sqlite3.connect(path_analyzed).execute("ANALYZE")
    with Case.open(path_analyzed) as case:
        _, analyzed = _time(lambda: judge(case.read(), question), rounds)
    print(
        f"{number:>7} in the window, {history} of history: {ours * 1000:7.1f} ms, {ours / counting:6.1f} x count(*), "
        f"{ours / theirs:5.2f} x DuckDB, after ANALYZE {analyzed / ours:4.2f} x; same answers",
        flush=True,
    )


def _make(path: Path, number: int, history: int) -> list[tuple[Any, ...]]:
    runbook = read_runbook(shipped_runbook_path())
    begin_case(path, runbook)
    rng = random.Random(168)
    rows = []
    for i in range(number + history):
        at = rng.randrange(T - WINDOW, T) if i < number else rng.randrange(T - DAY, T - WINDOW)
        signature = rng.choice(runbook.signatures)
        rows.append((signature.id, signature.group, f"k{i - (i % 50 == 1)}", at))
    with Case.open(path, write=True) as case, case.transaction("bench") as tx:
        owner = tx.add(Collection(STREAM, "bench", T - DAY, T, T + 60_000))
        tx.add(Coverage(owner, STREAM, T - DAY, T, T + 60_000))
        tx.add_all(LookedFor(owner, name, sha256) for name, sha256 in signatures_of_stream(runbook, STREAM))
        tx.add_all(LogMatch(owner, STREAM, s, g, key, at, raw="x" * 120) for s, g, key, at in rows)
        tx.add(CollectionEnd(owner, "ok", "", T + 60_000))
    return rows


def _count(db: sqlite3.Connection) -> int:
    return int(
        db.execute("SELECT count(*) FROM log_match WHERE at_ms >= ? AND at_ms < ?", (T - WINDOW, T)).fetchone()[0]
    )


def _duck(rows: list[tuple[Any, ...]]) -> Callable[[], dict[str, Any]]:
    import duckdb

    db = duckdb.connect()
    db.execute("SET threads = 1")
    db.execute('CREATE TABLE m (signature VARCHAR, "group" VARCHAR, key VARCHAR, t BIGINT)')
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        for row in rows:
            file.write(",".join("" if v is None else str(v) for v in row) + "\n")
        file.flush()
        db.execute(f"COPY m FROM '{file.name}'")
    counts = "SELECT count(*) FROM (SELECT key, min(t) AS t FROM m WHERE list_contains(?, signature) GROUP BY key) WHERE t >= ? AND t < ?"
    burst = (
        "SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY t RANGE BETWEEN 299999 PRECEDING AND CURRENT ROW) AS n FROM "
        "(SELECT key, min(t) AS t FROM m WHERE signature = 'inbox-timeout' GROUP BY key) WHERE t >= ? AND t < ?)"
    )
    tiles = (
        "SELECT t // 1800000, count(*) FROM (SELECT key, min(t) AS t FROM m WHERE signature = 'webhook-timeout' GROUP BY key) "
        "WHERE t >= ? AND t < ? GROUP BY 1 ORDER BY 1"
    )
    anchors = (
        'WITH e AS (SELECT key, "group", min(t) AS t FROM m WHERE "group" IS NOT NULL GROUP BY key, "group"), '
        'w AS (SELECT * FROM e WHERE t >= ? AND t < ?), n AS (SELECT DISTINCT x.t AS t, g."group", min(CASE WHEN x."group" = g."group" THEN x.t END) '
        'OVER (PARTITION BY g."group" ORDER BY x.t DESC RANGE UNBOUNDED PRECEDING) AS next FROM w x CROSS JOIN (SELECT DISTINCT "group" FROM e) g) '
        "SELECT t FROM n GROUP BY t HAVING count(next) = count(*) AND max(next) < t + 120000 ORDER BY t"
    )
    bounds = [T - WINDOW, T]

    def ask() -> dict[str, Any]:
        wanted = (["webhook-timeout"], ["inbox-timeout"], ["p2028", "query-wait-timeout"], ["response-timing-500"])
        found: dict[str, Any] = {"counts": [db.execute(counts, [names, *bounds]).fetchone()[0] for names in wanted]}
        found["burst"] = db.execute(burst, bounds).fetchone()[0] or 0
        found["tiles"] = [n for _, n in db.execute(tiles, [T - 3 * WINDOW, T]).fetchall()]
        free = slices = 0
        for (at,) in db.execute(anchors, bounds).fetchall():
            if at >= free:
                slices, free = slices + 1, at + 120_000
        found["slices"] = slices
        return found

    return ask


def _compare(ours: Judgement, theirs: dict[str, Any]) -> None:
    by_id = {signal.id: signal.conditions for signal in ours.signals}
    said = {
        "counts": [by_id[name][0].value for name in ("webhook-60s", "inbox-300s", "db-wait", "response-timing-500")],
        "burst": by_id["inbox-300s"][1].value,
        "tiles": by_id["webhook-60s"][1].detail["counts"],
        "slices": by_id["reversal-loop"][0].value,
    }
    if said != theirs:
        raise SystemExit(f"the answers differ: {json.dumps(said)} and {json.dumps(theirs)}")


def _time(work: Callable[[], Any], rounds: int) -> tuple[Any, float]:
    answer, spent = None, []
    for _ in range(rounds):
        start = time.perf_counter()
        answer = work()
        spent.append(time.perf_counter() - start)
    return answer, statistics.median(spent)


if __name__ == "__main__":
    sys.exit(main())
