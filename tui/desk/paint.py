"""Line-drawn widgets: rows of styled text, drawn by `render_line`, where only rows that changed are painted again.

A row is a tuple of spans (text, class); the class names a `.row--NAME` rule of closeout.tcss. Text must already have gone through
`Glyphs.text`. The cursor is kept by the row's key, so that new rows above or below never move it to another thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

Span = tuple[str, str]
Spans = tuple[Span, ...]

CLASSES = (
    "lit",
    "tripped",
    "no_data",
    "stale",
    "partial",
    "watch",
    "ok",
    "dim",
    "strong",
    "key",
    "code",
    "here",
    "title",
    "drill",
    "cursor",
)


class Row(NamedTuple):
    """One line: what it stands for (empty where the cursor may not rest) and its spans."""

    key: str
    spans: Spans


def row(key: str, *spans: Span | str) -> Row:
    """A row of spans; a bare text has no class."""
    return Row(key, tuple((span, "") if isinstance(span, str) else span for span in spans))


class Desk(Screen[None]):
    """The screen under everything. It alone holds the classes of rows: styling them once per widget would cost half of the first paint."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"row--{name}" for name in CLASSES}


class Lines(Widget):
    """Rows without a cursor; subclasses say in `build` what they show at a width."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows: tuple[Row, ...] = ()
        self.top = 0

    def build(self, width: int) -> Sequence[Row]:
        """The rows at this width."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Build again and paint the rows that changed."""
        if not self.size.width:
            return  # not laid out yet; the first size builds it
        before, self.rows = self.rows, tuple(self.build(self.size.width))
        self.settle()
        if len(before) != len(self.rows):
            self.refresh(layout=self.styles.is_auto_height)
            return
        for place, (old, new) in enumerate(zip(before, self.rows, strict=True)):
            if old != new:
                self.paint(place)

    def settle(self) -> None:
        """Keep the first visible row within the rows."""
        self.top = max(0, min(self.top, len(self.rows) - self.size.height))

    def paint(self, place: int) -> None:
        """Paint one row again."""
        y = place - self.top
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self, _: Resize) -> None:
        """Another width is another set of rows."""
        self.rows = tuple(self.build(self.size.width))
        self.settle()
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are rows at this width, where the height is left to the content."""
        return len(self.build(width))

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        width, base = self.size.width, self.rich_style
        place = y + self.top
        if not 0 <= place < len(self.rows):
            return Strip.blank(width, base)
        style = base + self.extra_style(place)
        segments = [
            Segment(text, style + self._style(name) if name else style) for text, name in self.rows[place].spans
        ]
        return Strip(segments).adjust_cell_length(width, style)

    @property
    def more(self) -> str:
        """How many rows are below what is visible, in words; empty where none is."""
        hidden = len(self.rows) - self.top - self.size.height
        return f"{hidden} more, pgdn" if hidden > 0 and self.size.height else ""

    @property
    def below(self) -> str:
        """How many rows are below what is visible, where the width is short; empty where none is."""
        return self.more.partition(",")[0]

    def extra_style(self, place: int) -> Style:
        """What a row wears over its spans."""
        return Style.null()

    def scroll_rows(self, by: int) -> None:
        """Show earlier or later rows."""
        before = self.top
        self.top += by
        self.settle()
        if self.top != before:
            self.refresh()

    def _style(self, name: str) -> Style:
        return self.app.screen_stack[0].get_component_rich_style(f"row--{name}", partial=True)


class RowList(Lines, can_focus=True):
    """Rows with a cursor."""

    class Moved(Message):
        """The cursor rests on another row."""

        def __init__(self, rows: RowList, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor_key = ""

    @property
    def cursor(self) -> int:
        """Place of the row under the cursor; the first that can hold it where its key has gone."""
        places = [place for place, shown in enumerate(self.rows) if shown.key]
        return next((place for place in places if self.rows[place].key == self.cursor_key), places[0] if places else -1)

    @property
    def current_key(self) -> str:
        """What the row under the cursor stands for; empty where there is none."""
        return self.rows[self.cursor].key if self.cursor >= 0 else ""

    @property
    def place(self) -> str:
        """Where the cursor is among the rows that it can rest on: `12 of 240`; empty where all of them are visible."""
        places = [place for place, shown in enumerate(self.rows) if shown.key]
        if len(self.rows) <= self.size.height or self.cursor not in places:
            return ""
        return f"{places.index(self.cursor) + 1} of {len(places)}"

    def move(self, by: int) -> None:
        """Move the cursor over rows that can hold it."""
        places = [place for place, shown in enumerate(self.rows) if shown.key]
        if places:
            at = places.index(self.cursor) if self.cursor in places else 0
            self.go_to(self.rows[places[max(0, min(len(places) - 1, at + by))]].key)

    def go_to(self, key: str) -> None:
        """Put the cursor on the row of a key, and make it visible."""
        before = self.cursor
        self.cursor_key = key
        top = self.top
        self.settle()
        if self.top != top:
            self.refresh()
        else:
            self.paint(before)
            self.paint(self.cursor)
        self.post_message(self.Moved(self, self.current_key))

    def settle(self) -> None:
        """Keep the cursor within what is visible."""
        super().settle()
        height, at = self.size.height, self.cursor
        if height == 0 or (at < height and not any(shown.key for shown in self.rows[: max(0, at)])):
            self.top = 0
        elif self.top > at:
            self.top = max(0, at)
        elif at >= self.top + height:
            self.top = at - height + 1

    def scroll_rows(self, by: int) -> None:
        """A page is a move of the cursor."""
        self.move(by)

    def extra_style(self, place: int) -> Style:
        """The cursor's row stands out, more so where the keys go."""
        if place != self.cursor:
            return Style.null()
        return self._style("cursor") if self.has_focus else Style(bold=True)

    def on_focus(self) -> None:
        """The cursor shows where the keys go."""
        self.paint(self.cursor)

    def on_blur(self) -> None:
        """The cursor fades when the keys go elsewhere."""
        self.paint(self.cursor)
