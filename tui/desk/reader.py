"""Reads a case into a snapshot. The only part of the desk that asks the file; it runs in the poller's thread and never writes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from store.case import Case, now_ms
from store.explain import SignalExplanation, explain
from store.judge import Judgement, Question, frontier_question, judge, question_at, read_judgement, staged
from store.runbook.model import Runbook
from store.series import Series, read_series
from store.stamps import Stamps, stamps_for
from store.trust import is_trusted
from store.walk.citations import KINDS
from store.walk.events import reading
from store.walk.gaps import Gap, gaps_of
from store.walk.roles import RoleArtifact, artifacts_of
from store.walk.session import Who, life_of, monotonic_ms
from store.walk.states import WalkState, read_walk
from store.walk.timeline import Entry, timeline
from store.walk.undo import undo_of
from tui.desk.runs import tails
from tui.desk.snapshot import Chain, Looked, Person, Resume, Seen, Snapshot, StreamHealth

_COUNTED = (
    "collection",
    "log_match",
    "snapshot",
    "run_count",
    "gauge",
    "probe",
    "artifact",
    "note",
    "decision",
    "evaluation",
)
_LOOKED = (
    *KINDS,
    "note",
    "decision",
    "step_event",
    "mark",
    "window",
    "scope",
    "retraction",
    "acknowledgement",
    "edition",
    "case_info",
)
_STAMPS_AGE_MS = 30_000


class Wanted(NamedTuple):
    """What the screen asks for beside the board and the walk: rows behind these signals, this row in full."""

    signals: tuple[str, ...] = ()
    ref: str = ""


NOTHING = Wanted()


class _Facts(NamedTuple):
    """What changes only with a commit."""

    seq: int
    timeline: tuple[Entry, ...]
    seen: Mapping[str, Seen]
    counts: Mapping[str, int]


class CaseReader:
    """One read-only hold on a case. `read` gives a whole picture; `changed` says cheaply whether there is a reason to."""

    def __init__(
        self, path: Path, *, clock: Callable[[], int] = now_ms, monotonic: Callable[[], int] = monotonic_ms
    ) -> None:
        self.path = path
        self.clock = clock
        self.monotonic = monotonic
        self._case = Case.open(path, clock=clock)
        self._version = -1
        self._known: tuple[int, Runbook] | None = None
        self._facts: _Facts | None = None
        self._resume: tuple[Resume | None] | None = None
        self._stamps: tuple[str, int, Stamps] | None = None

    def close(self) -> None:
        """Let the file go."""
        self._case.close()

    def changed(self) -> bool:
        """Whether another connection has committed since the last question."""
        (version,) = self._case.read().execute("PRAGMA data_version").fetchone()
        before, self._version = self._version, version
        return bool(before != version)

    def read(self, wanted: Wanted = NOTHING) -> Snapshot:
        """Everything that a frame needs, at this instant."""
        db, now = self._case.read(), self.clock()
        head = self._case.head()
        sealed = head.kind == "seal"
        edition, runbook = self._runbook()
        as_of = frontier_question(db).as_of_ms if sealed else now
        question = question_at(db, as_of_ms=as_of, live=not sealed)
        judgement, series = _judged(db, question)
        walk = read_walk(db, runbook, edition=edition, now_ms=now, monotonic_ms=self.monotonic())
        if self._resume is None:
            self._resume = (None if sealed else _resume(db, walk, judgement),)
        facts = self._read_facts(db, head.seq)
        return Snapshot(
            path=str(self.path),
            read_ms=now,
            sealed=sealed,
            runbook=runbook,
            judgement=judgement,
            series=series,
            walk=walk,
            chain=Chain(head.seq, head.head, head.at_ms),
            streams=_streams(db, edition, runbook, walk),
            seen=facts.seen,
            timeline=facts.timeline,
            gaps=self._gaps(db, walk, judgement),
            people=_people(db),
            counts=facts.counts,
            tails=tails(judgement.case_id),
            explanations=_explanations(db, question, wanted.signals),
            undos={
                s: undo_of(self._case, runbook, s, os.environ)
                for s in wanted.signals
                if any(o.id == s for o in runbook.signals)
            },
            looked=_looked(db, wanted.ref),
            resume=self._resume[0],
            papers=_papers(db, runbook),
            stamps=self._drilled(runbook, now),
            trusted=not sealed and is_trusted(self._case),
            stopped="" if sealed else self._case.evidence_stopped() or "",
        )

    def _runbook(self) -> tuple[int, Runbook]:
        newest = self._case.edition()
        if self._known is None or self._known[0] != newest:
            self._known = (newest, self._case.runbook())
        return self._known

    def _read_facts(self, db: sqlite3.Connection, seq: int) -> _Facts:
        if self._facts is None or self._facts.seq != seq:
            self._facts = _Facts(seq, timeline(db), _seen(db), _counts(db))
        return self._facts

    def _drilled(self, runbook: Runbook, now_ms: int) -> Stamps:
        """When its steps and signals were drilled; that changes only when a drill ends, so it is read again now and then."""
        known = self._stamps
        if known is None or known[0] != runbook.sha256 or now_ms - known[1] >= _STAMPS_AGE_MS:
            self._stamps = known = (runbook.sha256, now_ms, stamps_for(runbook))
        return known[2]

    @staticmethod
    def _gaps(db: sqlite3.Connection, walk: WalkState, judgement: Judgement) -> tuple[Gap, ...]:
        return gaps_of(db, walk, judgement)


def _judged(db: sqlite3.Connection, question: Question) -> tuple[Judgement, Mapping[int, Series]]:
    with staged(db, question):
        judgement = read_judgement(db, question)
        return judgement, read_series(db, judgement)


def _explanations(db: sqlite3.Connection, question: Question, signals: tuple[str, ...]) -> dict[str, SignalExplanation]:
    known = {row[0] for row in db.execute("SELECT signal FROM signal WHERE edition = ?", (question.edition,))}
    return {signal: explain(db, question, signal) for signal in signals if signal in known}


_STREAMS = """
SELECT s.stream, s.kind, s.every_ms,
       (SELECT max(c.to_ms) FROM coverage c WHERE c.stream = s.stream),
       (SELECT max(k.collected_ms) FROM collection k WHERE k.stream = s.stream),
       (SELECT CASE e.status WHEN 'ok' THEN '' ELSE e.status || ': ' || e.reason END FROM collection k
          JOIN collection_end e ON e.collection = k.id WHERE k.stream = s.stream ORDER BY k.id DESC LIMIT 1)
FROM source s WHERE s.edition = ? ORDER BY s.id"""


def _streams(db: sqlite3.Connection, edition: int, runbook: Runbook, walk: WalkState) -> tuple[StreamHealth, ...]:
    running = {stream for step in runbook.steps if walk.step(step.id).background for stream in step.feeds}
    found = []
    for stream, kind, every, covered, collected, failure in db.execute(_STREAMS, (edition,)).fetchall():
        next_ms = collected + every if stream in running and every and collected is not None else None
        found.append(StreamHealth(stream, kind, covered, collected, next_ms, failure or ""))
    return tuple(found)


def _papers(db: sqlite3.Connection, runbook: Runbook) -> tuple[RoleArtifact, ...]:
    """What answers the roles that any choice asks for."""
    roles = dict.fromkeys(role for step in runbook.steps for choice in step.choices for role in choice.roles)
    return artifacts_of(reading(db), roles)


def _seen(db: sqlite3.Connection) -> dict[str, Seen]:
    rows = db.execute("SELECT signal, at_ms, operator, first_trip_ms FROM acknowledgement ORDER BY id")
    return {signal: Seen(at, operator, trip) for signal, at, operator, trip in rows}


def _counts(db: sqlite3.Connection) -> dict[str, int]:
    return {table: int(db.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]) for table in _COUNTED}  # noqa: S608 fixed names


def _people(db: sqlite3.Connection) -> tuple[Person, ...]:
    rows = db.execute(
        "SELECT operator, os_user, host, terminal, pid, process_start, boot, started_ms FROM session ORDER BY id DESC LIMIT 20"
    ).fetchall()
    found = []
    for *fields, started in rows:
        who = Who(*fields)
        found.append(Person(who.operator, who.place, who.pid, started, str(life_of(who))))
    return tuple(found)


def _looked(db: sqlite3.Connection, ref: str) -> Looked | None:
    table, _, number = ref.partition(":")
    if table not in _LOOKED or not number.isdecimal():
        return None
    cursor = db.execute(f'SELECT * FROM "{table}" WHERE id = ?', (int(number),))  # noqa: S608 one of fixed names
    row = cursor.fetchone()
    if row is None:
        return None
    names = [column[0] for column in cursor.description]
    fields = [(name, "" if value is None else str(value)) for name, value in zip(names, row, strict=True)]
    return Looked(ref, tuple(fields))


def _resume(db: sqlite3.Connection, walk: WalkState, now: Judgement) -> Resume | None:
    last = walk.last
    if last is None:
        return None
    then = judge(db, question_at(db, as_of_ms=last.at_ms, live=True, known_seq=last.seq))
    before = {signal.id: signal.state for signal in then.signals}
    changed = tuple((s.id, before[s.id], s.state) for s in now.signals if before.get(s.id, s.state) != s.state)
    return Resume(last.at_ms, last.operator, f"{last.step} {last.kind}", tuple(s.id for s in walk.lost), changed)
