"""Ask the views of a case for the state of every signal at an instant.

A question is one row. The case's own view texts are run as they are, each into a temporary table in the order in which they rest on
each other, so that no step is computed twice; a plain SQLite shell that selects from the views gets the same rows. Nothing is written
to the file, and no count is compared with a limit here.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from store.errors import BadInput, NotACase

STATES = ("tripped", "no_data", "stale", "partial", "watch", "ok")

# Views that hold a question themselves, or that no answer rests on: never put into temporary tables.
_STORED_ONLY = ("stream_frontier", "asked", "log_count", "verdict_asked", "verdict_question")
_VERDICT = "verdict"


class Question(NamedTuple):
    """At which instant, with which knowledge, over which run, by which edition to judge.

    With a run, trend and queue may look back to `history_start_ms`, if that is earlier than its start.
    """

    as_of_ms: int
    known_seq: int
    scope_start_ms: int | None
    live: bool
    edition: int
    history_start_ms: int | None = None


class Trial(NamedTuple):
    """Another limit for the conditions of some signals (all, if none is named), tried in memory and stored nowhere."""

    op: str
    limit: int
    kinds: tuple[str, ...]
    signals: tuple[str, ...] = ()


class ConditionState(NamedTuple):
    """What one condition says; `detail` holds what its kind adds."""

    definition: int
    kind: str
    state: str
    reason: str
    level: str
    coverage: str
    value: float | int | None
    limit: float | int | None
    op: str | None
    covered_ms: int
    want_ms: int
    from_ms: int
    to_ms: int
    last_ms: int | None
    detail: dict[str, Any]


class SignalState(NamedTuple):
    """What one signal says, with who owns it and what to undo."""

    id: str
    title: str
    state: str
    reason: str
    now_state: str
    now_reason: str
    first_trip_ms: int | None
    last_ms: int | None
    earliest_ok_ms: int | None
    owner: tuple[str, ...]
    contact: str | None
    rollback_do: str
    rollback_files: tuple[str, ...]
    rollback_confirm: tuple[str, ...]
    undo: str | None
    conditions: tuple[ConditionState, ...]


class Judgement(NamedTuple):
    """The answer to a question: every signal, in runbook order."""

    question: Question
    case_id: str
    title: str
    drill: bool
    definition_sha256: str
    signals: tuple[SignalState, ...]

    @property
    def worst(self) -> str:
        """The worst state of any signal; `ok` for a runbook without signals never happens, `check` refuses it."""
        held = {signal.state for signal in self.signals}
        return next((state for state in STATES if state in held), "no_data")


def frontier_question(db: sqlite3.Connection) -> Question:
    """The question that the stored view `asked` puts: the end of the evidence."""
    as_of, known, scope, live, edition = db.execute(
        "SELECT as_of_ms, known_seq, scope_start_ms, live, edition FROM main.asked"
    ).fetchone()
    if known is None or edition is None:
        raise NotACase("the case holds no runbook", "make one with: closeout init CASE --runbook FILE")
    return Question(as_of, known, scope, bool(live), edition)


def question_at(
    db: sqlite3.Connection,
    *,
    as_of_ms: int,
    live: bool,
    known_seq: int | None = None,
    scope_start_ms: int | None = None,
    scope_given: bool = False,
) -> Question:
    """A question at an instant; knowledge and scope default to the latest recorded ones.

    Raises:
        BadInput: no transaction has that number, or no runbook was known then.
    """
    (newest,) = db.execute("SELECT max(seq) FROM chain").fetchone()
    known = newest if known_seq is None else known_seq
    if newest is None or not 1 <= known <= newest:
        raise BadInput(f"--known-seq {known}: this case has transactions 1 to {newest}", "leave it out for the newest")
    (edition,) = db.execute("SELECT max(id) FROM edition WHERE seq <= ?", (known,)).fetchone()
    if edition is None:
        raise BadInput(f"--known-seq {known}: no runbook was stored by then", "choose a later transaction")
    if not scope_given:
        row = db.execute("SELECT start_ms FROM scope WHERE seq <= ? ORDER BY id DESC LIMIT 1", (known,)).fetchone()
        scope_start_ms = row[0] if row else None
    return Question(as_of_ms, known, scope_start_ms, live, edition)


@contextlib.contextmanager
def staged(db: sqlite3.Connection, question: Question, trial: Trial | None = None) -> Iterator[sqlite3.Connection]:
    """Put a question to the views; inside, their names give the answers to it. One reading of the file throughout."""
    with one_reading(db):
        if trial is not None:
            _try_limit(db, trial)
        put_question(db, question)
        yield db


@contextlib.contextmanager
def one_reading(db: sqlite3.Connection) -> Iterator[None]:
    """Read one state of the file throughout, and forget every temporary table afterwards."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def put_question(db: sqlite3.Connection, question: Question) -> None:
    """Make temporary tables of the question and of every view that judges signals by it. Call it in `one_reading`."""
    db.execute(
        "CREATE TEMP TABLE asked (as_of_ms INTEGER, known_seq INTEGER, scope_start_ms INTEGER, live INTEGER, edition INTEGER, "
        "history_start_ms INTEGER)"
    )
    db.execute("INSERT INTO temp.asked VALUES (?, ?, ?, ?, ?, ?)", question)
    make_tables(db, view_texts(db))


def make_tables(db: sqlite3.Connection, texts: list[tuple[str, str]]) -> None:
    """Run view texts, each into a temporary table of its name, so that no step is computed twice."""
    for name, text in texts:
        db.execute(f'CREATE TEMP TABLE "{name}" AS {text}')


def view_texts(db: sqlite3.Connection, *, of_verdict: bool = False) -> list[tuple[str, str]]:
    """Name and SELECT of each view that depends on the question, in the order in which they were created.

    Those of the verdict rest on those of the signals, never the other way round: `status` computes none of them.
    """
    rows = db.execute("SELECT name, sql FROM main.sqlite_schema WHERE type = 'view' ORDER BY rowid").fetchall()
    return [
        (name, sql.split(" AS\n", 1)[1])
        for name, sql in rows
        if name not in _STORED_ONLY and name.startswith(_VERDICT) == of_verdict
    ]


def judge(db: sqlite3.Connection, question: Question, trial: Trial | None = None) -> Judgement:
    """Judge every signal of the asked edition; with a trial, by another limit than the stored one.

    Raises:
        BadInput: no condition has a limit of the trial's form.
    """
    with staged(db, question, trial):
        return read_judgement(db, question)


def _try_limit(db: sqlite3.Connection, trial: Trial) -> None:
    # A temporary table of the same name is what the views' unqualified `definition` finds first.
    db.execute("CREATE TEMP TABLE definition AS SELECT * FROM main.definition")
    kinds, signals = json.dumps(trial.kinds), json.dumps(trial.signals)
    changed = db.execute(
        "UPDATE temp.definition SET limit_value = ? WHERE op = ? AND kind IN (SELECT value FROM json_each(?)) "
        "AND (? = '[]' OR signal IN (SELECT value FROM json_each(?)))",
        (trial.limit, trial.op, kinds, signals, signals),
    )
    if changed.rowcount == 0:
        raise BadInput(
            f"no condition here has a limit of the form {trial.op}", "see them with: closeout status CASE --json"
        )


def read_judgement(db: sqlite3.Connection, question: Question) -> Judgement:
    """Read what the views say now: the staged question inside `staged`, else the stored one."""
    case_id, title, drill = db.execute(
        "SELECT case_id, title, drill FROM main.case_info ORDER BY id LIMIT 1"
    ).fetchone()
    (definition,) = db.execute(
        "SELECT definition_sha256 FROM main.edition WHERE id = ?", (question.edition,)
    ).fetchone()
    conditions = _conditions(db)
    rows = db.execute(
        "SELECT s.signal, s.title, s.state, s.reason, s.now_state, s.now_reason, s.first_trip_ms, s.last_ms, s.earliest_ok_ms, "
        "a.owner, a.contact, a.rollback_do, a.rollback_files, a.rollback_confirm, a.undo "
        "FROM signal_state s JOIN main.signal a ON a.edition = s.edition AND a.signal = s.signal ORDER BY s.position"
    ).fetchall()
    signals = tuple(_signal(row, conditions) for row in rows)
    return Judgement(question, case_id, title, bool(drill), definition, signals)


def _signal(row: tuple[Any, ...], conditions: dict[str, list[ConditionState]]) -> SignalState:
    name, title, state, reason, now_state, now_reason, first_trip, last, earliest_ok = row[:9]
    owner, contact, do, files, confirm, undo = row[9:]
    return SignalState(
        name, title, state, reason, now_state, now_reason, first_trip, last, earliest_ok, _texts(owner), contact, do,
        _texts(files), _texts(confirm), undo, tuple(conditions.get(name, ())),
    )  # fmt: skip


def _conditions(db: sqlite3.Connection) -> dict[str, list[ConditionState]]:
    found: dict[str, list[ConditionState]] = {}
    rows = db.execute(
        "SELECT signal, rises, definition, kind, state, reason, level, coverage, value, limit_value, op, covered_ms, want_ms, "
        "from_ms, to_ms, last_ms, detail FROM condition_state ORDER BY signal, position"
    )
    for signal, rises, *facts in rows.fetchall():
        found.setdefault(signal, []).append(_condition(facts, rises))
    return found


def _condition(facts: list[Any], rises: int | None) -> ConditionState:
    definition, kind, state, reason, level, coverage, value, limit, op, covered, want, start, end, last, text = facts
    detail = json.loads(text)
    if rises is not None:
        detail["counts"] = detail.get("counts", [])[-(rises + 1) :]  # the view keeps every tile of the run
    if kind == "level" and limit is not None:
        limit = limit / 1_000_000
    return ConditionState(
        definition, kind, state, reason, level, coverage, value, limit, op, covered, want, start, end, last, detail
    )


def _texts(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
