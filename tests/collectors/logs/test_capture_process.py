"""A capture as a process of its own: it outlives a terminal, holds its lock, and a kill loses nothing that was shown."""

from __future__ import annotations

import os
import shlex
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.logs.capture_process import main, only_capture, running_captures, start_capture, stop_capture
from store import trust
from store.case import Case
from store.errors import Refused
from store.judge import judge, question_at
from store.runbook.model import Runbook
from tests.collectors.logs.kit import T0, open_case, runbook

STAND_IN = str(Path(__file__).with_name("stand_in.py"))
PATIENCE_S = 30.0


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(trust.FOLDER_VARIABLE, str(tmp_path / "state"))
    under: Runbook = runbook()
    with open_case(tmp_path, under) as opened:
        trust.remember(opened)
    return tmp_path / "case.db"


def rows(case: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(f"file:{case}?mode=ro", uri=True, timeout=10)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def until(test: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    waiting = threading.Event()
    while time.monotonic() < deadline:
        if found := test():
            return found
        waiting.wait(0.02)
    raise AssertionError("it did not come to that")


def shell(steps: str) -> str:
    return f"STEPS={shlex.quote(steps)} exec {shlex.quote(sys.executable)} {shlex.quote(STAND_IN)}"


def test_a_capture_outlives_a_closed_terminal_and_ends_when_asked(case: Path) -> None:
    pid = start_capture(case, "runtime-logs", shell(f"many 3 {T0}|hang"))
    until(lambda: rows(case, "SELECT 1 FROM coverage"))
    (running,) = running_captures(case)
    assert (running.pid, running.stream) == (pid, "runtime-logs")
    os.kill(pid, signal.SIGHUP)
    count = len(rows(case, "SELECT 1 FROM coverage"))
    until(lambda: len(rows(case, "SELECT 1 FROM coverage")) > count)
    assert stop_capture(case, "runtime-logs")
    assert until(lambda: rows(case, "SELECT status, reason, lines_read FROM collection_end")) == [("ok", "stopped", 3)]
    until(lambda: not running_captures(case))
    assert not stop_capture(case, "runtime-logs")


def test_two_captures_of_one_stream_are_one_too_many(case: Path) -> None:
    with only_capture(case, "runtime-logs"):
        assert main([str(case), "runtime-logs", "--shell", "true"]) == 40
        with pytest.raises(Refused, match="is being captured"), only_capture(case, "runtime-logs"):
            pass


def test_a_case_that_is_not_trusted_here_runs_nothing(case: Path) -> None:
    with Case.open(case) as opened:
        trust.forget(opened)
    assert main([str(case), "runtime-logs", "--", "/bin/true"]) == 40
    assert rows(case, "SELECT * FROM collection") == []


@pytest.mark.parametrize("moment", [1, 3, 7, 12, 20, 33])
def test_a_kill_loses_nothing_that_was_shown_and_never_makes_it_ok(case: Path, moment: int) -> None:
    pid = start_capture(case, "runtime-logs", shell(f"flood {T0}"))
    shown: list[tuple[Any, ...]] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(shown) < moment and time.monotonic() < deadline:
        seen = rows(
            case,
            "SELECT (SELECT count(*) FROM log_match), (SELECT max(to_ms) FROM coverage), (SELECT max(seq) FROM chain)",
        )
        if (seen[0][1] is not None and (not shown or seen[0] != shown[-1])) or shown:
            shown.append(seen[0])
    os.kill(pid, signal.SIGKILL)
    until(lambda: not running_captures(case))
    with Case.open(case, write=True) as opened:  # rolls a half-written transaction back
        matches, covered, seq = shown[-1]
        kept = (
            opened.read()
            .execute(
                "SELECT (SELECT count(*) FROM log_match), (SELECT max(to_ms) FROM coverage), (SELECT max(seq) FROM chain)"
            )
            .fetchone()
        )
        assert kept[0] >= matches
        assert kept[1] >= covered
        assert kept[2] >= seq
        assert opened.read().execute("SELECT count(*) FROM collection_end").fetchone() == (0,)
        lines = [line for (line,) in opened.read().execute("SELECT line FROM log_match ORDER BY line")]
        assert lines == list(range(1, 50 * len(lines), 50))
        answer = judge(opened.read(), question_at(opened.read(), as_of_ms=kept[1] + 60_000, live=False))
        assert all(condition.state != "ok" for signal in answer.signals for condition in signal.conditions)
