"""Which lines of a JSON-lines log may match a signature, found without decoding them. Never misses one, whatever the
writer's spelling.

In a JSON string a printable ASCII character other than `"`, `\\` and `/` is written as itself or as `\\u00hh`. So if
a decoded text holds a literal of such characters, the line holds either its bytes or an escape of one of its
characters. Terminal colours may stand inside the literal; then the line holds a beginning of it followed by the
colour's escape. Lines with any of these are candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from collectors.logs.match import Matcher
from collectors.logs.necessary import necessary_texts

try:
    import ahocorasick_rs
except ImportError:  # the optional speed-up; everything works without it
    ahocorasick_rs = None  # type: ignore[assignment]

_TIMEOUT_TEXT = "Task timed out after"
_UNSAFE = re.compile(r"[^ !#-+.0-9;-\[\]-~-]+")
_SHORTEST = 3
_ESCAPES_OF_ESC = (b"\\u001b", b"\\u001B", b"\\u009b", b"\\u009B", b"\xc2\x9b")


class Sieve:
    """A search for everything that makes a line a candidate.

    Args:
        literals: texts of which every match holds one.
    """

    def __init__(self, literals: Sequence[str]) -> None:
        patterns = [literal.encode() for literal in literals] + sorted(_escapes("".join(literals)))
        self._strong = len(patterns)
        begun = [literal[:at].encode() for literal in literals for at in range(1, len(literal))]
        self._begun = {text[-3:] for text in begun}
        self._first = {text[0] for text in begun if len(text) == 1} | {ord("\\")}
        self._pairs = {text[-2] << 8 | text[-1] for text in begun if len(text) > 1}
        self._search = ahocorasick_rs.BytesAhoCorasick(
            [*patterns, *_ESCAPES_OF_ESC],
            matchkind=ahocorasick_rs.MatchKind.LeftmostFirst,  # the default kind is seven times slower
        )

    def places(self, view: memoryview, buffer: bytearray) -> list[int]:
        """Positions inside the candidate lines of `view`, the beginning of `buffer`, in order; several may lie in one
        line.
        """
        strong, first, pairs = self._strong, self._first, self._pairs
        return [
            start
            for pattern, start, _ in self._search.find_matches_as_indexes(view)
            if pattern < strong
            or (
                start > 1
                and ((last := buffer[start - 1]) in first or buffer[start - 2] << 8 | last in pairs)
                and self._interrupts(buffer, start)
            )
        ]

    def _interrupts(self, buffer: bytearray, start: int) -> bool:
        """Whether a colour stands inside a literal, or is no colour but text after a backslash."""
        before = bytes(buffer[max(0, start - 3) : start])
        begun = self._begun
        return before in begun or before[-2:] in begun or before[-1:] in begun or before.endswith(b"\\")


def sieve_for(matchers: Iterable[Matcher]) -> Sieve | None:
    """The search for a set of signatures; None when the extension is not there or a signature has no literal that
    must occur.
    """
    literals = literals_of(matchers)
    return Sieve(literals) if literals and ahocorasick_rs is not None else None


def literals_of(matchers: Iterable[Matcher]) -> tuple[str, ...] | None:
    """For every signature that reads text, literals of which each match holds at least one; None when one signature
    has none.
    """
    found: dict[str, None] = {}
    for matcher in matchers:
        if not matcher.reads_text:
            continue
        texts = _of_one(matcher)
        if texts is None:
            return None
        found.update(dict.fromkeys(texts))
        if matcher.signature.timeout_s is not None:
            found[_TIMEOUT_TEXT] = None  # time-outs of other lengths are counted, too
    return tuple(found)


def _of_one(matcher: Matcher) -> list[str] | None:
    signature = matcher.signature
    if signature.timeout_s is not None:
        return [_TIMEOUT_TEXT]
    for texts in (signature.messages, necessary_texts(signature.pattern) if signature.pattern is not None else ()):
        runs = [max(_UNSAFE.split(text), key=len) for text in texts]
        if runs and min(map(len, runs)) >= _SHORTEST:
            return runs
    return None


def _escapes(letters: str) -> set[bytes]:
    """Beginnings of the escapes of these characters: whole blocks for letters, spelled out for the others."""
    found: set[bytes] = set()
    for letter in set(letters):
        code = f"{ord(letter):02x}"
        found |= (
            {f"\\u00{code[0]}".encode()}
            if letter >= "@"
            else {f"\\u00{code}".encode(), f"\\u00{code.upper()}".encode()}
        )
    return found
