"""What to say while another process holds a case. The command line prints it, the desk shows it; nothing is said by default.

The store itself never prints. One hook for the process, because waiting happens in the middle of any command.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from store import raw

SAY_AFTER_S = 1.0

_PENDING_AND_RESERVED = (0x40000000, 2)  # the bytes that SQLite locks for a writer


def say_nothing(text: str) -> None:
    """Stay silent."""


say: Callable[[str], None] = say_nothing


def holder_of(path: Path) -> str:
    """Who is writing: `process 4711 (closeout)` where the system tells, else `another process`."""
    with contextlib.suppress(OSError):
        process = raw.locked_by(path, *_PENDING_AND_RESERVED)
        if process is not None:
            return f"process {process}{_name_of(process)}"
    return "another process"


def _name_of(process: int) -> str:
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{process}/comm").read_text("utf-8", "replace").strip()
        return f" ({name})" if name.isprintable() and name else ""
    return ""
