"""Room on the disk: evidence stops early, so that what people say can still be stored on a disk that is nearly full."""

from __future__ import annotations

import os
from pathlib import Path

from store.errors import Refused

_LEAST = 256 << 10
_MOST = 16 << 20


def room_for_evidence(path: Path) -> int:
    """Bytes that evidence may still take where the file lies; zero or less while only notes and decisions are stored.

    Raises:
        Refused: the file cannot be reached any more.
    """
    try:
        found = os.statvfs(path)
    except OSError as error:
        raise Refused(
            f"{path} cannot be reached: {error.strerror}", "look whether it was moved, or its disk is gone"
        ) from error
    return found.f_bavail * found.f_frsize - reserve(found.f_blocks * found.f_frsize)


def reserve(total: int) -> int:
    """What is kept back for people: a fiftieth of the file system, between 256 KiB and 16 MiB."""
    return min(_MOST, max(_LEAST, total // 50))
