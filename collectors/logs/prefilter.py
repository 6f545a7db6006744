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
from typing import NamedTuple

from collectors.logs.match import Matcher
from collectors.logs.necessary import necessary_texts
from collectors.logs.values import strip_ansi

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


class Wanted(NamedTuple):
    """Which texts may match a signature: those that hold one of the literals, and those in which a signature without a
    literal finds what it looks for.
    """

    literals: tuple[str, ...]
    others: tuple[Matcher, ...]

    def sieve(self) -> Sieve | None:
        """The search for these; None when there is nothing to search for, or no extension to do it with."""
        return Sieve(self.literals) if self.literals and not self.others and ahocorasick_rs is not None else None

    def may_match(self, text: str) -> bool:
        """Whether a message, colours and all, may match."""
        if self._holds(text):
            return True
        return ("\x1b" in text or "\x9b" in text) and self._holds(strip_ansi(text))

    def _holds(self, text: str) -> bool:
        for literal in self.literals:
            if literal in text:
                return True
        return bool(self.others) and any(matcher.says(text) for matcher in self.others)


def wanted_texts(matchers: Iterable[Matcher]) -> Wanted:
    """What the texts of a set of signatures have in common."""
    literals: dict[str, None] = {}
    others: list[Matcher] = []
    for matcher in matchers:
        if not matcher.reads_text:
            continue
        texts = _of_one(matcher)
        if texts is None:
            others.append(matcher)
            continue
        literals.update(dict.fromkeys(texts))
        if matcher.signature.timeout_s is not None:
            literals[_TIMEOUT_TEXT] = None  # time-outs of other lengths are counted, too
    return Wanted(tuple(literals), tuple(others))


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
