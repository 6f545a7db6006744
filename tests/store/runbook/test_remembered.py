"""A runbook that was parsed before is the same runbook; nothing depends on what is remembered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.errors import RunbookInvalid
from store.runbook import remembered
from store.runbook.find import shipped_runbook_path
from store.runbook.parse import parse_runbook

SHIPPED = shipped_runbook_path().read_text("utf-8")
RAILS = (Path(__file__).parent / "rails.md").read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(remembered.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path / "parsed"


@pytest.mark.parametrize("text", [SHIPPED, RAILS])
def test_what_is_remembered_equals_what_is_parsed(folder: Path, text: str) -> None:
    parsed = parse_runbook(text, "runbook.md")
    remembered.remember(parsed)
    assert len(list(folder.iterdir())) == 1
    assert remembered.runbook_of(text, "runbook.md") == parsed
    assert remembered.runbook_of(text, "other.md") == parse_runbook(text, "other.md")


def test_a_second_reading_needs_neither_the_validation_library_nor_the_markdown_reader(folder: Path) -> None:
    first = remembered.runbook_of(RAILS, "rails.md")
    code = (
        "import sys\nfrom store.runbook.remembered import runbook_of\n"
        "print(runbook_of(sys.stdin.read(), 'rails.md').sha256, 'pydantic' in sys.modules, 'markdown_it' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], input=RAILS.encode(), capture_output=True, check=True)
    assert told.stdout.decode().split() == [first.sha256, "False", "False"]


def test_damaged_entries_and_a_folder_that_cannot_be_written_only_cost_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = remembered.runbook_of(RAILS, "rails.md")
    (entry,) = folder.iterdir()
    for damage in (b"", b"\xff", entry.read_bytes()[:-9]):
        entry.write_bytes(damage)
        assert remembered.runbook_of(RAILS, "rails.md") == right
    monkeypatch.setenv(remembered.FOLDER_VARIABLE, str(entry))
    assert remembered.runbook_of(RAILS, "rails.md") == right


def test_a_user_without_a_home_parses_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(remembered.FOLDER_VARIABLE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    assert remembered.runbook_of(RAILS, "rails.md") == parse_runbook(RAILS, "rails.md")


def test_another_version_of_the_parser_parses_for_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.runbook_of(RAILS, "rails.md")
    monkeypatch.setattr(remembered, "_parser", lambda: [("parse.py", 1, 1)])
    remembered.runbook_of(RAILS, "rails.md")
    assert len(list(folder.iterdir())) == 2


def test_a_faulty_runbook_is_never_remembered(folder: Path) -> None:
    with pytest.raises(RunbookInvalid):
        remembered.runbook_of("# Nothing\n", "mine.md")
    assert not folder.exists()


def test_only_so_many_are_kept(folder: Path) -> None:
    folder.mkdir()
    for number in range(70):
        old = folder / f"old-{number}"
        old.write_bytes(b"")
        os.utime(old, (number, number))
    remembered.remember(parse_runbook(RAILS, "rails.md"))
    left = {entry.name for entry in folder.iterdir()}
    assert len(left) == 64
    assert "old-6" not in left
    assert "old-69" in left
