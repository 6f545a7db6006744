"""The whole case as one HTML file that opens from disk: no script, nothing fetched, pictures inside as long as they are small.

It is written from the same documents as the pages. Links lead within the file; a row that is only in the case is named, not linked.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Mapping

from store.review.document import (
    Block,
    Code,
    Document,
    FileOf,
    Heading,
    Inlines,
    Link,
    PageOf,
    Paragraph,
    QueryOf,
    RowOf,
    RowsOf,
    Target,
)
from store.review.facts import CaseFacts, picture_type
from store.review.html import style_policy, write_page
from store.review.pages import artifact_blocks, case_blocks, page_anchor, signal_blocks, timeline_table

ROWS = 60
"""Rows shown behind one condition; the case has all of them."""
PICTURES_BYTES = 120_000
"""Pictures up to this many bytes together go into the file; the rest is named with its hash."""


class StaticPlaces:
    """Anchors within the one file, and the pictures that go into it."""

    def __init__(self, pictures: Mapping[int, bytes]) -> None:
        self._pictures = pictures

    def href(self, target: Target) -> str | None:
        """The anchor of a target, if it is in the file."""
        match target:
            case PageOf(name="case"):
                return f"#{target.anchor}" if target.anchor else "#top"
            case PageOf():
                return f"#{target.anchor or page_anchor(target)}"
            case RowOf() | RowsOf() | QueryOf() | FileOf():
                return None

    def source(self, file: FileOf) -> str | None:
        """A picture as a `data:` address, if it is in the file."""
        data = self._pictures.get(file.id)
        if data is None:
            return None
        return f"data:{picture_type(data)};base64,{base64.b64encode(data).decode()}"


def static_page(db: sqlite3.Connection, facts: CaseFacts) -> str:
    """The whole case as one HTML file."""
    blocks: list[Block] = [*case_blocks(facts)]
    for signal in facts.judgement.signals:
        blocks += signal_blocks(db, facts, signal.id, level=2, with_views=False, most_rows=ROWS)
    blocks += [Heading(2, ("Timeline",), page_anchor(PageOf("timeline"))), *timeline_table(db)]
    blocks += [Heading(2, ("Pictures",), page_anchor(PageOf("artifacts"))), *artifact_blocks(facts)]
    words = "This page was made from the case and stands for nothing by itself: the case file has every row, and its head proves it."
    blocks.append(Paragraph((words,), "quiet"))
    foot: Inlines = ("Head ", Code(f"{facts.head.seq} {facts.head.head}"))
    document = Document(facts.card.title, tuple(blocks))
    page = write_page(document, StaticPlaces(_pictures(db, facts)), navigation=_navigation(), foot=foot)
    policy = f"default-src 'none'; {style_policy()}; img-src data:; base-uri 'none'; form-action 'none'"
    return page.replace(
        "<meta charset", f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<meta charset', 1
    )


def _pictures(db: sqlite3.Connection, facts: CaseFacts) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    room = PICTURES_BYTES
    for artifact in facts.artifacts:
        if artifact.picture and artifact.size <= room:
            (data,) = db.execute("SELECT data FROM sqlar WHERE name = ?", (artifact.name,)).fetchone()
            found[artifact.id] = bytes(data)
            room -= artifact.size
    return found


def _navigation() -> tuple[Link, ...]:
    return (
        Link("Case", PageOf("case")),
        Link("Not known", PageOf("case", anchor="unknown")),
        Link("Timeline", PageOf("timeline")),
        Link("Pictures", PageOf("artifacts")),
    )
