"""`collect` on a terminal that is closed, and two signals at once."""

from __future__ import annotations

import os
import pty
import select
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


def collecting_on_a_terminal(case: Path, steps: str = f"many 3 {T0}|hang") -> tuple[subprocess.Popen[bytes], int]:
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
        env=os.environ | {"STEPS": steps},
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


class OnTerminal:
    """A capture on a terminal, and what is on the screen so far."""

    def __init__(self, case: Path, steps: str) -> None:
        self.process, self._master = collecting_on_a_terminal(case, steps)
        self.screen = b""

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def shows(self, text: bytes) -> None:
        def look() -> bool:
            while select.select([self._master], [], [], 0)[0]:
                self.screen += os.read(self._master, 4096)
            return text in self.screen

        until(look)

    def ends(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


def test_a_question_is_shown_wherever_it_is_printed_and_can_be_answered(case: Path) -> None:
    with OnTerminal(case, f"ask Which team? |many 3 {T0}|hang") as terminal:
        terminal.shows(b"Which team?")
        terminal.type(b"ours\n")
        until(lambda: rows(case, "SELECT 1 FROM coverage"))
        assert terminal.ends() == 0


def test_a_capture_that_waits_for_an_answer_cannot_be_suspended_into_a_terminal_that_hears_nothing(case: Path) -> None:
    with OnTerminal(case, f"ask Password: |many 3 {T0}|hang") as terminal:
        terminal.shows(b"Password:")
        terminal.type(b"\x1a")  # Ctrl-Z
        terminal.shows(b"cannot be suspended")
        terminal.type(b"secret\n")
        until(lambda: rows(case, "SELECT 1 FROM coverage"))
        assert terminal.ends() == 0


def test_a_command_that_asks_again_later_is_started_anew_and_the_time_between_is_a_gap(case: Path) -> None:
    with OnTerminal(case, f"many 3 {T0}|ask |ask |many 2 {T0}|hang") as terminal:
        until(lambda: rows(case, "SELECT 1 FROM coverage"))
        terminal.type(b"\n\n")
        terminal.shows(b"asked for input and was stopped by the terminal")
        until(lambda: rows(case, "SELECT 1 FROM coverage WHERE collection = 2"))
        assert terminal.ends() == 0
    assert rows(case, "SELECT status, reason, lines_read FROM collection_end") == [
        ("ok", "the command asked for input and was stopped by the terminal", 3),
        ("ok", "stopped", 5),
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_what_was_stopped_before_its_first_record_is_told_and_is_evidence(case: Path, as_json: bool) -> None:
    words = [
        sys.executable,
        "-m",
        "tui.cli",
        "collect",
        str(case),
        "runtime-logs",
        "--for",
        "300ms",
        *["--json"] * as_json,
    ]
    done = subprocess.run(
        [*words, "--", sys.executable, STAND_IN],
        env=os.environ | {"STEPS": "hang"},
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 40
    assert b"the command had printed no record" in done.stderr
    ((status, reason),) = rows(case, "SELECT status, reason FROM collection_end")
    assert (status, reason[:13]) == ("failed", "stopped after")
    assert (b'"status": "failed"' in done.stdout) is as_json


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "1h", "--until", "2h"], "--since lies after the end of the look"),
        (["--since", "2099-01-01T00:00:00Z"], "--since lies after the end of the look"),
        (["--until", "2099-01-01T00:00:00Z"], "--until lies in the future"),
        (["--every", "0s"], "--every 0s is no pace"),
        (["--until", "1m", "--", "tail", "-f", "x"], "this command follows the log"),
    ],
)
def test_a_time_that_cannot_be_looked_at_is_refused_before_anything_runs(
    case: Path, words: list[str], said: str
) -> None:
    given = words if "--" in words else [*words, "--", "touch", str(case.with_name("ran"))]
    command = [sys.executable, "-m", "tui.cli", "collect", str(case), "runtime-logs", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, said in done.stderr) == (40, True), done.stderr
    assert not case.with_name("ran").exists()
    assert rows(case, "SELECT 1 FROM collection") == []


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
