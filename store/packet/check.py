"""Check a packet against its case: are the files whole, does every citation exist, is it unchanged, does it cover what it claims?

Reads the packet's folder and the case, changes neither. A packet is text from elsewhere: its paths are never followed outside its folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from store.errors import BadInput
from store.instants import format_duration, format_instant, parse_instant
from store.packet.citations import claimed_window, row_sha256
from store.packet.make import Packet, artifact_hashes, make_packet

BROKEN = ("missing", "changed")
WEAK = ("withdrawn", "not covered", "differs")
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_LARGEST = 64 * 1024 * 1024


class FileFinding(NamedTuple):
    """One file: holds, missing, changed, or differs from what this program writes of the case at the same head.

    The index travels with the files, so whoever edits one can mend it; the case is what vouches for both.
    """

    path: str
    state: str


class CitationFinding(NamedTuple):
    """One citation: holds, missing, changed, withdrawn or not covered, with the reason and the file that shows it."""

    decision: str
    choice: str
    ref: str
    state: str
    why: str
    file: str
    from_ms: int | None
    to_ms: int | None


@dataclass(frozen=True, slots=True)
class PacketCheck:
    """What was found. `same_head`: the packet was made at the state that the case has now."""

    head: str
    same_head: bool
    files: tuple[FileFinding, ...]
    citations: tuple[CitationFinding, ...]
    undocumented: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """20 when something is missing or changed; 12 when a document differs, or evidence was withdrawn or covers too little; else 0."""
        states = {finding.state for finding in self.files} | {finding.state for finding in self.citations}
        if states & set(BROKEN) or self.undocumented:
            return 20
        return 12 if states & set(WEAK) else 0


def check_packet(db: sqlite3.Connection, folder: Path) -> PacketCheck:
    """Check the packet of a case below a folder.

    Raises:
        BadInput: there is no packet, or it is of another case, or its index or its summary cannot be read.
    """
    packet = make_packet(db)
    index = _read_index(folder, packet.names.index)
    summary = _read_summary(folder, index, packet.names.folder)
    head = str(_mapping(summary.get("head")).get("head"))
    same_head = head == packet.facts.head.head
    files = tuple(_files(folder, index, packet, same_head=same_head))
    if summary.get("case") != packet.facts.card.case_id:
        raise BadInput(
            f"the packet below {folder} is of another case, {summary.get('case')}",
            "name the case that it was made from",
        )
    states = {finding.path: finding.state for finding in files}
    citations = tuple(_citations(db, summary, states))
    written = {finding.decision for finding in citations}
    undocumented = tuple(
        f"decision:{decision.id}" for decision in packet.facts.decisions if f"decision:{decision.id}" not in written
    )
    return PacketCheck(head, same_head, files, citations, undocumented if same_head else ())


def _read_index(folder: Path, place: PurePosixPath) -> dict[PurePosixPath, str]:
    path = folder / place
    if not path.is_file():
        raise BadInput(
            f"there is no packet of this case below {folder}: no {place}",
            f"write one with: closeout packet CASE --out {folder}",
        )
    found: dict[PurePosixPath, str] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        match = _LINE.fullmatch(line)
        name = PurePosixPath(match[2]) if match else PurePosixPath("..")
        if match is None or name.is_absolute() or ".." in name.parts:
            raise BadInput(f"{path}:{number} is no line of an index")
        found[name] = match[1]
    return found


def _read_summary(folder: Path, index: Mapping[PurePosixPath, str], place: PurePosixPath) -> dict[str, Any]:
    names = [
        name for name in index if name.parent == place and name.name.startswith("closeout-") and name.suffix == ".json"
    ]
    if len(names) != 1 or not (folder / names[0]).is_file():
        raise BadInput(
            f"the packet below {folder} has no summary (closeout-….json)",
            f"write it again with: closeout packet CASE --out {folder}",
        )
    try:
        return _mapping(json.loads(_text(folder / names[0])))
    except ValueError as error:
        raise BadInput(f"{folder / names[0]} cannot be read: {error}") from error


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise BadInput(f"{path} is larger than a packet's text can be")
    return path.read_text("utf-8", "replace")


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _files(
    folder: Path, index: Mapping[PurePosixPath, str], packet: Packet, *, same_head: bool
) -> Iterator[FileFinding]:
    attached = dict(artifact_hashes(packet.facts, packet.artifacts))
    written = {file.path: file.sha256 for file in packet.documents} if same_head else {}
    for path, digest in index.items():
        state = _file_state(folder, path, digest)
        if state == "holds" and path in attached and digest not in attached.values():
            state = "changed"
        elif state == "holds" and written.get(path, digest) != digest:
            state = "differs"
        yield FileFinding(str(path), state)
    for path in {**written, **attached} if same_head else ():
        if path not in index:
            yield FileFinding(str(path), "missing")


def _file_state(folder: Path, name: PurePosixPath, digest: str) -> str:
    path = folder / name
    if not path.is_file():
        return "missing"
    with path.open("rb") as file:
        return "holds" if hashlib.file_digest(file, "sha256").hexdigest() == digest else "changed"


def _citations(
    db: sqlite3.Connection, summary: Mapping[str, Any], files: Mapping[str, str]
) -> Iterator[CitationFinding]:
    for decision in summary.get("decisions") or ():
        told = _mapping(decision)
        for citation in told.get("citations") or ():
            yield _citation(db, told, _mapping(citation), files)


def _citation(
    db: sqlite3.Connection, decision: Mapping[str, Any], citation: Mapping[str, Any], files: Mapping[str, str]
) -> CitationFinding:
    ref, file = str(citation.get("ref")), str(citation.get("file"))
    start, end = (_instant(citation.get(name)) for name in ("from", "to"))
    state, why = _citation_state(db, str(decision.get("ref")), ref, str(citation.get("row_sha256")), (start, end))
    if state == "holds" and files.get(file, "missing") != "holds":
        state, why = files.get(file, "missing"), "the file that shows it"
    return CitationFinding(str(decision.get("ref")), str(decision.get("choice")), ref, state, why, file, start, end)


def _citation_state(
    db: sqlite3.Connection, decision: str, ref: str, digest: str, window: tuple[int | None, int | None]
) -> tuple[str, str]:
    known = db.execute(
        "SELECT evidence, evidence_id FROM citation WHERE 'decision:' || decision = ? AND ref = ?", (decision, ref)
    ).fetchone()
    if known is None:
        return "missing", "the case holds no such citation"
    table, id = known
    stored = row_sha256(db, table, id)
    if stored is None:
        return "missing", "the cited row is not in the case"
    if stored != digest:
        return "changed", "the cited row is not what it was"
    if claimed_window(db, table, id) != window:
        return "changed", "it speaks for another window than the packet says"
    withdrawn = db.execute(
        "SELECT reason FROM retraction WHERE collection = ? ORDER BY id LIMIT 1", (_collection_of(db, table, id),)
    ).fetchone()
    if withdrawn is not None:
        return "withdrawn", str(withdrawn[0])
    return _covers(db, table, id, window)


def _collection_of(db: sqlite3.Connection, table: str, id: int) -> int | None:
    if table == "collection":
        return id
    if table == "evaluation":
        return None
    row = db.execute(f'SELECT collection FROM "{table}" WHERE id = ?', (id,)).fetchone()  # noqa: S608 a checked table
    return None if row is None else row[0]


def _covers(db: sqlite3.Connection, table: str, id: int, window: tuple[int | None, int | None]) -> tuple[str, str]:
    """Whether a cited collection watched all of the time that it claims; a reading speaks for its own instant."""
    start, end = window
    if table != "collection" or start is None or end is None or start == end:
        return "holds", ""
    (status,) = db.execute("SELECT (SELECT status FROM collection_end WHERE collection = ?)", (id,)).fetchone()
    if status not in ("ok", None):
        return "not covered", f"the collection ended {status}: it covers nothing"
    (covered,) = db.execute(
        "SELECT ifnull(sum(max(0, min(to_ms, :to) - max(from_ms, :from, reached))), 0) FROM (SELECT from_ms, to_ms, "
        "ifnull(max(to_ms) OVER (ORDER BY from_ms, to_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS reached "
        "FROM coverage WHERE collection = :id)",
        {"id": id, "from": start, "to": end},
    ).fetchone()
    if covered == end - start:
        return "holds", ""
    return "not covered", f"{format_duration(covered)} of {format_duration(end - start)} were watched"


def _instant(value: object) -> int | None:
    return parse_instant(value) if isinstance(value, str) else None


def tell_window(finding: CitationFinding) -> str:
    """The window that a citation claims, as text."""
    if finding.from_ms is None or finding.to_ms is None:
        return "no window"
    if finding.from_ms == finding.to_ms:
        return format_instant(finding.from_ms)
    return f"{format_instant(finding.from_ms)} to {format_instant(finding.to_ms)}"
