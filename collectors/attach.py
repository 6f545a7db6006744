"""Take files in by hand: the collector for whatever no other collector can reach. Bounded; a large file is named, not copied."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from store.case import Case
from store.errors import BadInput
from store.evidence import Artifact
from store.transaction import Transaction

KEEP_INSIDE = 16 * 1024 * 1024
FOLDER = "attachments"
AS_GIVEN = "none: attached as it was given"

_BLOCK = 1024 * 1024
_SHORTEST_SECRET = 4
_MOST_NAMES = 20
_LONGEST_NAME = 180  # with a hash behind it, still a name on every file system


class Attached(NamedTuple):
    """One file as it is now in the case. `again` when the same bytes were there before."""

    id: int
    name: str
    size: int
    sha256: str
    inside: bool
    again: bool

    @property
    def ref(self) -> str:
        """The form of citation used everywhere."""
        return f"artifact:{self.id}"


class _Read(NamedTuple):
    data: bytes | None
    size: int
    sha256: str


def attach_files(
    case: Case,
    paths: Iterable[Path | str],
    *,
    role: str,
    window: tuple[int, int] | None,
    now_ms: Callable[[], int],
    secrets: Mapping[str, str] | None = None,
) -> tuple[Attached, ...]:
    """Store files as evidence; up to 16 MiB inside the case, larger ones by their place, size and hash.

    Args:
        window: the stretch of time that the files speak of.
        secrets: names and values that must not get into the case.

    Raises:
        BadInput: a file cannot be read, changes meanwhile, or holds a secret. Files before it are stored.
    """
    files = [Path(path) for path in paths]
    for path in files:
        _check(path)
    return tuple(_attach(case, path, role, window, now_ms(), secrets or {}) for path in files)


def store_bytes(tx: Transaction, artifact: Artifact, data: bytes, folder: Path) -> Artifact:
    """Store bytes of our own making with their artifact row: inside the case, or beside it in `folder` when they are large."""
    artifact = artifact._replace(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    if len(data) <= KEEP_INSIDE:
        tx.add_blob(artifact.name, data)
    else:
        place = folder / artifact.name.rsplit("/", 1)[-1]
        folder.mkdir(mode=0o700, exist_ok=True)
        place.write_bytes(data)
        artifact = artifact._replace(path=f"{folder.name}/{place.name}")
    tx.add(artifact)
    return artifact


def folder_beside(case: Case) -> Path:
    """Where large files of a case lie."""
    return case.path.absolute().parent / f"{case.path.stem}-files"


def _attach(
    case: Case, path: Path, role: str, window: tuple[int, int] | None, now_ms: int, secrets: Mapping[str, str]
) -> Attached:
    read = _read(path, secrets)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    from_ms, to_ms = window or (None, None)
    where = None if read.data is not None else str(path.absolute())
    with case.transaction("attach") as tx:
        name, again = _name(tx, path.name, read.sha256, (role, from_ms, to_ms))
        if again is not None:
            return Attached(again, name, read.size, read.sha256, read.data is not None, again=True)
        if read.data is not None:
            tx.add_blob(name, read.data)
        id = tx.add(Artifact(None, name, role, kind, read.size, read.sha256, now_ms, from_ms, to_ms, where, AS_GIVEN))
    return Attached(id, name, read.size, read.sha256, read.data is not None, again=False)


def _check(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise BadInput(f"{path} is not a file", "name files one by one")


def _read(path: Path, secrets: Mapping[str, str]) -> _Read:
    """Read once, keep what is small, hash everything; what changes while it is read is no evidence."""
    wanted = {name: value.strip().encode() for name, value in secrets.items() if len(value.strip()) >= _SHORTEST_SECRET}
    longest = max((len(value) for value in wanted.values()), default=1)
    digest, size, kept, tail = hashlib.sha256(), 0, bytearray(), b""
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
                if size <= KEEP_INSIDE:
                    kept += block
                for name, value in wanted.items():
                    if value in tail + block:
                        raise BadInput(f"{path} holds the value of {name}", "take it out first")
                tail = (tail + block)[-longest:]
            after = os.fstat(file.fileno())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise BadInput(f"{path} changed while it was read", "attach it when it is finished")
    return _Read(bytes(kept) if size <= KEEP_INSIDE else None, size, digest.hexdigest())


def _name(tx: Transaction, given: str, sha256: str, about: tuple[object, ...]) -> tuple[str, int | None]:
    """A free name inside the case, or the artifact that already holds these bytes with the same role and window."""
    safe = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "-", given)).strip("-.") or "file"
    if len(safe) > _LONGEST_NAME:
        safe = safe[: _LONGEST_NAME - 20] + safe[-20:]  # its end tells what it is
    stem, dot, suffix = safe.rpartition(".")
    stem, suffix = (stem, f".{suffix}") if dot and stem else (safe, "")
    ends = ["", f"-{sha256[:12]}", *(f"-{sha256[:12]}-{number}" for number in range(2, _MOST_NAMES))]
    for name in (f"{FOLDER}/{stem}{end}{suffix}" for end in ends):
        found = tx.query("SELECT id, sha256, role, from_ms, to_ms FROM artifact WHERE name = ?", (name,))
        if not found:
            return name, None
        if found[0][1:] == (sha256, *about):
            return name, int(found[0][0])
    raise BadInput(f"{given} cannot be named inside the case", "rename it")
