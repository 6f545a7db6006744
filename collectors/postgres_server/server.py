"""Start and own an embedded Postgres: a unix socket only, and it ends when its owner does, however that ends."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from collectors.postgres_server.binaries import INSTALL, find_binaries
from store.errors import Refused

START_S = 30.0
STOP_S = 6.0

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


class PostgresServer:
    """A running server; use as a context manager, or call `stop`."""

    def __init__(self, process: subprocess.Popen[bytes], socket: Path, data: Path, pid: int) -> None:
        self.socket = socket
        self.data = data
        self.pid = pid
        self._supervisor = process

    @classmethod
    def start(cls, environ: Mapping[str, str], *, settings: Mapping[str, str] | None = None) -> PostgresServer:
        """Make a fresh server from the binaries of this machine; `settings` are extra server settings.

        Raises:
            PostgresMissing: there are no binaries.
            Refused: they do not start; the sentence says why.
        """
        binaries = find_binaries(environ)
        config = {
            "bin": str(binaries.folder),
            "root": str(binaries.root),
            "libraries": str(binaries.libraries) if binaries.libraries else None,
            "settings": dict(settings or {}),
        }
        process = subprocess.Popen(
            [sys.executable, "-I", str(_SUPERVISOR), json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C at the desk must not reach the server
        )
        words = _first_line(process)
        if "socket" not in words:
            _end(process)
            raise Refused(
                f"the embedded Postgres did not start: {words.get('error', 'no answer')}", f"another one: {INSTALL}"
            )
        return cls(process, Path(str(words["socket"])), Path(str(words["data"])), int(str(words["pid"])))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def address(self, database: str = "postgres", user: str = "postgres") -> str:
        """The address that a source's variable would hold."""
        return (
            f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={quote(str(self.socket), safe='')}"
        )

    def running(self) -> bool:
        """Whether the server still runs."""
        return self._supervisor.poll() is None

    def stop(self) -> None:
        """Stop the server and remove its folder; a second call does nothing."""
        _end(self._supervisor)


def _first_line(process: subprocess.Popen[bytes]) -> dict[str, object]:
    assert process.stdout is not None  # noqa: S101 it was opened as a pipe
    readable, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if readable else b""
    try:
        words = json.loads(line)
    except ValueError:
        return {"error": f"no answer within {START_S:.0f} s" if not readable else "its supervisor ended"}
    return dict(words)


def _end(process: subprocess.Popen[bytes]) -> None:
    _close(process.stdin)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
    _close(process.stdout)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.close()
