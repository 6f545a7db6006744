"""Faults of a runbook, each with its file, line and reason, and with the name the author probably meant.

Faults are gathered and reported together: an author who fixes one fault per run loses patience at the third.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from store.errors import RunbookInvalid


@dataclass(slots=True)
class Faults:
    """All faults found so far in one runbook."""

    path: str
    found: dict[tuple[int, str, str], None] = field(default_factory=dict)

    def add(self, line: int, what: str, why: str) -> None:
        """Note one fault; the same fault on the same line is told once."""
        self.found[(line, one_line(what), one_line(why))] = None

    def told(self) -> tuple[str, ...]:
        """Return every fault as `FILE:LINE: what: why`, in the order of the file."""
        return tuple(
            f"{self.path}:{line}: {what}: {why}" for line, what, why in sorted(self.found, key=lambda fault: fault[0])
        )

    def stop_if_any(self) -> None:
        """Raise RunbookInvalid when there is any fault."""
        if self.found:
            raise RunbookInvalid(self.told())


def one_line(text: str) -> str:
    """Keep a message on one line, whatever text it quotes."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def quoted(names: Iterable[str]) -> str:
    """Write names as `"a", "b"`."""
    return ", ".join(f'"{name}"' for name in names)


def nearest(word: str, names: Iterable[str]) -> str:
    """Return `did you mean "x"?`, or nothing when no name is near."""
    known = sorted(set(names))
    folded = {name.casefold(): name for name in known}
    meant = word.casefold()
    near = get_close_matches(meant, folded, n=1, cutoff=0.6)
    if not near and len(meant) > 2:
        near = [name for name in folded if name.startswith(meant) or meant.startswith(name)]
    return f'did you mean "{folded[near[0]]}"?' if near else ""
