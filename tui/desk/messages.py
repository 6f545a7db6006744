"""What the desk's threads tell its screen. Frequent ones replace the older one that still waits, so that a slow terminal never lags behind."""

from __future__ import annotations

from textual.message import Message

from tui.desk.runs import Ended
from tui.desk.snapshot import Snapshot


class SnapshotReady(Message):
    """A newer picture of the case."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Only the newest picture matters."""
        return isinstance(message, SnapshotReady)


class ReadFailed(Message):
    """The case could not be read; the last picture stands, and says since when."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__()
        self.why = why
        self.hint = hint

    def can_replace(self, message: Message) -> bool:
        """Only the newest reason matters."""
        return isinstance(message, ReadFailed)


class Written(Message):
    """A deed was committed; `said` is what to tell of it."""

    def __init__(self, said: str) -> None:
        super().__init__()
        self.said = said


class WriteFailed(Message):
    """A deed was refused or could not be stored; nothing of it is in the case."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__()
        self.why = why
        self.hint = hint


class Waiting(Message):
    """A deed waits, because another process holds the case; `text` says which one and for how long."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def can_replace(self, message: Message) -> bool:
        """Only the newest word matters."""
        return isinstance(message, Waiting)


class ReviewOpen(Message):
    """The review of the case answers at an address."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


class RunEnded(Message):
    """A process that the desk started has ended; what it did is in the case."""

    def __init__(self, ended: Ended) -> None:
        super().__init__()
        self.ended = ended
