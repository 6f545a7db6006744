"""The rows and the gaps behind one signal's answer, each with the reference that a decision can cite."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from store.errors import BadInput
from store.judge import ConditionState, Question, SignalState, read_judgement, staged


@dataclass(frozen=True, slots=True)
class Gap:
    """Time of the window in which a stream was not watched for a signature (empty where it goes by stream alone)."""

    stream: str
    signature: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One row that entered the answer; `what` is text from outside."""

    ref: str
    at_ms: int
    what: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One condition with everything behind it."""

    condition: ConditionState
    rows: tuple[EvidenceRow, ...]
    gaps: tuple[Gap, ...]
    collections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignalExplanation:
    """One signal with its conditions explained and the checks that anyone can rerun."""

    question: Question
    signal: SignalState
    conditions: tuple[Explanation, ...]
    checks: tuple[tuple[str, str], ...]


_ROWS = {
    "failures": """
        SELECT 'log_match:' || min(m.id), e.at_ms,
               m.signature || ' ' || ifnull(m.route, '-') || ' ' || ifnull(m.status, '---') || ' ' || ifnull(m.request, m."key")
               || CASE e.certain WHEN 1 THEN '' ELSE ' (status unknown)' END
        FROM failure e JOIN log_match m ON m."key" = e."key" AND m.stream = e.stream AND m.at_ms = e.at_ms AND m.certain = e.certain
             AND CASE e."group" WHEN '' THEN m.signature IN (SELECT g.signature FROM definition_signature g WHERE g.definition = e.definition)
                                ELSE m."group" = e."group" END
        WHERE e.definition = :definition AND e.at_ms >= max(:from, :scope) AND e.at_ms < :to
          AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = m.collection AND x.seq <= :known)
        GROUP BY e.stream, e."key", e."group" ORDER BY e.at_ms, min(m.id)""",
    "queue": """
        SELECT 'snapshot:' || min(p.id), q.at_ms, 'depth ' || q.depth || ', failed ' || q.failed
        FROM queue_reading q JOIN definition_stream s ON s.definition = q.definition
             JOIN snapshot p ON p.stream = s.stream AND p.at_ms = q.at_ms AND p.pending + p.running = q.depth
        WHERE q.definition = :definition AND q.at_ms >= :from - q.max_gap_ms GROUP BY q.at_ms ORDER BY q.at_ms""",
    "ratio": """
        SELECT 'run_count:' || max(p.id), c.minute_ms, c.failures || ' of ' || c.total || ' failed'
        FROM run_cell c JOIN definition_stream s ON s.definition = c.definition
             JOIN run_count p ON p.stream = s.stream AND p.minute_ms = c.minute_ms AND p.total = c.total AND p.failures = c.failures
        WHERE c.definition = :definition AND c.minute_ms >= :from AND c.minute_ms < :to GROUP BY c.minute_ms ORDER BY c.minute_ms""",
    "probe": """
        SELECT 'probe:' || r.id, r.at_ms, p.route || ' ' || p.status_text || ' ' || p.outcome || CASE r.bad WHEN 1 THEN ' (not expected)' ELSE '' END
        FROM probe_reading r JOIN probe p ON p.id = r.id JOIN definition_route t ON t.definition = r.definition AND t.route = r.route
        WHERE r.definition = :definition ORDER BY r.at_ms""",
    "level": """
        SELECT 'gauge:' || max(p.id), q.at_ms, q.series || ' = ' || p.value
        FROM gauge_reading q JOIN definition_stream s ON s.definition = q.definition
             JOIN gauge p ON p.stream = s.stream AND p.series = q.series AND p.at_ms = q.at_ms AND p.value_micro = q.value_micro
        WHERE q.definition = :definition AND q.at_ms >= :from GROUP BY q.at_ms ORDER BY q.at_ms""",
}
_GAPS = """
SELECT stream, signature, reached, next_ms FROM (
    SELECT stream, signature, max(to_ms) OVER sofar AS reached, min(ifnull(lead(from_ms) OVER sofar, :to), :to) AS next_ms
    FROM (SELECT stream, signature, from_ms, to_ms FROM island WHERE definition = :definition AND to_ms > :from AND from_ms < :to
          UNION ALL SELECT stream, signature, 0, :from FROM lane WHERE definition = :definition)
    WINDOW sofar AS (PARTITION BY stream, signature ORDER BY from_ms, to_ms ROWS UNBOUNDED PRECEDING))
WHERE reached < next_ms ORDER BY 1, 2, 3"""
_COLLECTIONS = """
SELECT DISTINCT 'collection:' || t.collection FROM stretch t
WHERE t.definition = :definition AND t.to_ms > :from AND t.from_ms < :to ORDER BY t.collection"""


def explain(db: sqlite3.Connection, question: Question, signal_id: str) -> SignalExplanation:
    """Gather what is behind a signal's answer.

    Raises:
        BadInput: the runbook has no such signal.
    """
    with staged(db, question):
        judgement = read_judgement(db, question)
        signal = next((s for s in judgement.signals if s.id == signal_id), None)
        if signal is None:
            raise BadInput(
                f"there is no signal {signal_id!r}", f"there are {', '.join(s.id for s in judgement.signals)}"
            )
        conditions = tuple(_explain_condition(db, question, condition) for condition in signal.conditions)
        checks = db.execute(
            'SELECT DISTINCT g.signature, s."check" FROM definition d JOIN definition_signature g ON g.definition = d.id '
            "JOIN main.signature s ON s.edition = d.edition AND s.signature = g.signature "
            'WHERE d.edition = ? AND d.signal = ? AND s."check" IS NOT NULL ORDER BY 1',
            (question.edition, signal_id),
        ).fetchall()
    return SignalExplanation(question, signal, conditions, tuple(checks))


def _explain_condition(db: sqlite3.Connection, question: Question, condition: ConditionState) -> Explanation:
    values = {
        "definition": condition.definition,
        "from": condition.from_ms,
        "to": condition.to_ms,
        "scope": question.scope_start_ms or 0,
        "known": question.known_seq,
    }
    kind = condition.kind if condition.kind in _ROWS else "failures"
    rows = tuple(EvidenceRow(*row) for row in db.execute(_ROWS[kind], values).fetchall())
    gaps: tuple[Gap, ...] = ()
    if condition.kind not in ("queue", "probe", "level"):
        gaps = tuple(Gap(*row) for row in db.execute(_GAPS, values).fetchall())
    collections = tuple(ref for (ref,) in db.execute(_COLLECTIONS, values).fetchall())
    return Explanation(condition, rows, gaps, collections)
