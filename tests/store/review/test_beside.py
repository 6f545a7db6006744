"""Verification and another case, beside the pages: told as far as known, never waited for."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from store.case import Case
from store.errors import BadInput
from store.review.proof import known_proof, proof_of, wait_for_proof
from store.walk import remarks
from tests.store.review.test_pages import page


def test_a_verification_is_begun_once_and_again_when_the_file_changed(seed: Path, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(seed, tmp_path / "seed.db"))
    assert known_proof(path) is None
    proof = wait_for_proof(path, seconds=60)
    assert proof.report is not None
    assert proof.report.summary == "whole as far as the file alone can show; nothing outside the file vouches for it"
    assert proof_of(path) is proof
    with Case.open(path, write=True) as case:
        remarks.add_note(case, "kim", "later")
    assert known_proof(path) is None


async def test_the_page_tells_the_five_answers_and_compares_a_head(
    serving: Callable[..., Any], seed: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copyfile(seed, tmp_path / "seed.db"))
    datasette = serving(path)
    with Case.open(path) as case:
        head = case.head()
    first = await datasette.client.get("/seed/-/verify")
    assert 'http-equiv="refresh"' in first.text or "Does this case hold?" in first.text
    wait_for_proof(path, seconds=60)
    text = unescape(await page(datasette, "/seed/-/verify"))
    assert 'http-equiv="refresh"' not in text
    for said in ("readable and whole", "chain and contents", "matches what you were given", "verdicts recompute equal"):
        assert said in text
    assert "whole as far as the file alone can show" in unescape(await page(datasette, "/seed/-/case"))
    given = f"{head.seq}:{head.head}"
    wait_for_proof(path, given, seconds=60)
    text = unescape(await page(datasette, f"/seed/-/verify?head={given}"))
    assert "whole, and vouched for by something outside the file" in text
    assert given in text


async def test_a_broken_case_is_called_broken(serving: Callable[..., Any], seed: Path, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(seed, tmp_path / "seed.db"))
    with sqlite3.connect(path) as db:
        db.execute("DROP TRIGGER note_no_update")
        db.execute("UPDATE note SET body = 'nothing happened'")
    db.close()
    datasette = serving(path)
    wait_for_proof(path, seconds=60)
    text = unescape(await page(datasette, "/seed/-/verify"))
    assert "broken: the answer is no to: chain and contents" in text
    assert "broken" in unescape(await page(datasette, "/seed/-/case"))


def test_what_is_no_head_is_refused(seed: Path) -> None:
    with pytest.raises(BadInput, match="is not a head"):
        proof_of(seed, "zz")


async def test_two_cases_are_set_side_by_side(serving: Callable[..., Any], seed: Path, tmp_path: Path) -> None:
    other = Path(shutil.copyfile(seed, tmp_path / "later.db"))
    with Case.open(other, write=True) as case:
        remarks.add_note(case, "sam", "went on")
    datasette = serving(seed)
    from datasette.database import Database

    datasette.add_database(Database(datasette, path=str(other)), name="later")
    assert "/seed/-/compare/later" in await page(datasette, "/seed/-/case")
    text = unescape(await page(datasette, "/seed/-/compare/later"))
    assert "the same case; B is 1 transaction further on" in text
    assert "webhook-timeout" in text
    drawn = re.findall(r"<svg.*?</svg>", text, re.S)
    told = [re.search(r"<title>(\w), (.*?),", one) for one in drawn]
    assert [(found[1], found[2]) for found in told if found] == [
        (side, name) for name in ("inbox-timeout", "webhook-timeout", "webhook-timeout") for side in ("A", "B")
    ], "of each window the signatures that anyone saw, both sides"
    response = await datasette.client.get("/seed/-/compare/nobody")
    assert response.status_code == 404
    assert "there is no case" in unescape(response.text)
