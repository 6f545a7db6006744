"""Whether one message fits the text parts of one signature: small and exact, for `sample` and for people who ask why.

Collectors search many records with a faster matcher; that one must agree with this one and never the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from store.runbook.model import Signature

TIMEOUT_TEXT = re.compile(r"[Tt]ask timed out after (\d+)(?:\.\d+)? ?s")
"""The platforms' time-out sentence; whole seconds are the first group."""

_TERMINAL_CODES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def plain_text(message: str) -> str:
    """Return a message without terminal colour codes, which may stand inside a text that is looked for."""
    return _TERMINAL_CODES.sub("", message) if "\x1b" in message else message


def matches_text(signature: Signature, message: str) -> bool:
    """Tell whether a message satisfies every text part of a signature: time-out, texts and pattern."""
    return next(unmet_parts(signature, message), None) is None


def unmet_parts(signature: Signature, message: str) -> Iterator[str]:
    """Yield each text part of a signature that a message does not satisfy, in words."""
    text = plain_text(message)
    if signature.timeout_s is not None and not _timed_out_after(signature.timeout_s, text):
        yield f"it holds no time-out of {signature.timeout_s} up to {signature.timeout_s + 1} seconds"
    if signature.messages and not any(wanted in text for wanted in signature.messages):
        yield "it holds none of the texts of message"
    if signature.pattern is not None and not re.search(signature.pattern, text):
        yield "the pattern is not found in it"


def _timed_out_after(seconds: int, text: str) -> bool:
    # The digits are compared as text: a number of any length is read without turning it into an integer.
    return any(found[1].lstrip("0") == str(seconds) for found in TIMEOUT_TEXT.finditer(text))
