"""One run of a following command: its process, its text, and the collections that it fills one after the other."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from collectors.logs.child import Child
from collectors.logs.gather import Gather
from collectors.logs.keep import Asked, ImportedLog
from collectors.logs.live import LiveText, expected_form
from collectors.logs.record import Form
from collectors.logs.segment import Segment
from store.case import Case
from store.runbook.model import Source

ROTATE_S = 300.0
"""A new collection begins this often, so that a line which cannot be read costs no more time than that."""
_LAST_WORDS_S = 3.0
_SLEPT_S = 5.0
"""When the wall clock gains so much on the steady one, the machine slept or its clock was set."""
_HOLLOW_S = 30.0
_LOOKING_BACK = (Form.QUERY, Form.QUERY_FIRST, Form.QUERY_LINES, Form.REQUESTS, Form.EXPORT)
_BY_ITSELF = "the command ended by itself"
_SLEPT = "this machine slept, or its clock was set"
_STOPPED = "the command asked for input and was stopped by the terminal"
_PAUSE_S = 0.5
"""After this much silence the last line of a text log is taken to be whole."""


class Run:
    """One child and what became of its output.

    Args:
        case: the case, open for writing.
        source: the stream.
        asked: what the collections are asked for.
        child: the running command.
        new_gather: makes an empty gathering.
        clock: the wall clock in milliseconds.
        stall_s: silence longer than this is a gap.
    """

    def __init__(
        self,
        case: Case,
        source: Source,
        asked: Asked,
        child: Child,
        new_gather: Callable[[], Gather],
        *,
        clock: Callable[[], int],
        stall_s: float,
    ) -> None:
        self.child = child
        self.started = time.monotonic()
        self.stalled = False
        self.ended: list[ImportedLog] = []
        self.gather = new_gather()
        self._case = case
        self._source = source
        self._asked = asked
        self._new_gather = new_gather
        self._clock = clock
        self._stall_s = stall_s
        self._text = LiveText(source)
        self._segment: Segment | None = None
        self._begun = self._heard = self.started
        self._spoils = self._counted_bytes = self._records = 0
        self._ended_at: float | None = None
        self._why_over = ""
        self._seen_ms, self._seen = clock(), self.started
        # What the child wrote until `_mark_ms` lies within its first `_mark` bytes; up to `_to_ms` all of it was read.
        self._mark = 0
        self._mark_ms = self._to_ms = clock()

    @property
    def attached(self) -> bool:
        """Whether the command is connected: it printed a record, or said so."""
        return self._segment is not None

    @property
    def looks_back(self) -> bool:
        """Whether it printed what was before, instead of following: then no time was watched, and again would be the
        same.
        """
        return any(self.gather.forms[form] for form in _LOOKING_BACK)

    @property
    def over(self) -> bool:
        """Whether nothing more is to be had from it."""
        return bool(self.why_over)

    @property
    def why_over(self) -> str:
        """Why nothing more is to be had from it, in a few words; empty while something is."""
        if not self._why_over and self.child.stdout is None:
            self._why_over = _BY_ITSELF
        if not self._why_over and self.child.terminal is None and self.child.is_stopped():
            self._why_over = _STOPPED
        if not self._why_over and self._is_left():
            self._why_over = "the command ended, and something that it started holds its output"
        return self._why_over

    @property
    def broke_off(self) -> bool:
        """Whether it is to be started again because of this machine, not because of what it did itself."""
        return self._why_over in (_SLEPT, _STOPPED)

    @property
    def records(self) -> int:
        """Records that it printed."""
        return self.gather.records + self._records

    def is_hollow(self, code: int) -> bool:
        """Whether it got connected and then failed before it gave anything."""
        return code != 0 and self.records == 0 and time.monotonic() - self.started < _HOLLOW_S

    @property
    def quiet_s(self) -> float:
        """How long nothing came from it."""
        return time.monotonic() - self._heard

    def read(self) -> bytes:
        """Take the output that is there."""
        block = self.child.read()
        if block:
            self._heard = time.monotonic()
            self._text.feed(block, self.gather)
            if self.gather.records:
                self._attach()
            self._note_mark()
        return block

    def read_complaint(self) -> bytes:
        """Take what it says beside its output."""
        said = self.child.read_complaint()
        if said:
            self._heard = time.monotonic()
            if not self.attached and (form := expected_form(self.child.complaint)) is not None:
                self.gather.announced = form
                self._attach()
        return said

    def commit(self) -> bool:
        """Store what is new and how far time was watched; returns whether a silence has just become a gap, or ended."""
        if self._segment is None:
            return False
        if self.quiet_s > _PAUSE_S:
            self._text.rest(self.gather, cut=False)
        self._note_mark()
        quiet = self.quiet_s > self._stall_s
        changed, self.stalled = quiet != self.stalled, quiet
        if quiet:
            self._segment.commit(self._to_ms, self._clock())
            self._segment.pause()
        else:
            self._watch(self._segment, self._clock())
            self._segment.commit(self._to_ms, self._clock())
            self._rotate(self._segment)
        return changed

    def end(self, note: str = "") -> int:
        """Read what is left and end its collection, with why it ended if that was not its own doing; the exit code."""
        self._note_mark()
        if not self.over:
            self.child.interrupt()
        deadline = time.monotonic() + _LAST_WORDS_S
        while (descriptor := self.child.stdout) is not None and (left := deadline - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left)[0] and (block := self.child.read()):
                self._text.feed(block, self.gather)
        code = self.child.end()
        note = note or self.why_ended(code)
        self._text.rest(self.gather, cut=True)
        if self._done() >= self._mark and self._why_over != _SLEPT:
            self._to_ms = self._mark_ms
        if self._segment is None and self.gather.records:
            self._attach()
        if self._segment is not None:
            self._close(self._segment, note, code, failed=self.is_hollow(code))
        return code

    def why_ended(self, code: int) -> str:
        """Why it ended, and what it said last if that was not well."""
        if code == 0 or self._why_over != _BY_ITSELF:
            return self._why_over or _BY_ITSELF
        return ": ".join(filter(None, (f"{_BY_ITSELF} with {_exit(code)}", self.child.said_last())))

    def lost(self, why: str) -> ImportedLog | None:
        """Its collection as it stays when its end cannot be stored; None when it is not in the case at all."""
        segment = self._segment
        return segment.told_lost(why) if segment is not None and segment.begun else None

    def why_nothing(self, code: int) -> str:
        """Why a run that never got connected gave nothing, in one sentence."""
        said = next((fault.reason for fault in self.gather.faults), "") or self.child.said_last()
        if self.gather.unread and not said:
            line, reason, sample = self.gather.unreadable[0]
            said = f"line {line} {reason}: {sample[:100]}"
        ended = f"the command ended with {_exit(code)}"
        return f"{ended}: {said}" if said else f"{ended} and printed no record"

    def _is_left(self) -> bool:
        """Whether the command has been gone for a while, but its output is still open."""
        if self.child.exit_code() is None:
            return False
        self._ended_at = self._ended_at or time.monotonic()
        return time.monotonic() - self._ended_at > _LAST_WORDS_S

    def _slept(self) -> bool:
        now, steady = self._clock(), time.monotonic()
        gained = (now - self._seen_ms) / 1000 - (steady - self._seen)
        self._seen_ms, self._seen = now, steady
        return gained > _SLEPT_S

    def _note_mark(self) -> None:
        """Move on how far time was watched: to the last instant of which everything written has been read."""
        if self._why_over == _SLEPT or self._slept():
            self._why_over = _SLEPT  # nothing after the last look was watched
            return
        done = self._done()
        if done >= self._mark:
            self._to_ms = self._mark_ms
        if self.child.exit_code() is not None or self.over:
            return
        if done >= self._mark:
            # The clock first: what is written in between then lies within the mark, not beyond it.
            self._mark_ms = self._clock()
            self._mark = self.child.bytes_read + self.child.unread()
        if done >= self._mark:
            self._to_ms = self._mark_ms

    def _done(self) -> int:
        return self.child.bytes_read - self._text.held_bytes

    def _attach(self) -> None:
        if self._segment is None:
            self.child.detach()
            now = self._clock()
            self._segment = self._new_segment(now)
            self._watch(self._segment, now)

    def _watch(self, segment: Segment, at_ms: int) -> None:
        if not self.looks_back:
            segment.watch(at_ms)

    def _new_segment(self, from_ms: int) -> Segment:
        self._begun = time.monotonic()
        asked = self._asked._replace(from_ms=from_ms)
        return Segment(self._case, self._source, asked, self.gather, self._text.form_name(self.gather))

    def _rotate(self, segment: Segment) -> None:
        """Begin a new collection when this one is old, or covers nothing any more though all is well again."""
        spoils = self.gather.unread + len(self.gather.faults) + self.gather.timeless
        settled = segment.spoiled and spoils == self._spoils
        self._spoils = spoils
        if not (settled or segment.foreign or time.monotonic() - self._begun > ROTATE_S):
            return
        from_ms = self._clock() if segment.spoiled else self._to_ms
        newest = self.gather.forms.most_common(1)
        announced = newest[0][0] if newest else self.gather.announced
        self._close(segment, "", None)
        self.gather = self._new_gather()
        self.gather.announced = announced
        self._spoils = 0
        self._segment = self._new_segment(from_ms)
        self._watch(self._segment, from_ms)

    def _close(self, segment: Segment, note: str, code: int | None, *, failed: bool = False) -> None:
        size, now = self.child.bytes_read - self._counted_bytes, self._clock()
        self.ended.append(segment.end(self._to_ms, now, size=size, exit_code=code, note=note, failed=failed))
        self._records += segment.gather.records
        self._counted_bytes = self.child.bytes_read


def _exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
