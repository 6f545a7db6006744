"""`closeout packet` as people call it: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store.case import Case
from tests.store.review.worlds import BASELINE, seed_case
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
    assert "holds: decision:1 go-on cites collection:1, 2026-02-18T02:18:40.000Z to 2026-02-18T02:28:40.000Z" in told
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


def test_its_papers_are_taken_in_and_a_decision_to_close_rests_on_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case, out = str(seed_case(tmp_path / "open.db")), str(tmp_path / "out")
    assert main(["step", "reopen", case, "closing", "--reason", "once more"]) == 0
    capsys.readouterr()
    assert main(["next", case]) == 0
    assert "close: Close the phase (goes to check-evidence; must cite baseline" in capsys.readouterr().out
    assert main(["packet", case, "--out", out, "--attach", "--json"]) == 0
    taken = {one["role"]: one for one in json.loads(capsys.readouterr().out)["attached"]}
    assert list(taken) == ["baseline", "offload-monitoring", "pre-post-delta", "verification"]
    decide = ["decide", case, "closing", "close", "--reason", "it holds", "--cite"]
    assert main([*decide, taken["baseline"]["ref"]]) == 40
    said = capsys.readouterr().err
    assert "closing = close must cite artifacts with a window and the role verification, pre-post-delta" in said
    assert f"cite them too: {taken['verification']['ref']} {taken['pre-post-delta']['ref']}" in said
    papers = [taken[role]["ref"] for role in ("baseline", "verification", "pre-post-delta")]
    assert main([*decide, *papers]) == 0
    assert main(["packet", case, "--out", out]) == 0
    capsys.readouterr()
    assert main(["packet", case, "--check", out]) == 0
    told = capsys.readouterr().out
    span = "2026-02-18T02:18:40.000Z to 2026-02-18T02:28:40.000Z"
    assert f"holds: decision:3 close cites {papers[0]}, {span}, in artifacts/attachments/baseline-" in told


def test_a_sealed_case_takes_no_papers_in(seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed = tmp_path / "sealed.db"
    assert main(["seal", str(seed), str(sealed), "--override", "for the test"]) == 0
    assert main(["packet", str(sealed), "--out", str(tmp_path), "--attach"]) == 40
    assert "is sealed" in capsys.readouterr().err


def test_a_file_of_a_role_speaks_of_the_window_of_that_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, paper = seed_case(tmp_path / "open.db"), tmp_path / "by-hand.md"
    paper.write_text("counted by hand")
    assert main(["attach", str(case), str(paper), "--role", "baseline", "--json"]) == 0
    ref = json.loads(capsys.readouterr().out)["artifacts"][0]["ref"]
    with Case.open(case) as opened:
        row = (
            opened.read().execute("SELECT from_ms, to_ms FROM artifact WHERE 'artifact:' || id = ?", (ref,)).fetchone()
        )
    assert row == BASELINE
