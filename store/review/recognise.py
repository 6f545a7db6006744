"""Tell a case from any other database, by the mark in its header and nothing else."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from store.case import APPLICATION_ID

_HEADER_BYTES = 72
_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def is_case_file(path: Path) -> bool:
    """Whether a file carries the mark of a case. A file that cannot be read carries none."""
    try:
        state = path.stat()
    except OSError:
        return False
    return _is_marked(path, state.st_mtime_ns, state.st_size)


def cases_of(datasette: Any) -> dict[str, Path]:
    """Name in Datasette and path of every case that this Datasette serves."""
    return {
        name: Path(database.path)
        for name, database in datasette.databases.items()
        if database.path and is_case_file(Path(database.path))
    }


def case_on_route(datasette: Any, segment: str) -> tuple[str, Path] | None:
    """Name and path of the case that answers on the first segment of a path, if it is one."""
    route = untilde(segment)
    return next(
        ((name, path) for name, path in cases_of(datasette).items() if datasette.databases[name].route == route), None
    )


def tilde(text: str) -> str:
    """A path segment in Datasette's own encoding: `a/b.c` becomes `a~2Fb~2Ec`."""
    encoded = (chr(byte) if byte in _UNRESERVED else f"~{byte:02X}" for byte in text.encode())
    return "".join(encoded).replace("~20", "+")


def untilde(segment: str) -> str:
    """The text that a path segment in that encoding stands for."""
    return unquote_plus(segment.replace("%", "%25").replace("~", "%"))


@functools.lru_cache(maxsize=64)
def _is_marked(path: Path, mtime_ns: int, size: int) -> bool:
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError:
        return False
    return header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:72], "big") == APPLICATION_ID
