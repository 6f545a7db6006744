"""A step's prose and commands as lines: paragraphs flow, lists and tables keep their lines, code stands out. Nothing in it is executed.

This is no Markdown engine: links stay text, markup of any kind stays inert, and every character goes through `Glyphs.text`.
"""

from __future__ import annotations

import re
from itertools import groupby

from rich.cells import cell_len

from tui.desk.glyphs import Glyphs
from tui.desk.paint import Row, Span, row

_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_CODE = re.compile(r"(`+)(.+?)\1")
_MARKS = re.compile(r"\*\*(.+?)\*\*|__(.+?)__")


def wrap(text: str, width: int, glyphs: Glyphs) -> list[str]:
    """Break a text into lines of a width in cells, at spaces where there are any."""
    return ["".join(part for part, _ in line) for line in _flow([(text, "")], width, glyphs)]


def _flow(spans: list[Span], width: int, glyphs: Glyphs) -> list[list[Span]]:
    """Break styled text into lines; a word that is longer than a line goes on in the next one."""
    width = max(1, width)
    lines: list[list[Span]] = [[]]
    room = width
    for text, name in spans:
        for place, word in enumerate(glyphs.text(text).split(" ")):
            gap = 1 if place and lines[-1] else 0
            if cell_len(word) + gap > room and lines[-1]:
                lines.append([])
                room, gap = width, 0
            rest = word
            while cell_len(rest) > room - gap:
                head = _head(rest, max(1, room))
                lines[-1].append((head, name))
                rest = rest[len(head) :]
                lines.append([])
                room, gap = width, 0
            if gap:
                lines[-1].append((" ", name if place else ""))
            if rest:
                lines[-1].append((rest, name))
            room -= cell_len(rest) + gap
    joined = [_joined(line) for line in lines]
    return joined if joined[-1] or len(joined) == 1 else joined[:-1]


def _joined(line: list[Span]) -> list[Span]:
    """Neighbours of one class as one span: fewer bytes for the terminal."""
    return [("".join(text for text, _ in group), name) for name, group in groupby(line, key=lambda span: span[1])]


def prose_rows(text: str, width: int, glyphs: Glyphs) -> list[Row]:
    """Guidance as rows: paragraphs flow, list items hang, tables and fences keep their lines."""
    rows: list[Row] = []
    for kind, block in _blocks(text):
        if rows and kind in ("text", "table", "code"):
            rows.append(row(""))
        if kind in ("table", "code"):
            rows += [row("", (glyphs.text(line, width), "code" if kind == "code" else "")) for line in block]
        else:
            hang = len(match[0]) if kind == "item" and (match := _ITEM.match(block[0])) else 0
            flowing = " ".join(line.strip() for line in block)
            for place, line in enumerate(_flow(_styled(flowing), max(8, width - hang), glyphs)):
                rows.append(row("", *([(" " * hang, "")] if place and hang else []), *line))
    return rows


def code_rows(text: str, width: int, glyphs: Glyphs) -> list[Row]:
    """A command as rows, byte for byte but for what a terminal must not see; long lines go on in the next row."""
    rows = []
    for line in text.rstrip("\n").split("\n"):
        shown = glyphs.text(line.replace("\t", "    ")) or " "
        while shown:
            head = _head(shown, max(4, width))
            rows.append(row("", (head, "code")))
            shown = shown[len(head) :]
    return rows


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    blocks: list[tuple[str, list[str]]] = []
    fence, open_block = "", False
    for line in text.splitlines():
        stripped = line.strip()
        if fence:
            if stripped.startswith(fence):
                fence, open_block = "", False
            else:
                blocks[-1][1].append(line)
            continue
        if stripped.startswith(("```", "~~~")):
            fence = stripped[:3]
            blocks.append(("code", []))
        elif not stripped:
            open_block = False
        elif stripped.startswith("|"):
            if not set(stripped) - set("|-: "):
                continue
            if open_block and blocks[-1][0] == "table":
                blocks[-1][1].append(stripped)
            else:
                blocks.append(("table", [stripped]))
            open_block = True
        elif _ITEM.match(line):
            blocks.append(("item", [stripped]))
            open_block = True
        elif open_block and blocks and blocks[-1][0] in ("text", "item"):
            blocks[-1][1].append(line)
        else:
            blocks.append(("text", [line]))
            open_block = True
    return blocks


def _styled(line: str) -> list[Span]:
    spans: list[Span] = []
    at = 0
    bare = _MARKS.sub(lambda m: m[1] or m[2], line)
    for match in _CODE.finditer(bare):
        spans.append((bare[at : match.start()], ""))
        spans.append((match[2], "code"))
        at = match.end()
    spans.append((bare[at:], ""))
    return [span for span in spans if span[0]]


def _head(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    length = 0
    for place, character in enumerate(text):
        length += cell_len(character)
        if length > width:
            return text[: max(1, place)]
    return text
