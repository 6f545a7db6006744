"""One run of a command that prints a log: started, read in blocks, ended. Holds no more of its complaints than their
end.

Until its first output is seen it may be in the foreground of the terminal, so that a login or a host key can be
answered; after that it runs in a process group of its own and hears neither Ctrl-C nor the closing of the terminal.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import IO

_BLOCK = 1024 * 1024
_COMPLAINT = 8 * 1024
_GRACE_S = 3.0


class Child:
    """A running command. Read `stdout` and `stderr` when they are ready; both end with the command."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], *, terminal: int | None = None) -> None:
        self.terminal = terminal
        self.complaint = b""
        self.bytes_read = 0
        self._process = subprocess.Popen(
            list(argv),
            env=dict(environ),
            stdin=terminal if terminal is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            bufsize=0,
        )
        self.stdout = _descriptor(self._process.stdout)
        self.stderr = _descriptor(self._process.stderr)
        # A larger pipe rides out a slow commit; not every system has it.
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(self.stdout or -1, fcntl.F_SETPIPE_SZ, _BLOCK)
        if terminal is not None:
            _give_terminal(terminal, self._process.pid)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """The process, which is also its group."""
        return self._process.pid

    def read(self) -> bytes:
        """The next block of its output; empty at its end."""
        block = self._read(self.stdout)
        if not block:
            self.stdout = None
        self.bytes_read += len(block)
        return block

    def read_complaint(self) -> bytes:
        """The next block of what it says beside its output."""
        block = self._read(self.stderr)
        if not block:
            self.stderr = None
        said = self.complaint + block
        if len(said) > _COMPLAINT:
            # The beginning goes by whole lines: half a line may hold half a secret, which nothing recognises.
            said = said[said.find(b"\n", len(said) - _COMPLAINT) + 1 :] if b"\n" in said[-_COMPLAINT:] else b""
        self.complaint = said
        return block

    def unread(self) -> int:
        """Bytes that it wrote and that nobody read yet."""
        if self.stdout is None:
            return 0
        count = bytearray(4)
        fcntl.ioctl(self.stdout, termios.FIONREAD, count)
        return int.from_bytes(count, "little")

    def detach(self) -> None:
        """Take the terminal back: there is nothing left to be answered."""
        if self.terminal is not None:
            _give_terminal(self.terminal, os.getpgrp())
            self.terminal = None

    def exit_code(self) -> int | None:
        """Its exit code once it has ended; below zero for a signal."""
        return self._process.poll()

    def is_stopped(self) -> bool:
        """Whether it stands still: by Ctrl-Z, or because it asked a terminal that is no longer its own."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return False

    def go_on(self) -> None:
        """Let it go on in the terminal's foreground after it was stopped there."""
        if self.terminal is not None:
            _give_terminal(self.terminal, self.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGCONT)

    def interrupt(self) -> None:
        """Ask it and everything that it started to end."""
        for number in (signal.SIGTERM, signal.SIGCONT):  # what stands still hears nothing
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def end(self, grace_s: float = _GRACE_S) -> int:
        """Make sure that it has ended, with force after a while."""
        self.detach()
        if self._process.poll() is None:
            self.interrupt()
            deadline = time.monotonic() + grace_s
            while self._process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.05)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # whatever it started and left behind
        return self._process.wait()

    def wait(self, grace_s: float = _GRACE_S) -> int:
        """Its exit code after its output has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(grace_s)
        return self.end()

    def said_last(self) -> str:
        """The last line of its complaints, whole: it is to be masked before it is cut."""
        lines = [line.strip() for line in self.complaint.decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else ""

    @staticmethod
    def _read(descriptor: int | None) -> bytes:
        if descriptor is None:
            return b""
        try:
            return os.read(descriptor, _BLOCK)
        except OSError:
            return b""


def _descriptor(pipe: IO[bytes] | None) -> int | None:
    return None if pipe is None else pipe.fileno()


def _give_terminal(terminal: int, group: int) -> None:
    """Put a process group into the terminal's foreground."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(terminal, group)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
