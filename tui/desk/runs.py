"""Processes that do a step's work: each in a session of its own, so that neither a closed terminal nor a crash of the desk ends it.

What they print goes to a file in the user's state folder, named by case, step and process: a desk that is opened later finds it there.
The desk starts and reaps them; what they did is in the case, written by themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from store.trust import FOLDER_VARIABLE

TAIL_BYTES = 4096
REVIEW = "review of the case"
"""The name under which the review runs; no step can have it."""

PAPERS = "the papers"
"""The name under which the packet is written; no step can have it."""

TAKEN = 75
"""How a runner ends whose step was not to be begun: somebody else was faster."""

_REVIEW_ENDS_S = 5.0
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_ROOT = Path(__file__).resolve().parents[2]
# Not `python -m`: that would let a folder named `store` where the operator stands take the place of ours.
_ENTRY = "import sys; sys.path.insert(0, {root!r}); from {module} import {name}; sys.exit({name}())"


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended: what it was for, its exit code and the end of what it printed."""

    step: str
    code: int
    tail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Child:
    step: str
    process: subprocess.Popen[bytes]
    log: Path


def program(*words: str) -> list[str]:
    """Arguments that run this very program as a command of its own."""
    return [sys.executable, "-P", "-c", _ENTRY.format(root=str(_ROOT), module="tui.cli", name="main"), *words]


def runner(*words: str) -> list[str]:
    """Arguments that run the process that does a step's work."""
    return [sys.executable, "-P", "-c", _ENTRY.format(root=str(_ROOT), module="tui.desk.runner", name="main"), *words]


def log_folder(case_id: str) -> Path:
    """Where the processes of a case leave what they print."""
    given = os.environ.get(FOLDER_VARIABLE)
    state = Path(given) if given else platformdirs.user_state_path("closeout")
    return state / "runs" / _UNSAFE.sub("_", case_id)


def log_path(case_id: str, step: str, pid: int) -> Path:
    """The file of one process."""
    return log_folder(case_id) / f"{log_name(step)}-{pid}.log"


def log_name(step: str) -> str:
    """A step's id as a part of a file name."""
    return _UNSAFE.sub("_", step)


def tail(path: Path) -> tuple[str, ...]:
    """The last lines of a file; none where there is no file."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return tuple(file.read().decode("utf-8", "replace").rstrip("\n").split("\n"))
    return ()


def tails(case_id: str) -> dict[str, tuple[str, ...]]:
    """Step -> the last lines of the process that was started for it last."""
    newest: dict[str, tuple[int, Path]] = {}
    with contextlib.suppress(OSError):
        for path in log_folder(case_id).glob("*.log"):
            step, written = path.stem.rpartition("-")[0], path.stat().st_mtime_ns
            if written > newest.get(step, (0, path))[0]:
                newest[step] = (written, path)
    return {step: lines for step, (_, path) in newest.items() if (lines := tail(path))}


def review_address(lines: tuple[str, ...]) -> str:
    """The address in what the review printed; empty as long as it has not."""
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return str(json.loads(line)["url"])
    return ""


class Runs:
    """The processes that this desk started. Started and asked from different threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: list[_Child] = []
        self._closed = False

    def start(self, case_id: str, step: str, words: list[str]) -> int:
        """Start a process for a step; returns its number.

        Raises:
            OSError: it cannot be started, or its file cannot be made.
        """
        folder = log_folder(case_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f"{os.getpid()}-{threading.get_native_id()}-{len(self._children)}.part"
        with draft.open("wb") as output:
            draft.chmod(0o600)
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                close_fds=True,
            )
        log = draft.rename(log_path(case_id, step, process.pid))
        with self._lock:
            if self._closed:  # a deed that was still in line when the desk was left
                _let_go(process)
            else:
                self._children.append(_Child(step, process, log))
        return process.pid

    def ended(self) -> list[Ended]:
        """Those that have ended since the last question."""
        with self._lock:
            done = [child for child in self._children if child.process.poll() is not None]
            self._children = [child for child in self._children if child not in done]
        return [Ended(child.step, child.process.returncode, tail(child.log)) for child in done]

    def running(self) -> tuple[str, ...]:
        """Steps for which a process of this desk is at work."""
        with self._lock:
            return tuple(child.step for child in self._children if child.process.poll() is None)

    def tail_of(self, step: str) -> tuple[str, ...]:
        """The last lines of what this desk's own process for a step has printed."""
        with self._lock:
            found = [child.log for child in self._children if child.step == step]
        return tail(found[-1]) if found else ()

    def interrupt(self, step: str) -> bool:
        """Ask the process of a step, and all it started, to stop; says whether there was one."""
        with self._lock:
            found = [child for child in self._children if child.step == step]
        for child in found:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGINT)
        return bool(found)

    def close(self) -> None:
        """Let go: the review ends with its desk, everything else goes on without it."""
        self.interrupt(REVIEW)
        with self._lock:
            for child in self._children:
                if child.step == REVIEW:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        child.process.wait(_REVIEW_ENDS_S)
            for child in self._children:
                _let_go(child.process)
            self._children = []
            self._closed = True


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """It goes on without us. A thread waits for it, so that no dead process is left behind while this one lives."""
    threading.Thread(target=process.wait, daemon=True).start()


def interrupt_process(pid: int) -> bool:
    """Ask a process that another desk started, and all it started, to stop."""
    try:
        os.killpg(pid, signal.SIGINT)
    except (ProcessLookupError, PermissionError):
        return False
    return True
