"""CSV that Datasette prints, made harmless on its way out: a cell that a spreadsheet would run as a formula becomes text.

Cells are handled one at a time, so that a stream of any length passes in little memory. Numbers stay numbers, everything else stays as
it is; who needs the very bytes of evidence takes the JSON.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_ENDS = re.compile(r'[,\r\n"]')


class SafeCells:
    """A filter for the bytes of one CSV text."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cell: list[str] = []
        self._quoted = False

    def feed(self, data: bytes, *, last: bool) -> bytes:
        """Pass on what is complete; the cell at the end waits for the rest of it."""
        return "".join(self._pieces(self._decoder.decode(data, last), last)).encode()

    def _pieces(self, text: str, last: bool) -> Iterator[str]:
        place = 0
        for found in _ENDS.finditer(text):
            if found[0] == '"':
                self._quoted = not self._quoted  # a doubled quote turns it twice
            elif not self._quoted:
                self._cell.append(text[place : found.start()])
                yield self._finished() + found[0]
                place = found.end()
        self._cell.append(text[place:])
        if last:
            yield self._finished()

    def _finished(self) -> str:
        cell = "".join(self._cell)
        self._cell.clear()
        value = cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
        if not value.startswith(FORMULA) or _NUMBER.fullmatch(value):
            return cell
        return "\"'" + value.replace('"', '""') + '"'
