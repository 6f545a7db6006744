"""Reading a case file's bytes beside SQLite, without taking SQLite's locks away.

POSIX drops every lock that a process holds on a file as soon as the process closes any descriptor of that file. A plain `open` and
`close` on a case that is open here would let another process write into our transaction. So descriptors are kept while a case is open,
and the last few are kept anyway: the same file is looked at again, and other libraries open it too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from pathlib import Path

Identity = tuple[int, int]

_KEPT = 16
_CHUNK = 1 << 20
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux

_guard = threading.Lock()
_held: Counter[Identity] = Counter()
_descriptors: OrderedDict[Identity, int] = OrderedDict()


def hold(path: Path) -> Identity:
    """Say that a connection to the file is about to be made; returns what `release` takes."""
    found = path.stat()
    identity = (found.st_dev, found.st_ino)
    with _guard:
        _held[identity] += 1
    return identity


def release(identity: Identity) -> None:
    """Say that a connection to the file was closed."""
    with _guard:
        _held[identity] -= 1
        if _held[identity] <= 0:
            del _held[identity]
        _drop_oldest()


def forget(path: Path) -> None:
    """Close what is kept of a file that is going to be removed."""
    with contextlib.suppress(OSError), _guard:
        found = path.stat()
        descriptor = _descriptors.pop((found.st_dev, found.st_ino), None)
        if descriptor is not None:
            os.close(descriptor)


def read_start(path: Path, size: int) -> bytes:
    """The first bytes of a file, fewer when it is shorter."""
    with _borrowed(path) as descriptor:
        return os.pread(descriptor, size, 0)


def chunks(path: Path) -> Iterator[bytes]:
    """All bytes of a file, piece by piece."""
    with _borrowed(path) as descriptor:
        place = 0
        while piece := os.pread(descriptor, _CHUNK, place):
            yield piece
            place += len(piece)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    for piece in chunks(path):
        digest.update(piece)
    return digest.hexdigest()


def locked_by(path: Path, start: int, length: int) -> int | None:
    """Id of another process that holds a write lock in a range of bytes; nothing where the system does not tell."""
    if sys.platform != "linux" or struct.calcsize("l") != 8:
        return None
    import fcntl

    question = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, start, length, 0)
    with _borrowed(path) as descriptor, contextlib.suppress(OSError):
        kind, _, _, _, process = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
        return int(process) if kind != fcntl.F_UNLCK and process > 0 else None
    return None


@contextlib.contextmanager
def _borrowed(path: Path) -> Iterator[int]:
    with _guard:
        identity, descriptor = _descriptor(path)
        _held[identity] += 1
    try:
        yield descriptor
    finally:
        release(identity)


def _descriptor(path: Path) -> tuple[Identity, int]:
    found = path.stat()
    identity = (found.st_dev, found.st_ino)
    if identity not in _descriptors:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        found = os.fstat(descriptor)
        identity = (found.st_dev, found.st_ino)
        _descriptors[identity] = descriptor
    _descriptors.move_to_end(identity)
    return identity, _descriptors[identity]


def _drop_oldest() -> None:
    while len(_descriptors) > _KEPT:
        unused = next((identity for identity in _descriptors if identity not in _held), None)
        if unused is None:
            return
        os.close(_descriptors.pop(unused))
