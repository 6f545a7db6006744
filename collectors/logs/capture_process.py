"""A live capture as a process of its own, which outlives the terminal and the desk that started it.

Run as `python -m collectors.logs.capture_process CASE STREAM [--since MS] [--until MS] [--for MS] [--every MS] [--
COMMAND…]`. One at a time per case and stream: a lock in the user's state folder says which process it is.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from collectors.logs.capture import capture
from collectors.stopping import stop_when_asked
from store import trust
from store.case import Case, now_ms
from store.errors import CloseoutError, Refused


class RunningCapture(NamedTuple):
    """A capture that goes on now."""

    case: str
    stream: str
    pid: int
    started_ms: int


def start_capture(
    case_path: str | Path,
    stream: str,
    command: str | Sequence[str] | None = None,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    for_ms: int | None = None,
    every_ms: int | None = None,
) -> int:
    """Start a capture that outlives this process and its terminal; its process id. What it says goes to a file beside
    its lock.

    Raises:
        Refused: the state folder cannot be written.
    """
    # -P: a folder named like one of our packages, where the operator stands, must not take its place.
    words = [sys.executable, "-P", "-m", __name__, str(Path(case_path).absolute()), stream]
    for option, value in (("--since", since_ms), ("--until", until_ms), ("--for", for_ms), ("--every", every_ms)):
        words += [option, str(value)] if value is not None else []
    if isinstance(command, str):
        words += ["--shell", command]
    elif command is not None:
        words += ["--", *command]
    with _said(case_path, stream).open("ab") as said:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, env=_environment()
        )
    # Nobody waits for it: a thread does, so that no dead process is left behind while this one lives.
    threading.Thread(target=process.wait, daemon=True).start()
    return process.pid


def running_captures(case_path: str | Path) -> list[RunningCapture]:
    """The captures into a case that go on now on this machine."""
    wanted = os.path.realpath(case_path)
    found = []
    for path in sorted(_folder().glob("*.lock")):
        with contextlib.suppress(OSError, ValueError, TypeError), path.open("r+", encoding="utf-8") as file:
            running = RunningCapture(**json.load(file))
            if running.case == wanted and _is_held(file.fileno()):
                found.append(running)
    return found


def stop_capture(case_path: str | Path, stream: str) -> bool:
    """Ask a capture to end; whether there was one."""
    for running in running_captures(case_path):
        if running.stream == stream:
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGTERM)
                return True
    return False


@contextlib.contextmanager
def only_capture(case_path: str | Path, stream: str) -> Iterator[None]:
    """Hold the lock of a case's stream.

    Raises:
        Refused: another process holds it.
    """
    path = _path(case_path, stream, "lock")
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = next((r for r in running_captures(case_path) if r.stream == stream), None)
            who = f" (process {holder.pid})" if holder else ""
            raise Refused(
                f"{stream} is being captured into {case_path} already{who}", "let it go on, or stop it"
            ) from error
        file.truncate(0)
        json.dump(RunningCapture(os.path.realpath(case_path), stream, os.getpid(), now_ms())._asdict(), file)
        file.flush()
        yield


def main(words: Sequence[str] | None = None) -> int:
    """Capture until done or told to stop; 40 if nothing came."""
    arguments = _arguments(list(sys.argv[1:] if words is None else words))
    stop = threading.Event()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop_when_asked(stop)
    try:
        with Case.open(arguments.case) as case:
            trust.require(case)
            runbook = case.runbook()
        with only_capture(arguments.case, arguments.stream):
            done = capture(
                arguments.case,
                runbook,
                arguments.stream,
                arguments.shell or arguments.command or None,
                since_ms=arguments.since,
                until_ms=arguments.until,
                for_ms=arguments.lasting,
                every_ms=arguments.every,
                stop=stop.is_set,
                tell=_say,
            )
    except CloseoutError as error:
        _say("refused", str(error))
        return error.exit_code
    return 40 if not done or all(told.status == "failed" for told in done) else 0


def _arguments(words: list[str]) -> argparse.Namespace:
    command: list[str] = []
    if "--" in words:
        at = words.index("--")
        words, command = words[:at], words[at + 1 :]
    parser = argparse.ArgumentParser(prog="python -m collectors.logs.capture_process", description=__doc__)
    parser.add_argument("case")
    parser.add_argument("stream")
    parser.add_argument("--shell")
    for option, name in (("--since", "since"), ("--until", "until"), ("--for", "lasting"), ("--every", "every")):
        parser.add_argument(option, dest=name, type=int)
    arguments = parser.parse_args(words)
    arguments.command = command
    return arguments


def _say(kind: str, text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # a terminal that is gone is no reason to stop
        sys.stderr.write(f"{kind}: {text}\n")
        sys.stderr.flush()


def _environment() -> dict[str, str]:
    """The environment with the folder of this package on the path, wherever it was started from."""
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}


def _folder() -> Path:
    """Where locks lie: beside the trust records, never in the case.

    Raises:
        Refused: it cannot be written.
    """
    named = os.environ.get(trust.FOLDER_VARIABLE)
    if named:
        folder = Path(named) / "captures"
    else:
        import platformdirs

        folder = platformdirs.user_state_path("closeout") / "captures"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"cannot write {folder}: {error.strerror}", f"name another folder in {trust.FOLDER_VARIABLE}"
        ) from error
    return folder


def _path(case_path: str | Path, stream: str, kind: str) -> Path:
    name = hashlib.sha256(f"{os.path.realpath(case_path)}\0{stream}".encode()).hexdigest()[:24]
    return _folder() / f"{name}.{kind}"


def _said(case_path: str | Path, stream: str) -> Path:
    return _path(case_path, stream, "log")


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


if __name__ == "__main__":
    raise SystemExit(main())
