"""A runbook is read from disk byte for byte, and what is not one is told in a sentence."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from store.errors import BadInput, RunbookInvalid
from store.runbook.find import LARGEST_BYTES, read_runbook, shipped_runbook_path
from tests.store.runbook.builders import GOOD


def test_the_hash_is_the_hash_of_the_files_bytes(tmp_path: Path) -> None:
    path = tmp_path / "runbook.md"
    data = ("\ufeff" + GOOD.replace("\n", "\r\n")).encode()
    path.write_bytes(data)
    runbook = read_runbook(path)
    assert runbook.sha256 == hashlib.sha256(data).hexdigest()
    assert runbook.text.encode() == data
    assert runbook.path == str(path)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"# A\n\x00", "is a binary file"),
        (b"# A\n\n\xff\xfe", "is not UTF-8: line 3 has the byte 0xff"),
        (b" " * (LARGEST_BYTES + 1), "is larger than a runbook can be"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "x.md"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=told):
        read_runbook(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        read_runbook(tmp_path / "none.md")
    with pytest.raises(BadInput, match="is a folder"):
        read_runbook(tmp_path)


def test_faults_name_the_file_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "mine.md"
    path.write_text("# Nothing\n", encoding="utf-8")
    with pytest.raises(RunbookInvalid) as caught:
        read_runbook(str(path))
    assert caught.value.faults[0].startswith(f"{path}:1: ")
    assert caught.value.exit_code == 30


def test_finding_the_shipped_runbook_loads_neither_the_validation_library_nor_the_markdown_reader() -> None:
    code = (
        "import sys, store.runbook.model\n"
        "from store.runbook.find import shipped_runbook_path\n"
        "shipped_runbook_path()\n"
        "print([name for name in ('pydantic', 'markdown_it') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_shipped_runbook_is_found() -> None:
    assert shipped_runbook_path().read_text(encoding="utf-8").startswith("# Phase 168e")
