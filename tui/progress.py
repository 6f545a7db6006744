"""Progress of long work on a terminal: how much, how fast, how long still. Silent where nobody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType

_EVERY_S = 0.2
_AFTER_S = 0.5


class Progress:
    """Call it with bytes done and the size, if known; it draws one line on standard error and takes it away at the end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = False
        self._start = self._last = time.monotonic()
        self._wanted = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, done: int, size: int | None) -> None:
        """Draw, at most five times a second, and only when it takes longer than a moment."""
        now = time.monotonic()
        if not self._wanted or now - self._last < _EVERY_S or now - self._start < _AFTER_S:
            return
        self._last, self._shown = now, True
        rate = done / (now - self._start)
        left = f", {(size - done) / rate:.0f} s left" if size and rate else ""
        share = f"{100 * done / size:3.0f} % " if size else ""
        sys.stderr.write(f"\r\x1b[K{self._name}: {share}{done / 1e6:.0f} MB, {rate / 1e6:.0f} MB/s{left}")
        sys.stderr.flush()
