"""Whole lines for the fast reader from one reused buffer, which grows only for a line longer than itself."""

from __future__ import annotations

from collections.abc import Callable

from collectors.logs.fast_form import AnyFastLines
from collectors.logs.objects import LONGEST, TOO_LONG
from collectors.logs.record import Unread

BUFFER = 256 * 1024

Fill = Callable[[memoryview], int]
"""Puts the next text into a buffer and says how much; 0 at the end."""


def feed_lines(fast: AnyFastLines, head: bytes, fill: Fill) -> None:
    """Feed a log whose beginning was read already."""
    end = head.rfind(b"\n") + 1
    if end:
        fast.block(bytearray(head), end)
    buffer = bytearray(max(BUFFER, 2 * (len(head) - end)))
    filled = len(head) - end
    buffer[:filled] = head[end:]
    while True:
        if filled == len(buffer):
            if filled >= LONGEST:
                filled = _skip_line(fast, buffer, fill)
                continue
            buffer = buffer + bytearray(len(buffer))
        with memoryview(buffer)[filled:] as free:
            count = fill(free)
        if count == 0:
            break
        filled += count
        end = buffer.rfind(b"\n", filled - count, filled) + 1
        if end:
            fast.block(buffer, end)
            buffer[: filled - end] = buffer[end:filled]
            filled -= end
    if filled:
        fast.block(buffer, filled)


def _skip_line(fast: AnyFastLines, buffer: bytearray, fill: Fill) -> int:
    """Give up a line that no memory should hold; returns how much of the next lines is in the buffer."""
    fast.gather.take_unread(Unread(fast.line, TOO_LONG, bytes(buffer[:1024])))
    fast.line += 1
    while True:
        with memoryview(buffer) as free:
            count = fill(free)
        end = buffer.find(b"\n", 0, count) + 1
        if end or count == 0:
            buffer[: count - end] = buffer[end:count]
            return count - end
