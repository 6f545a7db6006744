"""What each decision rests on, made checkable: the cited row, its hash, the file that shows it, and the window it speaks for.

A row's hash is that of its line in the chain's own form, so that anyone can compute it from the case again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import PurePosixPath
from typing import NamedTuple

from store.chain import row_query
from store.packet.evidence import PacketEvidence, WindowEvidence
from store.packet.names import PacketNames
from store.review.facts import CaseFacts, Cited, DecisionCard

_TIMED = {
    "log_match": "at_ms",
    "snapshot": "at_ms",
    "probe": "at_ms",
    "gauge": "at_ms",
    "run_count": "minute_ms",
    "traffic": "minute_ms",
}
_OFFLOAD = ("snapshot", "run_count", "probe", "gauge")


class Claim(NamedTuple):
    """One citation of one decision. The window is what the cited row claims to speak for; `file` shows it."""

    decision: int
    at_ms: int
    operator: str
    step: str
    choice: str
    ref: str
    row_sha256: str
    from_ms: int | None
    to_ms: int | None
    file: PurePosixPath


def read_claims(
    db: sqlite3.Connection,
    facts: CaseFacts,
    evidence: PacketEvidence,
    names: PacketNames,
    artifacts: dict[int, PurePosixPath],
) -> tuple[Claim, ...]:
    """Every citation of every decision."""
    return tuple(
        _claim(db, decision, cited, evidence, names, artifacts)
        for decision in facts.decisions
        for cited in decision.citations
    )


def row_sha256(db: sqlite3.Connection, table: str, id: int) -> str | None:
    """Hash of a stored row in the chain's form; None if there is no such row."""
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)).fetchone():
        return None
    row = db.execute(row_query(db, table), (id - 1, id)).fetchone()
    return None if row is None else hashlib.sha256(str(row[1]).encode()).hexdigest()


def claimed_window(db: sqlite3.Connection, table: str, id: int) -> tuple[int | None, int | None]:
    """The window that a cited row speaks for: an instant for a reading, from and to for a collection or a file."""
    if table in _TIMED:
        row = db.execute(f'SELECT "{_TIMED[table]}" FROM "{table}" WHERE id = ?', (id,)).fetchone()  # noqa: S608 fixed names
        return (row[0], row[0]) if row else (None, None)
    if table in ("collection", "artifact"):
        row = db.execute(f'SELECT from_ms, to_ms FROM "{table}" WHERE id = ?', (id,)).fetchone()  # noqa: S608 fixed names
        return (row[0], row[1]) if row else (None, None)
    row = db.execute("SELECT as_of_ms FROM evaluation WHERE id = ?", (id,)).fetchone()
    return (row[0], row[0]) if row else (None, None)


def _claim(
    db: sqlite3.Connection, decision: DecisionCard, cited: Cited, evidence: PacketEvidence, names: PacketNames,
    artifacts: dict[int, PurePosixPath],
) -> Claim:  # fmt: skip
    from_ms, to_ms = claimed_window(db, cited.evidence, cited.evidence_id)
    file = _file(db, cited, (from_ms, to_ms), evidence, names, artifacts)
    digest = row_sha256(db, cited.evidence, cited.evidence_id) or ""
    return Claim(
        decision.id,
        decision.at_ms,
        decision.operator,
        decision.step,
        decision.choice,
        cited.ref,
        digest,
        from_ms,
        to_ms,
        file,
    )


def _file(
    db: sqlite3.Connection, cited: Cited, window: tuple[int | None, int | None], evidence: PacketEvidence, names: PacketNames,
    artifacts: dict[int, PurePosixPath],
) -> PurePosixPath:  # fmt: skip
    """The packet's file that shows the cited row."""
    if cited.evidence == "artifact":
        return artifacts.get(cited.evidence_id, names.closeout)
    for shown, path in ((evidence.baseline, names.baseline), (evidence.postfix, names.verification)):
        if shown is not None and _shows(shown, cited, window):
            return path(shown.window.from_ms, shown.window.to_ms)
    offload = offload_path(evidence, names)
    if offload is not None and (cited.evidence in _OFFLOAD or _offload_collection(db, cited, evidence)):
        return offload
    return names.closeout


def offload_path(evidence: PacketEvidence, names: PacketNames) -> PurePosixPath | None:
    """The queue and ledger document, named by the newest snapshot, look or probe; None where there was none."""
    instants = [reading.at_ms for reading in evidence.queue] or [
        look.to_ms for look in evidence.looks if look.to_ms is not None
    ]
    instants = instants or [probe.at_ms for probe in evidence.probes]
    return names.offload(max(instants)) if instants else None


def _shows(shown: WindowEvidence, cited: Cited, window: tuple[int | None, int | None]) -> bool:
    if cited.evidence == "collection":
        return any(collection.id == cited.evidence_id for collection in shown.collections)
    start, end = window
    timed = cited.evidence in ("log_match", "traffic") and start is not None and end is not None
    return bool(timed and start is not None and shown.window.from_ms <= start < shown.window.to_ms)


def _offload_collection(db: sqlite3.Connection, cited: Cited, evidence: PacketEvidence) -> bool:
    if cited.evidence != "collection":
        return False
    looked = {look.id for look in evidence.looks}
    probes = "SELECT 1 FROM probe WHERE collection = ? LIMIT 1"
    return cited.evidence_id in looked or db.execute(probes, (cited.evidence_id,)).fetchone() is not None
