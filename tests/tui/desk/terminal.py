"""A real terminal for the desk: tmux on a socket of its own, keys sent, the screen read until something stands on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pytest

DEADLINE_S = 90.0
_LOOK_AGAIN = threading.Event()


def require_tmux() -> None:
    """Without tmux there is nothing to test; where it is demanded that is a failure."""
    if shutil.which("tmux") is None:
        if os.environ.get("CLOSEOUT_REQUIRE_TMUX"):
            pytest.fail("tmux is not installed, and CLOSEOUT_REQUIRE_TMUX is set")
        pytest.skip("tmux is not installed")


class Terminal:
    """One program in one tmux pane."""

    def __init__(
        self, folder: Path, words: list[str], environ: Mapping[str, str], *, size: tuple[int, int] = (80, 24)
    ) -> None:
        self.socket = f"closeout-{uuid.uuid4().hex[:8]}"
        given = [f"{name}={value}" for name, value in environ.items()]
        width, height = size
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), "-c", str(folder), "env", *given, *words,
            ";", "set-option", "-g", "remain-on-exit", "on",
        )  # fmt: skip

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True, check=False)

    @property
    def pid(self) -> int:
        """The program's process."""
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    @property
    def ended(self) -> bool:
        """Whether the program has ended."""
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def keys(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._tmux("send-keys", "-l", text)

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def text(self) -> str:
        """What stands on the screen."""
        return self._tmux("capture-pane", "-p")

    def history(self) -> str:
        """The same with what has scrolled away, lines joined that the width broke."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-200")

    def wait(self, pattern: str) -> str:
        """Wait until the screen shows a regular expression; returns the screen."""
        end = time.monotonic() + DEADLINE_S
        while not re.search(pattern, shown := self.text(), re.M):
            assert time.monotonic() < end, f"{pattern!r} never came up:\n{shown}"
            _LOOK_AGAIN.wait(0.05)
        return shown

    def wait_for_end(self) -> str:
        """Wait until the program has ended; returns what it left on the screen."""
        end = time.monotonic() + DEADLINE_S
        while not self.ended:
            assert time.monotonic() < end, f"it never ended:\n{self.text()}"
            _LOOK_AGAIN.wait(0.05)
        return self.text()

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, text=True, check=True)
        return done.stdout
