"""A large file read by two processes, each from one of its lines on. What they find is one gathering, as if one had
read it all.

The second process is a copy of this one made without starting a program anew; it touches neither the case nor the
terminal and tells what it found through a file. If it cannot, this one reads its part, too.
"""

from __future__ import annotations

import os
import tempfile
import threading
from typing import IO

from collectors.logs.blocks import feed_lines
from collectors.logs.fast_form import AnyFastLines, fast_lines
from collectors.logs.share import absorb, share_of, write_share
from collectors.logs.source import LogSource

WORTH = 64 * 1024 * 1024
"""Below this size a second process costs more than it saves."""
# This process also hashes the whole file, so it takes the smaller part.
_OWN_PERCENT = 38
_BLOCK = 256 * 1024


def worth_two(opened: LogSource) -> bool:
    """Whether a log is a large plain file, and this process one that can safely be copied."""
    if opened.path is None or (opened.size or 0) < WORTH or not hasattr(os, "fork"):
        return False
    return threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def read_in_two(fast: AnyFastLines, head: bytes, opened: LogSource, *, search: bool) -> None:
    """Read a plain file whose beginning was read already."""
    cut = _line_after(opened, max(len(head), (opened.size or 0) * _OWN_PERCENT // 100))
    with tempfile.TemporaryFile(prefix="closeout-") as told:
        child = os.fork()
        if child == 0:
            _work(fast, head, opened.path or "", cut, told, search=search)
        try:
            left = cut - len(head)

            def fill(free: memoryview) -> int:
                nonlocal left
                count = opened.read_into(free[: min(len(free), left)]) if left else 0
                left -= count
                return count

            feed_lines(fast, head, fill)
            hash_rest(opened)
        finally:
            _, status = os.waitpid(child, 0)
        if status == 0:
            told.seek(0)
            absorb(fast.gather, told, fast.line - 1)
        else:
            with open(opened.path or "", "rb", buffering=0) as rest:  # noqa: PTH123 opened as it was
                rest.seek(cut)
                feed_lines(fast, b"", rest.readinto)


def hash_rest(opened: LogSource) -> None:
    """Read to the end for the hash alone."""
    buffer = memoryview(bytearray(_BLOCK))
    while opened.read_into(buffer):
        pass


def _line_after(opened: LogSource, at: int) -> int:
    """Where the first line begins that starts at or after a place."""
    with open(opened.path or "", "rb", buffering=0) as file:  # noqa: PTH123
        file.seek(at - 1)
        while block := file.read(_BLOCK):
            if (end := block.find(b"\n")) >= 0:
                return at + end
            at += len(block)
    return opened.size or at


def _work(fast: AnyFastLines, head: bytes, path: str, cut: int, told: IO[bytes], *, search: bool) -> None:
    """What the second process does; it ends here."""
    code = 1
    try:
        gather = share_of(fast.gather)
        mine = fast_lines(head, gather, search=search)
        if mine is not None:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                file.seek(cut)
                feed_lines(mine, b"", file.readinto)
            write_share(gather, told)
            code = 0
    finally:
        os._exit(code)  # nothing of the first process's clean-up may run twice
