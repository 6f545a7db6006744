"""A running command: read in blocks, ended with all that it started."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from collectors.logs.child import Child

PATIENCE_S = 20.0


def shell(text: str) -> Child:
    return Child(["/bin/sh", "-c", text], os.environ)


def drain(child: Child) -> bytes:
    parts = []
    while pipes := [pipe for pipe in (child.stdout, child.stderr) if pipe is not None]:
        ready, _, _ = select.select(pipes, [], [], PATIENCE_S)
        assert ready
        if child.stderr in ready:
            child.read_complaint()
        else:
            parts.append(child.read())
    return b"".join(parts)


def test_output_complaints_and_exit_code_are_told_apart() -> None:
    with shell("echo out; echo one >&2; echo two >&2; exit 3") as child:
        assert drain(child) == b"out\n"
        assert child.said_last() == "two"
        assert child.wait() == 3
        assert child.bytes_read == 4


def test_only_the_end_of_long_complaints_is_held() -> None:
    with shell("head -c 100000 /dev/zero | tr '\\0' x >&2; printf '\\nlast' >&2") as child:
        drain(child)
        assert len(child.complaint) <= 8192
        assert child.said_last() == "last"


def test_what_it_wrote_and_nobody_read_is_known() -> None:
    with shell("printf 12345; exec cat /dev/zero | head -c 0; exec sleep 60") as child:
        assert select.select([child.stdout], [], [], PATIENCE_S)[0]
        assert child.unread() == 5
        child.read()
        assert child.unread() == 0


def test_it_runs_in_a_group_of_its_own_and_ends_with_all_that_it_started() -> None:
    with shell("sleep 60 & echo $!; wait") as child:
        assert select.select([child.stdout], [], [], PATIENCE_S)[0]
        grandchild = int(child.read())
        assert os.getpgid(child.pid) == child.pid != os.getpgrp()
        assert child.end() == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        while True:
            os.kill(grandchild, 0)
            if Path(f"/proc/{grandchild}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z":
                raise ProcessLookupError


def test_one_that_does_not_listen_is_ended_with_force() -> None:
    with Child(
        [
            sys.executable,
            "-c",
            "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(60)",
        ],
        os.environ,
    ) as child:
        assert select.select([child.stdout], [], [], PATIENCE_S)[0]
        assert child.end(grace_s=0.1) == -signal.SIGKILL


def test_a_command_that_is_not_there_raises() -> None:
    with pytest.raises(OSError, match="No such file"):
        Child(["/no/such/tool"], os.environ)


def test_until_it_is_detached_it_may_use_the_terminal() -> None:
    ours, theirs = os.openpty()
    try:
        with Child(["/bin/sh", "-c", "test -t 0 && echo yes"], os.environ, terminal=theirs) as child:
            assert drain(child) == b"yes\n"
            child.detach()
            assert child.terminal is None
    finally:
        os.close(ours)
        os.close(theirs)
