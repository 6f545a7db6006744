"""Set two cases side by side: how they are related, and what each signature counted on windows that both watched equally.

A number is shown only where both cases watched all of windows of the same length for the same signature text; anything else is named as
not comparable, with the reason. Nothing is judged here: counts and states come from each case's own views.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from store.case import Case
from store.errors import BadInput
from store.instants import format_duration, format_instant
from store.judge import frontier_question
from store.moments import resolve_span
from store.verdict import WindowCount, failures, judge_verdict, verdict_question

MOST_CELLS = 30


@dataclass(frozen=True, slots=True)
class Relation:
    """How two files are related. `common_seq` is the last transaction that both hold; what each added stands behind it."""

    kind: str
    text: str
    common_seq: int | None
    only_a: int
    only_b: int


@dataclass(frozen=True, slots=True)
class SideCount:
    """One signature on one window in both cases; `why` says why it is not comparable, empty where it is.

    `cells_a` and `cells_b` are the same failures over the window, in cells of equal length; both empty where nothing is compared.
    """

    signature: str
    a: WindowCount | None
    b: WindowCount | None
    why: str
    cells_a: tuple[int, ...] = ()
    cells_b: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SideState:
    """One signal at the end of both windows, judged over them; None where a case has no such signal."""

    signal: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True)
class WindowPair:
    """One window of each case. `why` says why nothing of it is compared, empty where something is."""

    name: str
    a: tuple[int, int]
    b: tuple[int, int]
    why: str
    counts: tuple[SideCount, ...] = ()
    states: tuple[SideState, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two cases side by side."""

    a: str
    b: str
    relation: Relation
    pairs: tuple[WindowPair, ...]


def compare_cases(a: Case, b: Case, *, window_a: str | None = None, window_b: str | None = None) -> Comparison:
    """Compare two cases on the given windows, else on every window name that both recorded, else on the last stretch of each.

    Raises:
        BadInput: a window is not there, or no span.
    """
    pairs = tuple(_compare_pair(a, b, name, *spans) for name, *spans in _windows(a, b, window_a, window_b))
    return Comparison(str(a.path), str(b.path), relate(a.read(), b.read()), pairs)


def relate(a: sqlite3.Connection, b: sqlite3.Connection) -> Relation:
    """Say whether two files are the same case, one of them further on, two branches of it, or one after the other."""
    ours, theirs = (_identity(db) for db in (a, b))
    if ours[0] == theirs[0]:
        return _same_case(a, b)
    for name, one, other, db in (("B", ours, theirs, a), ("A", theirs, ours, b)):
        head = (other[1] or "").rpartition(" ")[2]
        row = db.execute("SELECT seq FROM chain WHERE head = ?", (head,)).fetchone()
        if row is not None and one[0] != other[0]:
            before = "A" if name == "B" else "B"
            return Relation("continued", f"{name} continues {before}, from its transaction {row[0]} on", None, 0, 0)
    return Relation("unrelated", "two cases of their own", None, 0, 0)


def _same_case(a: sqlite3.Connection, b: sqlite3.Connection) -> Relation:
    heads_a, heads_b = (dict(db.execute("SELECT seq, head FROM chain").fetchall()) for db in (a, b))
    common = max((seq for seq, head in heads_a.items() if heads_b.get(seq) == head), default=0)
    only_a, only_b = len(heads_a) - common, len(heads_b) - common
    if not only_a and not only_b:
        return Relation("same", f"the same case at the same transaction {common}", common, 0, 0)
    if not only_a or not only_b:
        further, more = ("B", only_b) if not only_a else ("A", only_a)
        return Relation(
            "further", f"the same case; {further} is {_transactions(more)} further on", common, only_a, only_b
        )
    text = (
        f"two branches of one case: both hold transaction {common}, then A went on with {_transactions(only_a)} ({_who(a, common)}) "
        f"and B with {_transactions(only_b)} ({_who(b, common)}); neither contains the other"
    )
    return Relation("branches", text, common, only_a, only_b)


def _transactions(number: int) -> str:
    return f"{number} transaction{'' if number == 1 else 's'}"


def _identity(db: sqlite3.Connection) -> tuple[str, str | None]:
    row = db.execute("SELECT case_id, predecessor_head FROM case_info ORDER BY id LIMIT 1").fetchone()
    return str(row[0]), row[1]


def _who(db: sqlite3.Connection, after: int) -> str:
    first, last = db.execute("SELECT min(at_ms), max(at_ms) FROM chain WHERE seq > ?", (after,)).fetchone()
    people = db.execute(
        "SELECT DISTINCT operator FROM (SELECT operator, seq FROM note UNION ALL SELECT operator, seq FROM step_event "
        "UNION ALL SELECT operator, seq FROM decision UNION ALL SELECT operator, seq FROM seal) WHERE seq > ? ORDER BY 1",
        (after,),
    ).fetchall()
    named = ", ".join(person for (person,) in people)
    return f"{format_instant(first)} to {format_instant(last)}" + (f", by {named}" if named else "")


def _windows(
    a: Case, b: Case, window_a: str | None, window_b: str | None
) -> list[tuple[str, tuple[int, int], tuple[int, int]]]:
    if window_a is not None or window_b is not None:
        names = (window_a or window_b or "", window_b or window_a or "")
        spans = [
            resolve_span(name, now_ms=case.clock(), db=case.read()) for case, name in zip((a, b), names, strict=True)
        ]
        return [(names[0] if names[0] == names[1] else f"{names[0]} and {names[1]}", spans[0], spans[1])]
    named_a, named_b = (_named(case.read()) for case in (a, b))
    common = [(name, named_a[name], named_b[name]) for name in named_a if name in named_b]
    if common:
        return common
    length = min(_longest(case.read()) for case in (a, b))
    ends = [frontier_question(case.read()).as_of_ms for case in (a, b)]
    return [(f"last {format_duration(length)}", (ends[0] - length, ends[0]), (ends[1] - length, ends[1]))]


def _named(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    rows = db.execute('SELECT name, from_ms, to_ms FROM "window" ORDER BY id').fetchall()
    return {name: (start, end) for name, start, end in rows}


def _longest(db: sqlite3.Connection) -> int:
    (longest,) = db.execute(
        "SELECT max(window_ms) FROM definition WHERE edition = (SELECT max(id) FROM edition)"
    ).fetchone()
    if longest is None:
        raise BadInput("a case without signals has no window to compare", "name windows with --a and --b")
    return int(longest)


def _compare_pair(a: Case, b: Case, name: str, span_a: tuple[int, int], span_b: tuple[int, int]) -> WindowPair:
    lengths = [end - start for start, end in (span_a, span_b)]
    if lengths[0] != lengths[1]:
        why = f"A's is {format_duration(lengths[0])} long, B's {format_duration(lengths[1])}"
        return WindowPair(name, span_a, span_b, why)
    side_a, side_b = _Side(a.read(), span_a), _Side(b.read(), span_b)
    counts = tuple(_compare_count(one, side_a, side_b) for one in sorted(side_a.counts.keys() | side_b.counts.keys()))
    names = list(dict.fromkeys([*side_a.states, *side_b.states]))
    states = tuple(SideState(one, side_a.states.get(one), side_b.states.get(one)) for one in names)
    return WindowPair(name, span_a, span_b, "", counts, states)


class _Side:
    """What one case says of its window."""

    def __init__(self, db: sqlite3.Connection, span: tuple[int, int]) -> None:
        length = span[1] - span[0]
        # The views compare two windows; the stretch before ours stands in for the other one and is not read.
        verdict = judge_verdict(db, verdict_question(db, (span[0] - length, span[0]), span))
        self.cells = _cells(db, span)
        self.counts: dict[str, WindowCount] = {one.id: one.postfix for one in verdict.signatures}
        self.states: dict[str, str] = {signal.id: signal.state for signal in verdict.judgement.signals}
        self.texts: dict[str, str] = dict(
            db.execute(
                "SELECT signature, sha256 FROM signature WHERE edition = (SELECT max(id) FROM edition)"
            ).fetchall()
        )


def _compare_count(name: str, a: _Side, b: _Side) -> SideCount:
    found = a.counts.get(name), b.counts.get(name)
    why = _why_not(name, a, b)
    return SideCount(name, *found, why, *(() if why else (a.cells[name], b.cells[name])))


def _cells(db: sqlite3.Connection, span: tuple[int, int]) -> defaultdict[str, tuple[int, ...]]:
    """Failures of every signature over a window, as its views count them, a minute to a cell where that is not too many."""
    length = span[1] - span[0]
    number = max(1, min(MOST_CELLS, length // 60_000))
    cells: defaultdict[str, list[int]] = defaultdict(lambda: [0] * number)
    for signature, at_ms in failures(db, verdict_question(db, (span[0] - length, span[0]), span)):
        cells[signature][(at_ms - span[0]) * number // length] += 1
    empty = (0,) * number
    return defaultdict(lambda: empty, {signature: tuple(found) for signature, found in cells.items()})


def _why_not(name: str, a: _Side, b: _Side) -> str:
    for letter, side in (("A", a), ("B", b)):
        if name not in side.counts:
            return f"{letter} has no such signature"
    if a.texts.get(name) != b.texts.get(name):
        return "the two runbooks describe it differently"
    short = [
        f"{letter} watched {format_duration(side.counts[name].covered_ms)} of it"
        for letter, side in (("A", a), ("B", b))
        if not side.counts[name].covered
    ]
    return " and ".join(short)


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The object that `compare --json` prints. Counts stand only where they may be compared."""
    relation = found.relation
    return {
        "schema": 1,
        "a": found.a,
        "b": found.b,
        "relation": {
            "kind": relation.kind,
            "text": relation.text,
            "common_seq": relation.common_seq,
            "only_a": relation.only_a,
            "only_b": relation.only_b,
        },
        "windows": [_pair_json(pair) for pair in found.pairs],
    }


def _pair_json(pair: WindowPair) -> dict[str, Any]:
    return {
        "name": pair.name,
        "a": {"from": format_instant(pair.a[0]), "to": format_instant(pair.a[1])},
        "b": {"from": format_instant(pair.b[0]), "to": format_instant(pair.b[1])},
        "comparable": not pair.why,
        "why": pair.why or None,
        "signatures": [
            {
                "id": count.signature,
                "comparable": not count.why,
                "why": count.why or None,
                "a": None if count.why else _count_json(count.a),
                "b": None if count.why else _count_json(count.b),
            }
            for count in pair.counts
        ],
        "signals": [{"id": state.signal, "a": state.a, "b": state.b} for state in pair.states],
    }


def _count_json(count: WindowCount | None) -> dict[str, Any] | None:
    if count is None:
        return None
    return {"count": count.count, "bad_minutes": count.bad_minutes, "requests": count.requests, "unsure": count.unsure}
