"""Every error a user may meet, each with the exit code of the command line and the command that helps.

CloseoutError
├── RunbookInvalid      30   the runbook has faults; all of them are in `faults`
├── Refused             40   busy, foreign, sealed, not trusted, open steps, bad input, failed collection
│   ├── NotACase             the file is not a case, or belongs to a newer version
│   ├── CaseBusy             another process holds the file
│   ├── CaseSealed           the case has ended; a new one continues it
│   ├── DiskFull             no room for evidence; notes may still be stored
│   ├── NotTrusted           a case from elsewhere would run something here
│   └── BadInput             what was given cannot be read; nothing was loaded
└── EvidenceBroken      20   the file contradicts its own chain
"""

from __future__ import annotations


class CloseoutError(Exception):
    """A failure that is told in one line, with the command that helps.

    Args:
        message: what is wrong, in one sentence without a trailing full stop.
        hint: what to do or type next, or nothing.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class Refused(CloseoutError):
    """The program will not do this now; nothing was changed."""

    exit_code = 40


class NotACase(Refused):
    """The file is not a case of this program, or needs a newer one."""


class CaseBusy(Refused):
    """Another process has held the case for longer than we wait."""


class CaseSealed(Refused):
    """The case has ended with a seal and is never written again."""


class DiskFull(Refused):
    """Evidence is not being written; what was acknowledged stands, and notes are stored while a reserve lasts."""


class NotTrusted(Refused):
    """The case came from elsewhere and would run or contact something on this machine."""


class BadInput(Refused):
    """Input that cannot be read; nothing of it was loaded."""


class EvidenceBroken(CloseoutError):
    """The file contradicts its own chain."""

    exit_code = 20


class RunbookInvalid(CloseoutError):
    """The runbook has faults; each is one line `FILE:LINE: what: why`."""

    exit_code = 30

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults), "")
        self.faults = faults
