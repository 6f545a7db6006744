"""What a live capture costs, and how soon what was printed can be seen. Run as `python -m tests.bench tail --rate 10000 --seconds 60`.

A program prints lines at a steady rate, every tenth of a second one that is a failure and carries the clock. A second connection looks
for those; its delay is the time from the print to the row. Every line must be counted in the end, and the share of a core is that of
the capturing process alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from collectors.logs.capture import COMMIT_S
from store import trust
from store.begin import begin_case
from store.case import Case
from store.runbook.parse import parse_runbook
from tests.bench._logs_data import WEBHOOK, runbook_text

PRINTER = f"""
import json, sys, time
rate, seconds = int(sys.argv[1]), float(sys.argv[2])
def line(message, at):
    return json.dumps({{"level": "info", "message": message, "messageTruncated": False, "rowId": str(at), "source": "serverless",
        "timestampInMs": at, "requestMethod": "POST", "requestPath": "{WEBHOOK}", "domain": "app.example", "responseStatusCode": -1}}) + "\\n"
chatter = [line("Processed webhook event evt_%06d type=EMAIL_SENT durationMs=%d" % (n, n % 900), 1771383600000 + n) for n in range(1000)]
began, done, marked, marks = time.monotonic(), 0, 0.0, 0
while (passed := time.monotonic() - began) < seconds:
    due = int(passed * rate)
    text = "".join(chatter[n % 1000] for n in range(done, due))
    if passed - marked >= 0.1:
        marked = passed
        text += line("Task timed out after 60 seconds", time.time_ns() // 1_000_000)
        marks += 1
    sys.stdout.write(text)
    sys.stdout.flush()
    done = due
    time.sleep(0.01)
open(sys.argv[3], "w").write("%d %d" % (done + marks, marks))
"""


def main() -> None:
    """Print, capture and look, for as long as asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=10_000, help="lines per second")
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="closeout-bench-") as folder:
        os.environ[trust.FOLDER_VARIABLE] = folder
        case = Path(folder) / "case.db"
        begin_case(case, parse_runbook(runbook_text(), "runbook.md"))
        with Case.open(case) as opened:
            trust.remember(opened)
        measure(case, arguments.rate, arguments.seconds)


def measure(case: Path, rate: int, seconds: float) -> None:
    """One capture and what it amounts to."""
    count = case.with_name("count")
    printer = [sys.executable, "-c", PRINTER, str(rate), str(seconds), str(count)]
    command = [sys.executable, "-m", "collectors.logs.capture_process", str(case), "runtime-logs", "--", *printer]
    began = time.monotonic()
    capture = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    delays, cpu_s = watch(case, capture)
    wall = time.monotonic() - began
    with contextlib.closing(sqlite3.connect(case)) as db:
        stored = db.execute("SELECT sum(lines_read), sum(matched) FROM collection_end WHERE status = 'ok'").fetchone()
        watched = db.execute("SELECT max(to_ms) - min(from_ms) FROM coverage").fetchone()[0]
    printed = tuple(map(int, count.read_text("ascii").split()))
    if stored != printed:
        raise SystemExit(f"NOT EXACT: {stored} of {printed} stored")
    ordered = sorted(delays)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(
        f"{rate} lines/s for {seconds:.0f} s: {stored[0]} lines and {stored[1]} failures, none lost; {watched / 1000:.1f} s watched of {wall:.1f} s"
    )
    print(f"  share of a core {cpu_s / wall:.1%} (wanted < 10 % at 10000/s)")
    intervals = p99 / (1000 * COMMIT_S)
    print(
        f"  seen after p50 {statistics.median(delays):.0f} ms, p99 {p99} ms = {intervals:.2f} commit intervals (wanted <= 1.5)"
    )


def watch(case: Path, capture: subprocess.Popen[bytes]) -> tuple[list[int], float]:
    """Look for failures on a connection of our own: how old each was when it could be seen; and the capture's own CPU time."""
    seen, delays, cpu_s = 0, [0], 0.0
    while capture.poll() is None:
        with contextlib.closing(sqlite3.connect(f"file:{case}?mode=ro", uri=True, timeout=5)) as db:
            found = db.execute("SELECT id, at_ms FROM log_match WHERE id > ? ORDER BY id", (seen,)).fetchall()
        now = time.time_ns() // 1_000_000
        delays += [now - at for _, at in found]
        seen = found[-1][0] if found else seen
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{capture.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
            cpu_s = max(cpu_s, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        time.sleep(0.01)
    return delays, cpu_s


if __name__ == "__main__":
    main()
