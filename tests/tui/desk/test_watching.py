"""Captures begin by themselves once the walk has begun, as processes of their own; what else the desk may and may not do unasked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from store import trust
from store.case import Case
from store.stamps import SIGNAL, STEP, stamp
from store.walk import act
from store.walk.states import StepState, read_walk
from tests.tui.desk.desk_world import (
    DEADLINE_S,
    NOW,
    RUNBOOK,
    answer,
    make_case,
    make_desk,
    opened,
    screen_text,
    until,
    walk_on,
)
from tui.desk.glyphs import UNICODE
from tui.desk.head import status_row
from tui.desk.history import capture_history
from tui.desk.runs import interrupt_process, program
from tui.desk.snapshot import Frame
from tui.desk.watching import due

WATCHED = RUNBOOK.replace('feeds = ["web"]', 'feeds = ["web"]\nfor = "30m"').replace(
    'cat "$WEB_LOG"', 'cat "$WEB_LOG" # since $SINCE'
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    log = tmp_path / "web.log"
    log.write_text('{"timestamp":"2026-02-18T03:40:00Z","message":"inbox timed out"}\n')
    monkeypatch.setenv("WEB_LOG", str(log))
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    return make_case(tmp_path / "case.db", text=WATCHED)


def allow(path: Path) -> None:
    with Case.open(path) as case:
        trust.remember(case)


def capture_of(path: Path) -> StepState:
    with Case.open(path) as case:
        return read_walk(case.read(), case.runbook(), edition=case.edition(), now_ms=case.clock()).step("capture")


def stop(path: Path) -> None:
    state = capture_of(path)
    if state.state == "running":
        interrupt_process(state.attempts[-1].who.pid)
    end = time.monotonic() + DEADLINE_S
    while capture_of(path).state == "running":
        assert time.monotonic() < end
        threading.Event().wait(0.05)


async def test_a_capture_begins_by_itself_after_the_first_deed_outlives_the_desk_and_is_found_again(path: Path) -> None:
    allow(path)
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: desk.snapshot is not None and desk.snapshot.trusted)
        assert capture_of(path).state == "waiting"
        await pilot.press("space")
        await until(pilot, lambda: "capture has begun to look by itself" in screen_text(desk))
        await until(pilot, lambda: desk.snapshot is not None and desk.snapshot.walk.step("capture").background)
        await until(pilot, lambda: "─ 2 Set the baseline" in screen_text(desk), "the place went on")
    try:
        assert capture_of(path).state == "running"
        again = make_desk(path)
        async with again.run_test(size=(120, 36)) as pilot:
            await opened(pilot)
            await until(pilot, lambda: "●  3 Capture" in screen_text(again))
            await pilot.press("ctrl+c")
            await until(pilot, lambda: "stop capture: what it has seen stays" in screen_text(again))
            await pilot.press("enter")
            await until(pilot, lambda: "✗  3 Capture" in screen_text(again))
            await pilot.pause(0.6)
            assert not again.began, "what somebody stopped is not begun again"
    finally:
        stop(path)
    assert [attempt.state for attempt in capture_of(path).attempts] == ["failed"]
    assert "stopped by kim" in capture_of(path).reason


async def test_two_desks_begin_one_capture(path: Path) -> None:
    allow(path)
    one, other = make_desk(path), make_desk(path)
    try:
        async with one.run_test(size=(120, 36)) as first, other.run_test(size=(120, 36)) as second:
            await opened(first)
            await opened(second)
            await first.press("space")
            await until(first, lambda: capture_of(path).state == "running")
            await until(second, lambda: "●  3 Capture" in screen_text(other))
            await until(first, lambda: "●  3 Capture" in screen_text(one))
            await until(second, lambda: len(one.runs.running()) + len(other.runs.running()) == 1)
            assert "cannot start" not in screen_text(one) + screen_text(other)
    finally:
        stop(path)
    assert len(capture_of(path).attempts) == 1


async def test_nothing_begins_by_itself_in_a_case_from_elsewhere(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "─ 2 Set the baseline" in screen_text(desk))
        assert desk.snapshot is not None
        assert due(desk.snapshot, os.environ) == ["capture"]
        assert not desk.began
        assert not desk.runs.running()
    assert capture_of(path).state == "ready"


async def test_only_watching_begins_by_itself(path: Path, tmp_path: Path) -> None:
    act.finish(walk_on(path), "confirm")
    looks_once = make_case(tmp_path / "once.db", text=RUNBOOK)
    act.finish(walk_on(looks_once), "confirm")
    for case, environ, expected in (
        (path, {"WEB_LOG": "x"}, ["capture"]),
        (path, {}, []),
        (looks_once, {"WEB_LOG": "x"}, []),
    ):
        desk = make_desk(case)
        async with desk.run_test(size=(80, 24)) as pilot:
            await opened(pilot)
            assert desk.snapshot is not None
            assert due(desk.snapshot, environ) == expected


async def test_who_holds_the_case_is_said_on_screen_while_a_deed_waits(path: Path) -> None:
    desk = make_desk(path)
    holds = (
        "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute('BEGIN IMMEDIATE'); "
        "print('held', flush=True); sys.stdin.readline()"
    )
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "new walk" in screen_text(desk))
        with subprocess.Popen(
            [sys.executable, "-c", holds, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout is not None and holder.stdin is not None
            holder.stdout.readline()
            await pilot.press("space")
            await until(pilot, lambda: f"waiting for case.db: process {holder.pid}" in screen_text(desk))
            await pilot.press("j")
            assert "─ 2 Set the baseline" in screen_text(desk)
            holder.stdin.write(b"\n")
        await until(pilot, lambda: "confirm passed at" in screen_text(desk))


def test_a_repository_is_asked_only_for_a_case_that_was_allowed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\ntouch '{asked}'\necho 'abc 2026-02-18 sam: inbox'\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")
    assert capture_history(walk_on(path), "inbox-300s", ["app/inbox/list.ts"]) is None
    assert not asked.exists()
    allow(path)
    kept = capture_history(walk_on(path), "inbox-300s", ["app/inbox/list.ts"])
    assert kept is not None and kept.lines == ("abc 2026-02-18 sam: inbox",)


async def test_a_drill_says_so_in_the_head_of_every_screen(tmp_path: Path) -> None:
    path = make_case(tmp_path / "case.db", drill=True)
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        for keys in (["1"], ["2"], ["e"], ["4"], ["5"], ["z"], ["z", "1", "D"], ["escape", "question_mark"]):
            await pilot.press(*keys)
            await pilot.pause()
            assert "DRILL" in screen_text(desk).splitlines()[0], keys
        await pilot.press("escape", "n")
        await answer(pilot, "said")
        await pilot.press("y")
        assert desk.clipboard.startswith("DRILL ")
        assert desk.snapshot is not None
        frame = Frame(desk.snapshot, desk.snapshot.read_ms, UNICODE)
        assert "DRILL  FROZEN" in "".join(text for text, _ in status_row(frame, 80, frozen=True).spans)


def listens(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has begun to catch both signals; pytest skips where the system does not tell."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        pytest.skip("this system does not tell when a process listens for signals")
    caught = int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt")), 16)
    return all(caught >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM))


def test_a_collection_asked_twice_at_once_to_stop_ends(path: Path) -> None:
    """Both signals come together when a step is stopped: one to the group, one from the step's own process."""
    allow(path)
    for _ in range(3):
        words = program("collect", str(path), "web", "--json", "--for", "10m")
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                end = time.monotonic() + DEADLINE_S
                while not listens(process):
                    assert time.monotonic() < end and process.poll() is None
                process.send_signal(signal.SIGINT)
                process.send_signal(signal.SIGTERM)
                process.wait(DEADLINE_S)
            finally:
                process.kill()


async def test_when_a_step_and_a_signal_were_drilled_is_shown_and_nothing_where_they_never_were(path: Path) -> None:
    with Case.open(path) as case:
        runbook = case.runbook()
    stamp(runbook, STEP, "confirm", took_ms=41_000, passed=True, drilled_ms=NOW - 12 * 86_400_000)
    stamp(runbook, SIGNAL, "inbox-300s", took_ms=2_000, passed=False, drilled_ms=NOW - 3_600_000, why="tripped at 22")
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "last drilled 12 days ago, 41 s, passed" in screen_text(desk))
        await pilot.press("j")
        await until(pilot, lambda: "last drilled" not in screen_text(desk))
        await pilot.press("2")
        await until(pilot, lambda: "last drilled 1 hour ago, 2.0 s, failed: tripped at 22" in screen_text(desk))


async def test_what_a_drill_has_begun_ends_when_its_desk_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("WEB_LOG", str(tmp_path / "web.log"))
    path = make_case(tmp_path / "case.db", text=WATCHED, drill=True)
    allow(path)
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("space")
        await until(pilot, lambda: capture_of(path).state == "running")
    end = time.monotonic() + DEADLINE_S
    while capture_of(path).state == "running":
        assert time.monotonic() < end
        threading.Event().wait(0.05)
    assert capture_of(path).state == "failed"
