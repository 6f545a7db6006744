"""What people say beside the steps: notes, acknowledgements, marks, named windows, and the scopes that marks begin.

Each is one row in one transaction; a correction is a new row. A `rollback` or `fix` mark starts a new scope: what happened before it no
longer counts for the run, and stays listed.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from store.case import Case, Transaction
from store.errors import BadInput, Refused
from store.instants import format_instant
from store.journal import Acknowledgement, Mark, Note, Scope, Window
from store.walk.citations import resolve_refs
from store.walk.evaluations import judged_now
from store.walk.masking import masked, secret_values
from store.walk.walk import WRITER

SCOPE_MARKS = ("rollback", "fix")
"""Marks that start a new scope."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_SHIFTED = re.compile(r".*[+-]\d+(ms|s|m|h|d)")
_CARRIED = "carried_item:"
_AHEAD_MS = 5_000  # clocks of two machines may differ by as much; more is a slip of the finger


class Said(NamedTuple):
    """What was stored: its reference and its transaction."""

    ref: str
    seq: int


class Marked(NamedTuple):
    """A mark as stored; `scope_start_ms` if it began a new scope."""

    ref: str
    seq: int
    scope_start_ms: int | None


class Acknowledged(NamedTuple):
    """An acknowledgement as stored, with the state that was acknowledged."""

    ref: str
    seq: int
    state: str
    reason: str
    first_trip_ms: int | None


class GoodBefore(NamedTuple):
    """Which deployment serves, and which one served before it, as the marks say."""

    deployment: str | None
    previous: str | None
    at_ms: int


def add_note(
    case: Case,
    operator: str,
    text: str,
    *,
    step: str | None = None,
    cites: Sequence[str] = (),
    amends: int | None = None,
) -> Said:
    """Store what somebody says, as they say it.

    Raises:
        BadInput: nothing was said, or the step, the evidence or the amended note is not in this case.
    """
    if not text.strip():
        raise BadInput("the note is empty", "closeout note CASE TEXT")
    body = masked(text, secret_values(case.runbook(), os.environ))
    with case.transaction(WRITER) as tx:
        if step is not None:
            _check_known(step, _ids(tx, "step"), "step")
        if amends is not None and not tx.query("SELECT 1 FROM note WHERE id = ?", (amends,)):
            raise BadInput(f"there is no note:{amends} to amend", "closeout timeline CASE lists the notes")
        cited = _note_refs(tx, cites)
        id = tx.add(Note(case.clock(), operator, step, body, amends, cited))
        return Said(f"note:{id}", tx.seq)


def _note_refs(tx: Transaction, cites: Sequence[str]) -> str | None:
    """What a note keeps of its references: evidence, and items that the case before left open, which the note settles."""
    refs = dict.fromkeys(ref.strip() for ref in cites)
    carried = dict.fromkeys(_carried_ref(tx, ref) for ref in refs if ref.startswith(_CARRIED))
    evidence = [ref for ref in refs if not ref.startswith(_CARRIED)]
    found = [one.ref for one in resolve_refs(tx.query, evidence)] if evidence else []
    return " ".join([*found, *carried]) or None


def _carried_ref(tx: Transaction, ref: str) -> str:
    number = re.fullmatch(r"0*(\d{1,18})", ref.removeprefix(_CARRIED), re.ASCII)
    if number is None or not tx.query("SELECT 1 FROM carried_item WHERE id = ?", (int(number[1]),)):
        raise BadInput(f"there is no {ref} in this case", "closeout verdict CASE lists what the case before left open")
    return f"{_CARRIED}{int(number[1])}"


def acknowledge(case: Case, operator: str, signal: str, *, note: str = "") -> Acknowledged:
    """Say that an alarm was seen. It changes no state.

    Raises:
        BadInput: there is no such signal.
        Refused: it is ok; there is nothing to acknowledge.
    """
    judged = judged_now(case)
    _check_known(signal, [one.id for one in judged.signals], "signal")
    seen = next(one for one in judged.signals if one.id == signal)
    said = masked(note, secret_values(case.runbook(), os.environ)) if note else ""
    if seen.state == "ok":
        raise Refused(f"{signal} is ok: there is no alarm to acknowledge", "closeout status CASE")
    with case.transaction(WRITER) as tx:
        id = tx.add(Acknowledgement(case.clock(), operator, signal, seen.first_trip_ms, said))
        return Acknowledged(f"acknowledgement:{id}", tx.seq, seen.state, seen.reason, seen.first_trip_ms)


def add_mark(
    case: Case, operator: str, name: str, at_ms: int, *, deployment: str | None = None, previous: str | None = None
) -> Marked:
    """Name a moment; of several with one name the newest holds. A `rollback` or `fix` starts a new scope.

    Raises:
        BadInput: a name that time arguments could not tell from a shift.
        Refused: the moment is still to come.
    """
    _check_name(name)
    now = case.clock()
    if at_ms > now + _AHEAD_MS:
        raise Refused(
            f"{format_instant(at_ms)} is still to come", "a mark names what has happened: give --at T, or leave it out"
        )
    with case.transaction(WRITER) as tx:
        id = tx.add(Mark(name, at_ms, deployment, previous, now, operator))
        if name not in SCOPE_MARKS:
            return Marked(f"mark:{id}", tx.seq, None)
        tx.add(Scope(at_ms, f"the mark {name}", id, now))
        return Marked(f"mark:{id}", tx.seq, at_ms)


def add_window(case: Case, operator: str, name: str, from_ms: int, to_ms: int) -> Said:
    """Name a stretch of time; of several with one name the newest holds.

    Raises:
        BadInput: it ends before it begins, or its name cannot be used.
    """
    _check_name(name)
    if from_ms >= to_ms:
        raise BadInput(f"the window {name} ends before it begins", "write it FROM/TO, earlier end first")
    with case.transaction(WRITER) as tx:
        id = tx.add(Window(name, from_ms, to_ms, case.clock(), operator))
        return Said(f"window:{id}", tx.seq)


def good_before(case: Case) -> GoodBefore | None:
    """What the newest `deploy` mark says about deployments; nothing without one."""
    row = (
        case.read()
        .execute("SELECT deployment, previous, at_ms FROM mark WHERE name = 'deploy' ORDER BY id DESC LIMIT 1")
        .fetchone()
    )
    return None if row is None else GoodBefore(*row)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or _SHIFTED.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be a name",
            "letters, digits, - and _, not ending like -30m: deploy, rollback, fix, baseline",
        )


def _ids(tx: Transaction, table: str) -> list[str]:
    rows = tx.query(f"SELECT {table} FROM {table} WHERE edition = (SELECT max(id) FROM edition) ORDER BY position")  # noqa: S608 ours
    return [str(row[0]) for row in rows]


def _check_known(name: str, known: Sequence[str], what: str) -> None:
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    raise BadInput(
        f"there is no {what} {name!r}", f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
    )
