"""A message fits a signature exactly as the texts of the platforms and of the databases are written."""

from __future__ import annotations

import pytest

from store.runbook.model import Signature
from store.runbook.sample import matches_text, unmet_parts


def signature(*, timeout_s: int | None = None, messages: tuple[str, ...] = (), pattern: str | None = None) -> Signature:
    """Build a signature with text parts only."""
    return Signature("s", "S", 1, "", timeout_s=timeout_s, messages=messages, pattern=pattern)


@pytest.mark.parametrize(
    ("message", "fits"),
    [
        ("Vercel Runtime Timeout Error: Task timed out after 60 seconds", True),
        ("2020-01-01T00:00:00Z 0f0e Task timed out after 60.06 seconds ", True),
        ("Task timed out after 60.00 s", True),
        ("Task timed out after \x1b[31m60\x1b[0m seconds", True),
        ("first line\nTask timed out after 60 seconds\nlast line", True),
        ("Task timed out after 3.07 seconds, then Task timed out after 60 seconds", True),
        ("Task timed out after 600 seconds", False),
        ("Task timed out after 120.00 seconds", False),
        ("Task timed out after 61 seconds", False),
        ("Task timed out after 6 seconds", False),
        ("FUNCTION_INVOCATION_TIMEOUT", False),
        ("", False),
    ],
)
def test_a_time_out_is_read_as_a_number(message: str, fits: bool) -> None:
    assert matches_text(signature(timeout_s=60), message) is fits


def test_any_of_the_texts_will_do_and_every_part_must_hold() -> None:
    both = signature(messages=("P2028", "expired transaction"), pattern="query|commit")
    assert matches_text(both, "a commit on an expired transaction")
    assert list(unmet_parts(both, "a commit")) == ["it holds none of the texts of message"]
    assert list(unmet_parts(both, "P2028")) == ["the pattern is not found in it"]


def test_a_signature_without_text_parts_fits_every_message() -> None:
    assert matches_text(signature(), "anything")
