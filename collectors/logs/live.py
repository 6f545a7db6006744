"""Text of a log as it comes, in pieces of any size, into a gathering: the same readers as for files, line by line."""

from __future__ import annotations

from collectors.logs.banners import around
from collectors.logs.fast_form import AnyFastLines, fast_lines
from collectors.logs.gather import Gather
from collectors.logs.generic import FieldReader
from collectors.logs.objects import LONGEST, TOO_LONG, line_items
from collectors.logs.reader import json_line
from collectors.logs.record import Banner, Form, LogRecord, SourceFault, Unread
from collectors.logs.text import LONGEST_MESSAGE, begins_record, has_instant, text_items
from store.runbook.model import Source

_TRIES = 5


class LiveText:
    """The output of one run of a command; whole lines go to whatever gathering is current."""

    def __init__(self, source: Source) -> None:
        self.line = 1
        self.held = b""
        self._fields = FieldReader(source.fields) if source.format and source.fields else None
        self._text: bool | None = None if self._fields is None else False
        self._timed = False
        self._record: list[tuple[int, bytes]] = []
        self._fast: AnyFastLines | None = None
        self._tried = 0

    @property
    def held_bytes(self) -> int:
        """Bytes that were read and are not given yet."""
        return len(self.held) + sum(len(line) + 1 for _, line in self._record)

    def form_name(self, gather: Gather) -> str:
        """What the output turned out to be."""
        if self._fields is not None:
            return "jsonl"
        form = gather.forms.most_common(1)[0][0] if gather.forms else gather.announced
        if form is None:
            return ""
        return str(form) if form in (Form.TEXT, Form.PRETTY) else f"{form} ndjson"

    def feed(self, block: bytes, gather: Gather) -> None:
        """Take the next piece of output."""
        text = self.held + block if self.held else block
        end = text.rfind(b"\n") + 1
        self.held = text[end:]
        if end:
            self._lines(text[:end], gather)
        elif len(self.held) > LONGEST:
            gather.take(Unread(self.line, TOO_LONG, self.held[:1024]))
            self.held = b""

    def rest(self, gather: Gather, *, cut: bool) -> None:
        """The output is over, or for a text log nothing new came for a while: give what was held back."""
        if self._record:
            self._give_text(gather, self._record)
            self._record = []
        if cut and self.held.strip():
            self._lines(self.held, gather)
            self.held = b""

    def _lines(self, text: bytes, gather: Gather) -> None:
        count = text.count(b"\n") + (not text.endswith(b"\n"))
        if self._text is None:
            self._text = self._is_text(text)
        if self._text and self._is_text(text) is False:
            self._text = False
        if self._fields is not None or not self._text:
            self._json(text, gather)
        else:
            self._plain(text, gather)
        self.line += count

    def _json(self, text: bytes, gather: Gather) -> None:
        if self._fields is None:
            if self._fast is not None and self._fast.gather is not gather:
                self._fast, self._tried = None, 0
            if self._fast is None and self._tried < _TRIES:
                self._fast = fast_lines(text, gather)
                self._tried += 1
            if self._fast is not None:
                self._fast.line = self.line
                self._fast.block(bytearray(text), len(text))
                return
        for number, line in enumerate(text.removesuffix(b"\n").split(b"\n"), self.line):
            line = line.removesuffix(b"\r")
            for item in self._fields.json_line(number, line) if self._fields else json_line(number, line):
                gather.take(item)

    def _plain(self, text: bytes, gather: Gather) -> None:
        if text.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
            gather.take(SourceFault(self.line, True, "the command printed a web page, not a log"))
            return
        lines = list(enumerate(text.removesuffix(b"\n").split(b"\n"), self.line))
        self._timed = self._timed or any(has_instant(line) for _, line in lines)
        lines = self._record + lines
        # The last record may go on in the next piece, as far as a record goes.
        last = len(lines)
        if self._timed:
            last = max((n for n, (_, line) in enumerate(lines) if begins_record(line)), default=0)
            if sum(len(line) for _, line in lines[last:]) > LONGEST_MESSAGE:
                last = len(lines)
        self._record = lines[last:]
        self._give_text(gather, lines[:last])

    def _give_text(self, gather: Gather, lines: list[tuple[int, bytes]]) -> None:
        for item in text_items(iter(lines), timed=self._timed):
            gather.take(item)

    @staticmethod
    def _is_text(text: bytes) -> bool | None:
        """Whether lines are plain text: False once a JSON record is seen, None while there are only the tool's own
        lines.
        """
        seen = None
        for line in text.split(b"\n"):
            line = line.strip()
            if not line or isinstance(around(0, line), Banner | SourceFault):
                continue
            if line[:1] in (b"{", b"[") and any(
                isinstance(item, LogRecord | SourceFault) for item in line_items(0, line)
            ):
                return False
            seen = True
        return seen


def expected_form(complaint: bytes) -> Form | None:
    """The form that a command announces before its first record."""
    said = complaint.decode("utf-8", "replace")
    return Form.STREAM if "Displaying runtime logs" in said or "waiting for new logs" in said else None
