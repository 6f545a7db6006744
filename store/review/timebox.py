"""Cut off queries that run away: a case from elsewhere may hold a view that never ends."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator

_STEPS = 20_000  # virtual machine steps between two looks at the clock: about a millisecond


class CutShort(Exception):
    """A query was stopped because its time was up."""


@contextlib.contextmanager
def limited(db: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Stop whatever runs on a connection once the time is up.

    Raises:
        CutShort: it was up.
    """
    end = time.monotonic() + seconds
    rung = False

    def ring() -> int:
        nonlocal rung
        rung = rung or time.monotonic() > end
        return int(rung)

    db.set_progress_handler(ring, _STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if rung:  # whatever it says now: a cut statement may have ended its transaction too
            raise CutShort(f"it was stopped after {seconds:g} s") from error
        raise
    finally:
        db.set_progress_handler(None, 0)
