"""References to evidence: how they are written, whether they hold, and how old what they say is.

A log line is a fact about its instant and does not grow old; what grows old is what we know of its stream. So a row of a watched stretch
has the age of its stream's newest look, and a reading of an instant (snapshot, gauge, probe) its own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

from store.errors import BadInput, Refused
from store.walk.events import Query

KINDS = ("collection", "log_match", "snapshot", "run_count", "gauge", "probe", "artifact", "evaluation", "traffic")
"""Tables whose rows can be cited."""

_REF = re.compile(r"([a-z_]+):(\d{1,18})")
_INSTANTS = ("snapshot", "gauge", "probe")
_OF_STREAM = ("log_match", "run_count", "traffic")


class Cited(NamedTuple):
    """One citation that holds. `group` is what its age is compared within: its stream, or its kind; `at_ms` is what it speaks for."""

    ref: str
    kind: str
    id: int
    group: str
    at_ms: int | None

    def age_ms(self, now_ms: int) -> int | None:
        """How old it is; nothing if its stream was never covered."""
        return None if self.at_ms is None else max(0, now_ms - self.at_ms)


def parse_ref(text: str) -> tuple[str, int]:
    """Read `log_match:12`.

    Raises:
        BadInput: another form, or a kind that cannot be cited.
    """
    match = _REF.fullmatch(text.strip())
    if match is None:
        raise BadInput(
            f"{text!r} is not a reference",
            "write it like log_match:12 or probe:7; closeout explain CASE SIGNAL lists them",
        )
    if match[1] not in KINDS:
        close = difflib.get_close_matches(match[1], KINDS, n=1)
        raise BadInput(
            f"{match[1]!r} cannot be cited",
            f"did you mean {close[0]}:{match[2]}?" if close else f"kinds: {', '.join(KINDS)}",
        )
    return match[1], int(match[2])


def resolve_refs(query: Query, refs: Iterable[str]) -> tuple[Cited, ...]:
    """Look up every reference, each once.

    Raises:
        BadInput: none was given, or one names no evidence of this case.
        Refused: one names evidence that was withdrawn.
    """
    found = {ref: _resolve(query, *ref) for ref in dict.fromkeys(parse_ref(text) for text in refs)}
    if not found:
        raise BadInput("a decision needs evidence", "cite at least one row: --cite log_match:12")
    return tuple(found.values())


def too_old(cited: Iterable[Cited], *, now_ms: int, max_age_ms: int) -> list[tuple[str, int | None]]:
    """Groups of which even the newest citation is older than allowed, with its age. Citing a row of each end of a window is no fault."""
    ages = {group: None if at is None else max(0, now_ms - at) for group, at in _newest(cited).items()}
    return [(group, age) for group, age in ages.items() if age is None or age > max_age_ms]


def speaks_for(cited: Iterable[Cited], now_ms: int) -> int:
    """The instant for which all the evidence speaks: the oldest of the groups' newest."""
    return min((at for at in _newest(cited).values() if at is not None), default=now_ms)


def _newest(cited: Iterable[Cited]) -> dict[str, int | None]:
    newest: dict[str, int | None] = {}
    for one in cited:
        best = newest.get(one.group)
        newest[one.group] = one.at_ms if best is None or (one.at_ms is not None and one.at_ms > best) else best
    return newest


def _resolve(query: Query, kind: str, id: int) -> Cited:
    ref = f"{kind}:{id}"
    if kind == "artifact":
        rows = query("SELECT captured_ms, collection FROM artifact WHERE id = ?", (id,))
        at, group, collection = (rows[0][0], "artifact", rows[0][1]) if rows else (None, "", None)
    elif kind == "evaluation":
        rows = query("SELECT as_of_ms FROM evaluation WHERE id = ?", (id,))
        at, group, collection = (rows[0][0], "evaluation", None) if rows else (None, "", None)
    elif kind == "collection":
        rows = query("SELECT stream, collected_ms FROM collection WHERE id = ?", (id,))
        group, collection = (rows[0][0], id) if rows else ("", None)
        at = _looked(query, "collection = ?", id) or (rows[0][1] if rows else None)
    else:
        rows, at, group, collection = _of_collection(query, kind, id)
    if not rows:
        raise BadInput(f"there is no {ref} in this case", "closeout explain CASE SIGNAL lists what can be cited")
    withdrawn = (
        query("SELECT reason FROM retraction WHERE collection = ? LIMIT 1", (collection,))
        if collection is not None
        else []
    )
    if withdrawn:
        raise Refused(f"{ref} was withdrawn: {withdrawn[0][0]}", "cite evidence that still counts")
    return Cited(ref, kind, id, group, at)


def _of_collection(query: Query, kind: str, id: int) -> tuple[list[tuple[object, ...]], int | None, str, int | None]:
    at_column = "at_ms" if kind in _INSTANTS else "NULL"
    rows = query(f'SELECT {at_column}, stream, collection FROM "{kind}" WHERE id = ?', (id,))  # noqa: S608 kind is one of KINDS
    if not rows:
        return [], None, "", None
    at, stream, collection = rows[0]
    if kind in _OF_STREAM:
        at = _looked(query, "stream = ?", stream)
    if at is None:  # a cut-off collection covers nothing; what it saw was seen when it ran
        at = query("SELECT collected_ms FROM collection WHERE id = ?", (collection,))[0][0]
    return rows, at, str(stream), int(collection)


def _looked(query: Query, which: str, value: object) -> int | None:
    rows = query(
        f"SELECT max(to_ms) FROM coverage WHERE {which} AND collection NOT IN (SELECT collection FROM retraction)",  # noqa: S608 fixed texts
        (value,),
    )
    return None if rows[0][0] is None else int(rows[0][0])
