"""What only a real terminal shows: how the desk leaves it, what it writes without colour and in ASCII, sizes, and where it refuses."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from store.case import now_ms
from tests.tui.desk.desk_world import make_case
from tests.tui.desk.terminal import Terminal, require_tmux
from tui.cli import main
from tui.desk.runs import program

pytestmark = pytest.mark.timeout(300)
COLOUR = re.compile(rb"\x1b\[(?:[\d;:]*;)?(?:3\d|4\d|9[0-7]|10[0-7])(?:[;:][\d;:]*)?m")


def written(case: Path, environ: dict[str, str], keys: list[bytes]) -> bytes:
    """Every byte that the desk writes to a terminal while these keys are pressed one after the other."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", **environ})
        words = program("run", str(case))
        os.execv(words[0], words)  # noqa: S606 our own interpreter
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen, since, end = b"", 0, time.monotonic() + 60
    waiting = [(b"done", key) for key in keys]
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 0.3)
            if ready:
                try:
                    seen += os.read(terminal, 65536)
                except OSError:
                    break
            elif waiting and b"Steps" in seen and len(seen) > since:
                since = len(seen)
                os.write(terminal, waiting.pop(0)[1])
    finally:
        os.close(terminal)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert not waiting, seen[-2000:]
    return seen


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return make_case(tmp_path / "case.db", now=now_ms())


KEYS = [b"2", b"e", b"4", b"5", b"?", b"\x1b", b"D", b"\x1b", b"n", b"\x1b", b":", b"\x1b", b"q"]


def test_without_colour_no_colour_code_is_written_and_the_states_stand_there_in_words(case: Path) -> None:
    bytes_written = written(case, {"NO_COLOR": "1"}, KEYS)
    assert COLOUR.findall(bytes_written) == []
    assert {b"tripped", b"no_data", b"stale", b"partial", b"watch"} <= set(re.findall(rb"[a-z_]+", bytes_written))


def test_in_an_ascii_locale_no_byte_above_127_is_written(case: Path) -> None:
    bytes_written = written(case, {"LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, KEYS)
    assert bytes_written.isascii()
    assert b"X tripped" in bytes_written


def test_leaving_gives_the_terminal_back_and_says_how_to_return(case: Path, tmp_path: Path) -> None:
    require_tmux()
    words = ["sh", "-c", '"$@"; echo "left with $?"; stty -a; exec sh', "sh", *program("run", str(case))]
    with Terminal(tmp_path, words, {"TERM": "screen-256color", "LANG": "C.UTF-8"}) as terminal:
        terminal.wait(r"Steps 0/8")
        terminal.wait("new walk")
        terminal.keys("q")
        left = terminal.wait("left with 0")
        assert "come back with: closeout run" in left
        assert re.search(r"(?<!-)\bicanon\b", terminal.wait("icanon"))


def test_resizing_keeps_the_place_and_a_tiny_terminal_gets_one_sentence(case: Path, tmp_path: Path) -> None:
    require_tmux()
    with Terminal(tmp_path, program("run", str(case)), {"TERM": "screen-256color", "LANG": "C.UTF-8"}) as terminal:
        terminal.wait("new walk")
        terminal.keys("j", "j", "j")
        terminal.wait("─ 4 Read the signals")
        terminal.resize(50, 14)
        terminal.wait("terminal 50x14 is too small; need 60x16")
        for width, height in ((160, 48), (60, 20), (80, 24)):
            terminal.resize(width, height)
            assert "terminal" not in terminal.wait(r"─ 4 Read the si")
        terminal.wait(r"you are at 1: g")
        terminal.keys("g")
        terminal.wait("─ 1 Confirm the deployment")


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_pointed_to_the_linear_walk(
    term: str, case: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", term)
    assert main(["run", str(case)]) == 40
    assert "closeout next" in capsys.readouterr().err


def test_a_pipe_is_pointed_to_the_linear_walk(
    case: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert main(["run", str(case)]) == 40
    assert "standard error output is not a terminal" in capsys.readouterr().err


def test_a_mistyped_name_is_asked_about_and_nothing_is_created(case: Path, tmp_path: Path) -> None:
    require_tmux()
    wrong = tmp_path / "cases.db"
    words = ["sh", "-c", '"$@"; echo "left with $?"; exec sh', "sh", *program("run", str(wrong))]
    with Terminal(tmp_path, words, {"TERM": "screen-256color", "LANG": "C.UTF-8"}, size=(200, 24)) as terminal:
        terminal.wait(r"did you mean .*case\.db\? \[y/N\]")
        terminal.keys("n", "Enter")
        terminal.wait("left with 40")
        assert "closeout init" in terminal.text()
    assert not wrong.exists()
    with Terminal(tmp_path, words, {"TERM": "screen-256color", "LANG": "C.UTF-8"}, size=(200, 24)) as terminal:
        terminal.wait(r"\[y/N\]")
        terminal.keys("y", "Enter")
        terminal.wait("Steps 0/8")
    assert not wrong.exists()


def test_a_terminal_of_sixteen_colours_is_written_only_those(case: Path) -> None:
    bytes_written = written(case, {"TERM": "linux", "COLORTERM": ""}, KEYS)
    assert not re.findall(rb"\x1b\[[\d;]*[34]8[;:][25]", bytes_written)
    assert COLOUR.findall(bytes_written)
