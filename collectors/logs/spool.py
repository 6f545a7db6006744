"""Matches on their way to the case: few in memory, many in a temporary file, never unbounded. Rows here are already
masked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, NamedTuple

import msgspec

_IN_MEMORY = 1024


class Found(NamedTuple):
    """One match before it belongs to a collection; `signature` is an index, `twins` says that equal keys must be
    numbered. `fits` is 0 only where the status is blank; `certain` also where the instant is unknown.
    """

    signature: int
    key: str
    twins: bool
    at_ms: int
    started_ms: int | None
    route: str | None
    status: int | None
    request: str | None
    fits: int
    certain: int
    line: int
    raw: str


class Spool:
    """An append-only list of matches that spills to disk."""

    def __init__(self) -> None:
        self._recent: list[Found] = []
        self._file: IO[bytes] | None = None
        self._chunks: list[int] = []
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[Found])
        self.count = 0

    def add(self, found: Found) -> None:
        """Keep one match."""
        self._recent.append(found)
        self.count += 1
        if len(self._recent) >= _IN_MEMORY:
            self._spill()

    def __iter__(self) -> Iterator[Found]:
        if self._file is not None:
            self._file.seek(0)
            for size in self._chunks:
                yield from self._decoder.decode(self._file.read(size))
        yield from self._recent

    def __bool__(self) -> bool:
        return bool(self._recent or self._chunks)

    def clear(self) -> None:
        """Forget what is kept; `count` goes on."""
        self._recent.clear()
        self._chunks.clear()
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()

    def close(self) -> None:
        """Remove the temporary file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="closeout-")  # noqa: SIM115 lives as long as the spool
        chunk = self._encoder.encode(self._recent)
        self._file.seek(0, 2)
        self._file.write(chunk)
        self._chunks.append(len(chunk))
        self._recent.clear()
