"""The third and fourth question: does the file match what was kept outside it, and did somebody trusted sign that?

The file cannot answer these by itself. A shortened or wholly rewritten file has a chain that holds; only a head that somebody kept shows it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from store.raw import file_sha256
from store.seal.receipt import GivenHead, Receipt
from store.seal.sign import signer_of
from store.verify.contents import Contents
from store.verify.report import Answer, Asked

_NOTHING_GIVEN = "No head and no receipt was given. Without one, a file that was shortened, or rewritten as a whole, would look the same as this one."


def ask_anchor(
    path: Path, db: sqlite3.Connection, contents: Contents, *, head: GivenHead | None, receipt: Receipt | None
) -> Asked:
    """Compare with a head, a receipt, or both. Where the contents do not give the chain, its heads say nothing."""
    if contents.findings:
        return Asked(
            "anchor", Answer.UNKNOWN, "Not asked: the contents do not give the chain, so its heads say nothing."
        )
    answers: list[Asked] = []
    if head is not None:
        answers.append(_compare_head(db, contents, head))
    if receipt is not None:
        answers.append(_compare_receipt(path, db, contents, receipt))
    for wanted in (Answer.NO, Answer.UNKNOWN):
        worst = next((answer for answer in answers if answer.answer is wanted), None)
        if worst is not None:
            return worst
    return answers[-1] if answers else Asked("anchor", Answer.UNKNOWN, _NOTHING_GIVEN)


def ask_signature(receipt: Path | None, signature: Path | None, allowed: Path | None) -> Asked:
    """Ask whether somebody of a list signed the receipt."""
    if allowed is None or receipt is None or signature is None:
        return Asked(
            "signature", Answer.UNKNOWN, "No signature was looked at: give --allowed-signers and a signed receipt."
        )
    name, said = signer_of(receipt, signature, allowed)
    if name is None:
        return Asked("signature", Answer.NO, f"Nobody in {allowed.name} signed {receipt.name} as it is.", (said,))
    return Asked("signature", Answer.YES, f"{receipt.name} was signed by {name}, who is in {allowed.name}.")


def _compare_head(db: sqlite3.Connection, contents: Contents, given: GivenHead) -> Asked:
    seq, last = _place_of(db, given), contents.seq
    if given.seq is not None and given.seq > last:
        said = f"the head given is of transaction {given.seq}, the file ends with {last}"
        return Asked(
            "anchor", Answer.NO, "The file is shorter than the one you were told of: its tail is missing.", (said,)
        )
    if seq is None or given.seq not in (None, seq):
        named = "no transaction" if given.seq is None else f"transaction {given.seq}"
        return Asked(
            "anchor",
            Answer.NO,
            "This is not the file you were told of: it was rewritten, or went on in another copy.",
            (f"{named} of this file {'has' if given.seq is None else 'does not have'} the head given",),
        )
    if seq == last:
        return Asked(
            "anchor",
            Answer.YES,
            f"The head given is that of transaction {last}, the last one: nothing is missing or changed.",
        )
    return Asked(
        "anchor",
        Answer.UNKNOWN,
        f"The head given is that of transaction {seq}: up to there nothing is missing or changed. The {last - seq} transactions after it "
        "are vouched for by nothing outside the file.",
    )


def _place_of(db: sqlite3.Connection, given: GivenHead) -> int | None:
    row = db.execute("SELECT seq FROM chain WHERE head = ?", (given.head,)).fetchone()
    return None if row is None else int(row[0])


def _compare_receipt(path: Path, db: sqlite3.Connection, contents: Contents, receipt: Receipt) -> Asked:
    (case_id,) = db.execute("SELECT case_id FROM case_info ORDER BY id LIMIT 1").fetchone()
    if case_id != receipt.case_id:
        said = f"the receipt is of case {receipt.case_id}, this is {case_id}"
        return Asked("anchor", Answer.NO, "The receipt is of another case.", (said,))
    answer = _compare_head(db, contents, GivenHead(receipt.seq, receipt.head))
    if answer.answer is not Answer.YES:
        return answer
    if contents.rows != receipt.rows:
        said = f"the receipt says {receipt.rows} rows, there are {contents.rows}"
        return Asked("anchor", Answer.NO, "The receipt does not describe this file.", (said,))
    if file_sha256(path) == receipt.sha256:
        return Asked("anchor", Answer.YES, f"Head, rows and bytes are those of the receipt for {receipt.file}.")
    if receipt.kind == "seal" and not _is_source(db):
        said = "head and rows match, the SHA-256 of the bytes does not"
        return Asked("anchor", Answer.NO, "Its bytes are not those of the sealed file in the receipt.", (said,))
    return Asked(
        "anchor",
        Answer.YES,
        f"Head and rows are those of the receipt for {receipt.file}; it is not that copy byte for byte.",
    )


def _is_source(db: sqlite3.Connection) -> bool:
    """Whether this is the file that was sealed, not the copy that was handed over: the same rows in other pages."""
    row = db.execute("SELECT cookie FROM seal ORDER BY id DESC LIMIT 1").fetchone()
    return row is not None and bool(db.execute("PRAGMA main.schema_version").fetchone()[0] == row[0])
