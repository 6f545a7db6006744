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

    Request ids are kept packed, as 64-bit hashes, repeats among them; a cell is thinned out when it has doubled. When
    even that grows past the limit, only the numbers of the oldest cells are kept; if requests of such a minute come
    after that, one may count twice, and `approximate` says so.
    """

    THIN, LIMIT = 20_000, 1_000_000

    def __init__(self) -> None:
        self.approximate = False
        self._hashes: dict[Cell, array[int]] = {}
        self._full: dict[Cell, int] = {}
        self._counted: dict[Cell, int] = {}
        self._forgotten: Counter[Cell] = Counter()
        self._nameless: Counter[Cell] = Counter()
        self._size = 0

    def see(self, at_ms: int, route: str, request: str | None) -> None:
        """Count one record of a request; one without an id counts as a request of its own."""
        cell = (at_ms - at_ms % MINUTE_MS, route)
        if request is None:
            self._nameless[cell] += 1
        else:
            self.see_hashes(cell, (hash(request),))

    def see_hashes(self, cell: Cell, hashes: Iterable[int]) -> None:
        """Count requests of one minute and route by the hashes of their ids."""
        kept = self._hashes.get(cell)
        if kept is None:
            kept = self._hashes[cell] = array("q")
            self.approximate |= cell in self._forgotten
        before = len(kept)
        kept.extend(hashes)
        self._size += len(kept) - before
        self._counted.pop(cell, None)
        if len(kept) > self._full.get(cell, self.THIN):
            self._thin(cell)
        if self._size > self.LIMIT:
            self._shrink(cell)

    def see_nameless(self, cell: Cell, count: int) -> None:
        """Count records of requests without an id."""
        self._nameless[cell] += count

    def cells(self, before_ms: int | None = None) -> Iterator[tuple[int, str, int]]:
        """Every (minute, route, requests), in order; with `before_ms` only minutes that were over then."""
        cells = self._hashes.keys() | self._nameless.keys() | self._forgotten.keys()
        for cell in sorted(cells):
            if before_ms is None or cell[0] + MINUTE_MS <= before_ms:
                yield (*cell, self._count(cell) + self._nameless[cell] + self._forgotten[cell])

    def parts(self) -> Iterator[tuple[Cell, array[int], int, int]]:
        """Every cell as it is kept: its hashes, the requests without an id, and those that were forgotten."""
        for cell in self._hashes.keys() | self._nameless.keys() | self._forgotten.keys():
            yield cell, self._hashes.get(cell, array("q")), self._nameless[cell], self._forgotten[cell]

    def take_part(self, cell: Cell, hashes: array[int], nameless: int, forgotten: int) -> None:
        """Take over a cell of another count; both must have hashed alike."""
        self.approximate |= forgotten > 0 and cell in self._hashes
        self.see_hashes(cell, hashes)
        self._nameless[cell] += nameless
        self._forgotten[cell] += forgotten

    def _count(self, cell: Cell) -> int:
        count = self._counted.get(cell)
        if count is None:
            count = self._counted[cell] = len(set(self._hashes.get(cell, ())))
        return count

    def _thin(self, cell: Cell) -> None:
        kept = self._hashes[cell]
        thin = array("q", set(kept))
        self._size -= len(kept) - len(thin)
        self._hashes[cell] = thin
        self._full[cell] = max(self.THIN, 2 * len(thin))

    def _shrink(self, current: Cell) -> None:
        for cell in list(self._hashes):
            self._thin(cell)
        for cell in list(self._hashes):
            if self._size <= self.LIMIT // 2:
                return
            if cell != current:
                self._forgotten[cell] += self._count(cell)
                self._size -= len(self._hashes.pop(cell))
                self._full.pop(cell, None)
                self._counted.pop(cell, None)
