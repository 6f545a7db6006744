"""`collect` on a terminal that is closed, and two signals at once."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import trust
from store.case import Case
from tests.collectors.logs.kit import T0, open_case, runbook

STAND_IN = str(Path(__file__).parents[2] / "collectors" / "logs" / "stand_in.py")
PATIENCE_S = 30.0
ROOT = Path(__file__).parents[3]


@pytest.fixture
def case(tmp_path: Path) -> Path:
    with open_case(tmp_path, runbook()) as opened:
        trust.remember(opened)
    return tmp_path / "case.db"


def rows(case: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(f"file:{case}?mode=ro", uri=True, timeout=10)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def until(test: Callable[[], Any]) -> Any:
    deadline, waiting = time.monotonic() + PATIENCE_S, threading.Event()
    while time.monotonic() < deadline:
        if found := test():
            return found
        waiting.wait(0.02)
    raise AssertionError("it did not come to that")


def collecting_on_a_terminal(case: Path) -> tuple[subprocess.Popen[bytes], int]:
    """`collect` as the leader of a session on a terminal of its own; the other end of that terminal."""
    master, terminal = pty.openpty()
    words = [sys.executable, "-m", "tui.cli", "collect", str(case), "runtime-logs", "--", sys.executable, STAND_IN]
    script = f"import os, fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv({words[0]!r}, {words!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        cwd=ROOT,
        env=os.environ | {"STEPS": f"many 3 {T0}|hang"},
    )
    os.close(terminal)
    return process, master


def test_a_capture_goes_on_when_its_terminal_is_closed_and_ends_when_told(case: Path) -> None:
    process, master = collecting_on_a_terminal(case)
    try:
        until(lambda: rows(case, "SELECT 1 FROM coverage"))
        os.close(master)  # the kernel hangs up on the whole session
        count = len(rows(case, "SELECT 1 FROM coverage"))
        until(lambda: len(rows(case, "SELECT 1 FROM coverage")) > count + 1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    assert rows(case, "SELECT status, reason, lines_read FROM collection_end") == [("ok", "stopped", 3)]


def test_what_was_told_to_ignore_the_end_of_a_terminal_goes_on_ignoring_it(case: Path) -> None:
    words = f"trap '' HUP; exec {shlex.quote(sys.executable)} -m tui.cli collect {shlex.quote(str(case))} runtime-logs --json -- "
    command = words + f"{shlex.quote(sys.executable)} {shlex.quote(STAND_IN)}"
    environ = os.environ | {"STEPS": f"many 3 {T0}|hang"}
    process = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, cwd=ROOT, env=environ)
    try:
        until(lambda: rows(case, "SELECT 1 FROM coverage"))
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE_S)[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert b'"status":"ok"' in said.replace(b" ", b"")
    with Case.open(case) as opened:
        assert opened.head().writer == "logs"
