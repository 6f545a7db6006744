"""The shipped runbook, walked in a real terminal of 80x24 from its first step to a sealed file, with the desk killed twice on the way."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from collectors.records.load import load_records
from store.case import Case, now_ms
from store.instants import format_instant
from store.walk.states import read_walk
from tests.tui.desk.terminal import Terminal, require_tmux
from tui.cli import main
from tui.desk.runs import program

ROOT = Path(__file__).parents[3]
MINUTE = 60_000
pytestmark = pytest.mark.timeout(600)


def with_records(case: Path) -> None:
    """Real records: one signal over its limit, the others watched for an hour."""
    now = now_ms()
    span = {"from": format_instant(now - 60 * MINUTE), "to": format_instant(now - 1000)}
    rows = [
        {
            "record": "collection",
            "id": "c",
            "stream": "runtime-logs",
            **span,
            "collected": format_instant(now),
            "status": "ok",
        }
    ]
    for number in range(24):
        at = format_instant(now - 20 * MINUTE + number * 20_000)
        rows.append(
            {
                "record": "log_match",
                "collection": "c",
                "key": f"req-{number}",
                "at": at,
                "signature": "inbox-timeout",
                "group": "inbox",
            }
        )
    with Case.open(case, write=True) as opened:
        load_records(
            opened,
            opened.runbook(),
            "".join(json.dumps(row) + "\n" for row in rows).encode(),
            name="evidence.ndjson",
            operator="kim",
        )


def fake_platform(folder: Path) -> Path:
    """The platform's command, as far as the runbook asks it."""
    folder.mkdir()
    vercel = folder / "vercel"
    vercel.write_text('#!/bin/sh\nif [ "$1" = inspect ]; then echo "dpl_new is ready"; else exit 1; fi\n')
    vercel.chmod(0o755)
    return folder


class Desk:
    """The desk in a terminal, and the moves of an operator."""

    def __init__(self, folder: Path, case: Path, environ: dict[str, str]) -> None:
        self.folder, self.case, self.environ = folder, case, environ
        self.terminal = self.open()

    def open(self) -> Terminal:
        terminal = Terminal(self.folder, program("run", str(self.case), "--operator", "kim"), self.environ)
        terminal.wait(r"Steps \d+/20")
        terminal.wait(r"new walk|resumed at")
        return terminal

    def at(self, number: int) -> str:
        """Wait until the walk stands at a step and the cursor is there."""
        self.terminal.wait(rf"^▶. +{number} ")
        return self.terminal.wait(rf"─ {number} \S")

    def passes(self, number: int, key: str = "Space") -> None:
        self.at(number)
        self.terminal.keys(key)
        self.terminal.wait(rf"^.✓ +{number} ")

    def says(self, key: str, title: str, text: str, *, clear: bool = False) -> None:
        """Press a key, wait for its dialog, answer it."""
        self.terminal.keys(key)
        self.terminal.wait(title)
        if clear:
            self.terminal.keys("C-u")
        self.terminal.type(text)
        self.terminal.wait(re.escape(text[:30]))
        self.terminal.keys("Enter")

    def killed(self) -> None:
        """The desk dies as a process dies, and is opened again."""
        os.kill(self.terminal.pid, signal.SIGKILL)
        self.terminal.wait_for_end()
        self.terminal.__exit__(None, None, None)
        self.terminal = self.open()

    def state(self, step: str) -> str:
        """The step as the case has it."""
        with Case.open(self.case) as case:
            return read_walk(case.read(), case.runbook(), edition=case.edition(), now_ms=case.clock()).step(step).state


def first_steps(desk: Desk) -> None:
    """Confirm, with the desk killed while the step is in flight; baseline; captures that outlive everything."""
    terminal = desk.terminal
    desk.at(1)
    terminal.keys("Enter")
    terminal.wait("enter runs it")
    terminal.keys("Enter")
    terminal.wait("answered exit 0")
    terminal.wait("dpl_new is ready")
    desk.killed()
    terminal = desk.terminal
    terminal.wait("resumed at step 1, in flight and lost: confirm-deployment")
    assert "? lost" in desk.at(1)
    assert desk.state("confirm-deployment") == "lost"
    terminal.keys("Enter")
    terminal.wait("enter runs it")
    terminal.keys("Enter")
    terminal.wait("attempt 2")
    terminal.wait("answered exit 0")
    desk.says("m", "Name a moment", "deploy 40m dpl_new dpl_old")
    terminal.wait("mark deploy at")
    desk.passes(1)
    desk.says("W", "Name a window", "baseline @deploy-20m/@deploy-1m")
    terminal.wait("window baseline")
    desk.passes(2)


def captures(desk: Desk) -> None:
    """Captures begin by themselves or by Enter, run beside the walk, are stopped, and a failure is passed only with what was seen."""
    desk.terminal.wait(r"^.● +3 ")  # the log is watched by itself as soon as the walk allows it
    desk.at(4)  # the queue is not: there is no address
    desk.terminal.keys("Enter")
    desk.terminal.wait(r"^.● +4 ")
    desk.at(6)
    desk.killed()
    terminal = desk.terminal
    terminal.wait(r"^.● +3 ")
    assert desk.state("capture-logs") == "running"
    for step in ("capture-logs", "queue-t0"):
        terminal.keys("C-c")
        terminal.wait(f"stop {step}: what it has seen stays")
        terminal.keys("Enter")
        terminal.wait(f"{step} was asked to stop")
        terminal.wait(rf"^.✗ +{3 if step == 'capture-logs' else 4} ")
    for number in (3, 4):
        desk.passes(number)


def middle(desk: Desk) -> None:
    """Ledger, probes that nobody answers, what cannot be done here, and the comparison."""
    terminal = desk.terminal
    desk.passes(5)
    desk.at(6)
    terminal.keys("Enter")
    terminal.wait("These requests run jobs")
    terminal.keys("Enter")
    terminal.wait(r"^.[✓✗] +6 ")
    if desk.state("probe-crons") == "failed":
        desk.passes(6)
    desk.at(7)
    desk.says("s", "Skip browser-capture", "no browser on this machine")
    desk.at(8)
    terminal.keys("Enter")
    terminal.wait(r"^.✗ +8 ")
    desk.passes(8)
    desk.passes(9)
    desk.at(10)
    desk.says("s", "Skip rehearse-alerts", "not at night")
    desk.passes(11, "Enter")


def decisions(desk: Desk) -> None:
    """A rollback that cites evidence, the desk killed while it is carried out, and what is said of it then."""
    terminal = desk.terminal
    desk.at(12)
    terminal.keys("D")
    terminal.wait("Roll back the inbox query path")
    terminal.keys("Down", "Down")
    terminal.wait("app/api/inbox/counts/route.ts")
    terminal.keys("Enter")
    terminal.wait(r"\[x\] log_match")
    terminal.wait("before +dpl_old")
    terminal.type("24 of more than 20, within ten minutes")
    terminal.keys("Enter")
    terminal.wait("decided rollback-inbox, citing")
    desk.at(13)
    terminal.keys("Enter")
    terminal.wait("carry-out started")
    desk.killed()
    terminal = desk.terminal
    desk.at(13)
    terminal.wait("did it take effect")
    terminal.keys("Enter")
    terminal.wait("yes, it took effect")
    terminal.keys("Enter")
    terminal.wait("How do you know")
    terminal.type("the deploy page shows dpl_old")
    terminal.keys("Enter")
    terminal.wait("carry-out resolved")
    desk.says("m", "Name a moment", "rollback 1m")
    terminal.wait("the run begins anew")
    desk.at(14)
    terminal.keys("D")
    terminal.wait("package the evidence")
    terminal.keys("Down", "Enter")
    terminal.wait(r"\[x\] collection")
    terminal.type("the window after it is clean so far")
    terminal.keys("Enter")
    terminal.wait("decided go-on")


def last_steps(desk: Desk) -> Path:
    """Package, say what is not known, close on the papers, hand off, seal."""
    terminal = desk.terminal
    desk.at(15)
    desk.says("W", "Name a window", "postfix @deploy/@deploy+19m")
    terminal.wait("window postfix")
    terminal.keys("P")
    terminal.wait("Write the papers")
    terminal.keys("Enter")
    terminal.wait("the papers ended: ")
    desk.passes(15)
    desk.at(16)
    desk.says("n", "Note at unknowns", "nobody looked at the queue: kim looks tomorrow")
    terminal.wait("note:")
    desk.passes(16)
    desk.at(17)
    terminal.keys("D")
    terminal.wait(r"cites baseline: artifact:\d+, \d\d:\d\d-")
    terminal.keys("Enter")
    terminal.wait(r"\[x\] artifact:\d+ +pre-post-delta")
    terminal.type("limits held after the rollback")
    terminal.keys("Enter")
    terminal.wait("decided close, citing")
    for number in (18, 19):
        desk.passes(number)
    desk.at(20)
    terminal.keys("Enter")
    terminal.wait("Nothing can be written after the seal")
    terminal.keys("Enter")
    terminal.wait("sealed: ")
    terminal.wait("SEALED")
    return desk.case.with_name("incident-sealed.db")


def test_the_shipped_runbook_is_walked_to_a_sealed_file_although_the_desk_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require_tmux()
    case = tmp_path / "incident.db"
    state = tmp_path / "state"
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(state))
    assert main(["init", str(case), "--runbook", str(ROOT / "runbook.md")]) == 0
    with_records(case)
    environ = {
        "CLOSEOUT_STATE_DIR": str(state), "LANG": "C.UTF-8", "TERM": "screen-256color", "BASE_URL": "http://127.0.0.1:9",
        "CRON_SECRET": "never-shown-anywhere", "VERCEL_PROJECT": "inbox", "DATABASE_URL": "",
        "PATH": f"{fake_platform(tmp_path / 'bin')}:{os.environ['PATH']}",
    }  # fmt: skip
    desk = Desk(tmp_path, case, environ)
    try:
        first_steps(desk)
        captures(desk)
        middle(desk)
        decisions(desk)
        sealed = last_steps(desk)
        desk.terminal.keys("q")
        desk.terminal.wait_for_end()
        left = desk.terminal.history()
        assert "closeout-receipt/1 kind=seal" in left
        assert "check it with: closeout verify" in left
    finally:
        desk.terminal.__exit__(None, None, None)
    assert b"never-shown-anywhere" not in case.read_bytes()
    with Case.open(sealed) as handed:
        assert handed.head().kind == "seal"
        walk = read_walk(handed.read(), handed.runbook(), edition=handed.edition(), now_ms=handed.clock())
        assert not walk.open_mandatory
        assert [a.state for a in walk.step("confirm-deployment").attempts] == ["lost", "passed"]
    capsys.readouterr()
    monkeypatch.setenv("TERM", "screen")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    assert main(["run", str(case)]) == 40
    assert "--after" in capsys.readouterr().err
