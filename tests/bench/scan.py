"""What an import of a large log costs, in pairs against other tools on the same file. Run as `python -m tests.bench.scan --mb 500`.

Every figure is a median of pairwise ratios of whole processes run in turn (A B A B), by CPU time (user and system) unless it says
wall. Each import writes a case and is checked against the generator's truth; a ratio counts only if the answer is exact. DuckDB is
asked twice: exactly (numbers read, colours stripped), and kindly (plain texts, an answer that is not quite right).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from store import trust
from store.begin import begin_case
from store.runbook.parse import parse_runbook
from tests.bench._logs_data import Truth, runbook_text, write_log

IMPORT = """
import sys
from store.case import Case
with Case.open(sys.argv[1], write=True) as case:
    runbook = case.runbook()
    from collectors.logs.ingest import import_log
    log = import_log(case, runbook, "runtime-logs", sys.argv[2], since_ms=None, until_ms=None, now_ms=1)
"""
WITHOUT_SEARCH = "import sys; sys.modules['ahocorasick_rs'] = None\n" + IMPORT
LITERALS = (
    "Task timed out after 60 s",
    "Task timed out after 300",
    "P2028",
    "query_wait_timeout",
    'Code":500',
    "ECONNRESET",
)


class Cost(NamedTuple):
    """What one whole process cost."""

    cpu_s: float
    wall_s: float
    peak_mb: float


class Bench:
    """Files, cases and pairs of runs."""

    def __init__(self, folder: Path, megabytes: float, rounds: int) -> None:
        self.folder = folder
        self.megabytes = megabytes
        self.rounds = rounds
        self._truths: dict[Path, Truth] = {}

    def log(self, shape: str, rate: float, *, times: float = 1.0, unsorted: bool = False) -> Path:
        """A generated log of a shape and hit rate."""
        path = self.folder / f"{shape}-{rate}-{times}.ndjson"
        if path not in self._truths:
            self._truths[path] = write_log(
                path, megabytes=self.megabytes * times, shape=shape, rate=rate, unsorted=unsorted
            )
        return path

    def imported(
        self,
        log: Path,
        *,
        program: str = IMPORT,
        more: int = 0,
        cores: int = 1,
        truth: Path | None = None,
        only_first: bool = False,
    ) -> Cost:
        """Import a log into a new case, and check what is in it."""
        case = self.folder / "case.db"
        for old in self.folder.glob("case.db*"):
            old.unlink()
        begin_case(case, parse_runbook(runbook_text(more, only_first=only_first), "runbook.md"))
        cost = run([sys.executable, "-c", program, str(case), str(log)], cores=cores)
        wanted = self._truths[truth or log]
        first = {id: count for id, count in wanted.failures.items() if id == "webhook" or not only_first}
        self._check(case, wanted._replace(failures=first))
        return cost

    def pairs(
        self, name: str, ours: Callable[[], Cost], theirs: Callable[[], Cost], limit: str, *, wall: bool = False
    ) -> None:
        """Run both in turn and print the median ratio."""
        ratios, peaks = [], (0.0, 0.0)
        spent: list[tuple[float, float]] = []
        for _ in range(self.rounds):
            a, b = ours(), theirs()
            spent.append((a.wall_s, b.wall_s) if wall else (a.cpu_s, b.cpu_s))
            ratios.append(spent[-1][0] / spent[-1][1])
            peaks = (max(peaks[0], a.peak_mb), max(peaks[1], b.peak_mb))
        seconds = " / ".join(f"{statistics.median(column):.2f}" for column in zip(*spent, strict=True))
        low, high = min(ratios), max(ratios)
        print(
            f"{name:58} {statistics.median(ratios):6.2f}  ({low:.2f} to {high:.2f}; wanted {limit}; s {seconds}; peak MB {peaks[0]:.0f} / {peaks[1]:.0f})",
            flush=True,
        )

    def _check(self, case: Path, truth: Truth) -> None:
        db = sqlite3.connect(case)
        lines, first, last, status = db.execute(
            "SELECT lines_read, first_ms, last_ms, status FROM collection_end"
        ).fetchone()
        found = dict(
            db.execute(
                "SELECT signature, count(DISTINCT \"key\") FROM log_match WHERE signature NOT LIKE 'absent%' GROUP BY 1"
            )
        )
        db.close()
        exact = (lines, first, last) == truth[:3] and (found == truth.failures or status == "truncated")
        if not exact:
            raise SystemExit(f"NOT EXACT: {(lines, first, last, found)} instead of {truth}")


def run(words: Sequence[str], *, cores: int = 2, out: Path | None = None) -> Cost:
    """Run a program to its end on so many cores, and say what it cost with everything that it started."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    began = os.times().elapsed
    with open(out or os.devnull, "wb") as told:  # noqa: PTH123
        process = subprocess.Popen(words, stdout=told, preexec_fn=lambda: os.sched_setaffinity(0, allowed))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{words[:3]} failed")
    return Cost(used.ru_utime + used.ru_stime, os.times().elapsed - began, used.ru_maxrss / 1024)


def peer(tool: str, log: Path, shape: str, threads: int) -> Cost:
    """A peer in Python or DuckDB."""
    return run([sys.executable, "-m", "tests.bench._logs_peers", tool, str(log), shape, str(threads)], cores=threads)


def against_duckdb(bench: Bench) -> None:
    """P1 to P4: CPU, wall with two processes, the storm, memory."""
    for shape, limit in (("drain", "0.80"), ("stream", "0.75")):
        log = bench.log(shape, 0.01)
        for kind in ("duckdb", "duckdb-plain"):
            name = f"{shape} 1 %: import / {kind}, one core"
            bench.pairs(
                name,
                lambda log=log: bench.imported(log),
                lambda log=log, k=kind, s=shape: peer(k, log, s, 1),
                f"<= {limit}",
            )
        bench.pairs(
            f"{shape} 1 %: import / duckdb-plain, two cores, wall",
            lambda log=log: bench.imported(log, cores=2), lambda log=log, s=shape: peer("duckdb-plain", log, s, 2), "<= 0.85", wall=True,
        )  # fmt: skip
    storm = bench.log("drain", 0.2, unsorted=True)
    bench.pairs(
        "drain 20 %: import / duckdb-plain, one core",
        lambda: bench.imported(storm),
        lambda: peer("duckdb-plain", storm, "drain", 1),
        "<= 1.35",
    )


def against_search_tools(bench: Bench) -> None:
    """P5 and P6: a search for raw texts, and jq with one signature."""
    log = bench.log("drain", 0.01)
    if rg := shutil.which("rg") or shutil.which("grep"):
        texts = [word for text in LITERALS for word in ("-e", text)]
        out = bench.folder / "count"
        words = [rg, "-F", "-c", *texts, str(log)]
        bench.pairs(
            f"drain 1 %: import / {Path(rg).name} -c with six texts (not exact)",
            lambda: bench.imported(log),
            lambda: run(words, out=out),
            "<= 9 for rg",
        )
    if jq := shutil.which("jq"):
        select = 'select((.path | split("?")[0]) == "/api/webhooks/email" and (.message // "" | test("Task timed out after 60"))) | .id'
        out = bench.folder / "jq"
        bench.pairs(
            "drain 1 %: jq with one signature / import with that one",
            lambda: run([jq, "-c", select, str(log)], out=out),
            lambda: bench.imported(log, only_first=True),
            ">= 8",
        )
    bench.pairs(
        "drain 1 %: a loop over json.loads / import",
        lambda: peer("json", log, "drain", 1),
        lambda: bench.imported(log),
        ">= 3.5",
    )


def against_itself(bench: Bench) -> None:
    """P8 to P10: more signatures, more bytes, no search extension, packed input."""
    for shape, limit in (("drain", "1.3"), ("stream", "2.2")):
        log = bench.log(shape, 0.01)
        name = f"{shape} 1 %: without the search extension / with it"
        bench.pairs(
            name,
            lambda log=log: bench.imported(log, program=WITHOUT_SEARCH),
            lambda log=log: bench.imported(log),
            f"<= {limit}",
        )
    log = bench.log("drain", 0.01)
    bench.pairs(
        "drain 1 %: 20 signatures / 6", lambda: bench.imported(log, more=14), lambda: bench.imported(log), "<= 1.35"
    )
    large = bench.log("drain", 0.01, times=4.0)
    bench.pairs("drain 1 %: 4x the bytes / 1x", lambda: bench.imported(large), lambda: bench.imported(log), "<= 4.1")
    large.unlink()
    packed = log.with_suffix(".gz")
    with log.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as to:
        shutil.copyfileobj(plain, to)
    bench.pairs(
        "drain 1 %: gzip / plain, wall",
        lambda: bench.imported(packed, truth=log),
        lambda: bench.imported(log),
        "<= 1.8",
        wall=True,
    )


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=500, help="size of the logs")
    parser.add_argument("--rounds", type=int, default=5)
    parts = {"duckdb": against_duckdb, "search": against_search_tools, "itself": against_itself}
    parser.add_argument("--only", choices=parts, action="append")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="closeout-bench-") as folder:
        os.environ[trust.FOLDER_VARIABLE] = folder
        bench = Bench(Path(folder), arguments.mb, arguments.rounds)
        told = {"megabytes": arguments.mb, "rounds": arguments.rounds, "python": sys.version.split()[0]}
        print(json.dumps(told | {"load": os.getloadavg(), "cores": len(os.sched_getaffinity(0))}))
        for part in arguments.only or parts:
            parts[part](bench)
        print(json.dumps({"load": os.getloadavg()}))


if __name__ == "__main__":
    main()
