"""What makes two sightings the same failure: keys that are equal whenever the same file, row or request is seen
again.

A key depends on nothing but the record, never on the order of a file or on which load it came from. Only exact twins
within one millisecond of one load are told apart, by a number.
"""

from __future__ import annotations

import hashlib

from collectors.logs.record import LogRecord
from store.runbook.model import Unit

_LONGEST_KEY = 120


def digest(*parts: object) -> str:
    """A short stable name for some values; their borders cannot be confused."""
    text = "\x1f".join("" if part is None else str(part) for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def key_of(record: LogRecord, unit: Unit, message: str) -> tuple[str, bool]:
    """The identity of a match for its unit, and whether equal ones within one load must be numbered.

    `message` is the text that matched, or the record's first one.
    """
    if unit is Unit.REQUEST and record.request is not None:
        return plain_key(record.request), False
    if unit is Unit.MESSAGE and record.request is not None:
        stamp = "" if record.starts else record.at_ms
        return digest("m", record.request, stamp, message.replace("\r\n", "\n").strip()), False
    if unit is Unit.MESSAGE and len(record.messages) > 1:
        return digest("m", record.identity, message.strip()), record.ordinal
    return plain_key(record.identity), record.ordinal


def plain_key(text: str) -> str:
    """An id as a key: itself while it is short and printable, else its digest."""
    if len(text) <= _LONGEST_KEY and text.isascii() and text.isprintable() and "@" not in text:
        return text
    return digest("k", text)


class Ordinals:
    """Numbers equal identities within one load: the second twin of `k` is `k#2`."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}

    def number(self, signature: str, key: str) -> str:
        """The key of the next twin for one signature."""
        count = self._seen.get((signature, key), 0) + 1
        self._seen[signature, key] = count
        return key if count == 1 else f"{key}#{count}"
