"""`closeout packet` as people call it: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.store.review.worlds import seed_case
from tui.cli import main


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed_case(tmp_path_factory.mktemp("packet") / "seed.db")


def test_it_writes_a_packet_and_checks_it(seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packet", str(seed), "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "verification-2026-02-18T03-18-40Z-2026-02-18T03-28-40Z.md" in told
    assert f"--check {tmp_path}" in told
    assert main(["packet", str(seed), "--check", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "holds: decision:1 close cites collection:1, 2026-02-18T02:18:40.000Z to 2026-02-18T02:28:40.000Z" in told
    assert "the packet is of the case's present head" in told


def test_what_does_not_hold_is_told_with_its_exit_code(
    seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["packet", str(seed), "--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    changed = next(file["path"] for file in told["files"] if "baseline-" in file["path"])
    (tmp_path / changed).write_text("something else")
    assert main(["packet", str(seed), "--check", str(tmp_path), "--json"]) == 20
    found = json.loads(capsys.readouterr().out)
    assert [file["path"] for file in found["files"] if file["state"] != "holds"] == [changed]
    assert found["citations"][0]["state"] == "changed"


@pytest.mark.parametrize("words", [["--out", "no-such/folder"], ["--check", "no-such/folder"]])
def test_a_folder_that_is_not_there_is_told_in_one_line(
    seed: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["packet", str(seed), *words]) == 40
    assert "there is no folder no-such/folder" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told(seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docs").write_text("in the way")
    assert main(["packet", str(seed), "--out", str(tmp_path)]) == 40
    assert "cannot write below" in capsys.readouterr().err
