"""Judge the signals and keep the answer, so that a decision can be read later with exactly what it rested on.

A recorded evaluation says at which instant, with which knowledge and by which definition it was made; `recompute` asks the same question
again and says which signals answer differently.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from store.case import Case, Transaction
from store.errors import BadInput
from store.journal import Evaluation, EvaluationResult
from store.judge import Judgement, Question, frontier_question, judge, question_at
from store.status import signal_json


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A recorded evaluation asked again. `differing`: signals whose answer is not what was recorded."""

    evaluation: int
    question: Question
    differing: tuple[str, ...]
    definition_holds: bool

    @property
    def holds(self) -> bool:
        """Whether the record says what the evidence says."""
        return not self.differing and self.definition_holds


def judged_now(case: Case, *, scope_start_ms: int | None = None) -> Judgement:
    """Every signal as it stands: by the clock on an open case, at the end of the evidence on a sealed one; over the run since a scope's
    start if one is given, else since the recorded one."""
    db = case.read()
    if case.head().kind == "seal":
        return judge(db, question_at(db, as_of_ms=frontier_question(db).as_of_ms, live=False))
    question = question_at(
        db, as_of_ms=case.clock(), live=True, scope_start_ms=scope_start_ms, scope_given=scope_start_ms is not None
    )
    return judge(db, question)


def record_evaluation(tx: Transaction, judgement: Judgement, *, now_ms: int, why: str) -> int:
    """Store a judgement with one row per signal; returns the evaluation's id. Judge before the lock is taken: it says itself what it knew."""
    question = judgement.question
    evaluation = tx.add(
        Evaluation(
            question.as_of_ms,
            question.known_seq,
            question.scope_start_ms,
            int(question.live),
            question.edition,
            judgement.definition_sha256,
            now_ms,
            why,
        )
    )
    tx.add_all(
        EvaluationResult(
            evaluation,
            signal.id,
            signal.state,
            signal.reason,
            signal.now_state,
            signal.now_reason,
            signal.first_trip_ms,
            canonical(signal_json(signal, question.as_of_ms)),
        )
        for signal in judgement.signals
    )
    return evaluation


def recompute(db: sqlite3.Connection, evaluation: int) -> Recomputed:
    """Ask a recorded question again and compare.

    Raises:
        BadInput: no evaluation has that number.
    """
    row = db.execute(
        "SELECT as_of_ms, known_seq, scope_start_ms, live, edition, definition_sha256 FROM evaluation WHERE id = ?",
        (evaluation,),
    ).fetchone()
    if row is None:
        raise BadInput(f"there is no evaluation:{evaluation}")
    question = Question(row[0], row[1], row[2], bool(row[3]), row[4])
    judgement = judge(db, question)
    now = {signal.id: canonical(signal_json(signal, question.as_of_ms)) for signal in judgement.signals}
    then: dict[str, str] = dict(
        db.execute("SELECT signal, result FROM evaluation_result WHERE evaluation = ?", (evaluation,)).fetchall()
    )
    differing = tuple(sorted(name for name in {*now, *then} if now.get(name) != then.get(name)))
    return Recomputed(evaluation, question, differing, judgement.definition_sha256 == row[5])


def canonical(value: dict[str, Any]) -> str:
    """One spelling for one value, so that records can be compared as text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
