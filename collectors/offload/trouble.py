"""What went wrong between us and the database, as evidence. Needs no driver: pasted answers are refused with it too."""

from __future__ import annotations


class Trouble(Exception):
    """The question was not answered, or its answer proves nothing; the reason is one sentence without a secret."""

    def __init__(self, reason: str, sqlstate: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sqlstate = sqlstate
