"""How the command line prints: one JSON object on standard output, prose without control characters.

Evidence is hostile text. Whatever came from outside goes through `plain` before it reaches a terminal.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(value: Any) -> None:
    """Print one JSON object on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
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
    if 0x200B <= code <= 0x200F or 0x202A <= code <= 0x202E or 0x2060 <= code <= 0x2069 or code == 0xFEFF:
        return "·"
    return character
