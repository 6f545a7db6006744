"""No text of a case breaks a document of its packet: not Markdown, not CSV, not the static page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from store.case import Case
from store.packet.make import make_packet, packet_files
from store.packet.markdown import escape_markdown, write_markdown
from store.packet.tables import safe_cell
from store.review.document import Code, Document, Heading, Paragraph, Strong, Table, Verbatim
from tests.store.review.worlds import FORMULA, HOSTILE, hostile_case

PARSER = MarkdownIt("commonmark").enable("table")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = hostile_case(tmp_path_factory.mktemp("packet") / "hostile.db")
    with Case.open(path) as case:
        db = case.read()
        return {str(file.path): file.data.decode("utf-8", "replace") for file in packet_files(db, make_packet(db))}


class NoFiles:
    """A packet without any other file."""

    def path(self, target: object) -> None:
        """Nothing can be reached."""

    def drawing(self, drawing: object) -> str:
        """Every drawing lies at one place."""
        return "drawings/x.svg"


def tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def test_markdown_holds_no_markup_of_the_evidence(files: dict[str, str]) -> None:
    documents = {name: text for name, text in files.items() if name.endswith(".md")}
    assert len(documents) == 2
    for name, text in documents.items():
        for token in tokens(text):
            assert token.type != "html_block", name
            assert token.type != "html_inline" or token.content == "<br>", (name, token.content)
            assert token.type != "link_open", (name, token.attrs)
            if token.type == "image":
                assert re.fullmatch(r"drawings/[A-Za-z0-9._-]+\.svg", str(token.attrs["src"])), token.attrs
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text.replace("\n", "")), name


def test_markdown_tables_keep_their_shape(files: dict[str, str]) -> None:
    for text in (text for name, text in files.items() if name.endswith(".md")):
        width, cells = 0, 0
        for token in tokens(text):
            if token.type == "th_open":
                width += 1
            elif token.type == "thead_open":
                width = 0
            elif token.type == "tr_open":
                cells = 0
            elif token.type == "td_open":
                cells += 1
            elif token.type == "tr_close" and cells:
                assert cells == width
        assert text.count("not a heading") == 0 or not re.search(r"^#+ not a heading", text, re.MULTILINE)


def test_the_static_page_holds_no_markup_of_the_evidence(files: dict[str, str]) -> None:
    (page,) = [text for name, text in files.items() if name.endswith(".html")]
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "<svg onload" not in page
    assert "http://" not in re.sub(r'xmlns="http://www\.w3\.org/2000/svg"', "", page).replace("http://evil.example", "")
    assert "default-src 'none'" in page
    assert not re.search(r'(?:href|src)="(?!#|data:image/)', page)


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60)
    | st.sampled_from([HOSTILE, FORMULA, "1. x", "- x", "# x", "> x", "=== ", "a\n---\n", "[x]: y", "``` x"])
)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    plain = " ".join(text.split())
    table = Table(("A", "B"), (((text,), (Code(text),)), (("x",), ("y",))))
    document = Document(
        "x", (Heading(2, ("h ", text)), Paragraph(("p ", Strong(text))), Paragraph((text,)), table, Verbatim(text))
    )
    found = list(tokens(write_markdown(document, NoFiles())))
    assert all(token.type not in ("html_block", "link_open", "image", "em_open") for token in found)
    assert all(token.type != "html_inline" or token.content == "<br>" for token in found)
    assert sum(token.type == "td_open" for token in found) == 4
    assert sum(token.type == "heading_open" for token in found) == 1
    assert sum(token.type == "fence" for token in found) == 1
    if text.isascii() and text.isprintable() and plain:
        shown = "".join(
            token.content for token in tokens(escape_markdown(f"x {text}")) if token.type in ("text", "text_special")
        )
        assert shown == f"x {plain}"


@given(st.text(max_size=30))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert isinstance(cell, str)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    row = io.StringIO()
    csv.writer(row).writerow([cell, 1])
    assert next(csv.reader(io.StringIO(row.getvalue()))) == [cell, "1"]


def test_a_file_of_markup_is_kept_under_a_name_that_shows_it_as_text(files: dict[str, str]) -> None:
    names = [Path(name).name for name in files if name.startswith("artifacts/live-env-playwright/")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names)
    assert [name for name in names if name.endswith((".html", ".svg"))] == []
    assert sum(name.endswith((".html.txt", ".svg.txt")) for name in names) == 2
