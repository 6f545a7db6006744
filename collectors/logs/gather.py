"""What one pass over a log amounts to: matches, totals, traffic, times, what was unreadable. Counts only; judges
nothing.

The result depends on the set of records, not on their order.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from collectors.logs.answers import Answers
from collectors.logs.banners import tool_version
from collectors.logs.identity import Ordinals, digest, key_of
from collectors.logs.match import Matcher
from collectors.logs.record import ALL_PARTS, FACTS, Banner, Facts, Form, Item, LogRecord, Page, SourceFault, Unread
from collectors.logs.redact import Redactor
from collectors.logs.route import OTHER, Routes
from collectors.logs.spool import Found, Spool
from collectors.logs.table import generation
from collectors.logs.traffic import RequestCounts
from collectors.logs.values import reading_of

MATCH_LIMIT = 100_000
"""Matches kept per collection; beyond that they are only counted, and the collection ends as truncated."""
TEXT_LIMIT = 10_000
"""Records per collection of which the text is kept beside the match; beyond that the line number must do."""
UNREADABLE_LIMIT = 1_000
_KNOWN_LIMIT = 40_000
_SAMPLE = 300
_BLANK_TEXTS = 2_000


def _generation(record: LogRecord, known: str) -> str:
    """The generation of an export. 2025 and 2026 have the same columns; only the older one writes -1 for nothing."""
    found = known or generation(record.fields)
    absent = [str(record.fields.get(name)) for name in ("responseStatusCode", "durationMs", "memorySize")]
    return "2025" if found == "2026" and "-1" in absent else found


class _Shown(NamedTuple):
    """What is kept of a record that matched, masked."""

    at_ms: int
    route: str | None
    request: str | None
    raw: str


class Gather:
    """Everything that a log shows, gathered record by record.

    Args:
        matchers: the signatures to look for.
        redactor: masks what is kept.
        placed_ms: where a match without any time is placed; such a match never counts, it only stands in the way of
            an `ok`.
        window: the declared window; records outside it are kept and counted.
        limit: most matches to keep.
    """

    def __init__(
        self,
        matchers: Sequence[Matcher],
        redactor: Redactor,
        *,
        placed_ms: int,
        window: tuple[int, int] | None = None,
        limit: int = MATCH_LIMIT,
        facts: Mapping[Form, Facts] = FACTS,
    ) -> None:
        self.matchers = matchers
        self.redactor = redactor
        self.routes = Routes((m.signature.routes for m in matchers), [i for i, m in enumerate(matchers) if m.statuses])
        self.traffic = RequestCounts()
        self.spool = Spool()
        self.unreadable: list[tuple[int, str, str]] = []
        self.faults: list[SourceFault] = []
        self.forms: Counter[Form] = Counter()
        self.rows = [0] * len(matchers)
        self.unsure = [0] * len(matchers)
        self.other_timeouts: Counter[int] = Counter()
        self.records = self.matched = self.unread = self.banners = self.omitted = self.cut = self.timeless = (
            self.outside
        ) = self.texts = self.textless = 0
        self.first_ms: int | None = None
        self.last_ms: int | None = None
        self.version = ""
        self.detail = ""
        self.announced: Form | None = None
        self.more_rows = False
        self.lacking = set(ALL_PARTS)
        self.numbers_twins = True
        self._placed_ms = placed_ms
        self.window = window
        self.gauges: list[tuple[int, str, str, int]] = []
        self._answers = Answers(matchers, self.routes, facts)
        self._ordinals = Ordinals()
        self._adopted, self._room = 0, True
        self._limit = limit
        self.facts = facts
        self.known: dict[int, int] = {}
        self.blank: dict[tuple[int, str], Found] = {}

    def take(self, item: Item) -> None:
        """Take the next thing that a log holds."""
        if isinstance(item, LogRecord):
            self.note(item)
            self.match(item)
        elif isinstance(item, Unread):
            self.take_unread(item)
        elif isinstance(item, Banner):
            self.banners += 1
            if item.text and not self.version:
                self.version = tool_version(item.text)
        elif isinstance(item, Page):
            self.more_rows = item.more
        elif len(self.faults) < UNREADABLE_LIMIT:
            self.faults.append(item._replace(reason=self.redactor.text(item.reason[:_SAMPLE])))

    def take_unread(self, item: Unread) -> None:
        """Count what could not be read, and keep the beginning of it."""
        self.unread += 1
        if len(self.unreadable) < UNREADABLE_LIMIT:
            self.unreadable.append((item.line, item.reason, self.redactor.raw(item.sample)[:_SAMPLE]))

    def keep_unreadable(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Keep what another part of the log could not read and has counted."""
        self.unreadable += itertools.islice(rows, UNREADABLE_LIMIT - len(self.unreadable))

    def like(self, redactor: Redactor) -> Gather:
        """An empty gathering for the same questions."""
        return Gather(
            self.matchers, redactor, placed_ms=self._placed_ms, window=self.window, limit=self._limit, facts=self.facts
        )

    def note(self, record: LogRecord) -> None:
        """Count a record: its form, its time, its request."""
        self.records += 1
        self.forms[record.form] += 1
        self.cut += record.cut
        if self.lacking:
            self.lacking -= record.carries
        if record.form is Form.EXPORT and self.detail in ("", "2026"):
            self.detail = _generation(record, self.detail)
        if record.at_ms is None:
            self.timeless += 1
            return
        self.widen(record.at_ms, record.at_ms)
        if self.window and not self.window[0] <= record.at_ms < self.window[1]:
            self.outside += 1
        if record.series is not None:
            self._read_gauge(record, record.series, record.at_ms)
        if record.is_request:
            started = record.started_ms if record.started_ms is not None else record.at_ms
            label = OTHER if record.route is None else self.routes.of(record.route).label
            self.traffic.see(started, label, record.request)

    def _read_gauge(self, record: LogRecord, series: str, at_ms: int) -> None:
        reading = reading_of(record.value)
        if reading is None:
            self.take_unread(Unread(record.line, "its reading is no number", record.raw[:1024]))
        elif len(self.gauges) >= self._limit:
            self.omitted += 1
        else:
            self.gauges.append((at_ms, self.redactor.text(series), *reading))

    def widen(self, first_ms: int, last_ms: int) -> None:
        """Extend the span of times that were seen."""
        if self.first_ms is None or first_ms < self.first_ms:
            self.first_ms = first_ms
        if self.last_ms is None or last_ms > self.last_ms:
            self.last_ms = last_ms

    def match(self, record: LogRecord) -> None:
        """Ask every signature about a record and keep what matched."""
        answer = self._answers.of(record)
        if answer.learns and record.request is not None:
            self.learn(hash(record.request), record.status)
        if answer.others:
            self.other_timeouts.update(answer.others)
        if not answer.found:
            return
        self.matched += answer.sure
        shown = self._shown(record, answer.longest_s, sure=answer.sure)
        for index, texts, unsure in answer.found:
            self._keep(index, record, shown, texts, unsure=unsure)

    def settle(self) -> None:
        """Settle requests whose status was blank in some rows: known elsewhere, they are known; else they stay
        unsure, once each.
        """
        for (index, request), found in sorted(self.blank.items(), key=lambda pair: (pair[1].at_ms, pair[1].line)):
            matcher = self.matchers[index]
            status = self.known.get(hash(request))
            if status is None:
                self.unsure[index] += 1
                self.store(found)
            elif matcher.reads_text and status in matcher.statuses:
                self.rows[index] += 1
                self.matched += 1
                self.store(found._replace(fits=1, certain=1, status=status))
        self.blank.clear()
        if Form.QUERY_LINES in self.forms:
            self.forms[Form.QUERY_LINES] += self.forms.pop(Form.QUERY_FIRST, 0)

    def learn(self, request: int, status: int | None) -> None:
        """Remember that the status of a request, named by the hash of its id, is known, whatever its other rows leave
        blank; of several the highest.
        """
        if status is not None and len(self.known) < _KNOWN_LIMIT and status > self.known.get(request, 0):
            self.known[request] = status

    def _keep(self, index: int, record: LogRecord, shown: _Shown, texts: Sequence[str], *, unsure: bool) -> None:
        unit = self.matchers[index].unit
        keys = (
            {key_of(record, unit, text): None for text in texts}
            if len(texts) > 1
            else (key_of(record, unit, texts[0]),)
        )
        certain = int(not unsure and record.failed_ms is not None)
        if not unsure:
            self.rows[index] += len(keys)
        for key, twins in keys:
            found = Found(
                index,
                self._shown_key(key),
                twins,
                shown.at_ms,
                record.started_ms,
                shown.route,
                record.status,
                shown.request,
                int(not unsure),
                certain,
                record.line,
                shown.raw,
            )
            if not unsure:
                self.store(found)
            elif record.request is None:
                self.unsure[index] += 1
                self.store(found)
            else:
                self.remember(index, record.request, found)

    def _shown_key(self, key: str) -> str:
        """A key as it is kept: where a part of it would be masked, its digest."""
        return key if self.redactor.short(key) == key else digest("k", key)

    def remember(self, index: int, request: str, found: Found) -> None:
        """Keep a match whose status is blank until its request is settled; the earliest of a request is enough."""
        earlier = self.blank.get((index, request))
        if earlier is None and len(self.blank) >= self._limit:
            self.omitted += 1
        elif earlier is None or (found.at_ms, found.line) < (earlier.at_ms, earlier.line):
            self.blank[index, request] = found

    def _shown(self, record: LogRecord, longest_s: int | None, *, sure: bool) -> _Shown:
        at_ms = self._placed_ms if record.failed_ms is None else record.failed_ms
        if record.starts and longest_s is not None and record.at_ms is not None:
            at_ms = max(at_ms, record.at_ms + 1000 * longest_s)
        if self.spool.count >= self._limit:
            return _Shown(at_ms, None, None, "")
        mask = self.redactor
        return _Shown(
            at_ms,
            mask.route(record.route) if record.route is not None else None,
            mask.short(record.request) if record.request is not None else None,
            self._text(record, sure=sure),
        )

    def _text(self, record: LogRecord, *, sure: bool) -> str:
        if not sure and record.request is not None:  # most of these are settled and never kept
            if len(self.blank) >= _BLANK_TEXTS:
                return ""
        elif self.texts >= TEXT_LIMIT:
            self.textless += 1
            return ""
        else:
            self.texts += 1
        query = record.fields.get("requestQueryString") if record.form is Form.EXPORT else None
        return self.redactor.raw(record.raw, query)

    def adopt(self, found: Found) -> None:
        """Keep a match of another part of the log, with its text if there is still room for one."""
        if found.raw and found.line != self._adopted:
            self._room = self.texts < TEXT_LIMIT
            self.texts += self._room
            self.textless += not self._room
            self._adopted = found.line
        self.store(found if self._room or not found.raw else found._replace(raw=""))

    def store(self, found: Found) -> None:
        """Keep one match; an exact twin of an earlier one gets a number."""
        if self.spool.count >= self._limit:
            self.omitted += 1
        elif found.twins and self.numbers_twins:
            key = self._ordinals.number(self.matchers[found.signature].id, found.key)
            self.spool.add(found._replace(key=key))
        else:
            self.spool.add(found)
