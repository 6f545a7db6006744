"""Real terminals that are killed, and two that press the same key: whatever state a step is in, it stands there again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.case import Case, now_ms
from store.walk import act
from store.walk.states import WalkState, read_walk
from tests.tui.desk.desk_world import make_case, walk_on
from tests.tui.desk.terminal import Terminal, require_tmux
from tui.desk.runs import program

pytestmark = pytest.mark.timeout(400)
ENVIRON = {"TERM": "screen-256color", "LANG": "C.UTF-8"}
STATES = {
    "confirm": "held",
    "baseline": "skipped",
    "capture": "waiting",
    "read": "retracted",
    "decide": "failed",
    "carry-out": "running",
    "hand-off": "passed",
    "seal": "ready",
}


def stands(path: Path) -> WalkState:
    with Case.open(path) as case:
        return read_walk(case.read(), case.runbook(), edition=case.edition(), now_ms=case.clock())


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Path]:
    require_tmux()
    now = now_ms()
    path = make_case(tmp_path / "case.db", now=now)
    walk = walk_on(path, now=now)
    act.hold(walk, "confirm", reason="asks somebody")
    act.skip(walk, "baseline", reason="there is none")
    act.finish(walk, "read")
    act.fail(walk, "decide", reason="nobody could tell")
    act.retract(walk, "read", reason="read the wrong line")
    act.start(walk, "carry-out", override="the site is down")
    act.finish(walk, "hand-off", override="told by phone")
    yield path
    walk.case.close()


def words_of(terminal: Terminal) -> list[str]:
    """The state of every step as the screen says it, first to last."""
    terminal.keys("Home")
    found = []
    for number, state in enumerate(STATES.values(), 1):
        terminal.wait(rf"─ {number} \S")
        shown = terminal.wait(rf"│\S {state}\b")
        found += [state for line in shown.splitlines() if f" {state}" in line.partition("│")[2]][:1]
        terminal.keys("j")
    return found


def test_whatever_state_a_step_is_in_a_killed_desk_finds_it_there_again(case: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with Terminal(tmp_path, program("run", str(case), "--operator", "kim"), ENVIRON) as terminal:
            terminal.wait("resumed at step")
            assert words_of(terminal) == list(STATES.values())
            os.kill(terminal.pid, signal.SIGKILL)
            terminal.wait_for_end()
        walk = stands(case)
        assert {step.id: step.state for step in walk.steps} == STATES
        assert (walk.step("carry-out").elapsed_ms or 0) > 0


def test_two_terminals_that_press_enter_together_have_one_winner_and_the_other_is_told_who(
    tmp_path: Path,
) -> None:
    require_tmux()
    path = make_case(tmp_path / "case.db", now=now_ms())
    act.start(walk_on(path, now=now_ms()), "carry-out", override="to be carried out")
    words = [program("run", str(path), "--operator", name) for name in ("kim", "ann")]
    with Terminal(tmp_path, words[0], ENVIRON) as one, Terminal(tmp_path, words[1], ENVIRON) as other:
        for terminal in (one, other):
            terminal.wait("resumed at step 6")
            terminal.wait("─ 6 Carry out")
        told: list[str] = []
        one.keys("Space")
        other.keys("Space")
        for terminal in (one, other):
            told.append(terminal.wait(r"carry-out passed at|it was passed by (kim|ann)|it is passed"))
    with Case.open(path) as opened:
        rows = opened.read().execute("SELECT operator FROM step_event WHERE step = 'carry-out' AND kind = 'passed'")
        winners = [operator for (operator,) in rows.fetchall()]
    assert len(winners) == 1
    assert any(f"passed by {winners[0]}" in shown or f"by {winners[0]} at" in shown for shown in told)


def test_a_case_sealed_from_another_terminal_is_only_read_and_says_how_to_go_on(tmp_path: Path) -> None:
    require_tmux()
    path = make_case(tmp_path / "case.db", now=now_ms())
    with Terminal(tmp_path, program("run", str(path), "--operator", "kim"), ENVIRON) as terminal:
        terminal.wait("new walk")
        with Terminal(
            tmp_path, program("seal", str(path), str(tmp_path / "out.db"), "--override", "the phase ended"), ENVIRON
        ) as sealer:
            sealer.wait_for_end()
        terminal.wait("SEALED")
        terminal.wait("sealed: nothing more is written")
        terminal.keys("Space")
        terminal.wait("is never written again; go on with")
        terminal.keys("q")
        terminal.wait_for_end()
        assert "closeout verify" in terminal.history()
