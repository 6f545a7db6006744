"""Every attack on a file is caught by the question that claims to catch it; the others stay silent about it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from store.seal.receipt import read_head
from store.verify import standalone
from store.verify.report import CLAIMS, Answer, Report
from store.verify.verify import verify_case
from tests.store import world
from tests.store.verify.tampering import (
    head_of_file,
    lay_journal_beside,
    lay_write_ahead_beside,
    rewrite_chain,
    sample_case,
    tables_with_seq,
    tampering,
)

VIEW = "CREATE VIEW signal_state AS\nSELECT 'count' AS signal, 'ok' AS state"


class Attack(NamedTuple):
    """What is done to the file, which question answers no, and by which of its claims."""

    do: Callable[[Path], object]
    caught_by: str
    claim: str


def edit(path: Path) -> None:
    with tampering(path) as db:
        db.execute("UPDATE log_match SET at_ms = at_ms + 1 WHERE id = 4")


def delete(path: Path) -> None:
    with tampering(path) as db:
        db.execute("DELETE FROM log_match WHERE id = 5")


def insert_behind(path: Path) -> None:
    with tampering(path) as db:
        db.execute("INSERT INTO note (seq, at_ms, operator, body) VALUES (2, 1, 'kim', 'it was fine')")


def insert_between(path: Path) -> None:
    with tampering(path) as db:
        db.execute("DELETE FROM log_match WHERE id = 5")
        columns = ", ".join(f'"{row[1]}"' for row in db.execute("PRAGMA table_info(log_match)") if row[1] != "id")
        db.execute(f"INSERT INTO log_match (id, {columns}) SELECT 5, {columns} FROM log_match WHERE id = 6")


def swap(path: Path) -> None:
    with tampering(path) as db:
        db.execute("UPDATE log_match SET id = CASE id WHEN 3 THEN -3 ELSE -4 END WHERE id IN (3, 4)")
        db.execute("UPDATE log_match SET id = CASE id WHEN -3 THEN 4 ELSE 3 END WHERE id < 0")


def remove_middle(path: Path) -> None:
    remove(path, lambda seq: seq == 5)


def remove_tail(path: Path) -> None:
    remove(path, lambda seq: seq > 5)


def remove(path: Path, gone: Callable[[int], bool]) -> None:
    with tampering(path) as db:
        db.create_function("gone", 1, gone)
        for table in [*tables_with_seq(db), "chain"]:
            db.execute(f"DELETE FROM {table} WHERE gone(seq)")


def store_without_transaction(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:  # as the sqlite3 shell does it: foreign keys are off
        db.execute("INSERT INTO note (seq, at_ms, operator, body) VALUES (99, 1, 'kim', 'later')")
        db.commit()


def rewrite(path: Path) -> None:
    edit(path)
    rewrite_chain(path)


def replace_view(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP VIEW signal_state")
        db.execute(VIEW)


def replace_view_and_rewrite(path: Path) -> None:
    replace_view(path)
    rewrite_chain(path)


def drop_trigger(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TRIGGER log_match_no_update")


def drop_trigger_and_rewrite(path: Path) -> None:
    drop_trigger(path)
    rewrite_chain(path)


def change_limit_and_rewrite(path: Path) -> None:
    with tampering(path) as db:
        db.execute("UPDATE definition SET limit_value = 500 WHERE signal = 'count'")
    rewrite_chain(path)


def change_result_and_rewrite(path: Path) -> None:
    with tampering(path) as db:
        db.execute(
            "UPDATE evaluation_result SET state = 'watch', result = json_set(result, '$.state', 'watch') WHERE signal = 'count'"
        )
    rewrite_chain(path)


def change_figure_and_rewrite(path: Path) -> None:
    with tampering(path) as db:
        db.execute(
            "UPDATE evaluation_result SET result = json_set(result, '$.conditions[0].value', 1) WHERE signal = 'count'"
        )
    rewrite_chain(path)


def claim_foresight_and_rewrite(path: Path) -> None:
    with tampering(path) as db:
        db.execute("UPDATE evaluation SET known_seq = 7")
    rewrite_chain(path)


def change_artifact(path: Path) -> None:
    with tampering(path) as db:
        db.execute("UPDATE sqlar SET data = CAST('W' || substr(data, 2) AS BLOB) WHERE name LIKE '%shot%'")


def add_artifact(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO sqlar VALUES ('artifacts/extra.txt', 33188, 0, 1, x'41')")
        db.commit()


def change_artifact_time(path: Path) -> None:
    with tampering(path) as db:
        db.execute("UPDATE sqlar SET mtime = 1 WHERE name LIKE '%shot%'")


def put_in_another_case(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        (case_id,) = db.execute("SELECT case_id FROM case_info").fetchone()
    path.unlink()
    world.World(path, world.runbook_text())
    with tampering(path) as db:
        db.execute("UPDATE case_info SET case_id = ?", (case_id,))
    rewrite_chain(path)


def cut_off(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 3 * 4096])


def damage_page(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'note'").fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : (page - 1) * 4096 + 8] = b"\xff" * 8
    path.write_bytes(bytes(data))


def turn_to_wal(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")


ATTACKS = {
    "edit": Attack(edit, "chain", "an edited, deleted, inserted or exchanged row"),
    "delete": Attack(delete, "chain", "an edited, deleted, inserted or exchanged row"),
    "insert behind": Attack(insert_behind, "chain", "an edited, deleted, inserted or exchanged row"),
    "insert between": Attack(insert_between, "chain", "an edited, deleted, inserted or exchanged row"),
    "swap": Attack(swap, "chain", "an edited, deleted, inserted or exchanged row"),
    "remove the middle": Attack(remove_middle, "chain", "a transaction taken out of the middle"),
    "no transaction": Attack(store_without_transaction, "chain", "a row that no transaction stored"),
    "change an artifact": Attack(change_artifact, "chain", "an artifact whose bytes changed"),
    "add an artifact": Attack(add_artifact, "chain", "an artifact whose bytes changed"),
    "change an artifact's time": Attack(change_artifact_time, "chain", "an artifact whose bytes changed"),
    "replace a view": Attack(replace_view, "chain", "a schema that is not the one of the last transaction"),
    "drop a trigger": Attack(drop_trigger, "chain", "a schema that is not the one of the last transaction"),
    "remove the tail": Attack(remove_tail, "anchor", "a tail that was taken off"),
    "rewrite": Attack(rewrite, "anchor", "a file rewritten from some row on"),
    "invent": Attack(put_in_another_case, "anchor", "another file put in its place"),
    "replace a view, rewrite": Attack(
        replace_view_and_rewrite, "verdicts", "a view or a trigger that is not this program's"
    ),
    "drop a trigger, rewrite": Attack(
        drop_trigger_and_rewrite, "verdicts", "a view or a trigger that is not this program's"
    ),
    "change a limit, rewrite": Attack(
        change_limit_and_rewrite, "verdicts", "limits that the stored runbook does not say"
    ),
    "change a result, rewrite": Attack(
        change_result_and_rewrite, "verdicts", "a recorded result that the evidence does not give"
    ),
    "change a figure, rewrite": Attack(
        change_figure_and_rewrite, "verdicts", "a recorded result that the evidence does not give"
    ),
    "foresight, rewrite": Attack(
        claim_foresight_and_rewrite, "verdicts", "a recorded result that the evidence does not give"
    ),
    "cut off": Attack(cut_off, "whole", "a file that was cut off"),
    "damage a page": Attack(damage_page, "whole", "damaged pages"),
    "write-ahead beside": Attack(lay_write_ahead_beside, "whole", "files of another state beside it"),
    "journal beside": Attack(lay_journal_beside, "whole", "files of another state beside it"),
}
ONLY_ANCHORED = {name for name, attack in ATTACKS.items() if attack.caught_by == "anchor"}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return sample_case(tmp_path / "case.db")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_caught_by_the_question_that_claims_it(case: Path, name: str) -> None:
    head, attack = head_of_file(case), ATTACKS[name]
    attack.do(case)
    report = verify_case(case, head=read_head(head))
    assert report.exit_code == 20
    caught = report.asked(attack.caught_by)
    assert caught.answer is Answer.NO
    assert caught.findings
    assert attack.claim in CLAIMS[attack.caught_by]
    for other in report.questions:
        if other.answer is Answer.YES:
            assert attack.claim not in CLAIMS[other.id]


@pytest.mark.parametrize("name", ATTACKS)
def test_without_a_head_only_what_needs_one_goes_unseen_and_that_is_said(case: Path, name: str) -> None:
    ATTACKS[name].do(case)
    report = verify_case(case)
    if name in ONLY_ANCHORED:
        assert report.exit_code == 21
        assert "shortened, or rewritten as a whole, would look the same" in report.asked("anchor").text
    else:
        assert report.exit_code == 20


@pytest.mark.parametrize("name", ["untouched", *ATTACKS])
@pytest.mark.parametrize("anchored", [True, False])
def test_the_stand_alone_verifier_agrees(case: Path, name: str, anchored: bool) -> None:
    head = head_of_file(case)
    if name != "untouched":
        ATTACKS[name].do(case)
    ours = verify_case(case, head=read_head(head) if anchored else None)
    theirs = standalone.ask(case, head if anchored else None)
    for question in ("whole", "chain", "anchor"):
        mine = ours.asked(question).answer
        if ours.asked("whole").answer is not Answer.NO or question == "whole":
            assert theirs[question][0] == mine.value, (question, theirs, ours)


def test_the_stand_alone_verifier_runs_alone_and_answers_with_the_same_exit_codes(case: Path, tmp_path: Path) -> None:
    head = head_of_file(case)
    extracted = _extracted(case, tmp_path)
    for words, code in (
        ([], 21),
        (["--head", head], 0),
        (["--head", head.replace(":", " ")], 0),
        (["--head", "0" * 64], 20),
    ):
        done = _run_alone(extracted, case, *words)
        assert done.returncode == code, done
        assert json.loads(done.stdout)["whole"] == ["yes", []]
    rewrite(case)
    assert _run_alone(extracted, case, "--head", head).returncode == 20
    assert _run_alone(extracted, case).returncode == 21


def test_the_stand_alone_verifier_is_short_and_needs_the_standard_library_only() -> None:
    text = Path(standalone.__file__).read_text("utf-8")
    assert len(text.splitlines()) < 150
    imported = {row.split()[1].split(".")[0] for row in text.splitlines() if row.startswith(("import ", "from "))}
    assert imported <= sys.stdlib_module_names | {"__future__"}


def test_an_untouched_case_is_verified_with_its_head_and_unanchored_without(case: Path) -> None:
    head = read_head(head_of_file(case))
    assert verify_case(case, head=head).exit_code == 0
    assert verify_case(case, head=head._replace(seq=None)).exit_code == 0
    report = verify_case(case)
    assert report.exit_code == 21
    assert [asked.answer.value for asked in report.questions] == ["yes", "yes", "unknown", "unknown", "yes"]
    assert set(report.as_json()["questions"][0]) == {"id", "title", "answer", "text", "findings", "claims"}


def test_a_head_of_an_earlier_transaction_vouches_only_as_far_as_it_goes(case: Path) -> None:
    with contextlib.closing(sqlite3.connect(case)) as db:
        (head,) = db.execute("SELECT head FROM chain WHERE seq = 4").fetchone()
    report = verify_case(case, head=read_head(f"4:{head}"))
    assert report.exit_code == 21
    assert "transaction 4" in report.asked("anchor").text
    assert "3 transactions after it" in report.asked("anchor").text


def test_a_turn_to_write_ahead_mode_is_broken_not_merely_unusual(case: Path) -> None:
    turn_to_wal(case)
    report = verify_case(case)
    assert report.exit_code == 20
    assert report.asked("whole").answer is Answer.NO


def test_verifying_writes_nothing(case: Path) -> None:
    before = case.read_bytes()
    _read_only(verify_case(case))
    assert case.read_bytes() == before
    assert sorted(path.name for path in case.parent.iterdir()) == ["case.db"]


def _read_only(report: Report) -> None:
    assert report.verdict.value == "unanchored"


def _extracted(case: Path, folder: Path) -> Path:
    with contextlib.closing(sqlite3.connect(case)) as db:
        (data,) = db.execute("SELECT data FROM sqlar WHERE name = 'tools/closeout-verify.py'").fetchone()
    path = folder / "closeout-verify.py"
    path.write_bytes(data)
    return path


def _run_alone(verifier: Path, case: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(verifier), str(case), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
