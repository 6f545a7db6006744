"""Ask a case the five questions. Nothing of the file is written; a crashed writer's transaction is rolled back as on every open."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from store.case import connect
from store.casefile import Header, check_file, read_header
from store.errors import BadInput, NotACase, Refused
from store.seal.receipt import GivenHead, Receipt, read_receipt
from store.seal.sign import signature_of
from store.verify.anchor import ask_anchor, ask_signature
from store.verify.contents import look_at_contents
from store.verify.report import Answer, Asked, Report
from store.verify.verdicts import ask_verdicts
from store.verify.whole import ask_whole, unreadable

_NOT_ASKED = "Not asked: the file cannot be read."


def verify_case(
    path: Path, *, head: GivenHead | None = None, receipt: Path | None = None, allowed_signers: Path | None = None
) -> Report:
    """Verify a case against itself and against what is given.

    With a list of signers and no receipt, the one beside the case is taken; it vouches only together with its signature.

    Raises:
        NotACase: the file is none, so that there is nothing to verify.
        BadInput: the receipt cannot be read.
        Refused: there is no signature to look at, or no tool for it.
    """
    header = read_header(path)
    receipt_file = receipt or (path.with_name(f"{path.name}.receipt") if allowed_signers else None)
    signature = _signature(receipt_file) if allowed_signers else None
    kept = _read(receipt_file) if receipt_file else None
    try:
        check_file(path, write=False)
        with contextlib.closing(connect(path, writable=False)) as db:
            return _ask(path, db, header, head, kept, ask_signature(receipt_file, signature, allowed_signers))
    except (NotACase, sqlite3.Error) as error:
        return _unreadable(path, str(error))


def _ask(
    path: Path, db: sqlite3.Connection, header: Header, head: GivenHead | None, kept: Receipt | None, signature: Asked
) -> Report:
    db.execute("BEGIN")  # one state of the file for pages and contents alike
    try:
        whole = ask_whole(path, db)
        contents = look_at_contents(db)
        chain = contents.asked()
        anchor = ask_anchor(path, db, contents, head=head, receipt=kept)
        info = db.execute("SELECT case_id, title, drill FROM case_info ORDER BY id LIMIT 1").fetchone()
    finally:
        db.rollback()
    verdicts = _verdicts(db, header, whole)
    case_id, title, drill = info or (None, None, 0)
    questions = (whole, chain, anchor, signature, verdicts)
    return Report(
        str(path), case_id, title, bool(drill), contents.sealed, contents.seq, contents.head, contents.rows, questions
    )


def _verdicts(db: sqlite3.Connection, header: Header, whole: Asked) -> Asked:
    if whole.answer is Answer.NO:
        return Asked("verdicts", Answer.UNKNOWN, "Not asked: a damaged file proves nothing either way.")
    try:
        return ask_verdicts(db, version=header.version)
    except (sqlite3.Error, ValueError, TypeError) as error:
        return Asked("verdicts", Answer.NO, "The recorded results cannot be judged again.", (str(error),))


def _unreadable(path: Path, reason: str) -> Report:
    rest = tuple(Asked(id, Answer.UNKNOWN, _NOT_ASKED) for id in ("chain", "anchor", "signature", "verdicts"))
    return Report(str(path), None, None, False, False, 0, None, 0, (unreadable(reason), *rest))


def _signature(receipt: Path | None) -> Path:
    if receipt is None or not receipt.is_file():
        raise Refused(
            f"there is no receipt {receipt}", "name it with --receipt F; its signature lies beside it as F.sig"
        )
    signature = signature_of(receipt)
    if not signature.is_file():
        raise Refused(
            f"there is no signature {signature}",
            "a case is signed when it is sealed: closeout seal CASE OUT --sign KEY",
        )
    return signature


def _read(path: Path) -> Receipt:
    try:
        return read_receipt(path.read_text("utf-8", "replace"), name=path.name)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
