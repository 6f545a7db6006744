"""Make a packet out of a case: every file with its bytes, in one order. Same case, same bytes.

Nothing is read but the case, no clock and no environment; writing to a folder is `write_packet`'s alone.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from store.errors import Refused
from store.packet.citations import Claim, offload_path, read_claims
from store.packet.documents import baseline_document, closeout_document, verification_document
from store.packet.evidence import PacketEvidence, read_evidence
from store.packet.markdown import relative, write_markdown
from store.packet.names import PacketNames, name_instant, safe_part, safe_path
from store.packet.offload import offload_document
from store.packet.summary import summary_json
from store.packet.tables import delta_csv
from store.review.document import Card, Cards, Document, Drawing, FileOf, Fold, Target
from store.review.facts import ArtifactCard, CaseFacts, WindowCard, read_case
from store.review.static import static_page
from store.runbook.model import PACKET_ROLES

BROWSER_FOLDER = PurePosixPath("artifacts", "live-env-playwright")
_ACTIVE = (
    ".html",
    ".htm",
    ".xhtml",
    ".svg",
    ".xml",
    ".mht",
    ".mhtml",
    ".js",
    ".mjs",
    ".shtml",
    ".hta",
    ".url",
    ".webloc",
)


class PacketFile(NamedTuple):
    """One file of a packet."""

    path: PurePosixPath
    data: bytes

    @property
    def sha256(self) -> str:
        """Hash of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet before it is written: its documents, and which artifacts go beside them under which names."""

    facts: CaseFacts
    names: PacketNames
    documents: tuple[PacketFile, ...]
    artifacts: dict[int, PurePosixPath]
    claims: tuple[Claim, ...]


class _Files:
    """Paths seen from one document."""

    def __init__(self, home: PurePosixPath, names: PacketNames, artifacts: dict[int, PurePosixPath]) -> None:
        self._home, self._names, self._artifacts = home, names, artifacts

    def path(self, target: Target) -> str | None:
        """The relative path of an artifact; nothing else of a case is a file."""
        if isinstance(target, FileOf) and target.id in self._artifacts:
            return relative(self._artifacts[target.id], self._home)
        return None

    def drawing(self, drawing: Drawing) -> str:
        """The relative path of a drawing."""
        return relative(self._names.drawing(f"{self._home.stem}-{drawing.name}"), self._home)


def make_packet(db: sqlite3.Connection) -> Packet:
    """Make every document of a case's packet."""
    facts = read_case(db)
    evidence = read_evidence(db, facts)
    phase = facts.runbook.phase or facts.runbook.id if facts.runbook is not None else "unknown"
    names = PacketNames(phase, facts.question.as_of_ms)
    artifacts = _artifact_paths(facts, names)
    claims = read_claims(db, facts, evidence, names, artifacts)
    made: list[PacketFile] = []
    for path, document in _documents(facts, evidence, names):
        made += _written(path, document, names, artifacts)
    if facts.verdict is not None and evidence.postfix is not None:
        window = evidence.postfix.window
        made.append(PacketFile(names.delta(window.from_ms, window.to_ms), delta_csv(facts, facts.verdict)))
    made.append(PacketFile(names.summary, summary_json(facts, claims)))
    made.append(PacketFile(names.static, static_page(db, facts).encode()))
    listed = sorted([(file.path, file.sha256) for file in made] + artifact_hashes(facts, artifacts))
    closeout = closeout_document(facts, evidence, claims, tuple(listed), names.closeout)
    made += _written(names.closeout, closeout, names, artifacts)
    return Packet(facts, names, tuple(sorted(made)), artifacts, claims)


def packet_files(db: sqlite3.Connection, packet: Packet) -> Iterator[PacketFile]:
    """Every file with its bytes, artifacts one at a time, the index last."""
    sums: list[tuple[str, PurePosixPath]] = []
    for file in packet.documents:
        sums.append((file.sha256, file.path))
        yield file
    for artifact in packet.facts.artifacts:
        if artifact.id not in packet.artifacts:
            continue
        (data,) = db.execute("SELECT data FROM sqlar WHERE name = ?", (artifact.name,)).fetchone()
        file = PacketFile(packet.artifacts[artifact.id], bytes(data))
        sums.append((file.sha256, file.path))
        yield file
    text = "".join(f"{digest}  {path}\n" for digest, path in sorted(sums, key=lambda entry: entry[1]))
    yield PacketFile(packet.names.index, text.encode())


def write_packet(db: sqlite3.Connection, folder: Path) -> tuple[Packet, tuple[PacketFile, ...]]:
    """Write a packet below a folder; a file that is there already is replaced as a whole.

    Returns the packet and its files without their bytes.

    Raises:
        Refused: the folder cannot be written.
    """
    packet = make_packet(db)
    written: list[PacketFile] = []
    try:
        for file in packet_files(db, packet):
            _replace(folder / file.path, file.data)
            written.append(file)
    except OSError as error:
        raise Refused(
            f"cannot write below {folder}: {error.strerror or error}", "name another folder with --out DIR"
        ) from error
    return packet, tuple(written)


def role_documents(packet: Packet) -> dict[str, PurePosixPath]:
    """The documents that a decision to close cites, by the role under which they are attached."""
    return {
        role: document.path
        for document in packet.documents
        for role in PACKET_ROLES
        if document.path.parent == packet.names.folder and document.path.name.startswith(f"{role}-")
    }


def _documents(
    facts: CaseFacts, evidence: PacketEvidence, names: PacketNames
) -> Iterator[tuple[PurePosixPath, Document]]:
    if evidence.baseline is not None:
        window = evidence.baseline.window
        yield names.baseline(window.from_ms, window.to_ms), baseline_document(facts, evidence.baseline)
    if evidence.postfix is not None:
        window = evidence.postfix.window
        delta = names.delta(window.from_ms, window.to_ms) if facts.verdict is not None else None
        yield names.verification(window.from_ms, window.to_ms), verification_document(facts, evidence.postfix, delta)
    offload = offload_path(evidence, names)
    if offload is not None:
        yield offload, offload_document(facts, evidence)


def _written(
    path: PurePosixPath, document: Document, names: PacketNames, artifacts: dict[int, PurePosixPath]
) -> Iterator[PacketFile]:
    """A document as Markdown, and its drawings beside it."""
    yield PacketFile(path, write_markdown(document, _Files(path, names, artifacts)).encode())
    for drawing in _drawings(document.blocks):
        yield PacketFile(names.drawing(f"{path.stem}-{drawing.name}"), drawing.svg.encode())


def _drawings(blocks: tuple[object, ...]) -> Iterator[Drawing]:
    for block in blocks:
        if isinstance(block, Drawing):
            yield block
        elif isinstance(block, Card | Fold):
            yield from _drawings(block.blocks)
        elif isinstance(block, Cards):
            yield from _drawings(block.cards)


def _artifact_paths(facts: CaseFacts, names: PacketNames) -> dict[int, PurePosixPath]:
    """Where each artifact goes: browser artifacts under the contract's name, the rest under their own.

    Never two in one place, and never one where another needs a folder; names that differ in case only are one name.
    """
    found: dict[int, PurePosixPath] = {}
    files: set[str] = set()
    folders: set[str] = {str(BROWSER_FOLDER), str(BROWSER_FOLDER.parent)}
    for artifact in facts.artifacts:
        if not artifact.held:
            continue
        path = _inert(_artifact_path(artifact, facts.windows, names))
        above = {str(parent).casefold() for parent in path.parents}
        if above & files:
            path, above = PurePosixPath("artifacts", f"{path.stem}-{artifact.id}{path.suffix}"), {"artifacts", "."}
        while str(path).casefold() in files | folders:
            path = path.with_name(f"{path.stem}-{artifact.id}{path.suffix}")
        files.add(str(path).casefold())
        folders |= above
        found[artifact.id] = path
    return found


def _artifact_path(artifact: ArtifactCard, windows: tuple[WindowCard, ...], names: PacketNames) -> PurePosixPath:
    own = safe_path(artifact.name)
    if artifact.role != "browser" or own.is_relative_to(BROWSER_FOLDER):
        placed = own.parts[0] == "artifacts" and len(own.parts) > 1
        return own if placed else PurePosixPath("artifacts", *own.parts)
    side = next((w.name for w in windows if (w.from_ms, w.to_ms) == (artifact.from_ms, artifact.to_ms)), "postfix")
    at = name_instant(artifact.captured_ms)
    return BROWSER_FOLDER / f"phase-{names.phase}-{safe_part(side)}-{at}-{own.name}"


def _inert(path: PurePosixPath) -> PurePosixPath:
    """A file that a browser would run gets a name that it shows as text."""
    return path.with_name(f"{path.name}.txt") if path.suffix.lower() in _ACTIVE else path


def artifact_hashes(facts: CaseFacts, artifacts: dict[int, PurePosixPath]) -> list[tuple[PurePosixPath, str]]:
    """The artifacts of a packet: where each goes, and its hash in the case."""
    return [(artifacts[artifact.id], artifact.sha256) for artifact in facts.artifacts if artifact.id in artifacts]


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".closeout-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
