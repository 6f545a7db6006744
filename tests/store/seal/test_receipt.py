"""Receipts and heads: one line that survives a chat, and everything else refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.errors import BadInput
from store.instants import parse_instant
from store.seal.receipt import Receipt, read_head, read_receipt

HEX = "9ab3" * 16
RECEIPT = Receipt(
    "seal", "5f0c", 0, parse_instant("2026-02-18T03:30:00Z"), "tripped", 42, HEX, 1204, "77" * 32, "my case.db"
)


@given(st.text(max_size=30), st.text(max_size=30), st.booleans(), st.integers(1, 1 << 40))
def test_a_receipt_is_one_line_and_reads_back(file: str, goes_on: str, drill: bool, seq: int) -> None:
    receipt = RECEIPT._replace(file=file, next=goes_on, drill=drill, seq=seq)
    assert "\n" not in receipt.line()
    assert read_receipt(receipt.line()) == receipt


def test_a_receipt_is_found_between_the_lines_of_a_chat() -> None:
    chat = f"03:40 kim: sealed, here it is:\r\n> {RECEIPT.line()}\r\n03:41 ann: thanks\n{RECEIPT.line()}\n"
    assert read_receipt(chat) == RECEIPT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", "there is no receipt"),
        (RECEIPT.line() + "\n" + RECEIPT._replace(seq=43).line(), "2 different receipts"),
        (RECEIPT.line().replace("rows=1204", "rows=many"), "is damaged"),
        (RECEIPT.line().replace(f"head=42:{HEX}", f"head={HEX}"), "is damaged"),
        (RECEIPT.line().replace("77" * 32, "77"), "is damaged"),
        (RECEIPT.line().replace("kind=seal", "kind=gift"), "is damaged"),
        (RECEIPT.line().replace("case=5f0c ", ""), "is damaged"),
        (RECEIPT.line()[:150], "is damaged"),
    ],
)
def test_a_receipt_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_receipt(text)


@pytest.mark.parametrize("text", [f"42:{HEX}", f"42 {HEX}", f" 42:{HEX.upper()}\n"])
def test_a_head_is_read_with_its_number(text: str) -> None:
    assert read_head(text) == (42, HEX)


def test_a_head_is_read_without_its_number() -> None:
    assert read_head(HEX) == (None, HEX)


@pytest.mark.parametrize("text", ["", "42", HEX[:-1], f"42:{HEX}0", f"x:{HEX}", "42:9ab3"])
def test_anything_else_is_no_head(text: str) -> None:
    with pytest.raises(BadInput, match="is not a head"):
        read_head(text)
