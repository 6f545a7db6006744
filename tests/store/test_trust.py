"""A case from elsewhere is inert until somebody has seen what it would do on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from store import trust
from store.case import Case
from store.editions import store_edition
from store.errors import NotTrusted, Refused
from store.runbook.parse import parse_runbook
from tests.store import world
from tests.store.runbook.builders import GOOD
from tests.store.seal.handing import open_case


def test_nothing_runs_for_a_case_that_nobody_allowed_here(tmp_path: Path) -> None:
    with Case.open(open_case(tmp_path / "case.db")) as case:
        with pytest.raises(NotTrusted, match="was made by kim on") as refused:
            trust.require(case)
        assert refused.value.exit_code == 40
        assert f"closeout trust {case.path}" in refused.value.hint
        assert not trust.is_trusted(case)


def test_what_was_allowed_is_remembered_in_the_users_folder_and_not_in_the_case(
    tmp_path: Path, state_folder: Path
) -> None:
    path = open_case(tmp_path / "case.db")
    before = path.read_bytes()
    with Case.open(path) as case:
        trust.remember(case)
        trust.require(case)
    assert path.read_bytes() == before
    assert len(list((state_folder / "trust").glob("*.json"))) >= 1
    shutil.copyfile(path, tmp_path / "copy.db")
    with Case.open(tmp_path / "copy.db") as copy:
        trust.require(copy)


def test_another_case_with_the_same_runbook_asks_for_itself(tmp_path: Path) -> None:
    with Case.open(open_case(tmp_path / "a.db")) as case, Case.open(open_case(tmp_path / "b.db")) as other:
        trust.remember(case)
        assert not trust.is_trusted(other)


def test_a_runbook_that_was_exchanged_asks_again(tmp_path: Path) -> None:
    path = open_case(tmp_path / "case.db")
    with Case.open(path, write=True) as case:
        trust.remember(case)
        changed = parse_runbook(world.runbook_text() + "\nMore prose.\n", "runbook.md")
        with case.transaction("edition") as tx:
            store_edition(tx, changed, adopted_ms=1, reason="elsewhere")
        with pytest.raises(NotTrusted):
            trust.require(case)


def test_permission_can_be_taken_back(tmp_path: Path) -> None:
    with Case.open(open_case(tmp_path / "case.db")) as case:
        trust.remember(case)
        assert trust.forget(case)
        assert not trust.forget(case)
        assert not trust.is_trusted(case)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(trust.FOLDER_VARIABLE, str(tmp_path / "file" / "state"))
    with Case.open(open_case(tmp_path / "case.db")) as case, pytest.raises(Refused, match="cannot remember in"):
        trust.remember(case)


def test_without_a_variable_trust_lives_in_the_users_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(trust.FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with Case.open(open_case(tmp_path / "case.db")) as case:
        trust.remember(case)
        assert trust.is_trusted(case)
    assert list(tmp_path.glob("**/trust/*.json"))


def test_everything_that_would_run_or_be_contacted_is_shown() -> None:
    runbook = parse_runbook(GOOD, "runbook.md")
    effects = trust.effects_of(runbook)
    shown = "\n".join(effect.text for effect in effects)
    for source in runbook.sources:
        for named in (source.address, source.origin):
            assert named is None or f"${named}" in shown
        assert source.command is None or source.command.text in shown
    for step in runbook.steps:
        assert step.command is None or step.command.text in shown
    assert {effect.what for effect in effects} <= {"command", "query", "request", "contact"}
    assert [effect.line for effect in effects] == sorted(effect.line for effect in effects)
