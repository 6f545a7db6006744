"""Write a document as Markdown that reads well on GitHub and that no text of a case can break.

Every character that Markdown, GitHub or HTML could read as markup is escaped where it could be; control and direction-changing characters
become visible signs; drawings are files beside the document. Only what `document.py` knows is written: no raw HTML but the line break.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import quote

from store.instants import format_instant
from store.review.document import (
    Bar,
    Block,
    Blocks,
    Bullets,
    Card,
    Cards,
    Code,
    Document,
    Drawing,
    Facts,
    Fold,
    Form,
    Heading,
    Image,
    Inline,
    Inlines,
    Link,
    Moment,
    Paragraph,
    State,
    Strong,
    Table,
    Target,
    Verbatim,
)
from store.review.html import visible

_MARKUP = re.compile(r"([\\`*{}\[\]<>|~&$!^])")
_EDGE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ADDRESS = re.compile(r":(?=//)|(?<=www)\.|@", re.IGNORECASE)
_AT_START = re.compile(r"^(\s*)([-+#=>]|\d+(?=[.)]))")


class Files(Protocol):
    """Where the files of a packet lie, seen from the document that is written."""

    def path(self, target: Target) -> str | None:
        """The relative path of a target, or None where it is in no file."""

    def drawing(self, drawing: Drawing) -> str:
        """The relative path of a drawing."""


def write_markdown(document: Document, files: Files) -> str:
    """A whole document."""
    return "\n\n".join(_blocks(document.blocks, files)) + "\n"


def escape_markdown(text: str) -> str:
    """Text of unknown origin as Markdown that shows exactly that text, on one line."""
    line = " ".join(visible(text).split())
    escaped = _MARKUP.sub(r"\\\1", line)
    escaped = _EDGE_UNDERSCORE.sub(r"\\_", escaped)
    return _ADDRESS.sub(lambda found: "\\" + found[0], escaped)


def _blocks(blocks: Blocks, files: Files) -> list[str]:
    return [text for block in blocks if (text := _WRITERS[type(block)](block, files))]


def _heading(block: Heading, files: Files) -> str:
    return f"{'#' * block.level} {_inlines(block.content, files)}"


def _paragraph(block: Paragraph, files: Files) -> str:
    text = _started(_inlines(block.content, files))
    return f"> {text}" if block.tone in ("alarm", "notice") else text


def _facts(block: Facts, files: Files) -> str:
    return "\n".join(f"- {escape_markdown(name)}: {_inlines(value, files)}" for name, value in block.items)


def _bullets(block: Bullets, files: Files) -> str:
    return "\n".join(f"- {_started(_inlines(item, files))}" for item in block.items)


def _table(block: Table, files: Files) -> str:
    if not block.rows:
        return escape_markdown(block.empty)
    rows = [[escape_markdown(column) or " " for column in block.columns], ["---"] * len(block.columns)]
    rows += [[_inlines(cell, files, in_table=True) or " " for cell in row] for row in block.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _verbatim(block: Verbatim, files: Files) -> str:
    text = "\n".join(visible(line) for line in block.text.split("\n"))
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{block.language}\n{text}\n{fence}"


def _drawing(block: Drawing, files: Files) -> str:
    return f"![{escape_markdown(block.words)}]({_path(files.drawing(block))})"


def _image(block: Image, files: Files) -> str:
    path = files.path(block.file)
    words = escape_markdown(block.words)
    return f"![{words}]({_path(path)})" if path else words


def _fold(block: Fold, files: Files) -> str:
    return "\n\n".join([f"**{escape_markdown(block.summary)}**", *_blocks(block.blocks, files)])


def _card(block: Card, files: Files) -> str:
    return "\n\n".join(_blocks(block.blocks, files))


def _cards(block: Cards, files: Files) -> str:
    return "\n\n".join(_card(card, files) for card in block.cards)


def _inlines(content: Inlines, files: Files, *, in_table: bool = False) -> str:
    return "".join(_inline(part, files, in_table) for part in content).strip()


def _inline(part: Inline, files: Files, in_table: bool) -> str:
    match part:
        case str():
            return _text(part, in_table)
        case Link():
            path = files.path(part.target)
            words = _text(part.text, in_table)
            return f"[{words.strip()}]({_path(path)})" if path else words
        case Code():
            return _code(part.text, in_table)
        case Strong():
            words = _text(part.text, False)
            return words.replace(words.strip(), f"**{words.strip()}**") if words.strip() else ""
        case State():
            return f"**{escape_markdown(part.state)}**"
        case Moment():
            return format_instant(part.ms)
        case Bar():
            return escape_markdown(part.text)


def _text(text: str, in_table: bool) -> str:
    """Text with the spaces at its ends, which separate it from its neighbours; a line break is one in a table only."""
    lines = text.split("\n") if in_table else [text]
    body = "<br>".join(escape_markdown(line) for line in lines)
    return f"{' ' if text[:1].isspace() else ''}{body}{' ' if body and text[-1:].isspace() else ''}"


def _code(text: str, in_table: bool) -> str:
    line = " ".join(visible(text).split())
    if in_table and ("|" in line or "\\" in line):
        return escape_markdown(line)  # a pipe ends the cell even inside code
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _started(text: str) -> str:
    """Keep a beginning from being read as a heading, a list or a quotation."""
    return _AT_START.sub(
        lambda found: f"{found[1]}{found[2]}\\" if found[2].isdigit() else f"{found[1]}\\{found[2]}", text
    )


def _path(path: str) -> str:
    return quote(path, safe="/._-~")


def relative(path: PurePosixPath, start: PurePosixPath) -> str:
    """A path as seen from the folder of another file."""
    here, there = start.parent.parts, path.parts
    common = 0
    while common < min(len(here), len(there) - 1) and here[common] == there[common]:
        common += 1
    return "/".join([".."] * (len(here) - common) + list(there[common:]))


_WRITERS: dict[type[Block], Callable[..., str]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    Facts: _facts,
    Bullets: _bullets,
    Table: _table,
    Verbatim: _verbatim,
    Drawing: _drawing,
    Image: _image,
    Fold: _fold,
    Card: _card,
    Cards: _cards,
    Form: lambda block, files: "",  # nothing asks from a file
}
