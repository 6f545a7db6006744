"""The desk in a terminal of its own: key to paint while collectors write, CPU while nothing happens, and the first paint.

    python -m tests.bench desk [--matches 200000] [--keys 60] [--rounds 5] [--idle 20]

Keys go into a pseudo-terminal and the time runs until the bytes that show their effect come out. Loaded and idle keys alternate in blocks
on one case of so many matches; a process of its own commits 500 rows a second meanwhile, in five transactions. After it, the number on
the board must be the number that SQL counts. CPU and first paint are compared with Textual applications that hold a DataTable: the same
board with its changing cells set four times a second, and the smallest one there is. Limits: 2, 1/5, 2; 1 if one is exceeded.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from store.begin import begin_case
from store.case import Case, now_ms
from store.editions import signatures_of_stream
from store.evidence import Collection, Coverage, LogMatch, LookedFor
from store.instants import parse_instant
from store.runbook.find import read_runbook, shipped_runbook_path
from tui.desk.runs import program

WINDOW = 1_800_000
DAY = 86_400_000
STREAM = "runtime-logs"
SIZE = (36, 120)
LIMITS = {"key to paint, p95": 2.0, "idle CPU": 0.2, "first paint": 2.0}
_CLOCK = threading.Event()

# A process of its own that commits rows until its input ends, and says how many.
WRITER = """
import sys, threading, time
from store.case import Case, now_ms
from store.evidence import Coverage, LogMatch
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
path, owner, written, begun = sys.argv[1], int(sys.argv[2]), 0, time.monotonic()
with Case.open(path, write=True) as case:
    while not done.is_set():
        now = now_ms()
        with case.transaction("bench") as tx:
            tx.add_all([LogMatch(owner, "runtime-logs", "inbox-timeout", "inbox", f"w{written + i}", now - 70_000, raw="x" * 120) for i in range(100)])
            tx.add(Coverage(owner, "runtime-logs", now - 1, now, now))
        written += 100
        done.wait(max(0.0, begun + written / 500 - time.monotonic()))
print(written, time.monotonic() - begun)
"""

SMALLEST = """
from textual.app import App
from textual.widgets import DataTable
class Smallest(App):
    def compose(self):
        yield DataTable()
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("signal", "value")
        table.add_row("ready", "1")
Smallest().run()
"""

TABLE = """
import sys, time
from textual.app import App
from textual.widgets import DataTable
rows = [line.split("|") for line in sys.argv[1].splitlines()]
class Table(App):
    def compose(self):
        yield DataTable()
    def on_mount(self):
        table = self.query_one(DataTable)
        self.columns = table.add_columns("signal", "value", "limit", "drawing", "state", "age")
        self.keys = [table.add_row(*row, "0s") for row in rows]
        self.began = time.monotonic()
        self.set_interval(0.25, self.tick)
    def tick(self):
        table = self.query_one(DataTable)
        for key in self.keys:
            table.update_cell(key, self.columns[5], f"{time.monotonic() - self.began:.1f}s")
Table().run()
"""


def main() -> int:
    """Print a line per figure; 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matches", type=int, default=200_000)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=float, default=20.0)
    asked = parser.parse_args()
    exceeded = False
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CLOSEOUT_STATE_DIR"] = folder
        path, other = Path(folder) / "case.db", Path(folder) / "other.db"
        owner = _make(path, asked.matches)
        shutil.copy(path, other)
        for name, (ratio, said) in (
            ("key to paint, p95", _keys(path, owner, asked.keys, asked.rounds)),
            ("idle CPU", _idle(other, asked.idle)),
            ("first paint", _first(other, asked.rounds)),
        ):
            exceeded |= ratio > LIMITS[name]
            print(f"{name:<18} {ratio:5.2f} x (limit {LIMITS[name]:g})  {said}", flush=True)
    return int(exceeded)


class Screen:
    """A program in a pseudo-terminal, and what it wrote since somebody looked."""

    def __init__(self, words: list[str]) -> None:
        self.began = time.perf_counter()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"})
            os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
            os.execv(words[0], words)  # noqa: S606 our own interpreter
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.seen = b""

    def wait(self, pattern: bytes, seconds: float = 60.0) -> float:
        """Seconds since now, or since the start where nothing was seen yet, until the pattern came."""
        end = time.perf_counter() + seconds
        while not re.search(pattern, self.seen):
            left = end - time.perf_counter()
            if left <= 0:
                raise SystemExit(f"{pattern!r} never came: {self.seen[-400:]!r}")
            if select.select([self.terminal], [], [], left)[0]:
                self.seen += os.read(self.terminal, 65536)
        return time.perf_counter()

    def press(self, key: bytes, pattern: bytes) -> float:
        """Milliseconds from a key to its effect."""
        self.drain()
        began = time.perf_counter()
        os.write(self.terminal, key)
        return (self.wait(pattern) - began) * 1000

    def drain(self, seconds: float = 0.0) -> None:
        """Take what is there, and what comes in a while."""
        end = time.perf_counter() + seconds
        while select.select([self.terminal], [], [], max(0.0, end - time.perf_counter()))[0]:
            os.read(self.terminal, 65536)
        self.seen = b""

    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        os.close(self.terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@contextlib.contextmanager
def _screen(words: list[str]) -> Iterator[Screen]:
    screen = Screen(words)
    try:
        yield screen
    finally:
        screen.close()


def _make(path: Path, matches: int) -> int:
    """A case with so many matches, a tenth of them in the window; returns its collection, which still goes on."""
    runbook, now, rng = read_runbook(shipped_runbook_path()), now_ms(), random.Random(168)
    begin_case(path, runbook, scope_start_ms=now - 2 * WINDOW)
    with Case.open(path, write=True) as case, case.transaction("bench") as tx:
        owner = tx.add(Collection(STREAM, "bench", now - DAY, now, now))
        tx.add(Coverage(owner, STREAM, now - DAY, now, now))
        tx.add_all(LookedFor(owner, name, sha256) for name, sha256 in signatures_of_stream(runbook, STREAM))
        for number in range(matches):
            at = rng.randrange(now - WINDOW, now) if number < matches // 10 else rng.randrange(now - DAY, now - WINDOW)
            found = rng.choice(runbook.signatures)
            tx.add(LogMatch(owner, STREAM, found.id, found.group, f"k{number}", at, raw="x" * 120))
    return owner


def _keys(path: Path, owner: int, keys: int, rounds: int) -> tuple[float, str]:
    spent: dict[bool, list[float]] = {False: [], True: []}
    rates = []
    with _screen(program("run", str(path))) as screen:
        screen.wait(rb"Confirm the deployment")
        screen.drain(3.0)
        for number in range(rounds * 2):
            loaded = bool(number % 2)
            with _writing(path, owner, rates) if loaded else contextlib.nullcontext():
                screen.drain(2.0)
                for key in range(max(1, keys // rounds // 4) * 4):
                    # the board and the walk in turn, then the cursor down and up
                    at = key % 4
                    pressed, shown = (
                        (b"2", rb"Board"),
                        (b"1", rb"Steps"),
                        (b"j", rb"Set the basel"),
                        (b"k", rb"Confirm the d"),
                    )[at]
                    spent[loaded].append(screen.press(pressed, shown))
                    screen.drain(0.05 + random.random() * 0.1)  # no rhythm with the clock
        screen.drain(4.0)
        said = _same_number(path, screen)
    idle, busy = (sorted(spent[loaded]) for loaded in (False, True))
    p95 = [each[int(len(each) * 0.95)] for each in (idle, busy)]
    p50 = [statistics.median(each) for each in (idle, busy)]
    rate = statistics.mean(rates)
    told = f"idle p50 {p50[0]:.0f} p95 {p95[0]:.0f} ms, loaded p50 {p50[1]:.0f} p95 {p95[1]:.0f} ms, {len(busy)} keys each, {rate:.0f} rows/s; {said}"
    return p95[1] / p95[0], told


@contextlib.contextmanager
def _writing(path: Path, owner: int, rates: list[float]) -> Iterator[None]:
    words = [sys.executable, "-c", WRITER, str(path), str(owner)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        yield
        assert writer.stdin is not None and writer.stdout is not None
        writer.stdin.close()
        written, seconds = map(float, writer.stdout.read().split())
        rates.append(written / seconds)


def _same_number(path: Path, screen: Screen) -> str:
    """What the board shows once the case is sealed, when time no longer moves it, against `status` and a plain count."""
    tool = program("seal", str(path), str(path.with_suffix(".sealed.db")), "--override", "measured")
    subprocess.run(tool, check=True, capture_output=True)
    screen.wait(rb"SEALED")
    screen.press(b"2", rb"Board")
    screen.press(b"j", rb"Owner")
    screen.drain(2.0)
    shown = re.search(rb"count +(\d+) of > 20", _text(screen, b"t"))
    told = subprocess.run(program("status", str(path), "inbox-300s", "--json"), check=False, capture_output=True)
    condition = json.loads(told.stdout)["signals"][0]["conditions"][0]
    window = [parse_instant(condition["window"][name]) for name in ("from", "to")]
    with contextlib.closing(sqlite3.connect(path)) as db:
        (counted,) = db.execute(
            "SELECT count(DISTINCT key) FROM log_match WHERE signature = 'inbox-timeout' AND at_ms >= ? AND at_ms < ?",
            window,
        ).fetchone()
    if shown is None or not int(shown[1]) == condition["value"] == counted:
        raise SystemExit(f"{shown and shown[1]!r} on the board, {condition['value']} in status, {counted} by SQL")
    return f"{counted} on the board, in status and by SQL"


def _text(screen: Screen, key: bytes) -> bytes:
    """Everything on the screen as text: a change of theme paints all of it."""
    screen.press(key, rb"theme closeout")
    end = time.perf_counter() + 1.0
    while select.select([screen.terminal], [], [], max(0.0, end - time.perf_counter()))[0]:
        screen.seen += os.read(screen.terminal, 65536)
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", screen.seen)


def _idle(path: Path, seconds: float) -> tuple[float, str]:
    rows = "\n".join(f"{name}|{value}|50|{'#' * 40}|tripped" for name, value in zip(
        ("webhook-60s", "inbox-300s", "db-wait", "response-timing-500", "reversal-loop", "offload-health", "cron-probes"), range(7), strict=True
    ))  # fmt: skip
    spent = []
    for words, ready in (
        (program("run", str(path)), rb"Confirm the d"),
        ([sys.executable, "-c", TABLE, rows], rb"webhook-60s"),
    ):
        with _screen(words) as screen:
            screen.wait(ready)
            screen.drain(5.0)
            before = screen.cpu()
            screen.drain(seconds)
            spent.append((screen.cpu() - before) / seconds * 1000)
    return spent[0] / spent[1], f"{spent[0]:.1f} ms CPU a second, DataTable {spent[1]:.1f}"


def _first(path: Path, rounds: int) -> tuple[float, str]:
    spent: dict[str, list[float]] = {"desk": [], "board": [], "smallest": []}
    for _ in range(rounds + 1):
        with _screen(program("run", str(path))) as screen:
            spent["desk"].append(screen.wait(rb"opening the case") - screen.began)
            spent["board"].append(screen.wait(rb"inbox-300s") - screen.began)
        with _screen([sys.executable, "-c", SMALLEST]) as screen:
            spent["smallest"].append(screen.wait(rb"ready") - screen.began)
    desk, board, smallest = (statistics.median(spent[name][1:]) * 1000 for name in ("desk", "board", "smallest"))
    return desk / smallest, f"{desk:.0f} ms, smallest {smallest:.0f}; the board is there after {board:.0f}"


if __name__ == "__main__":
    sys.exit(main())
