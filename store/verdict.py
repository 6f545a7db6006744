"""Judge a window after a change against one before it: the verdict that the case's own views compute.

`closeout verdict`, packets and pages read the answer from here. The case is only read, the clock never; no count is compared and no
probability computed in this module: schema/verdict.sql has all of it, so that a reviewer without this program finds the same numbers.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, NamedTuple

from store.judge import (
    Judgement,
    Question,
    make_tables,
    one_reading,
    put_question,
    question_at,
    read_judgement,
    view_texts,
)
from store.next_action import NextAction, next_action

EXIT_CODES = {"confirmed": 0, "rejected": 10, "partially_confirmed": 11, "inconclusive": 12}


class VerdictQuestion(NamedTuple):
    """Which two windows [from, to) to compare, with which knowledge, by the signatures of which edition."""

    baseline_from_ms: int
    baseline_to_ms: int
    postfix_from_ms: int
    postfix_to_ms: int
    known_seq: int
    edition: int


@dataclass(frozen=True, slots=True)
class WindowCount:
    """What is known of one signature in one window; `requests` is None where the traffic is unknown."""

    count: int
    unsure: int
    bad_minutes: int
    requests: int | None
    covered: bool
    covered_ms: int


@dataclass(frozen=True, slots=True)
class SignatureVerdict:
    """One signature in both windows. Probabilities and bounds are None where the windows may not be compared.

    `holm_rank` is the place among the tests that decide for its role: improvement for a target, regression for a guard.
    """

    id: str
    title: str
    role: str
    verdict_class: str
    baseline: WindowCount
    postfix: WindowCount
    traffic_known: bool
    p_improved: float | None
    p_regressed: float | None
    p_improved_minutes: float | None
    p_regressed_minutes: float | None
    rr: float | None
    rr_low: float | None
    rr_high: float | None
    holm_rank: int | None
    holm_size: int | None
    holm_improved: float | None
    holm_regressed: float | None


@dataclass(frozen=True, slots=True)
class WatchItem:
    """Something left open: an odd probe, a signal in watch, an unknown signal, a signature that is not settled, or one carried over.

    `about` is the route, signal, signature or carried item, `detail` the status, reason or class; `text` is both in one line, such as
    `/api/cron/x 000`. `owner` is empty where nobody is named yet. `recurs`: the case before had left the same item open.
    """

    kind: str
    about: str
    detail: str
    signal: str | None
    owner: tuple[str, ...]
    text: str
    recurs: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: which rule decided, what it rests on, what to do next."""

    question: VerdictQuestion
    verdict: str
    reason: str
    unmatched: str | None
    shortest_ms: int
    signatures: tuple[SignatureVerdict, ...]
    watch_items: tuple[WatchItem, ...]
    judgement: Judgement
    next: NextAction

    @property
    def matched(self) -> bool:
        """Whether the two windows may be compared."""
        return self.unmatched is None

    @property
    def exit_code(self) -> int:
        """The command line's answer."""
        return EXIT_CODES[self.verdict]


def verdict_question(
    db: sqlite3.Connection, baseline: tuple[int, int], postfix: tuple[int, int], *, known_seq: int | None = None
) -> VerdictQuestion:
    """The question that two windows make; knowledge defaults to everything stored.

    Raises:
        BadInput: no transaction has that number, or no runbook was known then.
    """
    asked = question_at(db, as_of_ms=postfix[1], live=False, known_seq=known_seq, scope_given=True)
    return VerdictQuestion(*baseline, *postfix, asked.known_seq, asked.edition)


def judge_verdict(db: sqlite3.Connection, question: VerdictQuestion, *, attempt: int | None = None) -> Verdict:
    """Judge the two windows.

    Args:
        db: a connection of the case, read-only suffices.
        question: which windows, by which knowledge.
        attempt: which pair of windows this is; otherwise one more than the recorded postfix windows that ended earlier.
    """
    with one_reading(db):
        make_tables(db, [("verdict_asked", _asked(question))])
        stored = dict(db.execute("SELECT name, sql FROM main.sqlite_schema WHERE type = 'view'").fetchall())
        make_tables(db, [("verdict_question", stored["verdict_question"].split(" AS\n", 1)[1])])
        asked = Question(*db.execute("SELECT * FROM temp.verdict_question").fetchone())
        put_question(db, asked)
        judgement = read_judgement(db, asked)
        make_tables(db, view_texts(db, of_verdict=True))
        return _read(db, question, judgement, attempt)


def failures(db: sqlite3.Connection, question: VerdictQuestion) -> list[tuple[str, int]]:
    """Signature and instant of each failure that counts in the postfix window, as the views find them, earliest first."""
    needed = ("verdict_window", "verdict_signature", "verdict_stream", "verdict_failure")
    with one_reading(db):
        make_tables(db, [("verdict_asked", _asked(question))])
        make_tables(db, [(name, text) for name, text in view_texts(db, of_verdict=True) if name in needed])
        return db.execute(
            "SELECT signature, at_ms FROM temp.verdict_failure WHERE side = 'postfix' AND certain = 1 ORDER BY at_ms, signature"
        ).fetchall()


def _asked(question: VerdictQuestion) -> str:
    columns = zip(question, VerdictQuestion._fields, strict=True)
    return "SELECT " + ", ".join(f"{int(value)} AS {name}" for value, name in columns)


def _read(db: sqlite3.Connection, question: VerdictQuestion, judgement: Judgement, attempt: int | None) -> Verdict:
    verdict, reason, unmatched, shortest_ms, derived = db.execute(
        "SELECT verdict, reason, unmatched, shortest_ms, attempt FROM verdict"
    ).fetchone()
    signatures = _signatures(db)
    loops = dict(db.execute("SELECT signal, loop FROM verdict_signal").fetchall())
    action = next_action(
        verdict,
        [(signal, bool(loops[signal.id])) for signal in judgement.signals],
        attempt=derived if attempt is None else attempt,
        regressed=[s.id for s in signatures if s.verdict_class == "regressed"],
        unresolved=[s.id for s in signatures if s.role == "target" and s.verdict_class != "improved"],
    )
    return Verdict(question, verdict, reason, unmatched, shortest_ms, signatures, _watch_items(db), judgement, action)


def _signatures(db: sqlite3.Connection) -> tuple[SignatureVerdict, ...]:
    rows = db.execute(
        "SELECT signature, title, role, class, "
        "b_failures, b_unsure, b_minutes, CASE WHEN b_known THEN b_requests END, b_covered, b_covered_ms, "
        "p_failures, p_unsure, p_minutes, CASE WHEN p_known THEN p_requests END, p_covered, p_covered_ms, known, "
        "p_improved, p_regressed, p_improved_minutes, p_regressed_minutes, rr, rr_low, rr_high, "
        "CASE role WHEN 'target' THEN improved_place ELSE regressed_place END, "
        "CASE role WHEN 'target' THEN improved_size ELSE regressed_size END, improved_holm, regressed_holm "
        "FROM verdict_row ORDER BY position"
    )
    return tuple(
        SignatureVerdict(
            row[0], row[1], row[2], row[3], _window(row[4:10]), _window(row[10:16]), bool(row[16]), *row[17:]
        )
        for row in rows.fetchall()
    )


def _window(row: tuple[Any, ...]) -> WindowCount:
    count, unsure, bad_minutes, requests, covered, covered_ms = row
    return WindowCount(count, unsure, bad_minutes, requests, bool(covered), covered_ms)


def _watch_items(db: sqlite3.Connection) -> tuple[WatchItem, ...]:
    rows = db.execute(
        "SELECT kind, about, detail, signal, owner, text, recurs FROM verdict_watch_item ORDER BY part, place, about"
    )
    return tuple(
        WatchItem(kind, about, detail, signal, tuple(json.loads(owner)), text, bool(recurs))
        for kind, about, detail, signal, owner, text, recurs in rows.fetchall()
    )
