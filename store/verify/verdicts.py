"""The fifth question: is this still the program's own reasoning, and does it give the recorded results again?

The schema is compared with the one that this version ships, the stored conditions with the stored runbook text, and every recorded
evaluation is judged again under its own edition, instant and knowledge. Views that are not ours are never run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from store import journal
from store.casefile import SCHEMA_VERSION
from store.editions import definition_sha256, store_edition
from store.errors import RunbookInvalid
from store.judge import Question, judge
from store.runbook.model import Runbook
from store.schema.shipped import schema_objects, shipped_objects
from store.status import signal_json
from store.verify.report import Answer, Asked

_OF_EDITION = (journal.Source, journal.Signature, journal.Signal, journal.Definition, journal.Step)
_OF_DEFINITION = (
    journal.DefinitionStream,
    journal.DefinitionSignature,
    journal.DefinitionGroup,
    journal.DefinitionRoute,
    journal.DefinitionStatus,
)


def ask_verdicts(db: sqlite3.Connection, *, version: int) -> Asked:
    """Compare the schema and the conditions, then judge again what was recorded."""
    shipped = shipped_objects(version)
    if shipped is None:
        said = f"it has schema {version}, this version ships schema {SCHEMA_VERSION}"
        return Asked(
            "verdicts", Answer.UNKNOWN, "This version cannot say whether the views are the original ones.", (said,)
        )
    findings = _schema_differences(schema_objects(db), shipped)
    if findings:
        return Asked(
            "verdicts",
            Answer.NO,
            "The schema is not the one that this program ships; its views were not run.",
            tuple(findings),
        )
    unreadable: list[str] = []
    findings += _definition_differences(db, unreadable)
    findings += _result_differences(db)
    if findings:
        return Asked("verdicts", Answer.NO, "What was recorded is not what the evidence gives.", tuple(findings))
    (recorded,) = db.execute("SELECT count(*) FROM evaluation").fetchone()
    if unreadable:
        text = "This version cannot read the stored runbook, so it cannot say whether the limits are those of its text."
        return Asked("verdicts", Answer.UNKNOWN, text, tuple(unreadable))
    return Asked(
        "verdicts",
        Answer.YES,
        f"The schema is the one that this version ships, the limits are those of the stored runbook, and {recorded} recorded evaluations "
        "give the same results again.",
    )


def _schema_differences(found: frozenset[Any], shipped: frozenset[Any]) -> list[str]:
    ours = {(each.type, each.name): each for each in shipped}
    theirs = {(each.type, each.name): each for each in found}
    findings = [f"the {kind} {name} is missing" for kind, name in sorted(ours.keys() - theirs.keys())]
    findings += [f"the {kind} {name} is not of this program" for kind, name in sorted(theirs.keys() - ours.keys())]
    findings += [
        f"the {key[0]} {key[1]} was replaced" for key in sorted(ours.keys() & theirs.keys()) if ours[key] != theirs[key]
    ]
    return findings


def _definition_differences(db: sqlite3.Connection, unreadable: list[str]) -> Iterator[str]:
    from store.runbook.parse import parse_runbook  # pydantic is heavy; only here

    for edition, text, path, definition in db.execute(
        "SELECT id, text, path, definition_sha256 FROM edition"
    ).fetchall():
        try:
            runbook = parse_runbook(text, path)
        except RunbookInvalid as error:
            unreadable.append(f"runbook of edition {edition}: {error.faults[0]}")
            continue
        if definition_sha256(runbook) != definition:
            yield f"edition {edition}: its hash is not that of its text"
        expected = _rows_of(runbook)
        for table, rows in _stored_rows(db, edition).items():
            if rows != expected[table]:
                yield f"edition {edition}: the rows of {table} are not what its text says"


class _Kept:
    """Takes what `store_edition` would store, and keeps it."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {kind.__name__: [] for kind in (*_OF_EDITION, *_OF_DEFINITION)}
        self.rows[journal.Edition.__name__] = []

    def add(self, row: Any) -> int:
        rows = self.rows[type(row).__name__]
        rows.append(tuple(row[1:]) if type(row) in _OF_EDITION else tuple(row))
        return len(rows)

    def add_all(self, rows: Any) -> None:
        for row in rows:
            self.add(row)


def _rows_of(runbook: Runbook) -> dict[str, list[tuple[Any, ...]]]:
    kept = _Kept()
    store_edition(kept, runbook, adopted_ms=0, reason="")  # type: ignore[arg-type]  # a transaction, as far as it is used
    return kept.rows


def _stored_rows(db: sqlite3.Connection, edition: int) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for kind in _OF_EDITION:
        query = f"SELECT {_columns(kind)} FROM {_table(kind)} x WHERE edition = ? ORDER BY id"  # noqa: S608 names are ours
        found[kind.__name__] = db.execute(query, (edition,)).fetchall()
    for part in _OF_DEFINITION:
        query = (
            f"SELECT (SELECT count(*) FROM definition e WHERE e.edition = d.edition AND e.id <= d.id), {_columns(part)} "  # noqa: S608
            f"FROM {_table(part)} x JOIN definition d ON d.id = x.definition WHERE d.edition = ? ORDER BY x.id"
        )
        found[part.__name__] = db.execute(query, (edition,)).fetchall()
    return found


def _table(kind: Any) -> str:
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
    return f'"{name.lstrip("_")}"'


def _columns(kind: Any) -> str:
    return ", ".join(f'x."{name}"' for name in kind._fields[1:])


def _result_differences(db: sqlite3.Connection) -> Iterator[str]:
    rows = db.execute(
        "SELECT id, as_of_ms, known_seq, scope_start_ms, live, edition, definition_sha256, seq FROM evaluation ORDER BY id"
    ).fetchall()
    for evaluation, as_of, known, scope, live, edition, definition, seq in rows:
        named = f"evaluation:{evaluation}"
        if known >= seq:
            yield f"{named} claims to know transaction {known}, and was stored by {seq}"
            continue
        judgement = judge(db, Question(as_of, known, scope, bool(live), edition))
        if judgement.definition_sha256 != definition:
            yield f"{named} was recorded under another definition"
        now = {
            signal.id: (
                (signal.state, signal.reason, signal.now_state, signal.now_reason, signal.first_trip_ms),
                signal_json(signal, as_of),
            )
            for signal in judgement.signals
        }
        yield from (f"{named}: {text}" for text in _compare(db, evaluation, now))


def _compare(
    db: sqlite3.Connection, evaluation: int, now: dict[str, tuple[tuple[Any, ...], dict[str, Any]]]
) -> Iterator[str]:
    stored = db.execute(
        "SELECT signal, state, reason, now_state, now_reason, first_trip_ms, result FROM evaluation_result WHERE evaluation = ?",
        (evaluation,),
    ).fetchall()
    for signal in sorted(now.keys() - {row[0] for row in stored}):
        yield f"{signal} has no recorded result"
    for signal, *states, result in stored:
        if signal not in now:
            yield f"{signal} is no signal of that edition"
        elif tuple(states) != now[signal][0]:
            yield f"{signal} was recorded as {states[0]} ({states[1]}), the evidence gives {now[signal][0][0]} ({now[signal][0][1]})"
        elif not _within(json.loads(result), json.loads(json.dumps(now[signal][1]))):
            yield f"{signal}: the recorded figures are not those that the evidence gives"


def _within(stored: Any, now: Any) -> bool:
    """Whether all that was recorded is there again; a later version may say more than an earlier one recorded."""
    if isinstance(stored, dict) and isinstance(now, dict):
        return all(name in now and _within(value, now[name]) for name, value in stored.items())
    if isinstance(stored, list) and isinstance(now, list):
        return len(stored) == len(now) and all(_within(*pair) for pair in zip(stored, now, strict=True))
    return bool(stored == now and type(stored) is type(now))
