"""The one thread that writes the case for the screen: deeds wait in line, each is one transaction, and is told only after it is committed."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from store.case import Case, now_ms
from store.errors import CloseoutError
from store.walk.session import Who, monotonic_ms
from store.walk.walk import Walk
from tui.desk.messages import WriteFailed, Written

Job = Callable[[Walk], str]


class Writer:
    """Call `run` in a thread of its own. The case is opened for writing at the first deed: looking stores nothing."""

    def __init__(
        self,
        path: Path,
        who: Who,
        post: Callable[[Message], object],
        *,
        clock: Callable[[], int] = now_ms,
        monotonic: Callable[[], int] = monotonic_ms,
    ) -> None:
        self._path = path
        self._who = who
        self._post = post
        self._clock = clock
        self._monotonic = monotonic
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()

    def write(self, job: Job) -> None:
        """Put a deed in line; it returns what to say when it is done."""
        self._jobs.put(job)

    def stop(self) -> None:
        """End the thread after what is already in line."""
        self._jobs.put(None)

    def run(self) -> None:
        """Do one deed after the other until stopped."""
        walk: Walk | None = None
        while (job := self._jobs.get()) is not None:
            try:
                walk = walk or Walk(
                    Case.open(self._path, write=True, clock=self._clock), self._who, monotonic=self._monotonic
                )
                self._post(Written(job(walk)))
            except CloseoutError as error:
                self._post(WriteFailed(error.message, error.hint))
            except (sqlite3.Error, OSError) as error:
                self._post(WriteFailed(f"nothing was stored: {error}", "look closer with: closeout doctor"))
        if walk is not None:
            walk.case.close()
