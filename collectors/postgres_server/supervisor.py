"""Stand between an owner and its Postgres: stop the server and remove its folder when the owner is gone.

Run as a script. Standard input is a pipe from the owner; its end means the owner ended, by whatever way. Only the
standard library is imported, so that this file runs under any Python and any user. It never touches users, or modes of
what it did not make.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

PREFIX = "closeout-pg-"
UNPRIVILEGED = "nobody"
SOCKET_LIMIT = 100  # bytes of a socket's path; macOS allows 104
ABANDONED_S = 3600

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.02
_OWNER_POLL_S = 1.0


class StartError(Exception):
    """The server cannot be started here; the text says why in one sentence."""


class OwnerGoneError(Exception):
    """The owner ended while we were starting."""


class Supervisor:
    """One server in one temporary folder."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.folder = Path(config["bin"])
        self.root = Path(config["root"])
        self.libraries = Path(config["libraries"]) if config.get("libraries") else None
        self.settings: dict[str, str] = config.get("settings", {})
        self.owner = os.getppid()
        self.as_root = os.geteuid() == 0
        self.base = _make_base(self.as_root)
        self.data = self.base / "data"
        self.socket = self.base / "s"
        self.server: subprocess.Popen[bytes] | None = None
        self.lock = _lock(self.base)

    def start(self) -> None:
        """Make the data folder and start the server; returns once it accepts connections."""
        identity = self._identity()
        for folder in (self.data, self.socket):
            folder.mkdir(mode=0o700)
            if identity:
                os.chown(folder, identity["user"], identity["group"])
        self._reach(identity)
        initdb = [
            self.folder / "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "--auth=trust",
            "--no-sync",
            "--locale=C",
            "-E",
            "UTF8",
        ]
        maker = self._run(initdb, identity, die_with_us=signal.SIGKILL)
        if self._wait(maker) != 0:
            raise StartError(f"initdb failed: {self._last_words()}")
        command = [self.folder / "postgres", "-D", self.data, "-h", "", "-k", self.socket]
        for name, value in {**_SETTINGS, **self.settings}.items():
            command += ["-c", f"{name}={value}"]
        self.server = self._run(command, identity, die_with_us=signal.SIGINT)
        self._wait_until_ready(self.server)

    def watch(self) -> int:
        """Wait until the owner ends (0) or the server does (1)."""
        while True:
            if self.server is None or self.server.poll() is not None:
                return 1
            if self._owner_is_gone(_OWNER_POLL_S):
                return 0

    def stop(self) -> None:
        """Stop the server, kindly first, and remove the folder."""
        server = self.server
        if server is not None:
            for sign, patience_s in ((signal.SIGINT, 3.0), (signal.SIGQUIT, 0.5), (signal.SIGKILL, 1.0)):
                if server.poll() is not None:
                    break
                server.send_signal(sign)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.wait(patience_s)
        shutil.rmtree(self.base, ignore_errors=True)

    def _identity(self) -> dict[str, int] | None:
        """The unprivileged user to become, for Postgres refuses to run as root; nothing when we are not root."""
        if not self.as_root:
            return None
        try:
            entry = pwd.getpwnam(UNPRIVILEGED)
        except KeyError as error:
            raise StartError(
                f"Postgres does not run as root and there is no user {UNPRIVILEGED}; run as another user"
            ) from error
        return {"user": entry.pw_uid, "group": entry.pw_gid}

    def _reach(self, identity: dict[str, int] | None) -> None:
        """Copy the binaries to our folder if the unprivileged user cannot reach them, such as below a private home."""
        try:
            process = self._run([self.folder / "postgres", "--version"], identity)
            if process.wait() == 0:
                return
        except PermissionError:
            pass
        except OSError as error:
            raise StartError(f"{self.folder / 'postgres'} does not run here: {error.strerror}") from error
        if identity is None:
            raise StartError(f"{self.folder / 'postgres'} does not run here: {self._last_words()}")
        # The way from the binaries to their libraries is relative (rpath), so the two keep their places to each other.
        place = self.base / "lib" / "python"
        target = place / self.root.parent.name / self.root.name
        shutil.copytree(self.root, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
        if self.libraries:
            shutil.copytree(self.libraries, place / self.libraries.name, symlinks=True)
        for folder, _, _ in os.walk(self.base / "lib"):
            Path(folder).chmod(0o755)
        self.folder = target / self.folder.name

    def _run(
        self, command: list[Any], identity: dict[str, int] | None, die_with_us: signal.Signals | None = None
    ) -> subprocess.Popen[bytes]:
        environ = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(self.base)}
        environ |= {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
        drop: dict[str, Any] = {**identity, "extra_groups": []} if identity else {}
        with (self.base / "log").open("ab") as log:
            return subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environ,
                start_new_session=True,
                preexec_fn=None if die_with_us is None else lambda: _die_with_parent(die_with_us),
                **drop,
            )

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while process.poll() is None:
            if self._owner_is_gone(_POLL_S):
                process.kill()
                process.wait()
                raise OwnerGoneError
        return int(process.returncode)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        # The eighth line of postmaster.pid turns to "ready" (or "standby"); pg_ctl waits for the same.
        while True:
            if process.poll() is not None:
                raise StartError(f"postgres ended at once: {self._last_words()}")
            with contextlib.suppress(OSError):
                lines = (self.data / "postmaster.pid").read_text().splitlines()
                if len(lines) >= 8 and lines[7].strip() in ("ready", "standby"):
                    return
            if self._owner_is_gone(_POLL_S):
                raise OwnerGoneError

    def _owner_is_gone(self, patience_s: float) -> bool:
        readable, _, _ = select.select([0], [], [], patience_s)
        ended = bool(readable) and os.read(0, 4096) == b""
        # A forked child of the owner may hold the pipe open; the parent's number tells its death as well.
        return ended or os.getppid() != self.owner

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = [
                line.strip() for line in (self.base / "log").read_text(errors="replace").splitlines() if line.strip()
            ]
            telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
            words = (telling or lines)[-1:]
            if words and "effective user ID" in words[0]:
                return f"user {os.geteuid()} has no name on this machine; run as a named user, or as root"
            return "".join(words)
        return "no word in its log"


# Nothing here has to outlive a crash, so durability is off; one small machine must be able to run two of these.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}


def _make_base(as_root: bool) -> Path:
    """A short folder that the server's user can pass through, after removing what earlier crashes left."""
    for place in dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))):  # noqa: S108 last resorts
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            continue
        if len(bytes(place)) + len(PREFIX) + 40 > SOCKET_LIMIT or (as_root and not _open_to_all(place)):
            continue
        _sweep(place)
        base = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        if as_root:
            base.chmod(0o711)
        return base
    raise StartError("no temporary folder is short enough and open to an unprivileged user; set TMPDIR to one")


def _open_to_all(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _lock(base: Path) -> int:
    """Hold a lock for as long as we live; whoever can take it later knows that we are gone."""
    taking = base / "lock.new"
    descriptor = os.open(taking, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    taking.rename(base / "lock")  # only a locked file ever carries the name that a sweep looks at
    return descriptor


def _sweep(place: Path) -> None:
    for base in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if base.is_symlink() or base.stat().st_uid != os.geteuid():
                continue
            if _abandoned(base):
                shutil.rmtree(base, ignore_errors=True)


def _abandoned(base: Path) -> bool:
    try:
        descriptor = os.open(base / "lock", os.O_RDWR)
    except FileNotFoundError:
        return time.time() - base.stat().st_mtime > ABANDONED_S
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return not _server_lives(base)


def _server_lives(base: Path) -> bool:
    try:
        os.kill(int((base / "data" / "postmaster.pid").read_text().split()[0]), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, IndexError):
        return False
    return True


def _die_with_parent(sign: signal.Signals) -> None:
    """Linux only: a killed supervisor takes its server along. The one thread that starts it lives as long as we do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(sign))


def _say(**words: object) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def _leave(*_: object) -> NoReturn:
    raise OwnerGoneError


def main(config: dict[str, Any]) -> int:
    """Start, tell the owner where, watch, stop."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        supervisor = Supervisor(config)
    except (StartError, OSError) as error:
        _say(error=str(error))
        return 1
    try:
        supervisor.start()
        _say(socket=str(supervisor.socket), data=str(supervisor.data), pid=supervisor.server and supervisor.server.pid)
        return supervisor.watch()
    except OwnerGoneError:
        return 0
    except (StartError, OSError) as error:
        _say(error=str(error))
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        supervisor.stop()


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
