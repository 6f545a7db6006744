"""The one thread that reads the case for the screen: it looks a few times a second and reads only when there is a reason to.

A reason is a commit by anyone, a question from the screen, or time that passes (an answer about "now" grows old by itself). The thread
posts whole pictures and touches no widget.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from store.errors import CloseoutError
from tui.desk.messages import ReadFailed, ReviewOpen, RunEnded, SnapshotReady
from tui.desk.reader import CaseReader, Wanted
from tui.desk.runs import REVIEW, Runs, review_address

LOOK_S = 0.25
AGAIN_S = 5.0


class Poller:
    """Call `run` in a thread of its own; `stop` ends it within one look."""

    def __init__(
        self,
        path: Path,
        post: Callable[[Message], object],
        runs: Runs,
        reader: Callable[[Path], CaseReader] = CaseReader,
    ) -> None:
        self._path = path
        self._post = post
        self._runs = runs
        self._make = reader
        self._asked = threading.Event()
        self._stopped = False
        self.wanted = Wanted()
        self._review_told = False
        self._reopen = False

    def want(self, wanted: Wanted) -> None:
        """Put this into every picture from now on."""
        if wanted != self.wanted:
            self.wanted = wanted
            self._asked.set()

    def poke(self) -> None:
        """Read now."""
        self._asked.set()

    def reopen(self) -> None:
        """Let the file go and open it anew: another file may lie under its name."""
        self._reopen = True
        self._asked.set()

    def stop(self) -> None:
        """End the thread."""
        self._stopped = True
        self._asked.set()

    def _watch_runs(self) -> None:
        """Tell of processes that have ended, and of the review when it answers."""
        for ended in self._runs.ended():
            self._post(RunEnded(ended))
            self._asked.set()
            self._review_told = self._review_told and ended.step != REVIEW
        if not self._review_told and (url := review_address(self._runs.tail_of(REVIEW))):
            self._review_told = True
            self._post(ReviewOpen(url))

    def run(self) -> None:
        """Look until stopped. A failure is told and tried again: a case on a disk that hiccups comes back."""
        reader: CaseReader | None = None
        waited = AGAIN_S
        while not self._stopped:
            try:
                if self._reopen and reader is not None:
                    reader.close()
                    reader = None
                self._reopen = False
                reader = reader or self._make(self._path)
                if reader.changed() or self._asked.is_set() or waited >= AGAIN_S:
                    self._asked.clear()
                    self._post(SnapshotReady(reader.read(self.wanted)))
                    waited = 0.0
            except (CloseoutError, sqlite3.Error, OSError) as error:
                self._post(ReadFailed(getattr(error, "message", str(error)), getattr(error, "hint", "")))
                if reader is not None:
                    reader.close()
                reader, waited = None, 0.0
            self._watch_runs()
            self._asked.wait(LOOK_S)
            waited += LOOK_S
        if reader is not None:
            reader.close()
        self._runs.close()
