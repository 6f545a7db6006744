"""CSV that leaves a review holds no formula, whatever a case holds, and nothing else of it is changed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.review.sheets import FORMULA, SafeCells

CELLS = st.text(
    st.sampled_from(['"', ",", "\n", "\r", "=", "+", "-", "@", "1", ".", "e", " ", "'", "\t", "＝", "é", "x"]),
    max_size=8,
)


def filtered(text: str, sizes: list[int]) -> str:
    """Pass a text through in pieces of these sizes."""
    cells, data, out = SafeCells(), text.encode(), b""
    for size in sizes:
        piece, data = data[:size], data[size:]
        out += cells.feed(piece, last=False)
    return (out + cells.feed(data, last=True)).decode()


def is_number(text: str) -> bool:
    return text.isascii() and text.strip() == text and not text[-1:].isalpha() and _float(text)


def _float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@settings(max_examples=400, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=3), sizes=st.lists(st.integers(0, 9))
)
def test_no_cell_is_a_formula_and_no_other_cell_is_changed(rows: list[list[str]], sizes: list[int]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    read = list(csv.reader(io.StringIO(filtered(text.getvalue(), sizes), newline="")))
    assert [len(row) for row in read] == [len(row) for row in rows]
    for before, after in zip(chain(*rows), chain(*read), strict=True):
        if before.startswith(FORMULA) and not is_number(before):
            assert after == "'" + before
        else:
            assert after in (before, "'" + before) if before.startswith(FORMULA) else after == before
        assert not after.startswith(FORMULA) or is_number(after)


@pytest.mark.parametrize("number", ["-5", "-5.25", "+1", "-1e-7"])
def test_numbers_stay_numbers(number: str) -> None:
    assert filtered(f"a,{number}\r\n", []) == f"a,{number}\r\n"


@pytest.mark.parametrize(
    "address",
    [
        "collection.csv",
        "log_match.csv?_dl=1",
        "note.csv",
        "probe.csv?_size=1",
        "timeline.csv",
        "gaps.csv",
    ],
)
async def test_the_tables_of_a_hostile_case_leave_without_formulas(
    serving: Callable[..., Any], hostile: Path, address: str
) -> None:
    response = await serving(hostile).client.get(f"/hostile/{address}", follow_redirects=True)
    assert response.status_code == 200
    read = list(csv.reader(io.StringIO(response.text, newline="")))
    assert len(read) > 1
    assert len({len(row) for row in read}) == 1
    assert [cell for row in read for cell in row if cell.startswith(FORMULA) and not is_number(cell)] == []


async def test_an_error_on_the_same_address_passes_as_it_is(serving: Callable[..., Any], hostile: Path) -> None:
    response = await serving(hostile).client.get("/hostile/nobody.csv")
    assert response.status_code == 404
    assert "<html" in response.text
