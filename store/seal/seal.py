"""End a case: the last evaluation, the gap report and the seal in one transaction, then the copy that is handed over.

After the seal nothing is ever written to the case again. Sealing once more only copies; the same seal gives the same bytes.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from store import raw
from store.case import Case, connect, now_ms
from store.errors import Refused
from store.journal import Gap, Note, Seal
from store.judge import Judgement, frontier_question, judge
from store.runbook.model import StepKind
from store.seal.delivery import check_copy, check_free, deliver, sync_folder
from store.seal.gaps import gap_report
from store.seal.receipt import Receipt
from store.seal.sign import sign_file
from store.transaction import Transaction
from store.walk.act import end_with
from store.walk.evaluations import record_evaluation
from store.walk.session import this_terminal
from store.walk.walk import Acting, Walk

SEALED_MODE = 0o444
COPY_MODE = 0o600

_NAMED = 5


class HandedOver(NamedTuple):
    """A file that was handed over: its receipt, its gap report, and where receipt and signature lie if it was signed."""

    path: Path
    receipt: Receipt
    gaps: tuple[Gap, ...]
    already_sealed: bool
    receipt_file: Path | None = None
    signature: Path | None = None


def seal_case(
    path: Path,
    out: Path,
    *,
    operator: str,
    override: str | None = None,
    key: Path | None = None,
    clock: Callable[[], int] = now_ms,
) -> HandedOver:
    """Seal a case and hand over one read-only file.

    Raises:
        Refused: mandatory steps are open and no reason was given, the place is taken, or the key does not sign.
        EvidenceBroken: the case or its copy does not verify.
    """
    check_free(out)
    receipt_file = out.with_name(f"{out.name}.receipt")
    if key is not None:
        check_free(receipt_file)
        _try_key(key)
    with Case.open(path) as case:
        already = case.head().kind == "seal"
    if not already:
        _seal(path, out, operator, override, clock)
    deliver(path, out, mode=SEALED_MODE, exactly=already and not _is_source(path))
    receipt, gaps = _receipt_of(out, "seal"), read_gaps(out)
    if key is None:
        return HandedOver(out, receipt, gaps, already)
    receipt_file.write_text(f"{receipt.line()}\n", "utf-8")
    signature = sign_file(receipt_file, key)
    sync_folder(out.parent)
    return HandedOver(out, receipt, gaps, already, receipt_file, signature)


def copy_case(path: Path, out: Path, *, operator: str, to: str = "", clock: Callable[[], int] = now_ms) -> HandedOver:
    """Hand over a checked copy that can be gone on with; open steps do not stand in its way. A sealed case is copied byte for byte.

    Raises:
        Refused: the place is taken.
        EvidenceBroken: the case does not verify.
    """
    check_free(out)
    with Case.open(path) as case:
        sealed = case.head().kind == "seal"
    if not sealed:
        _note_copy(path, out, operator, to, clock)
    deliver(path, out, mode=SEALED_MODE if sealed else COPY_MODE, exactly=sealed)
    kind = "seal" if sealed and not _is_source(out) else "copy"
    return HandedOver(out, _receipt_of(out, kind, to), read_gaps(out), sealed)


def read_gaps(path: Path) -> tuple[Gap, ...]:
    """The gap report of a sealed case; empty for an open one, whose gaps `closeout brief` tells."""
    with Case.open(path) as case:
        return tuple(Gap(*row) for row in case.read().execute("SELECT kind, ref, text FROM gap ORDER BY id"))


def _seal(path: Path, out: Path, operator: str, override: str | None, clock: Callable[[], int]) -> None:
    check_copy(path)  # a case that does not verify is not worth ending
    with Case.open(path, write=True, clock=clock) as case:
        walk = Walk(case, this_terminal(operator))
        walk.edition()  # parsing is slow; not under the lock
        with (
            case.transaction("seal", kind="seal") as tx,
            Case.open(path) as reader,  # what it sees stands still: the write lock is ours
        ):
            _store_seal(tx, reader, walk.take_up(tx), out.name, override)


def _store_seal(tx: Transaction, reader: Case, acting: Acting, name: str, override: str | None) -> None:
    db, now = reader.read(), acting.now_ms
    judgement = judge(db, frontier_question(db))
    open_steps = [step.id for step in acting.walk.open_mandatory]
    if open_steps and not (override or "").strip():
        named = ", ".join(open_steps[:_NAMED]) + (
            f" and {len(open_steps) - _NAMED} more" if len(open_steps) > _NAMED else ""
        )
        raise Refused(
            f"{len(open_steps)} mandatory steps are open: {named}",
            f"finish or skip them (closeout next {reader.path}), or seal with --override REASON",
        )
    said = override if open_steps else None
    end_with(acting, StepKind.SEAL, reason=f"sealed into {name}", override=said or "")
    gaps = gap_report(db, acting.walk, judgement, override=said)
    evaluation = record_evaluation(tx, judgement, now_ms=now, why="the case was sealed")
    start, end = _stretch(db, judgement)
    (cookie,) = db.execute("PRAGMA main.schema_version").fetchone()
    tx.add(Seal(now, acting.who.operator, evaluation, judgement.worst, start, end, len(gaps), said, cookie))
    tx.add_all(gaps)


def _stretch(db: sqlite3.Connection, judgement: Judgement) -> tuple[int, int]:
    """From when to when the case speaks: the run, or all that was watched."""
    question = judgement.question
    start = question.scope_start_ms
    if start is None:
        (start,) = db.execute(
            "SELECT coalesce((SELECT min(from_ms) FROM coverage), (SELECT min(created_ms) FROM case_info))"
        ).fetchone()
    return min(start, question.as_of_ms), question.as_of_ms


def _receipt_of(path: Path, kind: str, to: str = "") -> Receipt:
    with contextlib.closing(connect(path, writable=False)) as db:
        case_id, drill = db.execute("SELECT case_id, drill FROM case_info ORDER BY id LIMIT 1").fetchone()
        seq, head = db.execute("SELECT seq, head FROM chain ORDER BY seq DESC LIMIT 1").fetchone()
        (rows,) = db.execute("SELECT sum(rows) FROM chain").fetchone()
        sealed = db.execute("SELECT worst, from_ms, to_ms FROM seal ORDER BY id DESC LIMIT 1").fetchone()
        if sealed is None:
            judgement = judge(db, frontier_question(db))
            sealed = (judgement.worst, *_stretch(db, judgement))
    worst, start, end = sealed
    return Receipt(kind, case_id, start, end, worst, seq, head, rows, raw.file_sha256(path), path.name, bool(drill), to)


def _note_copy(path: Path, out: Path, operator: str, to: str, clock: Callable[[], int]) -> None:
    """Say in the case that a copy was made and who goes on, so that both know it; a case that cannot be written is copied as it is."""
    goes_on = f"{to} goes on with the copy" if to else "nobody was named to go on with it"
    with (
        contextlib.suppress(Refused),
        Case.open(path, write=True, clock=clock) as case,
        case.transaction("copy") as tx,
    ):
        tx.add(Note(clock(), operator, None, f"copied to {out.name}; {goes_on}"))


def _is_source(path: Path) -> bool:
    """Whether this is the file that was sealed itself: its compact copy has the next schema cookie, as SQLite's VACUUM gives it."""
    with contextlib.closing(connect(path, writable=False)) as db:
        row = db.execute("SELECT cookie FROM seal ORDER BY id DESC LIMIT 1").fetchone()
        (cookie,) = db.execute("PRAGMA main.schema_version").fetchone()
        return row is not None and bool(row[0] == cookie)


def _try_key(key: Path) -> None:
    """Sign a word first: a seal cannot be taken back."""
    with tempfile.TemporaryDirectory() as folder:
        word = Path(folder) / "word"
        word.write_text("closeout\n", "utf-8")
        sign_file(word, key)
