"""seal, verify, copy, trust, compare, init --after and remarks, as they are typed: words, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from store import trust
from store.case import Case
from store.transaction import Transaction
from tests.store import world
from tests.store.seal.handing import COUNTED, counted_case, make_key, open_case, settled_case, signers
from tests.store.verify.tampering import head_of_file, rewrite_chain, tampering
from tui.cli import main


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runbook.md").write_text(world.runbook_text())


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_case_is_sealed_verified_and_continued(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settled_case(tmp_path / "case.db")
    assert main(["seal", "case.db", "out.db", "--operator", "kim"]) == 0
    said = capsys.readouterr().out
    assert "case.db is sealed: out.db, read-only" in said
    (tmp_path / "receipt").write_text(said)
    assert main(["verify", "out.db"]) == 21
    assert "nothing outside the file vouches for it" in capsys.readouterr().out
    assert main(["verify", "out.db", "--receipt", "receipt"]) == 0
    assert "vouched for by something outside the file" in capsys.readouterr().out
    assert main(["verify", "out.db", "--head", head_of_file(tmp_path / "out.db"), "--json"]) == 0
    assert told(capsys)["verdict"] == "verified"
    assert main(["init", "next.db", "--after", "out.db"]) == 0
    capsys.readouterr()
    assert main(["next", "next.db"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("first, what the case before left open:")
    assert "(from out.db)" in said
    assert main(["brief", "next.db", "--all"]) == 0
    assert "left open by out.db" in capsys.readouterr().out
    assert main(["note", "next.db", "seen to", "--cite", "carried_item:1"]) == 0
    capsys.readouterr()
    assert main(["next", "next.db", "--json"]) == 0
    assert "carried_item:1" not in [item["ref"] for item in told(capsys)["carried"]]


def test_a_case_is_continued_with_its_own_runbook_where_no_other_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a sealed case tells its reader to type works in any folder; a runbook from elsewhere stays inert there."""
    settled_case(tmp_path / "case.db")
    assert main(["seal", "case.db", "out.db"]) == 0
    (tmp_path / "runbook.md").unlink()
    assert main(["init", "none.db"]) == 40
    with Case.open(tmp_path / "out.db") as sealed:
        trust.forget(sealed)
        text = sealed.runbook().text
    capsys.readouterr()
    assert main(["init", "next.db", "--after", "out.db"]) == 0
    assert "closeout trust next.db" in capsys.readouterr().out
    with Case.open(tmp_path / "out.db") as sealed, Case.open(tmp_path / "next.db") as made:
        assert made.runbook().text == text
        assert not trust.is_trusted(made)
        trust.remember(sealed)
    assert main(["init", "again.db", "--after", "out.db"]) == 0
    assert "closeout trust" not in capsys.readouterr().out
    with Case.open(tmp_path / "again.db") as made:
        assert trust.is_trusted(made)


def test_open_steps_refuse_the_seal_and_an_override_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_case(tmp_path / "case.db")
    assert main(["seal", "case.db", "out.db"]) == 40
    assert "1 mandatory steps are open: look" in capsys.readouterr().err
    assert main(["seal", "case.db", "out.db", "--override", "ticket 4711", "--json"]) == 0
    answer = told(capsys)
    assert {
        "kind": "open_step",
        "ref": "step:look",
        "text": "look was ready when the case was sealed: ticket 4711",
    } in answer["gaps"]
    assert answer["receipt"].startswith("closeout-receipt/1 kind=seal ")


def test_a_broken_case_answers_20_and_a_wrong_head_is_a_usage_of_40(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = open_case(tmp_path / "case.db")
    assert main(["verify", "case.db", "--head", "42"]) == 40
    assert "is not a head" in capsys.readouterr().err
    head = head_of_file(path)
    with tampering(path) as db:
        db.execute("UPDATE case_info SET operator = 'eve'")
    rewrite_chain(path)
    assert main(["verify", "case.db", "--head", head]) == 20
    assert "NO  matches what you were given" in capsys.readouterr().out
    assert main(["verify", "runbook.md"]) == 40


def test_a_signed_seal_is_verified_with_the_list_of_signers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settled_case(tmp_path / "case.db")
    key = make_key(tmp_path)
    assert main(["seal", "case.db", "out.db", "--sign", str(key)]) == 0
    assert "signed: out.db.receipt with out.db.receipt.sig" in capsys.readouterr().out
    assert main(["verify", "out.db", "--allowed-signers", str(signers(tmp_path, key))]) == 0


def test_hostile_text_in_a_case_does_nothing_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runbook.md").write_text(world.runbook_text().replace("# A world", "# A \x1b[31mworld"))
    assert main(["init", "case.db", "--title", "\x1b[2J title", "--operator", "\x1b]0;eve\x07"]) == 0
    for words in (
        ["verify", "case.db"],
        ["trust", "case.db", "--revoke"],
        ["trust", "case.db", "--yes"],
        ["seal", "case.db", "o.db", "--override", "\x1b[5m"],
    ):
        main(words)
        printed = capsys.readouterr()
        assert "\x1b" not in printed.out + printed.err
        assert "\x07" not in printed.out


def test_a_copy_names_who_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_case(tmp_path / "case.db")
    assert main(["copy", "case.db", "kim.db", "--to", "kim"]) == 0
    assert " next=kim" in capsys.readouterr().out
    assert main(["copy", "case.db", "kim.db"]) == 40
    assert main(["copy", "case.db", "third.db", "--json"]) == 0
    capsys.readouterr()
    for path, operator in (("case.db", "ann"), ("kim.db", "kim")):
        assert main(["note", path, "going on", "--operator", operator]) == 0
    capsys.readouterr()
    assert main(["compare", "case.db", "kim.db"]) == 0
    said = capsys.readouterr().out
    assert "two branches of one case" in said
    assert "by ann" in said
    assert "by kim" in said


def test_what_was_made_here_is_trusted_and_what_came_from_elsewhere_asks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "mine.db"]) == 0
    with Case.open(tmp_path / "mine.db") as mine:
        trust.require(mine)
    open_case(tmp_path / "theirs.db")
    capsys.readouterr()
    assert main(["trust", "theirs.db"]) == 40
    said = capsys.readouterr()
    assert "it would run and contact nothing" in said.out
    assert "stays inert" in said.err
    assert main(["trust", "theirs.db", "--json"]) == 40
    assert told(capsys)["trusted"] is False
    assert main(["trust", "theirs.db", "--json", "--yes"]) == 0
    assert told(capsys)["trusted"] is True
    assert main(["trust", "theirs.db", "--revoke"]) == 0
    assert main(["trust", "theirs.db", "--revoke", "--json"]) == 0


def test_an_edition_adopted_here_is_trusted_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "case.db"]) == 0
    (tmp_path / "new.md").write_text(world.runbook_text() + "\nMore prose.\n")
    assert main(["edition", "case.db", "new.md", "--adopt", "--reason", "prose"]) == 0
    with Case.open(tmp_path / "case.db") as case:
        trust.require(case)


def test_a_baseline_comes_from_the_case_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counted_case(tmp_path / "before.db")
    (tmp_path / "runbook.md").write_text(COUNTED)
    assert main(["init", "next.db", "--after", "before.db", "--baseline", "postfix"]) == 0
    assert "with 1 collections of the case before" in capsys.readouterr().out
    assert main(["init", "other.db", "--after", "before.db", "--baseline", "never"]) == 40
    assert not (tmp_path / "other.db").exists()
    assert main(["init", "other.db", "--baseline", "postfix"]) == 40


def test_compare_prints_numbers_only_where_both_watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counted_case(tmp_path / "a.db")
    settled_case(tmp_path / "b.db")
    assert main(["compare", "a.db", "b.db"]) == 0
    said = capsys.readouterr().out
    assert "alpha      not comparable: B watched 0ms of it" in said
    assert main(["compare", "a.db", "a.db", "--a", "baseline", "--json"]) == 0
    assert told(capsys)["relation"]["kind"] == "same"


def test_a_note_on_a_sealed_case_goes_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settled_case(tmp_path / "case.db")
    assert main(["seal", "case.db", "out.db"]) == 0
    before = (tmp_path / "out.db").read_bytes()
    assert main(["note", "out.db", "why was the queue not watched?"]) == 0
    assert (tmp_path / "out.db").read_bytes() == before
    assert "why was the queue" in (tmp_path / "out.db.remarks").read_text()


def test_every_write_goes_through_one_place() -> None:
    """No other module of the product inserts into a case."""
    root = Path(__file__).parents[3]
    found = {
        str(module.relative_to(root))
        for package in ("store", "collectors", "tui")
        for module in (root / package).rglob("*.py")
        if "drill" not in module.parts  # the staged world has a database of its own
        and any("INSERT " in line and "INTO temp." not in line for line in module.read_text("utf-8").splitlines())
    }
    assert found <= {"store/transaction.py", "store/schema/guards.py"}
    assert Transaction.__module__ == "store.transaction"
