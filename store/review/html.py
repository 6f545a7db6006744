"""Write a document as HTML: the pages of a review and the static file come from here.

Every text is escaped; the only markup taken as it is are the drawings. No script, no style attribute, nothing from elsewhere, so that the
strictest policy holds. Control and direction-changing characters become visible signs: a log line cannot rearrange a page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html import escape
from importlib.resources import files
from typing import Protocol

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
    FileOf,
    Fold,
    Form,
    Heading,
    Image,
    Inline,
    Inlines,
    Link,
    Moment,
    PageOf,
    Paragraph,
    State,
    Strong,
    Table,
    Target,
    Verbatim,
)
from store.words import STATE_WORDS

SIGNS = {"tripped": "✗", "no_data": "∅", "stale": "◷", "partial": "◐", "watch": "!", "ok": "✓"}

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Places(Protocol):
    """Where the targets of links are to be found; None where they cannot be reached."""

    def href(self, target: Target) -> str | None:
        """The address of a target."""

    def source(self, file: FileOf) -> str | None:
        """The address of an image's bytes."""


def style_sheet() -> str:
    """The one style sheet, put into each page."""
    return files("store.review").joinpath("static/closeout.css").read_text("utf-8")


def style_policy() -> str:
    """The part of a content policy that lets in our one style sheet, by its hash, and no other."""
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    return f"style-src 'sha256-{digest}'"


def page_policy() -> str:
    """The content policy of our own pages: no script at all, the one style sheet, images from here only."""
    return f"default-src 'none'; {style_policy()}; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def write_page(
    document: Document,
    places: Places,
    *,
    navigation: tuple[Link, ...] = (),
    foot: Inlines = (),
    again_s: int | None = None,
) -> str:
    """A whole page; `again_s` makes a browser ask for it again after so many seconds."""
    again = f'<meta http-equiv="refresh" content="{int(again_s)}">\n' if again_s is not None else ""
    links = "".join(f"<li>{_inline(link, places)}</li>" for link in navigation)
    bar = f'<nav aria-label="pages"><ul>{links}</ul></nav>' if links else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n{again}'
        f"<title>{shown(document.title)}</title>\n<style>{style_sheet()}</style>\n</head>\n<body>\n"
        f'{bar}\n<main id="top">\n'
        f"{write_blocks(document.blocks, places)}\n</main>\n"
        f"<footer>{_inlines(foot, places)}</footer>\n</body>\n</html>\n"
    )


def write_blocks(blocks: Blocks, places: Places) -> str:
    """Blocks one after another."""
    return "\n".join(_block(block, places) for block in blocks)


def shown(text: str) -> str:
    """Text of unknown origin, made safe and visible."""
    return escape(visible(text), quote=True)


def visible(text: str) -> str:
    """Text whose control and direction-changing characters are dots."""
    return _UNSEEN.sub("\u00b7", text)


def _block(block: Block, places: Places) -> str:
    writer: Callable[[Block, Places], str] = _WRITERS[type(block)]
    return writer(block, places)


def _heading(block: Heading, places: Places) -> str:
    anchor = f' id="{shown(block.anchor)}"' if block.anchor else ""
    return f"<h{block.level}{anchor}>{_inlines(block.content, places)}</h{block.level}>"


def _paragraph(block: Paragraph, places: Places) -> str:
    tone = f' class="{block.tone}"' if block.tone else ""
    return f"<p{tone}>{_inlines(block.content, places)}</p>"


def _facts(block: Facts, places: Places) -> str:
    items = "".join(
        f"<div><dt>{shown(name)}</dt><dd>{_inlines(value, places)}</dd></div>" for name, value in block.items
    )
    return f"<dl>{items}</dl>"


def _bullets(block: Bullets, places: Places) -> str:
    items = "".join(f"<li>{_inlines(item, places)}</li>" for item in block.items)
    return f"<ul>{items}</ul>"


def _table(block: Table, places: Places) -> str:
    if not block.rows:
        return f'<p class="quiet">{shown(block.empty)}</p>'
    head = "".join(f'<th scope="col">{shown(column)}</th>' for column in block.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{shown(column)}">{_inlines(cell, places)}</td>'
            for column, cell in zip(block.columns, row, strict=True)
        )
        + "</tr>"
        for row in block.rows
    )
    anchor = f' id="{shown(block.anchor)}"' if block.anchor else ""
    return f'<div class="wide"><table{anchor}><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _verbatim(block: Verbatim, places: Places) -> str:
    return f"<pre>{shown(block.text)}</pre>"


def _drawing(block: Drawing, places: Places) -> str:
    return f"<figure>{block.svg}</figure>"


def _image(block: Image, places: Places) -> str:
    source = places.source(block.file)
    if source is None:
        return f'<p class="quiet">{shown(block.words)}</p>'
    picture = f'<img src="{shown(source)}" alt="{shown(block.words)}" loading="lazy">'
    return f"<figure>{picture}<figcaption>{shown(block.words)}</figcaption></figure>"


def _fold(block: Fold, places: Places) -> str:
    return f"<details><summary>{shown(block.summary)}</summary>{write_blocks(block.blocks, places)}</details>"


def _form(block: Form, places: Places) -> str:
    address = places.href(PageOf(block.page))
    if address is None:
        return ""
    return (
        f'<form method="get" action="{shown(address)}"><label>{shown(block.label)} '
        f'<input name="{shown(block.field)}" value="{shown(block.value)}" autocomplete="off" spellcheck="false"></label> '
        f"<button>{shown(block.button)}</button></form>"
    )


def _card(block: Card, places: Places) -> str:
    anchor = f' id="{shown(block.anchor)}"' if block.anchor else ""
    edge = f" {block.state}" if block.state in STATE_WORDS else ""
    return f'<section class="card{edge}"{anchor}>{write_blocks(block.blocks, places)}</section>'


def _cards(block: Cards, places: Places) -> str:
    return f'<div class="cards">{"".join(_card(card, places) for card in block.cards)}</div>'


def _inlines(content: Inlines, places: Places) -> str:
    return "".join(_inline(part, places) for part in content)


def _inline(part: Inline, places: Places) -> str:
    match part:
        case str():
            return shown(part).replace("\n", "<br>")
        case Link():
            return _link(part, places)
        case Code():
            return f"<code>{shown(part.text)}</code>"
        case Strong():
            return f"<strong>{shown(part.text)}</strong>"
        case State():
            known = part.state if part.state in STATE_WORDS else "other"
            title = shown(STATE_WORDS.get(part.state, ""))
            return (
                f'<span class="state {known}" title="{title}">{SIGNS.get(part.state, "·")} {shown(part.state)}</span>'
            )
        case Moment():
            text = format_instant(part.ms)
            return f'<time datetime="{text}">{text[:10]} {text[11:19]}<small>{text[19:23]}Z</small></time>'
        case Bar():
            return _bar(part)


def _link(link: Link, places: Places) -> str:
    address = places.href(link.target)
    if address is None:
        return shown(link.text)
    title = f' title="{shown(link.title)}"' if link.title else ""
    return f'<a href="{shown(address)}"{title}>{shown(link.text)}</a>'


def _bar(bar: Bar) -> str:
    share = 0 if bar.whole_ms <= 0 else max(0, min(1000, bar.part_ms * 1000 // bar.whole_ms))
    full = " full" if bar.whole_ms > 0 and bar.part_ms >= bar.whole_ms else ""
    return (
        f'<span class="watched{full}"><svg class="cover" viewBox="0 0 1000 60" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="none" width="1000" height="60" fill="#d5d9e0"/><rect class="seen" width="{share}" height="60" fill="#3f7d4f"/></svg> '
        f"{shown(bar.text)}</span>"
    )


_WRITERS: dict[type, Callable[..., str]] = {
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
    Form: _form,
}
