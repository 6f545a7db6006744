"""`closeout review` as people start it: it says its address, answers there, and ends with Ctrl-C."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.store.review.worlds import seed_case
from tui.cli import main


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed_case(tmp_path_factory.mktemp("review") / "seed.db")


def test_it_tells_its_address_answers_there_and_ends_with_ctrl_c(seed: Path) -> None:
    command = [sys.executable, "-m", "tui", "review", str(seed), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            assert (told["schema"], told["sealed"], told["allow_sql"]) == (1, False, False)
            with urlopen(told["url"]) as response:
                assert b"Phase 168e, February cycle" in response.read()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode in (0, 130)
    assert "Traceback" not in errors
    assert "whole as far as the file alone can show" in errors


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text("no case"), "is not a case"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: None, "there is no case"),
    ],
)
def test_what_is_no_case_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: object, said: str
) -> None:
    path = tmp_path / "x.db"
    make(path)  # type: ignore[operator]
    assert main(["review", str(path)]) == 40
    assert said in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_no_hindrance(seed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "handed-over"
    folder.mkdir()
    path = Path(shutil.copyfile(seed, folder / "seed.db"))
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        from store.review.serve import open_review

        review = open_review(path, port=0)
        review.listener.close()
    finally:
        folder.chmod(0o755)
    assert [child.name for child in folder.iterdir()] == ["seed.db"]
