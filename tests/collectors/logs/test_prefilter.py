"""What every match must hold: literals of texts and of regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.logs.match import Matcher
from collectors.logs.necessary import necessary_texts
from collectors.logs.prefilter import wanted_texts
from tests.collectors.logs.kit import signature

PATTERNS = {
    r"Task timed out after (\d+)": ("Task timed out after ",),
    r"\bP2028\b|Transaction API error:|query_wait_timeout": ("P2028", "Transaction API error:", "query_wait_timeout"),
    r"(?:ab){2}cdef?": ("cde",),
    r"x*y?longest(z|w)": ("longest",),
    r"(abc|d)": ("abc", "d"),
    r"(abc|\d)": (),
    r"(?i)abcdef": (),
    r"(?i:abcdef)xyz": ("xyz",),
    r"[a]bcd": ("abcd",),
    r"[ab]\d.*": (),
    r"(?=lookahead)rest": ("rest",),
    r"(?!never)there": ("there",),
    r"(?>atomic)": ("atomic",),
    r"": (),
    r"(": (),
}


@pytest.mark.parametrize(("pattern", "texts"), PATTERNS.items())
def test_the_necessary_texts_of_an_expression_are_derived_from_it(pattern: str, texts: tuple[str, ...]) -> None:
    assert necessary_texts(pattern) == texts


@given(st.from_regex(r"(?:ab|c\d{1,2}|(?:x(?:yz)?){1,2}|[de]f?)(?:\.log|end)", fullmatch=True))
def test_every_match_holds_one_of_the_necessary_texts(text: str) -> None:
    pattern = r"(?:ab|c\d{1,2}|(?:x(?:yz)?){1,2}|[de]f?)(?:\.log|end)"
    assert re.search(pattern, text)
    assert any(necessary in text for necessary in necessary_texts(pattern))


def test_every_signature_gives_a_literal_that_no_escape_of_its_own_can_hide() -> None:
    def literals(**parts: object) -> tuple[str, ...] | None:
        wanted = wanted_texts([Matcher(signature(**parts))])
        return None if wanted.others else wanted.literals

    assert literals(timeout_s=60) == ("Task timed out after",)
    assert literals(messages=("P2028", "Transaction API error:")) == ("P2028", "Transaction API error")
    assert literals(messages=('a "quoted/path" longer text',)) == (" longer text",)
    assert literals(messages=("ok", "P2028")) is None
    assert literals(messages=("ok",), pattern="abc+def") == ("abc",) or literals(
        messages=("ok",), pattern="abc+def"
    ) == ("def",)
    assert literals(statuses=(500,)) == ()
    assert literals(timeout_s=60, pattern=r"\d") == ("Task timed out after",)
