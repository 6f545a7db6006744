"""How the command line prints: one JSON object on standard output, prose without control characters.

Evidence is hostile text. Whatever came from outside goes through `plain` before it reaches a terminal.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

_OBEYED = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def print_json(value: Any) -> None:
    """Print one JSON object on one line; what a terminal could obey is written as an escape, which a program reads as the same text."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()


def plain(text: str, *, width: int | None = None) -> str:
    """Text that can do nothing to a terminal: control and bidirectional characters become visible signs, one line, cut to width."""
    shown = "".join(_visible(c) for c in text)
    if width is not None and len(shown) > width:
        return shown[: max(0, width - 1)] + "…"
    return shown


def _visible(character: str) -> str:
    code = ord(character)
    if character in "\n\r\t":
        return " "
    if code < 32 or 0x7F <= code < 0xA0:
        return "·"
    if _OBEYED.match(character) or 0xE0000 <= code <= 0xE007F:
        return "·"
    return character
