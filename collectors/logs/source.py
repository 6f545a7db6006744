"""Bytes of a log as they lie on disk or come through a pipe: counted, hashed, unpacked, in UTF-8.

The hash is that of the file itself, packed or not, so that `sha256sum` agrees. Refuses what can never be a log before
anything is stored; never waits forever for a pipe.
"""

from __future__ import annotations

import codecs
import fcntl
import hashlib
import io
import os
import select
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from store.errors import BadInput

BLOCK = 64 * 1024
STALL_S = 30.0
STDIN_STALL_S = 120.0
_SLICE = 4096

Progress = Callable[[int, int | None], None]


class LogSource:
    """One opened log. Iterate `blocks()` once, then read `sha256`, `bytes_read` and `cut_off`."""

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        *,
        size: int | None = None,
        progress: Progress | None = None,
        stall_s: float = STALL_S,
        already_read: bytes = b"",
    ) -> None:
        self.name = name
        self.size = size
        self.bytes_read = 0
        self.packing = ""
        self.encoding = ""
        self.cut_off = ""
        self._file = file
        self._hash = hashlib.sha256()
        self._progress = progress
        self._stall_s = stall_s
        self._already_read = already_read
        self._pending = b""
        self._waits = size is None

    def __enter__(self) -> LogSource:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not sys.stdin.buffer:
            self._file.close()

    @property
    def sha256(self) -> str:
        """Hash of the bytes read so far, as they came."""
        return self._hash.hexdigest()

    @property
    def path(self) -> str | None:
        """The path of a plain file, which can be read in ranges."""
        name = getattr(self._file, "name", None)
        plain = self.size is not None and not self.packing and not self.encoding
        return name if isinstance(name, str) and plain else None

    def blocks(self) -> Iterator[bytes]:
        """The log's text as UTF-8 blocks, unpacked; the byte order mark at its start is gone."""
        raw = self._raw()
        first = next(raw, b"")
        self.packing = packing_of(first, self.name)
        plain = _chain(first, raw)
        if self.packing:
            plain = self._unpacked(plain)
            first = next(plain, b"")
            plain = _chain(first, plain)
        self.encoding = encoding_of(first)
        if self.encoding:
            decoder = codecs.getincrementaldecoder(self.encoding)("replace")
            yield from (
                block
                for part in plain
                if (block := decoder.decode(part).encode("utf-8", "replace").removeprefix(codecs.BOM_UTF8))
            )
            return
        yield first.removeprefix(codecs.BOM_UTF8)
        next(plain, None)
        yield from plain

    def fill(self, free: memoryview, rest: Iterator[bytes]) -> int:
        """Put the next text into a buffer; 0 at the end. `rest` is what `blocks()` has not given yet; a plain file is
        read directly.
        """
        if self.size is not None and not self.packing and not self.encoding:
            return self.read_into(free)
        if not self._pending:
            self._pending = next(rest, b"")
        count = min(len(free), len(self._pending))
        free[:count] = self._pending[:count]
        self._pending = self._pending[count:]
        return count

    def read_into(self, free: memoryview) -> int:
        """Put the next bytes of a plain file into a buffer; 0 at the end."""
        count: int = self._file.readinto(free)  # type: ignore[attr-defined]
        with free[:count] as got:
            self.seen(got)
        return count

    def seen(self, block: bytes | memoryview) -> None:
        """Count and hash bytes as they came."""
        self._hash.update(block)
        self.bytes_read += len(block)
        if self._progress:
            self._progress(self.bytes_read, self.size)

    def _raw(self) -> Iterator[bytes]:
        if self._already_read:
            begun = self._already_read + _buffered(self._file)
            self.seen(begun)
            yield begun
        descriptor = self._file.fileno() if self._waits else -1
        while True:
            if self._waits and not select.select([descriptor], [], [], self._stall_s)[0]:
                raise BadInput(
                    f"nothing came from {self.name} for {self._stall_s:.0f} s",
                    "close the writing end, or import a file",
                )
            try:
                block = os.read(descriptor, BLOCK) if self._waits else self._file.read(BLOCK)
            except OSError as error:
                raise BadInput(f"cannot read {self.name}: {error.strerror}") from error
            if not block:
                return
            self.seen(block)
            yield block

    def _unpacked(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        unpack = _gunzip if self.packing == "gzip" else _unzstd
        try:
            yield from unpack(blocks)
        except EOFError:
            self.cut_off = f"the {self.packing} file is cut off"
        except (OSError, ValueError) as error:
            self.cut_off = f"the {self.packing} file is damaged: {error}"


def _buffered(file: BinaryIO) -> bytes:
    """What a buffered reader took from a pipe beyond what it was asked for."""
    if not isinstance(file, io.BufferedReader):
        return b""
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    fcntl.fcntl(file, fcntl.F_SETFL, flags | os.O_NONBLOCK)  # only so that looking at an empty pipe cannot wait
    try:
        return file.read1(len(file.peek()) or 1) or b""
    finally:
        fcntl.fcntl(file, fcntl.F_SETFL, flags)


def open_log(
    path: str, *, progress: Progress | None = None, stall_s: float | None = None, already_read: bytes = b""
) -> LogSource:
    """Open a log file, or standard input for `-`, of which the beginning may have been read already.

    Raises:
        BadInput: a folder, a device, missing, not readable.
    """
    if path in ("-", "/dev/stdin"):
        return LogSource(
            sys.stdin.buffer,
            "standard input",
            progress=progress,
            stall_s=STDIN_STALL_S if stall_s is None else stall_s,
            already_read=already_read,
        )
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise BadInput(f"{path} is a folder, not a log", "name the log file itself")
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
            raise BadInput(f"{path} is a device, not a log", "name a log file, or - for standard input")
        if stat.S_ISREG(mode):
            file = Path(path).open("rb", buffering=0)  # noqa: SIM115 closed by LogSource
            return LogSource(file, path, size=os.fstat(file.fileno()).st_size, progress=progress)
        # Opening a pipe without a writer would wait forever; opened like this the wait is the reader's own.
        pipe = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)
    except FileNotFoundError as error:
        raise BadInput(f"there is no file {path}") from error
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{path!r} is not a file name") from error
    return LogSource(pipe, path, progress=progress, stall_s=STALL_S if stall_s is None else stall_s)


def packing_of(head: bytes, name: str) -> str:
    """`gzip` or `zstd` when the bytes say so.

    Raises:
        BadInput: another packing, or a file that is no log at all.
    """
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    # A zstd file may begin with a frame to be skipped, as parallel writers put one there.
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return "zstd"
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise BadInput(f"{name} is {what}, not a log", "unpack it first" if what.endswith("archive") else "")
    return ""


_FOREIGN = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
}


def encoding_of(head: bytes) -> str:
    """The encoding when it is not UTF-8: told by its mark, or by every second byte of plain text being zero."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:4096]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if half >= 8 and max(even, odd) > half * 0.6 and min(even, odd) < half * 0.1:
        return "utf-16-be" if even > odd else "utf-16-le"
    return ""


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _gunzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """All members of a gzip file, one after the other."""
    member = zlib.decompressobj(wbits=31)
    for block in blocks:
        while block:
            if member.eof:
                block = block.lstrip(b"\0")
                if not block:
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                plain = member.decompress(block, BLOCK * 4)
            except zlib.error as error:
                raise ValueError(str(error)) from error
            if plain:
                yield plain
            block = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise EOFError


def _unzstd(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """All frames of a zstd file."""
    try:
        import zstandard
    except ImportError as error:
        raise BadInput(
            "reading zstd needs an extra package", "pip install 'closeout[fast]', or unpack it first: zstd -d FILE"
        ) from error
    packed = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    frame = packed.decompressobj()
    for block in blocks:
        # Small slices bound what one call can inflate to.
        for start in range(0, len(block), _SLICE):
            part = block[start : start + _SLICE]
            while part:
                if frame.eof:
                    frame = packed.decompressobj()
                try:
                    plain = frame.decompress(part)
                except zstandard.ZstdError as error:
                    raise ValueError(str(error)) from error
                if plain:
                    yield plain
                part = frame.unused_data if frame.eof else b""
    if not frame.eof:
        raise EOFError
