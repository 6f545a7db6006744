"""Stand between whoever rehearses and the staged world: end the world and all that belongs to it when the owner is gone.

Run as a script. Standard input is a pipe from the owner and is passed on to the world; its end means that the owner ended, by whatever way.
Only the standard library is imported. It makes one temporary folder, and removes it in the end; what a killed leash left behind is
removed by the next one. Every process that was started for the world carries the folder's name in its environment, so that captures which
outlive their desk are found and ended too.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NoReturn

PREFIX = "closeout-drill-"
MARK = "CLOSEOUT_STAGED"
"""The variable by which a process is known to belong to a staged world."""

_ABANDONED_S = 3600
_GRACE_S = 3.0
_OWNER_POLL_S = 0.5


class OwnerGoneError(Exception):
    """Somebody asked us to end."""


def main(module: str, root: str) -> int:
    """Make the folder, start the world in it, pass on what the owner says; clean up when it says no more."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    owner = os.getppid()
    place = Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    lock = _lock(folder)
    if os.geteuid() == 0:
        folder.chmod(0o711)  # the database runs as another user then, and its folder lies within
    environ = {**os.environ, MARK: str(folder), "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}
    environ["TMPDIR"] = str(folder)
    world = subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(folder)],
        stdin=subprocess.PIPE,
        env=environ,
        cwd=folder,
        start_new_session=True,
    )
    try:
        _pass_on(world, owner)
    except OwnerGoneError:
        pass
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _end(world)
        end_marked(str(folder), but=(os.getpid(),))
        _remove(folder)
        os.close(lock)
    return 0


def _pass_on(world: subprocess.Popen[bytes], owner: int) -> None:
    """Copy what the owner says to the world, until one of them is gone."""
    import select

    assert world.stdin is not None  # noqa: S101 it was opened as a pipe
    target = world.stdin.fileno()
    while world.poll() is None and os.getppid() == owner:
        ready, _, _ = select.select([0], [], [], _OWNER_POLL_S)
        if not ready:
            continue
        said = os.read(0, 65536)
        if not said:
            return
        with contextlib.suppress(BrokenPipeError):
            os.write(target, said)


def _end(world: subprocess.Popen[bytes]) -> None:
    """The world ends by itself at the end of its input; after a while it is made to."""
    if world.stdin is not None:
        with contextlib.suppress(OSError):
            world.stdin.close()
    try:
        world.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        world.kill()
        world.wait()


def end_marked(folder: str, *, but: tuple[int, ...] = ()) -> None:
    """End every process that carries the folder's name in its environment: kindly, then with force."""
    # The owner may have taken the name over for a while (a desk runs its steps with it); it is never ended.
    spared = {*but, *_ancestors()}
    for sign, patience_s in ((signal.SIGTERM, 4.0), (signal.SIGKILL, 1.0)):
        found = [pid for pid in _marked(folder) if pid not in spared]
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, sign)
        until = time.monotonic() + patience_s
        while found and time.monotonic() < until:
            threading.Event().wait(0.02)
            found = [pid for pid in found if pid in set(_marked(folder))]
        if not found:
            return


def _marked(folder: str) -> list[int]:
    wanted = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0") and not _is_dead(entry):
                found.append(int(entry.name))
    return found or _named(folder)


def _named(folder: str) -> list[int]:
    """Where processes cannot be looked into: those that wrote their number into the world's state folder."""
    if Path("/proc/self/environ").exists():
        return []
    found = [int(path.stem.rpartition("-")[2]) for path in Path(folder).glob("state/runs/*/*-[0-9]*.log")]
    for path in Path(folder).glob("state/captures/*.lock"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            found.append(int(json.loads(path.read_text("utf-8"))["pid"]))
    alive = []
    for pid in found:
        with contextlib.suppress(OSError):
            os.kill(pid, 0)
            alive.append(pid)
    return alive


def _is_dead(entry: Path) -> bool:
    return (entry / "stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")


def _ancestors() -> set[int]:
    found, pid = {os.getpid()}, os.getppid()
    while pid > 1 and pid not in found:
        found.add(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return found


def _remove(folder: Path) -> None:
    until = time.monotonic() + _GRACE_S
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        threading.Event().wait(0.05)  # something may still have been written meanwhile


def _lock(folder: Path) -> int:
    """Hold a lock for as long as we live; whoever can take it later knows that we are gone."""
    taking = folder / "lock.new"
    descriptor = os.open(taking, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    taking.rename(folder / "lock")  # only a locked file ever carries the name that a sweep looks at
    return descriptor


def _sweep(place: Path) -> None:
    """Remove what killed leashes left behind, and end what still runs for them."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid() or not _abandoned(folder):
                continue
            end_marked(str(folder))
            _remove(folder)


def _abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > _ABANDONED_S
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _leave(*_: object) -> NoReturn:
    raise OwnerGoneError


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
