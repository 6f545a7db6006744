"""Texts of which every match of a regular expression holds at least one, derived from the parsed expression, never
from a hint.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from re import _constants as _c  # type: ignore[attr-defined]
    from re import _parser as _p  # type: ignore[attr-defined]


def necessary_texts(pattern: str) -> tuple[str, ...]:
    """One of these occurs in every text that the pattern is found in; () when no such text is known."""
    try:
        parsed = _p.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return ()
    if parsed.state.flags & (re.IGNORECASE | re.VERBOSE | re.LOCALE):
        return ()
    return _best(parsed)


def _best(parsed: Any) -> tuple[str, ...]:
    """The most telling alternative set of one sequence: the one whose shortest text is longest."""
    found: list[tuple[str, ...]] = []
    run = ""
    for op, argument in parsed:
        if op is _c.LITERAL:
            run += chr(argument)
            continue
        if run:
            found.append((run,))
        run = ""
        found.append(_of_part(op, argument))
    if run:
        found.append((run,))
    return max(found, key=lambda texts: min((len(t) for t in texts), default=0), default=())


def _of_part(op: Any, argument: Any) -> tuple[str, ...]:
    if op is _c.SUBPATTERN:
        _, add_flags, _, inside = argument
        return () if add_flags & re.IGNORECASE else _best(inside)
    if op is _c.BRANCH:
        parts = [_best(branch) for branch in argument[1]]
        return tuple(text for part in parts for text in part) if all(parts) else ()
    if op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT):
        least, _, inside = argument
        return _best(inside) if least >= 1 else ()
    return _best(argument) if op is _c.ATOMIC_GROUP else ()
