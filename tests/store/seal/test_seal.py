"""Ending a case and handing it over."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from store import evidence
from store.case import Case
from store.errors import CaseSealed, DiskFull, EvidenceBroken, Refused
from store.journal import Note
from store.raw import file_sha256
from store.seal import delivery
from store.seal.receipt import read_head
from store.seal.seal import COPY_MODE, SEALED_MODE, copy_case, read_gaps, seal_case
from store.verify.report import Answer
from store.verify.verify import verify_case
from tests.store import world
from tests.store.seal.handing import TO, drill_case, make_key, open_case, settled_case, signers
from tests.store.verify.tampering import rewrite_chain, tampering


def at_end() -> int:
    return TO + 2 * world.MINUTE


def test_a_sealed_file_is_verified_by_its_receipt_and_is_read_only(tmp_path: Path) -> None:
    case, out = settled_case(tmp_path / "case.db"), tmp_path / "out.db"
    done = seal_case(case, out, operator="kim", clock=at_end)
    assert stat.S_IMODE(out.stat().st_mode) == SEALED_MODE
    receipt = tmp_path / "receipt.txt"
    receipt.write_text(f"from the chat:\n{done.receipt.line()}\n")
    report = verify_case(out, receipt=receipt)
    assert (report.exit_code, report.sealed) == (0, True)
    assert "bytes are those of the receipt" in report.asked("anchor").text
    assert done.receipt.sha256 == file_sha256(out)
    assert (done.receipt.rows, done.receipt.worst) == (report.rows, "no_data")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case.db", "case.db-journal", "out.db", "receipt.txt"]


def test_sealing_again_gives_the_same_bytes_from_the_case_and_from_the_copy(tmp_path: Path) -> None:
    case = settled_case(tmp_path / "case.db")
    first = seal_case(case, tmp_path / "1.db", operator="kim", clock=at_end)
    again = seal_case(case, tmp_path / "2.db", operator="ann")
    from_copy = seal_case(tmp_path / "1.db", tmp_path / "3.db", operator="ann")
    assert again.already_sealed
    assert from_copy.already_sealed
    data = (tmp_path / "1.db").read_bytes()
    assert (tmp_path / "2.db").read_bytes() == data
    assert (tmp_path / "3.db").read_bytes() == data
    assert first.receipt.line() == again.receipt._replace(file="1.db").line()


def test_two_cases_alike_sealed_at_two_times_differ_in_the_seal_alone(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    for number in (1, 2):
        case, out = settled_case(tmp_path / f"case{number}.db"), tmp_path / f"out{number}.db"
        seal_case(case, out, operator="kim", clock=lambda number=number: TO + number * world.MINUTE)  # type: ignore[misc]
        with contextlib.closing(sqlite3.connect(out)) as db:
            (last,) = db.execute("SELECT max(seq) FROM chain").fetchone()
            rows.append(
                [
                    db.execute(f'SELECT * FROM "{table}" WHERE seq < ?', (last,)).fetchall()
                    for (table,) in db.execute(
                        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('sqlar', '_sqlite_migrations')"
                    ).fetchall()
                ]
            )
    assert rows[0] == rows[1]
    assert len((tmp_path / "out1.db").read_bytes()) == len((tmp_path / "out2.db").read_bytes())


def test_open_mandatory_steps_stand_in_the_way_and_change_nothing(tmp_path: Path) -> None:
    case = open_case(tmp_path / "case.db")
    before = case.read_bytes()
    with pytest.raises(Refused, match="1 mandatory steps are open: look") as refused:
        seal_case(case, tmp_path / "out.db", operator="kim")
    assert "--override REASON" in refused.value.hint
    assert case.read_bytes() == before
    assert not (tmp_path / "out.db").exists()
    with pytest.raises(Refused, match="mandatory steps are open"):
        seal_case(case, tmp_path / "out.db", operator="kim", override="  ")


def test_an_override_is_recorded_with_its_reason(tmp_path: Path) -> None:
    case, out = open_case(tmp_path / "case.db"), tmp_path / "out.db"
    done = seal_case(case, out, operator="kim", override="closed early, ticket 4711")
    assert ("open_step", "step:look", "look was ready when the case was sealed: closed early, ticket 4711") in done.gaps
    with contextlib.closing(sqlite3.connect(out)) as db:
        assert db.execute("SELECT operator, override, gaps FROM seal").fetchone() == (
            "kim",
            "closed early, ticket 4711",
            len(done.gaps),
        )


def test_a_sealed_case_takes_nothing_more(tmp_path: Path) -> None:
    case = settled_case(tmp_path / "case.db")
    seal_case(case, tmp_path / "out.db", operator="kim", clock=at_end)
    for path in (case, tmp_path / "out.db"):
        with pytest.raises((CaseSealed, Refused)):
            Case.open(path, write=True)
    with contextlib.closing(sqlite3.connect(case, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError, match="sealed"):
            db.execute(
                "INSERT INTO chain SELECT seq + 1, at_ms, writer, 'append', head, 1, digest, schema_sha256, 'x' FROM chain ORDER BY seq DESC LIMIT 1"
            )


def test_a_seal_that_was_taken_off_and_gone_on_from_does_not_pass(tmp_path: Path) -> None:
    case = settled_case(tmp_path / "case.db")
    done = seal_case(case, tmp_path / "out.db", operator="kim", clock=at_end)
    with tampering(case) as db:
        seq = done.receipt.seq
        for table in ("seal", "gap", "evaluation_result", "evaluation", "chain"):
            db.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
    with Case.open(case, write=True) as gone_on, gone_on.transaction("walk") as tx:
        tx.add(Note(1, "eve", None, "all was well"))
    rewrite_chain(case)
    assert verify_case(case).exit_code == 21
    assert verify_case(case, head=read_head(f"{done.receipt.seq}:{done.receipt.head}")).exit_code == 20


def test_the_seal_records_an_evaluation_that_recomputes(tmp_path: Path) -> None:
    case = settled_case(tmp_path / "case.db")
    seal_case(case, tmp_path / "out.db", operator="kim", clock=at_end)
    report = verify_case(tmp_path / "out.db")
    assert report.asked("verdicts").answer is Answer.YES
    assert "1 recorded evaluations" in report.asked("verdicts").text


def test_a_drill_is_sealed_as_a_drill_and_says_so_everywhere(tmp_path: Path) -> None:
    case, out = drill_case(tmp_path / "case.db"), tmp_path / "out.db"
    done = seal_case(case, out, operator="kim", override="rehearsed")
    assert done.receipt.drill
    assert " drill=1 " in done.receipt.line()
    assert done.gaps[0].kind == "drill"
    assert verify_case(out).drill


def test_a_case_that_does_not_verify_is_not_sealed(tmp_path: Path) -> None:
    case = settled_case(tmp_path / "case.db")
    with tampering(case) as db:
        db.execute("UPDATE log_match SET at_ms = at_ms + 1 WHERE id = 1")
    with pytest.raises(EvidenceBroken, match="does not verify"):
        seal_case(case, tmp_path / "out.db", operator="kim", clock=at_end)
    with Case.open(case) as still:
        assert still.head().kind == "append"


@pytest.mark.parametrize("taken", ["out.db", "out.db.receipt"])
def test_a_place_that_is_taken_is_refused_before_anything_is_sealed(tmp_path: Path, taken: str) -> None:
    case = settled_case(tmp_path / "case.db")
    (tmp_path / taken).write_text("mine")
    with pytest.raises(Refused, match="is there already"):
        seal_case(case, tmp_path / "out.db", operator="kim", key=make_key(tmp_path), clock=at_end)
    with Case.open(case) as still:
        assert still.head().kind == "append"
    assert (tmp_path / taken).read_text() == "mine"


def test_a_copy_that_cannot_be_finished_leaves_nothing_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, out = settled_case(tmp_path / "case.db"), tmp_path / "out.db"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(delivery, "_settle", fail)
        with pytest.raises(DiskFull, match="No space left"):
            seal_case(case, out, operator="kim", clock=at_end)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case.db", "case.db-journal"]
    done = seal_case(case, out, operator="kim")
    assert done.already_sealed
    assert verify_case(out, head=read_head(f"{done.receipt.seq}:{done.receipt.head}")).exit_code == 0


# What the file is good for ----------------------------------------------------------------------------------------------------


def test_a_sealed_file_opens_in_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    seal_case(settled_case(tmp_path / "case.db"), folder / "out.db", operator="kim", clock=at_end)
    before = (folder / "out.db").read_bytes()
    folder.chmod(0o555)
    try:
        for mode in ("mode=ro", "immutable=1"):
            with contextlib.closing(sqlite3.connect(f"file:{folder / 'out.db'}?{mode}", uri=True)) as db:
                assert db.execute("SELECT count(*) FROM signal_state").fetchone() == (9,)
        with Case.open(folder / "out.db") as case:
            assert case.head().kind == "seal"
        assert verify_case(folder / "out.db").exit_code == 21
        assert [path.name for path in folder.iterdir()] == ["out.db"]
    finally:
        folder.chmod(0o755)
    assert (folder / "out.db").read_bytes() == before


def test_the_sqlite_shell_answers_canned_queries_and_extracts_every_artifact(tmp_path: Path) -> None:
    case, out = settled_case(tmp_path / "case.db"), tmp_path / "out.db"
    data = os.urandom(100_000)
    with Case.open(case, write=True) as opened, opened.transaction("attach") as tx:
        from tests.store.verify.tampering import attach

        attach(tx, "artifacts/deep/shot.png", data)
    seal_case(case, out, operator="kim", clock=at_end)
    shell = shutil.which("sqlite3")
    if shell is None:
        pytest.fail("the sqlite3 shell is needed: apt install sqlite3")
    (tmp_path / "x").mkdir()
    subprocess.run([shell, str(out), "-Ax"], cwd=tmp_path / "x", check=True, timeout=30)
    assert (tmp_path / "x" / "artifacts" / "deep" / "shot.png").read_bytes() == data
    queries = json.loads(
        subprocess.run(
            [shell, "-json", str(out), "SELECT name, sql FROM canned_query"],
            capture_output=True,
            check=True,
            timeout=30,
        ).stdout
    )
    for query in queries:
        subprocess.run([shell, "-readonly", str(out), query["sql"]], capture_output=True, check=True, timeout=60)
    text = subprocess.run(
        [shell, "-readonly", str(out), "SELECT text FROM edition"], capture_output=True, check=True, timeout=30
    ).stdout
    assert text.decode().startswith("# A world")
    undescribed = (
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 1) <> '_' "
        'EXCEPT SELECT "table" FROM description WHERE "column" = \'\''
    )
    described = subprocess.run(
        [shell, "-readonly", str(out), undescribed], capture_output=True, check=True, timeout=30
    ).stdout.split()
    assert set(described) <= {b"sqlar", b"description", b"canned_query"}


def test_plain_datasette_shows_a_sealed_file(tmp_path: Path) -> None:
    out = tmp_path / "out.db"
    seal_case(settled_case(tmp_path / "case.db"), out, operator="kim", clock=at_end)
    done = subprocess.run(
        [sys.executable, "-m", "datasette", "-i", str(out), "--get", "/out/log_match.json?_shape=array&_size=max"],
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 5


# Signatures ---------------------------------------------------------------------------------------------------------------------


def test_a_signed_receipt_vouches_for_the_file_to_who_trusts_the_signer(tmp_path: Path) -> None:
    key, out = make_key(tmp_path), tmp_path / "out.db"
    done = seal_case(settled_case(tmp_path / "case.db"), out, operator="kim", key=key, clock=at_end)
    assert (done.receipt_file, done.signature) == (tmp_path / "out.db.receipt", tmp_path / "out.db.receipt.sig")
    report = verify_case(out, allowed_signers=signers(tmp_path, key))
    assert report.exit_code == 0
    assert "key@example.org" in report.asked("signature").text


def test_a_stranger_an_altered_receipt_and_another_file_are_told_apart(tmp_path: Path) -> None:
    key, stranger, out = make_key(tmp_path), make_key(tmp_path, "stranger"), tmp_path / "out.db"
    seal_case(settled_case(tmp_path / "case.db"), out, operator="kim", key=key, clock=at_end)
    receipt = tmp_path / "out.db.receipt"
    report = verify_case(out, allowed_signers=signers(tmp_path, stranger))
    assert (report.exit_code, report.asked("signature").answer) == (20, Answer.NO)
    allowed, text = signers(tmp_path, key), receipt.read_text()
    receipt.write_text(text.replace("worst=no_data", "worst=ok"))
    report = verify_case(out, allowed_signers=allowed)
    assert (report.exit_code, report.asked("signature").answer) == (20, Answer.NO)
    receipt.write_text(text)
    other = tmp_path / "other.db"
    seal_case(settled_case(tmp_path / "case2.db"), other, operator="kim", clock=lambda: TO + 9 * world.MINUTE)
    report = verify_case(other, receipt=receipt, allowed_signers=allowed)
    assert (report.exit_code, report.asked("anchor").answer) == (20, Answer.NO)


def test_a_signature_made_for_another_purpose_does_not_pass(tmp_path: Path) -> None:
    key, out = make_key(tmp_path), tmp_path / "out.db"
    seal_case(settled_case(tmp_path / "case.db"), out, operator="kim", key=key, clock=at_end)
    receipt = tmp_path / "out.db.receipt"
    receipt.with_name("out.db.receipt.sig").unlink()
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "git", str(receipt)],
        check=True,
        timeout=30,
        capture_output=True,
    )
    assert verify_case(out, allowed_signers=signers(tmp_path, key)).asked("signature").answer is Answer.NO


def test_a_missing_signature_or_list_is_said_and_is_no_verification(tmp_path: Path) -> None:
    key, out = make_key(tmp_path), tmp_path / "out.db"
    done = seal_case(settled_case(tmp_path / "case.db"), out, operator="kim", clock=at_end)
    with pytest.raises(Refused, match="there is no receipt"):
        verify_case(out, allowed_signers=signers(tmp_path, key))
    (tmp_path / "out.db.receipt").write_text(done.receipt.line())
    with pytest.raises(Refused, match="there is no signature"):
        verify_case(out, allowed_signers=signers(tmp_path, key))
    (tmp_path / "out.db.receipt.sig").write_text("no signature at all")
    with pytest.raises(Refused, match="there is no list of signers"):
        verify_case(out, allowed_signers=tmp_path / "nobody")
    assert verify_case(out, allowed_signers=signers(tmp_path, key)).exit_code == 20


def test_a_key_that_does_not_sign_is_found_out_before_the_case_is_sealed(tmp_path: Path) -> None:
    case = settled_case(tmp_path / "case.db")
    (tmp_path / "nokey").write_text("nothing")
    for key, said in ((tmp_path / "gone", "there is no key"), (tmp_path / "nokey", "did not sign")):
        with pytest.raises(Refused, match=said):
            seal_case(case, tmp_path / "out.db", operator="kim", key=key, clock=at_end)
    with Case.open(case) as still:
        assert still.head().kind == "append"


# Receipts that do not fit ---------------------------------------------------------------------------------------------------------


def test_a_receipt_tells_the_delivered_file_from_one_whose_bytes_were_touched(tmp_path: Path) -> None:
    case, out, receipt = settled_case(tmp_path / "case.db"), tmp_path / "out.db", tmp_path / "receipt"
    receipt.write_text(seal_case(case, out, operator="kim", clock=at_end).receipt.line())
    assert verify_case(case, receipt=receipt).exit_code == 0  # the case itself: same rows, other pages
    assert "not that copy byte for byte" in verify_case(case, receipt=receipt).asked("anchor").text
    out.chmod(0o600)
    with contextlib.closing(sqlite3.connect(out)) as db:
        db.execute("DROP TRIGGER _sqlite_migrations_no_update")  # not evidence, and not nothing
        db.commit()
    assert verify_case(out, receipt=receipt).exit_code == 20


def test_a_receipt_with_other_rows_or_of_another_case_is_refused(tmp_path: Path) -> None:
    out, receipt = tmp_path / "out.db", tmp_path / "receipt"
    done = seal_case(settled_case(tmp_path / "case.db"), out, operator="kim", clock=at_end)
    for changed in (
        done.receipt._replace(rows=1),
        done.receipt._replace(case_id="other"),
        done.receipt._replace(sha256="0" * 64),
    ):
        receipt.write_text(changed.line())
        assert verify_case(out, receipt=receipt).asked("anchor").answer is Answer.NO


# Copies -------------------------------------------------------------------------------------------------------------------------


def test_a_copy_for_a_shift_change_is_open_checked_and_names_who_goes_on(tmp_path: Path) -> None:
    case, out = open_case(tmp_path / "case.db"), tmp_path / "kim.db"
    done = copy_case(case, out, operator="ann", to="kim")
    assert stat.S_IMODE(out.stat().st_mode) == COPY_MODE
    assert (done.receipt.kind, done.receipt.next, done.already_sealed) == ("copy", "kim", False)
    for path in (case, out):
        with Case.open(path) as opened:
            assert opened.read().execute("SELECT operator, body FROM note").fetchall() == [
                ("ann", "copied to kim.db; kim goes on with the copy")
            ]
    with Case.open(out, write=True) as gone_on, gone_on.transaction("walk") as tx:
        tx.add(Note(1, "kim", None, "taking over"))
    receipt = tmp_path / "receipt"
    receipt.write_text(done.receipt.line())
    assert verify_case(case, receipt=receipt).exit_code == 0
    assert verify_case(out, receipt=receipt).exit_code == 21
    assert "1 transactions after it" in verify_case(out, receipt=receipt).asked("anchor").text


def test_two_copies_that_both_went_on_are_told_apart_by_the_head_of_the_other(tmp_path: Path) -> None:
    ours, theirs = open_case(tmp_path / "ann.db"), tmp_path / "kim.db"
    copy_case(ours, theirs, operator="ann", to="kim")
    heads = []
    for path, operator in ((ours, "ann"), (theirs, "kim")):
        with Case.open(path, write=True) as case, case.transaction("walk") as tx:
            tx.add(Note(1, operator, None, f"{operator} goes on"))
        with Case.open(path) as case:
            heads.append(read_head(f"{case.head().seq}:{case.head().head}"))
    assert [verify_case(path, head=head).exit_code for path, head in zip((ours, theirs), heads, strict=True)] == [0, 0]
    for path, head in ((ours, heads[1]), (theirs, heads[0])):
        report = verify_case(path, head=head)
        assert report.exit_code == 20
        assert "went on in another copy" in report.asked("anchor").text


def test_a_copy_of_a_sealed_case_is_the_same_file(tmp_path: Path) -> None:
    seal_case(settled_case(tmp_path / "case.db"), tmp_path / "out.db", operator="kim", clock=at_end)
    done = copy_case(tmp_path / "out.db", tmp_path / "again.db", operator="ann")
    assert done.already_sealed
    assert (tmp_path / "again.db").read_bytes() == (tmp_path / "out.db").read_bytes()


# The gap report ------------------------------------------------------------------------------------------------------------------


def test_a_case_that_knows_everything_says_that_nothing_is_missing(tmp_path: Path) -> None:
    trips = {"count": 'kind = "count"\nsignatures = ["alpha"]\nover = 50'}
    path = tmp_path / "case.db"
    made = world.World(path, world.runbook_text(trips).replace('kind = "manual"', 'kind = "manual"\nmandatory = false'))
    made.load(world.collection("b1", "rt", world.START, TO))
    done = seal_case(path, tmp_path / "out.db", operator="kim", clock=lambda: TO)
    assert done.gaps == ()
    assert done.receipt.worst == "ok"
    with contextlib.closing(sqlite3.connect(tmp_path / "out.db")) as db:
        assert db.execute("SELECT gaps, worst FROM seal").fetchone() == (0, "ok")
        assert db.execute("SELECT count(*) FROM gap").fetchone() == (0,)


def test_what_was_not_kept_or_cannot_be_vouched_for_is_named(tmp_path: Path) -> None:
    path = settled_case(tmp_path / "case.db")
    with Case.open(path, write=True, clock=lambda: world.START) as case:  # the clock went back
        with case.transaction("logs") as tx:
            cut = tx.add(evidence.Collection("rt", "logs", world.START, TO, TO, skew_ms=60_000))
            tx.add(evidence.CollectionEnd(cut, "truncated", "limit reached", TO, redactions=3, omitted=7, unreadable=2))
            lost = tx.add(evidence.Collection("rt", "logs", world.START, TO, TO))
        with case.transaction("attach") as tx:
            tx.add(
                evidence.Artifact(
                    None,
                    "big.har",
                    "browser",
                    "application/json",
                    1 << 30,
                    "0" * 64,
                    TO,
                    path="/var/big.har",
                    redaction="cookies",
                )
            )
    done = seal_case(path, tmp_path / "out.db", operator="kim", clock=at_end)
    told = {(gap.kind, gap.ref): gap.text for gap in done.gaps}
    assert told["redaction", f"collection:{cut}"] == "rt: 3 places were masked before storing"
    assert told["omitted", f"collection:{cut}"] == "rt: 7 matches were counted and not kept"
    assert told["unreadable", f"collection:{cut}"] == "rt: 2 lines could not be read"
    assert told["collection", f"collection:{cut}"] == "rt: collection truncated: limit reached"
    assert "still running, or lost" in told["collection", f"collection:{lost}"]
    assert any(kind == "clock" and "went back" in text for (kind, _), text in told.items())
    assert told["clock", f"collection:{cut}"] == "rt: the source's clock was 1m off"
    assert any(kind == "elsewhere" and "/var/big.har" in text for (kind, _), text in told.items())
    assert any(kind == "signal" for kind, _ in told)
    assert read_gaps(tmp_path / "out.db") == done.gaps
