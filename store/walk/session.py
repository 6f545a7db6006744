"""Who acts, from which terminal and process, and whether that process still lives.

A number that the system gives to a process is given again to another one; so a process is known by machine, boot, number and start
time together. Where that cannot be known (another machine, another container) the answer is "elsewhere", never "dead": an attempt must
not be called lost by someone who cannot see it.
"""

from __future__ import annotations

import os
import platform
import pwd
import sqlite3
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from store.begin import operator_name, program_version
from store.case import Transaction
from store.journal import Session

_START_FIELD = 22 - 3  # of /proc/PID/stat, counted behind the program's name
_STATE_FIELD = 0
_GONE = ("Z", "X")


class Life(StrEnum):
    """What can be said of a session's process."""

    ALIVE = "alive"
    DEAD = "dead"
    ELSEWHERE = "elsewhere"


class Who(NamedTuple):
    """One person at one terminal, and the process whose death ends what they have running.

    `pid` 0: no process holds it. Such an attempt belongs to the person alone and ends only with the machine's boot.
    """

    operator: str
    os_user: str
    host: str
    terminal: str
    pid: int
    process_start: str
    boot: str

    @property
    def place(self) -> str:
        """Terminal and machine, as people would say them."""
        return f"{self.terminal} on {self.host}" if self.terminal else self.host


def this_process(operator: str | None = None) -> Who:
    """The program itself: for the desk and for collectors, whose attempts die with them."""
    return _who(operator, os.getpid())


def this_terminal(operator: str | None = None) -> Who:
    """The shell of this terminal: for single commands, which end at once while the person goes on.

    Without a terminal (scripts, scheduled jobs) there is no process to stand for the person.
    """
    leader = os.getsid(0)
    held = bool(_terminal()) and leader not in (0, os.getpid())
    return _who(operator, leader if held else 0)


def open_session(tx: Transaction, who: Who, *, now_ms: int) -> int:
    """Id of this person's session; stored at its first deed, found again afterwards."""
    row = tx.query(
        "SELECT id FROM session WHERE operator = ? AND os_user = ? AND host = ? AND terminal = ? AND pid = ? "
        "AND process_start = ? AND boot = ? ORDER BY id DESC LIMIT 1",
        who,
    )
    if row:
        return int(row[0][0])
    return tx.add(Session(*who, program_version(), platform.python_version(), sqlite3.sqlite_version, now_ms))


def life_of(who: Who) -> Life:
    """Whether a session's process still lives, as far as this process can see."""
    if who.host != platform.node():
        return Life.ELSEWHERE
    boot, _, room = who.boot.partition(" ")
    boot_now, _, room_now = boot_id().partition(" ")
    if boot != boot_now:
        return Life.DEAD
    if room != room_now:
        return Life.ELSEWHERE
    if who.pid == 0:
        return Life.ALIVE
    return Life.ALIVE if process_start(who.pid) == who.process_start else Life.DEAD


def alive(who: Who) -> bool:
    """Whether the session may still be at work: alive, or out of sight."""
    return life_of(who) is not Life.DEAD


Alive = Callable[[Who], Life]


def monotonic_ms() -> int:
    """Milliseconds of a clock that nobody sets; comparable between sessions of one boot."""
    return time.monotonic_ns() // 1_000_000


def process_start(pid: int) -> str:
    """When a process began, in the system's own words; empty if there is none or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else _start_by_ps(pid)
    except OSError:
        return ""
    return "" if fields[_STATE_FIELD] in _GONE else fields[_START_FIELD]


def _start_by_ps(pid: int) -> str:
    state, _, start = _asked(["ps", "-o", "stat=,lstart=", "-p", str(pid)]).partition(" ")
    return "" if state.startswith(_GONE) else start.strip()


@lru_cache(maxsize=1)
def boot_id() -> str:
    """This boot of this machine, and the room (process namespace) that we see of it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = _asked(["sysctl", "-n", "kern.bootsessionuuid"])
    try:
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return boot


def _who(operator: str | None, pid: int) -> Who:
    start = process_start(pid) if pid else ""
    return Who(operator or operator_name(), _os_user(), platform.node(), _terminal(), pid, start, boot_id())


def _os_user() -> str:
    """The account that the system vouches for; LOGNAME and its like are only what somebody says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _terminal() -> str:
    for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None and stream.isatty():
                return os.ttyname(stream.fileno())
        except (OSError, ValueError):
            continue
    return ""


def _asked(command: list[str]) -> str:
    import subprocess

    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=False, env={**os.environ, "LC_ALL": "C"}
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
