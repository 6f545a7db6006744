"""Everything that the pages and packets say about a case, read once, as frozen rows.

One reading gives one state of the file: signals, drawings and gaps come out of the same staged question. Nothing is judged, counted
against a limit or written here, and no clock is read: the same file gives the same facts.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from store.chain import ChainEntry, last_entry
from store.errors import NotACase, RunbookInvalid
from store.explain import Gap as Unwatched
from store.judge import Judgement, Question, frontier_question, read_judgement, staged
from store.runbook.model import Runbook
from store.seal.carry import OpenItem, open_items
from store.seal.gaps import gap_report
from store.series import Series, read_series
from store.verdict import Verdict, judge_verdict, verdict_question
from store.walk.session import Life, Who
from store.walk.states import WalkState, read_walk


class CaseCard(NamedTuple):
    """What the case says about itself."""

    case_id: str
    title: str
    drill: bool
    created_ms: int
    operator: str
    machine: str
    program_version: str
    predecessor_name: str | None
    predecessor_sha256: str | None
    predecessor_head: str | None


class EditionCard(NamedTuple):
    """The runbook that was asked."""

    id: int
    sha256: str
    definition_sha256: str
    path: str
    adopted_ms: int
    reason: str


class DecidedState(NamedTuple):
    """What the views said of one signal when a decision was taken."""

    signal: str
    state: str
    reason: str


class Cited(NamedTuple):
    """One citation: the reference, and how old the evidence was."""

    ref: str
    evidence: str
    evidence_id: int
    age_ms: int | None


@dataclass(frozen=True, slots=True)
class DecisionCard:
    """A named choice with its reason, its evidence and what the signals said then."""

    id: int
    at_ms: int
    operator: str
    step: str
    choice: str
    reason: str
    scope: str | None
    override: str | None
    evaluation: int
    as_of_ms: int
    known_seq: int
    citations: tuple[Cited, ...]
    states: tuple[DecidedState, ...]


class MarkCard(NamedTuple):
    """A named moment; `holds` when it is the newest of its name."""

    id: int
    name: str
    at_ms: int
    deployment: str | None
    previous: str | None
    operator: str
    holds: bool


class WindowCard(NamedTuple):
    """A named stretch of time; `holds` when it is the newest of its name."""

    id: int
    name: str
    from_ms: int
    to_ms: int
    operator: str
    holds: bool


class NoteCard(NamedTuple):
    """What someone said."""

    id: int
    at_ms: int
    operator: str
    step: str | None
    body: str
    cites: str | None


class ArtifactCard(NamedTuple):
    """A file as evidence; `held` when its bytes are in the case, `picture` when those are a raster image of the type it claims."""

    id: int
    name: str
    role: str
    media_type: str
    size: int
    sha256: str
    captured_ms: int
    from_ms: int | None
    to_ms: int | None
    path: str | None
    redaction: str
    held: bool
    picture: bool


class Unknown(NamedTuple):
    """One thing that a reader must not take for granted; `ref` names its row where there is one."""

    kind: str
    ref: str
    what: str


class SealCard(NamedTuple):
    """How the case ended."""

    at_ms: int
    operator: str
    worst: str
    from_ms: int
    to_ms: int
    gaps: int
    override: str | None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case at one question."""

    card: CaseCard
    edition: EditionCard
    head: ChainEntry
    runbook: Runbook | None
    walk: WalkState
    judgement: Judgement
    series: Mapping[int, Series]
    verdict: Verdict | None
    unwatched: Mapping[int, tuple[Unwatched, ...]]
    unknown: tuple[Unknown, ...]
    carried: tuple[OpenItem, ...]
    seal: SealCard | None
    decisions: tuple[DecisionCard, ...]
    marks: tuple[MarkCard, ...]
    windows: tuple[WindowCard, ...]
    notes: tuple[NoteCard, ...]
    artifacts: tuple[ArtifactCard, ...]

    @property
    def sealed(self) -> bool:
        """Whether the case has ended."""
        return self.head.kind == "seal"

    @property
    def question(self) -> Question:
        """The question that the signals answer."""
        return self.judgement.question


_PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
_DECISIONS = (
    "SELECT d.id, d.at_ms, d.operator, d.step, d.choice, d.reason, d.scope, d.override, d.evaluation, e.as_of_ms, e.known_seq "
    "FROM decision d JOIN evaluation e ON e.id = d.evaluation WHERE d.seq <= ? ORDER BY d.id"
)
_NOTES = "SELECT id, at_ms, operator, step, body, cites FROM note WHERE seq <= ? ORDER BY id"
_NEWEST = (
    "NOT EXISTS (SELECT 1 FROM {table} later WHERE later.name = t.name AND later.id > t.id AND later.seq <= :known)"
)


def read_case(db: sqlite3.Connection, question: Question | None = None) -> CaseFacts:
    """Read a case at a question; at the end of the evidence if none is given.

    Raises:
        NotACase: the file holds no runbook or no chain.
    """
    asked = question or frontier_question(db)
    verdict = _verdict(db, asked.known_seq)
    with staged(db, asked):
        judgement = read_judgement(db, asked)
        series = read_series(db, judgement)
        missed = {
            c.definition: unwatched(db, c.definition, c.from_ms, c.to_ms)
            for s in judgement.signals
            for c in s.conditions
        }
        head = last_entry(db)
        if head is None:
            raise NotACase("the file holds no chain entry", "look closer with: closeout verify CASE")
        runbook = _runbook(db, asked.edition)
        walk = _walk(db, runbook, asked, head)
        return CaseFacts(
            card=_card(db),
            edition=_edition(db, asked.edition),
            head=head,
            runbook=runbook,
            walk=walk,
            judgement=judgement,
            series=series,
            verdict=verdict,
            unwatched=missed,
            unknown=_unknown(db, walk, judgement, head),
            carried=open_items(db),
            seal=_seal(db),
            decisions=_decisions(db, asked.known_seq),
            marks=_marks(db, asked.known_seq),
            windows=_windows(db, asked.known_seq),
            notes=tuple(NoteCard._make(row) for row in db.execute(_NOTES, (asked.known_seq,))),
            artifacts=_artifacts(db, asked.known_seq),
        )


def unwatched(db: sqlite3.Connection, definition: int, from_ms: int, to_ms: int) -> tuple[Unwatched, ...]:
    """Time of a window that nobody watched, per stream, where a condition goes by watched time. Call it inside `staged`."""
    rows = db.execute(
        """
        SELECT stream, min(signature), reached, next_ms, count(*) FROM (
            SELECT stream, signature, max(to_ms) OVER sofar AS reached, min(ifnull(lead(from_ms) OVER sofar, :to), :to) AS next_ms
            FROM (SELECT stream, signature, from_ms, to_ms FROM island WHERE definition = :definition AND to_ms > :from AND from_ms < :to
                  UNION ALL SELECT l.stream, l.signature, 0, :from FROM lane l JOIN definition d ON d.id = l.definition
                  WHERE l.definition = :definition AND d.kind NOT IN ('queue', 'probe', 'level'))
            WINDOW sofar AS (PARTITION BY stream, signature ORDER BY from_ms, to_ms ROWS UNBOUNDED PRECEDING))
        WHERE reached < next_ms GROUP BY stream, reached, next_ms ORDER BY 1, 3""",
        {"definition": definition, "from": from_ms, "to": to_ms},
    ).fetchall()
    lanes = dict(
        db.execute("SELECT stream, count(*) FROM lane WHERE definition = ? GROUP BY stream", (definition,)).fetchall()
    )
    return tuple(
        Unwatched(stream, "" if count == lanes[stream] else signature, start, end)
        for stream, signature, start, end, count in rows
    )


def _marks(db: sqlite3.Connection, known_seq: int) -> tuple[MarkCard, ...]:
    rows = db.execute(_named("mark", "at_ms, deployment, previous"), {"known": known_seq})
    return tuple(MarkCard._make((*row[:6], bool(row[6]))) for row in rows)


def _windows(db: sqlite3.Connection, known_seq: int) -> tuple[WindowCard, ...]:
    rows = db.execute(_named('"window"', "from_ms, to_ms"), {"known": known_seq})
    return tuple(WindowCard._make((*row[:5], bool(row[5]))) for row in rows)


def _named(table: str, columns: str) -> str:
    newest = _NEWEST.format(table=table)
    return f"SELECT t.id, t.name, {columns}, t.operator, {newest} FROM {table} t WHERE t.seq <= :known ORDER BY t.id"  # noqa: S608


def _verdict(db: sqlite3.Connection, known_seq: int) -> Verdict | None:
    """The verdict on the windows named baseline and postfix, once both are named."""
    rows = db.execute(
        "SELECT name, from_ms, to_ms FROM \"window\" WHERE seq <= ? AND name IN ('baseline', 'postfix') ORDER BY id",
        (known_seq,),
    ).fetchall()
    named = {name: (from_ms, to_ms) for name, from_ms, to_ms in rows}
    if len(named) < 2:
        return None
    return judge_verdict(db, verdict_question(db, named["baseline"], named["postfix"], known_seq=known_seq))


def _card(db: sqlite3.Connection) -> CaseCard:
    row = db.execute(
        "SELECT case_id, title, drill, created_ms, operator, machine, program_version, predecessor_name, predecessor_sha256, "
        "predecessor_head FROM case_info ORDER BY id LIMIT 1"
    ).fetchone()
    return CaseCard._make((*row[:2], bool(row[2]), *row[3:]))


def _edition(db: sqlite3.Connection, edition: int) -> EditionCard:
    return EditionCard(
        *db.execute(
            "SELECT id, sha256, definition_sha256, path, adopted_ms, reason FROM edition WHERE id = ?", (edition,)
        ).fetchone()
    )


@functools.lru_cache(maxsize=8)
def _parsed(text: str, path: str) -> Runbook | None:
    from store.runbook.parse import parse_runbook  # pydantic is heavy

    try:
        return parse_runbook(text, path)
    except RunbookInvalid:
        return None  # a case from elsewhere; the page says that its runbook does not read


def _runbook(db: sqlite3.Connection, edition: int) -> Runbook | None:
    return _parsed(*db.execute("SELECT text, path FROM edition WHERE id = ?", (edition,)).fetchone())


def _walk(db: sqlite3.Connection, runbook: Runbook | None, asked: Question, head: ChainEntry) -> WalkState:
    """The walk as its last writer left it: no process is asked whether it lives, so that every reader sees the same."""
    if runbook is None:
        return WalkState(asked.edition, head.at_ms, (), None, None, None)
    return read_walk(db, runbook, edition=asked.edition, now_ms=head.at_ms, life=_as_written)


def _unknown(db: sqlite3.Connection, walk: WalkState, judgement: Judgement, head: ChainEntry) -> tuple[Unknown, ...]:
    """The gap report: of a sealed case as it was sealed, of an open one as it would be now, without the steps that are yet to be done."""
    if head.kind == "seal":
        return tuple(Unknown._make(row) for row in db.execute("SELECT kind, ref, text FROM gap ORDER BY id"))
    report = gap_report(db, walk, judgement)
    return tuple(Unknown(gap.kind, gap.ref, gap.text) for gap in report if gap.kind != "open_step")


def _seal(db: sqlite3.Connection) -> SealCard | None:
    row = db.execute(
        "SELECT at_ms, operator, worst, from_ms, to_ms, gaps, override FROM seal ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return SealCard._make(row) if row else None


def _as_written(who: Who) -> Life:
    return Life.ELSEWHERE


def _decisions(db: sqlite3.Connection, known_seq: int) -> tuple[DecisionCard, ...]:
    return tuple(_decision(db, row) for row in db.execute(_DECISIONS, (known_seq,)).fetchall())


def _decision(db: sqlite3.Connection, row: Sequence[Any]) -> DecisionCard:
    id, at_ms, operator, step, choice, reason, scope, override, evaluation, as_of_ms, decided_seq = row
    citations = db.execute(
        "SELECT ref, evidence, evidence_id, age_ms FROM citation WHERE decision = ? ORDER BY id", (id,)
    )
    states = db.execute(
        "SELECT signal, state, reason FROM evaluation_result WHERE evaluation = ? ORDER BY id", (evaluation,)
    )
    return DecisionCard(
        id, at_ms, operator, step, choice, reason, scope, override, evaluation, as_of_ms, decided_seq,
        tuple(Cited._make(cited) for cited in citations), tuple(DecidedState._make(state) for state in states),
    )  # fmt: skip


def _artifacts(db: sqlite3.Connection, known_seq: int) -> tuple[ArtifactCard, ...]:
    rows = db.execute(
        "SELECT a.id, a.name, a.role, a.media_type, a.size, a.sha256, a.captured_ms, a.from_ms, a.to_ms, a.path, a.redaction, "
        "(SELECT substr(s.data, 1, 12) FROM sqlar s WHERE s.name = a.name) FROM artifact a WHERE a.seq <= ? ORDER BY a.id",
        (known_seq,),
    )
    return tuple(
        ArtifactCard._make((*row[:11], row[11] is not None, is_picture(row[3], row[11] or b""))) for row in rows
    )


def is_picture(media_type: str, beginning: bytes) -> bool:
    """Whether bytes that claim to be a raster image begin like one."""
    return media_type in _PICTURES and beginning.startswith(_PICTURES[media_type])


def picture_type(beginning: bytes) -> str:
    """The type of a raster image by how it begins."""
    return next((name for name, start in _PICTURES.items() if beginning.startswith(start)), "application/octet-stream")
