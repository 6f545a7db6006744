"""A stretch of a live capture as one collection: it begins with the first output, grows at every commit, and ends.

Time counts as watched only up to what was read and stored, and not at all once something could not be read. Without
an end the collection is lost, and its coverage up to the last commit stands.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from collectors.logs.conclude import Ending, conclude
from collectors.logs.gather import Gather
from collectors.logs.keep import COLLECTOR, Asked, ImportedLog, Keeper
from collectors.logs.record import Form
from store.case import Case, Transaction
from store.evidence import CollectionStatus
from store.runbook.model import Source


class Segment:
    """One growing collection. `commit` and `end` either store everything that waits, or raise and can be tried again."""

    def __init__(self, case: Case, source: Source, asked: Asked, gather: Gather, form: str) -> None:
        self.gather = gather
        self.form = form
        self.from_ms: int | None = None
        self.covered_ms = 0
        self.gaps = 0
        self._case = case
        self._source = source
        self._keeper = Keeper(case, source, asked, gather)
        self._looked: frozenset[Form] = frozenset()

    @property
    def begun(self) -> bool:
        """Whether it is in the case."""
        return self._keeper.collection > 0

    @property
    def spoiled(self) -> bool:
        """Whether something in it could not be read, so that it covers nothing from here on."""
        gather = self.gather
        return bool(gather.unread or gather.faults or gather.omitted or gather.timeless)

    @property
    def foreign(self) -> bool:
        """Whether records of another form came than those it was said to look at."""
        return self.begun and bool(self._forms() - self._looked)

    def watch(self, at_ms: int) -> None:
        """From now on time counts as watched."""
        if self.from_ms is None:
            self.from_ms = at_ms

    def pause(self) -> None:
        """Time does not count as watched until `watch` is called again."""
        if self.from_ms is not None:
            self.from_ms = None
            self.gaps += 1

    def commit(self, to_ms: int, now_ms: int) -> bool:
        """Store what is new, and that time was watched up to `to_ms`; returns whether anything was stored."""
        self.gather.settle()
        if not self._covers(to_ms) and not self._keeper.waiting:
            return False
        with self._transaction(now_ms) as tx:
            covered = self._grow(tx, to_ms, now_ms, over_ms=to_ms)
        self._stored(to_ms if covered else None)
        return True

    def end(
        self, to_ms: int, now_ms: int, *, size: int, exit_code: int | None = None, note: str = "", failed: bool = False
    ) -> ImportedLog:
        """Store the last rows and how it ended."""
        self.gather.settle()
        ending = self._ending(note)
        if failed:
            ending = ending._replace(status=CollectionStatus.FAILED)
        with self._transaction(now_ms) as tx:
            self._grow(tx, to_ms, now_ms)
            self._keeper.end(tx, ending, now_ms, size=size, exit_code=exit_code)
        told = self._keeper.told(self.form, ending)
        self._stored(None)
        self.gather.spool.close()
        return told

    def told_lost(self, why: str) -> ImportedLog:
        """What it amounts to without an end: its coverage stands up to the last commit."""
        told = self._keeper.told(self.form, Ending(CollectionStatus.FAILED, why))
        return told._replace(status="lost")

    @contextlib.contextmanager
    def _transaction(self, now_ms: int) -> Iterator[Transaction]:
        was = self._keeper.collection
        try:
            with self._case.transaction(COLLECTOR) as tx:
                if not self.begun:
                    self._keeper.begin(tx, self.form, now_ms)
                    self._keeper.looked_for(tx, whole=False)
                yield tx
        except BaseException:
            self._keeper.collection = was  # a collection that was rolled back is not there
            raise

    def _grow(self, tx: Transaction, to_ms: int, now_ms: int, *, over_ms: int | None = None) -> bool:
        self._keeper.rows(tx, over_ms=over_ms)
        covers = self._covers(to_ms)
        if covers and self.from_ms is not None:
            self._keeper.covered(tx, self.from_ms, to_ms, now_ms)
        return covers

    def _covers(self, to_ms: int) -> bool:
        return self.from_ms is not None and not self.spoiled and to_ms > max(self.from_ms, self.covered_ms)

    def _stored(self, to_ms: int | None) -> None:
        self._looked = self._looked or self._forms()
        self._keeper.kept()
        if to_ms is not None:
            self.covered_ms = to_ms

    def _forms(self) -> frozenset[Form]:
        seen = frozenset(form for form, count in self.gather.forms.items() if count)
        return seen or frozenset(form for form in [self.gather.announced] if form is not None)

    def _ending(self, note: str) -> Ending:
        ending = conclude(self.gather)
        gaps = "" if self.gaps == 0 else "it stalled once" if self.gaps == 1 else f"it stalled {self.gaps} times"
        reason = "; ".join(part for part in (ending.reason, gaps, note) if part)
        return Ending(CollectionStatus(ending.status), reason)
