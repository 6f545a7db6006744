"""The one thread that reads the case for the screen: it looks a few times a second and reads only when there is a reason to.

A reason is a commit by anyone, a question from the screen, or time that passes (an answer about "now" grows old by itself). However large
the case, reading takes at most half of the time while others write and a small part of it while nobody does; the moment at which a stream
turns stale is never slept over. The thread posts whole pictures and touches no widget.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from store.errors import CloseoutError
from tui.desk.messages import ReadFailed, ReviewOpen, RunEnded, SnapshotReady
from tui.desk.reader import CaseReader, Wanted
from tui.desk.runs import REVIEW, Runs, review_address
from tui.desk.snapshot import Snapshot

LOOK_S = 0.25
AGAIN_S = 10.0
AGAIN_WHILE_RUNNING_S = 5.0
_LONGEST_S = 120.0
_IDLE_SHARE = 400


def turns_stale_s(snapshot: Snapshot) -> float:
    """Seconds until the next stream is too old for a signal; without end where none is getting there."""
    covered = {stream.stream: stream.covered_to_ms for stream in snapshot.streams}
    waits = [
        (ms + condition.stale_after_ms - settle_ms - snapshot.read_ms) / 1000 + LOOK_S
        for signal in snapshot.runbook.signals
        for condition in signal.conditions
        for use in condition.streams
        for settle_ms in (0, use.settle_ms)
        if (ms := covered.get(use.stream)) is not None
    ]
    return min((wait for wait in waits if wait > 0), default=math.inf)


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
        waited = again = took = 0.0
        while not self._stopped:
            try:
                if self._reopen and reader is not None:
                    reader.close()
                    reader = None
                self._reopen = False
                reader = reader or self._make(self._path)
                if reader.changed() or self._asked.is_set() or waited >= again:
                    self._asked.clear()
                    began = time.monotonic()
                    snapshot = reader.read(self.wanted)
                    self._post(SnapshotReady(snapshot))
                    took, waited = time.monotonic() - began, 0.0
                    least = (
                        AGAIN_WHILE_RUNNING_S if self._runs.running() else AGAIN_S
                    )  # what a command prints is no commit
                    again = min(max(least, took * _IDLE_SHARE), _LONGEST_S, turns_stale_s(snapshot))
            except (CloseoutError, sqlite3.Error, OSError) as error:
                self._post(ReadFailed(getattr(error, "message", str(error)), getattr(error, "hint", "")))
                if reader is not None:
                    reader.close()
                reader, waited, took, again = None, 0.0, 0.0, AGAIN_S
            self._watch_runs()
            slept = time.monotonic()
            self._asked.wait(max(LOOK_S, took))
            took, waited = 0.0, waited + time.monotonic() - slept
        if reader is not None:
            reader.close()
        self._runs.close()
