"""Words within a text, with and without the search extension."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.logs.hints import Hints

WORDS = ("token", "otp", "pwd", "_key", "apikey", "sk-")


@given(st.text(alphabet="tokenpwd_aiysk- \u00e9\U0001f600"))
def test_both_ways_find_the_same_words(text: str) -> None:
    expected = {word for word in WORDS if word in text}
    assert Hints(WORDS).within(text) == expected
    assert Hints(WORDS, search=False).within(text) == expected


def test_words_that_overlap_are_all_found() -> None:
    assert Hints(WORDS).within("hotpwd") == {"otp", "pwd"}
