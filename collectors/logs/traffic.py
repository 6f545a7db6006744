"""Requests per minute and watched route, each request once however many lines it wrote; bounded memory at any size of
log.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator

from store.instants import MINUTE_MS

Cell = tuple[int, str]


class RequestCounts:
    """Distinct requests per (minute, route).

    Request ids are kept as 64-bit hashes: those of the minutes in use as sets, of the others packed. When even the
    packed ones grow past their limit the oldest are forgotten; a request that shows up again after that is counted
    twice, and `approximate` says so.
    """

    LIVE, PACKED = 40_000, 2_000_000

    def __init__(self) -> None:
        self.approximate = False
        self._live: dict[Cell, set[int]] = {}
        self._packed: dict[Cell, array[int]] = {}
        self._forgotten: Counter[Cell] = Counter()
        self._nameless: Counter[Cell] = Counter()
        self._held = 0
        self._kept = 0

    def see(self, at_ms: int, route: str, request: str | None) -> None:
        """Count one record of a request; one without an id counts as a request of its own."""
        cell = (at_ms - at_ms % MINUTE_MS, route)
        if request is None:
            self._nameless[cell] += 1
        else:
            self.see_hashes(cell, (hash(request),))

    def see_hashes(self, cell: Cell, hashes: Iterable[int]) -> None:
        """Count requests of one minute and route by the hashes of their ids."""
        live = self._live.get(cell)
        if live is None:
            live = self._live[cell] = set(self._packed.pop(cell, ()))
            self._held += len(live)
            self._kept -= len(live)
        before = len(live)
        live.update(hashes)
        self._held += len(live) - before
        if self._held > self.LIVE:
            self._pack(cell)

    def see_nameless(self, cell: Cell, count: int) -> None:
        """Count records of requests without an id."""
        self._nameless[cell] += count

    def cells(self) -> Iterator[tuple[int, str, int]]:
        """Every (minute, route, requests), in order."""
        total = self._nameless + self._forgotten
        for part in (self._live, self._packed):
            for cell, hashes in part.items():
                total[cell] += len(hashes)
        for (minute, route), requests in sorted(total.items()):
            yield minute, route, requests

    def merge(self, other: RequestCounts) -> None:
        """Take over what another count saw; both must have hashed alike."""
        for part in (other._live, other._packed):
            for cell, hashes in part.items():
                self.see_hashes(cell, hashes)
        self._nameless.update(other._nameless)
        self._forgotten.update(other._forgotten)
        self.approximate |= other.approximate

    def _pack(self, current: Cell) -> None:
        for cell in [c for c in self._live if c != current]:
            hashes = self._live.pop(cell)
            self._packed[cell] = array("q", hashes)
            self._held -= len(hashes)
            self._kept += len(hashes)
        while self._kept > self.PACKED and self._packed:
            oldest = next(iter(self._packed))
            dropped = self._packed.pop(oldest)
            self._forgotten[oldest] += len(dropped)
            self._kept -= len(dropped)
            self.approximate = True
