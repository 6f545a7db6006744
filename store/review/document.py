"""What a page, a packet and the static file are made of, before anyone decides how it is written down.

Sections are built once from facts as the blocks below; `html.py` writes them as HTML and `store/packet/markdown.py` as Markdown. Text in
a block is plain text of unknown origin: the writers escape it, always. The only ready-made markup is a drawing, made by `drawing.py` out
of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

# Where a link may lead. A writer that cannot reach a place shows the text alone.


class RowOf(NamedTuple):
    """One row of a table."""

    table: str
    id: int


class RowsOf(NamedTuple):
    """Rows of a table that satisfy filters, each `(column, comparison, value)` as Datasette writes them."""

    table: str
    filters: tuple[tuple[str, str, str], ...] = ()


class PageOf(NamedTuple):
    """A page of the case: case, timeline, artifacts, gaps; and for `signal` which one."""

    name: str
    item: str = ""
    anchor: str = ""


class FileOf(NamedTuple):
    """The bytes of an artifact."""

    id: int
    name: str
    inline: bool = False


class QueryOf(NamedTuple):
    """A question that the case brings."""

    name: str


Target = RowOf | RowsOf | PageOf | FileOf | QueryOf

# Runs of text inside a block.


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads somewhere."""

    text: str
    target: Target
    title: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Text as a machine has it: a name, a hash, a reference."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Text that matters more."""

    text: str


@dataclass(frozen=True, slots=True)
class State:
    """A state, shown by word and sign, never by colour alone."""

    state: str


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, UTC."""

    ms: int


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of a span was watched, drawn and said."""

    part_ms: int
    whole_ms: int
    text: str


Inline = str | Link | Code | Strong | State | Moment | Bar
Inlines = tuple[Inline, ...]


# Blocks.


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading with the anchor that links reach."""

    level: int
    content: Inlines
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. `tone` is one of "", notice, alarm, quiet."""

    content: Inlines
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values, few enough to be read at a glance."""

    items: tuple[tuple[str, Inlines], ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short statements."""

    items: tuple[Inlines, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; `empty` is said where there are none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    empty: str = "none"
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text as it is, line for line."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG drawing made by `drawing.py`, with what it shows in words; `name` is its file name in a packet."""

    svg: str
    words: str
    name: str


@dataclass(frozen=True, slots=True)
class Image:
    """A raster image that is an artifact of the case."""

    file: FileOf
    words: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks that are folded away until someone asks."""

    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Blocks that belong together; `state` colours its edge, cards in a row stand side by side where there is room."""

    blocks: tuple[Block, ...]
    state: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards side by side."""

    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """One field whose value is asked of a page; only a page that is served has it."""

    page: str
    field: str
    label: str
    value: str
    button: str


Block = Heading | Paragraph | Facts | Bullets | Table | Verbatim | Drawing | Image | Fold | Card | Cards | Form
Blocks = tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One page or one file of a packet."""

    title: str
    blocks: Blocks
