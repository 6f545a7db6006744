"""Begin a case: its file, who made it where, the runbook that holds, and the reader's kit."""

from __future__ import annotations

import getpass
import platform
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from store.case import SCHEMA_VERSION, Case, now_ms, remove_case
from store.editions import store_edition
from store.journal import CaseInfo, Scope
from store.reader_kit import canned_queries, descriptions, store_verifier
from store.runbook.model import Runbook

if TYPE_CHECKING:
    from store.seal.carry import Predecessor


@dataclass(frozen=True, slots=True)
class BegunCase:
    """A case that was made: its id and its first chain entry."""

    case_id: str
    seq: int
    head: str


def begin_case(
    path: Path,
    runbook: Runbook,
    *,
    title: str | None = None,
    operator: str | None = None,
    scope_start_ms: int | None = None,
    after: Path | None = None,
    drill: bool = False,
    clock: Callable[[], int] = now_ms,
) -> BegunCase:
    """Make a case file with a runbook in it. Nothing is left behind when that fails.

    Raises:
        Refused: the file is there already, or cannot be written.
        EvidenceBroken: the case that it continues does not verify.
    """
    now = clock()
    predecessor = _predecessor(after, drill=drill)
    case = Case.create(path, clock=clock)
    try:
        case_id = str(uuid.uuid4())
        with case, case.transaction("init") as tx:
            tx.add(
                CaseInfo(
                    case_id,
                    title or runbook.title or runbook.id,
                    int(drill),
                    now,
                    operator or operator_name(),
                    platform.node(),
                    SCHEMA_VERSION,
                    SCHEMA_VERSION,
                    program_version(),
                    *(predecessor[:3] if predecessor else ()),
                )
            )
            store_edition(tx, runbook, adopted_ms=now, reason="the runbook that the case began with")
            tx.add_all(descriptions())
            tx.add_all(canned_queries())
            store_verifier(tx, now)
            tx.add_all(predecessor.items if predecessor else ())
            if scope_start_ms is not None:
                tx.add(Scope(scope_start_ms, "given when the case began", None, now))
        _remember(runbook)
        with Case.open(path) as made:
            entry = made.head()
        return BegunCase(case_id, entry.seq, entry.head)
    except BaseException:
        remove_case(path)
        raise


def operator_name() -> str:
    """Who is at the keyboard, as the system says."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def program_version() -> str:
    """The version of this program, or a plain word in a bare checkout."""
    from importlib.metadata import PackageNotFoundError, version  # reads mail headers: dear

    try:
        return version("closeout")
    except PackageNotFoundError:
        return "checkout"


def _remember(runbook: Runbook) -> None:
    from store.runbook.remembered import remember  # other commands need only the names above

    remember(runbook)


def _predecessor(after: Path | None, *, drill: bool) -> Predecessor | None:
    if after is None:
        return None
    from store.seal.carry import read_predecessor  # it verifies and judges; most cases have none

    return read_predecessor(after, drill=drill)
