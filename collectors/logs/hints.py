"""Which of some words a text holds: one search for all of them, or one for each where the extension is not there."""

from __future__ import annotations

from collections.abc import Iterable

try:
    import ahocorasick_rs
except ImportError:  # the optional speed-up; everything works without it
    ahocorasick_rs = None  # type: ignore[assignment]


class Hints:
    """A fixed set of words to look for, all in lower case."""

    def __init__(self, words: Iterable[str], *, search: bool = True) -> None:
        self._words = tuple(words)
        self._search = None
        if search and ahocorasick_rs is not None:
            # Words may overlap; the standard kind finds every one of them.
            self._search = ahocorasick_rs.AhoCorasick(self._words, matchkind=ahocorasick_rs.MatchKind.Standard)

    def within(self, lower: str) -> set[str]:
        """The words that a text in lower case holds."""
        if self._search is None:
            return {word for word in self._words if word in lower}
        return {self._words[found[0]] for found in self._search.find_matches_as_indexes(lower, overlapping=True)}
