"""What is printed can do nothing to a terminal, in words or as JSON, and what is typed badly is told in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from store.case import Case
from tests.store.review.worlds import HOSTILE, hostile_case, seed_case
from tui.cli import main
from tui.output import plain, print_json

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
HALF = b"\xff\xfe".decode("utf-8", "surrogateescape")  # as the shell hands over bytes that are not UTF-8


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_case(tmp_path_factory.mktemp("output") / "hostile.db")


@pytest.mark.parametrize("text", [HOSTILE, "\x9b2J", "\u061c\u202e\u2028\ufeff", "\U000e0041x", "tab\there\r\n"])
def test_nothing_that_a_terminal_obeys_is_left(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not OBEYED.search(plain(text))
    print_json({"said": text})
    printed = capsys.readouterr().out
    assert not OBEYED.search(printed.rstrip("\n"))
    assert json.loads(printed) == {"said": text}


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("status", "--json"), ("explain", "<i>signal</i>"), ("explain", "<i>signal</i>", "--json"), ("brief", "--all"),
        ("brief", "--json"), ("timeline",), ("timeline", "--json"), ("next",), ("next", "--all"), ("next", "--json"), ("verify",),
        ("verify", "--json"), ("trust",), ("edition",), ("packet", "--out", "."), ("packet", "--out", ".", "--json"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_that_reads_a_hostile_case_prints_any_of_it(
    hostile: Path,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    assert main([words[0], str(hostile), *words[1:]]) != 1
    told = capsys.readouterr()
    assert told.out
    assert not OBEYED.search((told.out + told.err).replace("\n", ""))


@pytest.mark.parametrize(
    "words",
    [
        ("note", "CASE", HALF), ("attach", "CASE", "README", "--role", HALF), ("mark", "CASE", HALF), ("copy", "CASE", "b.db", "--to", HALF),
        ("seal", "CASE", "c.db", "--override", HALF), ("explain", "CASE", HALF), ("note", "CASE", "x", "--operator", HALF),
        ("compare", "CASE", "CASE", "--a", HALF), ("ack", "CASE", HALF), ("retract", "CASE", "collection:1", "--reason", HALF),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_bytes_that_are_no_text_are_refused_in_one_line_and_nothing_is_stored(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    case = seed_case(tmp_path / "case.db")
    (tmp_path / "README").write_text("x")
    with Case.open(case) as opened:
        before = opened.head()
    assert main([str(case) if word == "CASE" else word for word in words]) == 40
    said = capsys.readouterr().err
    assert "internal error" not in said
    said.encode()
    with Case.open(case) as opened:
        assert opened.head() == before
