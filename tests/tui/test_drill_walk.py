"""A whole drill in a real terminal, by keys alone: from the staged incident to a sealed, verified case and its packet, in under five minutes."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from collectors.browser.find import BrowserMissing, find_browser, require_driver
from collectors.drill.leash import PREFIX
from store.case import Case
from store.verify.verify import verify_case
from store.walk.states import read_walk
from tests.collectors.drill.staging import marked, start_stage, wait_for
from tests.tui.desk.terminal import Terminal, require_tmux
from tui.cli import main
from tui.desk.runs import program

pytestmark = pytest.mark.timeout(290)

FIVE_MINUTES = 300


GOLDENS = Path(__file__).parent / "goldens"


def check_screen(name: str, screen: str) -> None:
    """Compare a screen with the kept one, without what differs from play to play; CLOSEOUT_KEEP_GOLDENS=1 keeps this one instead."""
    kept, shown = GOLDENS / f"{name}.txt", still(screen)
    if os.environ.get("CLOSEOUT_KEEP_GOLDENS"):
        GOLDENS.mkdir(exist_ok=True)
        kept.write_text(shown, "utf-8")
    assert shown == kept.read_text("utf-8")


def still(screen: str) -> str:
    """Screen text without instants, ages, counts, heads of the chain and curves, and with single spaces."""
    text = re.sub(r"(?<=[ │:])/[^│\s…]+…?", "PATH", re.sub(r"[▁-█░▓]+", " ", screen))
    text = re.sub(r"\b[0-9a-f]{8,}\b", "HEAD", text)
    text = re.sub(r"\d+(?:ms|[smh])(?:\d+[smh])?\b", "AGE", text)
    text = re.sub(r"[\d,.:+-]*\d", "N", text)
    return "".join(
        f"{re.sub(r' *(│|─|$)', chr(92) + '1', re.sub(r' +', ' ', line)).strip()}\n" for line in text.splitlines()
    )


def dialog(screen: str) -> str:
    """The dialog in front, without what stands beside it."""
    lines = (line for line in screen.splitlines() if line[:1] in "╭│╰" or line[1:2] in "╭│╰")
    return "\n".join(found[0] for line in lines if (found := re.search(r"[╭│╰].*[╮│╯]", line)))


def steps(screen: str) -> str:
    """The column of the steps, below its title."""
    return "\n".join(line.partition("│")[0] for line in screen.splitlines()[3:-2])


class Drill:
    """The desk of a drill, and the moves of an operator."""

    def __init__(self, terminal: Terminal, case: Path) -> None:
        self.terminal = terminal
        self.case = case

    def at(self, number: int) -> str:
        """Wait until the walk stands at a step and the cursor is there."""
        self.terminal.wait(rf"^▶. +{number} ")
        return self.terminal.wait(rf"─ {number} \S")

    def passes(self, number: int, key: str = "Space") -> None:
        self.at(number)
        self.terminal.keys(key)
        self.terminal.wait(rf"^.✓ +{number} ")

    def says(self, key: str, title: str, text: str) -> None:
        """Press a key, wait for its dialog, answer it."""
        self.terminal.keys(key)
        self.terminal.wait(title)
        self.terminal.type(text)
        self.terminal.wait(re.escape(text[:30]))
        self.terminal.keys("Enter")

    def answers(self, *screens: str) -> None:
        """Enter on each of the screens that come."""
        for screen in screens:
            self.terminal.wait(screen)
            self.terminal.keys("Enter")


def has_browser() -> bool:
    try:
        require_driver()
        find_browser(os.environ)
    except BrowserMissing:
        return False
    return True


def first_steps(drill: Drill) -> None:
    """Look at the deployment, name the baseline; the captures begin by themselves."""
    terminal = drill.terminal
    drill.at(1)
    terminal.keys("Enter")
    drill.answers("enter runs it")
    terminal.wait("dpl_staged_old")
    drill.passes(1)
    drill.at(2)
    drill.says("W", "Name a window", "baseline @deploy-40m/@deploy-10m")
    terminal.wait("window baseline")
    drill.passes(2)
    terminal.wait(r"^.[●✓] +3 ")
    terminal.wait(r"^.[●✓] +4 ")


def look_around(drill: Drill) -> None:
    """Probes, pictures, the second snapshot, and what the checks are for."""
    terminal = drill.terminal
    drill.at(6)
    terminal.keys("Enter")
    drill.answers("These requests run jobs")
    terminal.wait(r"^.✓ +6 ")
    drill.at(7)
    if has_browser():
        terminal.keys("Enter")
        terminal.wait(r"^.✓ +7 ")
    else:
        drill.says("s", "Skip browser-capture", "no browser on this machine")
    terminal.wait(r"^.✓ +4 ")
    terminal.wait(r"^.✓ +3 ")


def compare(drill: Drill) -> None:
    terminal = drill.terminal
    for number, key in ((5, "Space"), (8, "Enter"), (9, "Space"), (10, "Space"), (11, "Enter")):
        drill.passes(number, key)
    terminal.wait(r"✗ inbox-300s +1\d / 10")


def decide(drill: Drill) -> None:
    """One trip is a rollback of that signal's scope; afterwards a look, and the papers."""
    terminal = drill.terminal
    drill.at(12)
    terminal.keys("D")
    terminal.wait("Roll back the inbox query path")
    terminal.keys("Down", "Down")
    check_screen("drill-scope", dialog(terminal.wait("app/api/inbox/counts/route.ts")))
    terminal.keys("Enter")
    terminal.wait(r"\[x\] log_match")
    terminal.type("ten within five minutes")
    terminal.keys("Enter")
    terminal.wait("decided rollback-inbox, citing")
    drill.at(13)
    terminal.keys("Enter")
    terminal.wait("carry-out started")
    terminal.wait(r"^▶● 13 ")
    drill.passes(13)
    drill.says("m", "Name a moment", "rollback 5s")
    terminal.wait("the run begins anew")
    drill.at(14)
    terminal.keys("D")
    terminal.wait("package the evidence")
    terminal.keys("Down", "Enter")
    terminal.wait(r"\[x\] collection")
    terminal.type("clean so far")
    terminal.keys("Enter")
    terminal.wait("decided go-on")


def close(drill: Drill) -> None:
    """Papers, what is not known, the close that cites them, the hand-off, the seal."""
    terminal = drill.terminal
    drill.at(15)
    drill.says("W", "Name a window", "postfix @deploy+80m/@deploy+110m")
    terminal.wait("window postfix")
    terminal.keys("P")
    drill.answers("Write the papers")
    terminal.wait("the papers ended: ")
    drill.passes(15)
    drill.at(16)
    drill.says("n", "Note at unknowns", "nothing is left open: kim")
    terminal.wait("note:")
    drill.passes(16)
    drill.at(17)
    terminal.keys("D")
    terminal.wait(r"cites baseline: artifact:\d+, \d\d:\d\d-")
    terminal.keys("Enter")
    terminal.wait(r"\[x\] artifact:\d+ +pre-post-delta")
    terminal.type("limits held after the rollback")
    terminal.keys("Enter")
    terminal.wait("decided close, citing")
    drill.passes(18)
    drill.passes(19)
    drill.at(20)
    terminal.keys("Enter")
    check_screen("drill-seal", dialog(terminal.wait("Nothing can be written after the seal")))
    terminal.keys("Enter")
    terminal.wait("sealed: ")
    check_screen("drill-sealed", steps(terminal.wait("SEALED")))


def test_a_drill_is_walked_to_a_sealed_and_verified_case_by_keys_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_tmux()
    start_stage().close()  # skips where there is no server
    case = tmp_path / "rehearsal.db"
    before = set(Path("/tmp").glob(f"{PREFIX}*"))
    environ = {"LANG": "C.UTF-8", "TERM": "screen-256color", "CLOSEOUT_STATE_DIR": str(tmp_path / "state")}
    began = time.monotonic()
    words = program("drill", str(case), "--operator", "kim", "--scenario", "inbox-burst")
    with Terminal(tmp_path, words, environ) as terminal:
        drill = Drill(terminal, case)
        first = terminal.wait(r"Steps 0/20")
        opened = time.monotonic() - began
        assert " DRILL " in first
        terminal.wait(r"staged on this machine")
        check_screen("drill-first", steps(terminal.wait(r"^▶○ +1 ")))
        first_steps(drill)
        look_around(drill)
        compare(drill)
        decide(drill)
        close(drill)
        terminal.keys("q")
        terminal.wait_for_end()
        left = terminal.history()
    walked = time.monotonic() - began
    # Ten seconds where nothing else goes on (tests/bench/drill.py measures it); the gate shares its cores.
    assert opened < 30, f"it took {opened:.1f} s to the desk"
    assert walked < FIVE_MINUTES, f"the walk took {walked:.0f} s"
    assert "kind=seal" in left
    assert "drill=1" in left
    assert "closeout review" in left
    assert "closeout new" in left
    sealed = case.with_name("rehearsal-sealed.db")
    assert verify_case(sealed).drill
    with Case.open(sealed) as handed:
        walk = read_walk(handed.read(), handed.runbook(), edition=handed.edition(), now_ms=handed.clock())
        assert not walk.open_mandatory
    assert main(["packet", str(sealed), "--out", str(tmp_path / "packet")]) == 0
    assert main(["packet", str(sealed), "--check", str(tmp_path / "packet")]) == 0
    assert all("DRILL" in path.read_text() for path in (tmp_path / "packet").rglob("closeout-*.md"))
    capsys.readouterr()
    assert wait_for(lambda: set(Path("/tmp").glob(f"{PREFIX}*")) <= before, 5), "the stage is still there"
    assert not [pid for folder in set(Path("/tmp").glob(f"{PREFIX}*")) - before for pid in marked(folder)]
