"""One collection of logs on its way into the case: its beginning, its rows as they come, its end.

Import does all of it in one transaction; a live capture in many. Rows count as kept only after `kept()`, so a
transaction that failed is simply tried again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from collectors.logs.conclude import LONGEST_REASON, Ending, prospect
from collectors.logs.gather import Gather
from collectors.logs.redact import Redactor
from collectors.logs.spool import Found
from store.case import Case, Transaction
from store.evidence import (
    Collection,
    CollectionEnd,
    CollectionStatus,
    Coverage,
    Gauge,
    LogMatch,
    LookedFor,
    Traffic,
    Unreadable,
)
from store.runbook.model import Source

COLLECTOR = "logs"


class SignatureCount(NamedTuple):
    """What one signature amounts to in one collection: rows that match, distinct keys, rows of unknown status."""

    signature: str
    rows: int
    distinct: int
    unsure: int


class ImportedLog(NamedTuple):
    """A collection of logs as it is in the case now."""

    collection: int
    seq: int
    form: str
    status: str
    reason: str
    lines_read: int
    matched: int
    unreadable: int
    banners: int
    redactions: int
    first_ms: int | None
    last_ms: int | None
    signatures: tuple[SignatureCount, ...]
    known: bool = False

    @property
    def ref(self) -> str:
        """The form of citation used everywhere."""
        return f"collection:{self.collection}"


class Asked(NamedTuple):
    """What a collection was asked for, and by which means."""

    stream: str
    from_ms: int | None = None
    to_ms: int | None = None
    source: str = ""
    command: str = ""
    tool_version: str = ""
    limit: int | None = None
    truncated: bool = False


class Keeper:
    """Writes one collection and what a gathering shows for it."""

    def __init__(self, case: Case, source: Source, asked: Asked, gather: Gather) -> None:
        self.collection = 0
        self.seq = 0
        self.asked = asked
        self.gather = gather
        self._case = case
        self._source = source
        self._keys: list[set[str]] = [set() for _ in gather.matchers]
        self._traffic: dict[tuple[int, str], int] = {}
        self._cells: dict[tuple[int, str], int] = {}
        self._unreadable = self._gauges = 0

    def begin(self, tx: Transaction, form: str, now_ms: int) -> None:
        """Store what is asked, before anything was seen."""
        mask = self.gather.redactor
        self.collection = tx.add(
            Collection(
                self.asked.stream,
                COLLECTOR,
                self.asked.from_ms,
                self.asked.to_ms,
                now_ms,
                form=form,
                source=mask.text(self.asked.source),
                command=mask.command(self.asked.command),
                tool_version=mask.text(self.asked.tool_version or self.gather.version),
                edition=self._case.edition(),
            )
        )
        self.seq = tx.seq

    def looked_for(self, tx: Transaction, *, whole: bool) -> None:
        """Store which signatures are searched and whether the form that is seen can show them; `whole` says that all of
        the log was read.
        """
        tx.add_all(
            LookedFor(self.collection, m.id, m.signature.sha256, int(seen.can_prove), seen.why, seen.delay_ms)
            for m in self.gather.matchers
            for seen in [prospect(m.signature, self.gather, self._source, whole=whole)]
        )

    def rows(self, tx: Transaction, *, over_ms: int | None = None) -> None:
        """Store everything that is new since the last time; of traffic only minutes that were over then, if that is
        given.
        """
        gather, stream = self.gather, self._source.id
        shown = gather.redactor.route  # a label may be the path of a request
        cells: Counter[tuple[int, str]] = Counter()
        for minute, route, count in gather.traffic.cells(over_ms):
            cells[minute, shown(route)] += count
        self._cells = cells
        tx.add_all(self._matches())
        tx.add_all(Unreadable(self.collection, *row) for row in gather.unreadable[self._unreadable :])
        tx.add_all(
            Traffic(self.collection, stream, minute, route, count - self._traffic.get((minute, route), 0))
            for (minute, route), count in self._cells.items()
            if count > self._traffic.get((minute, route), 0)
        )
        tx.add_all(Gauge(self.collection, stream, *gauge) for gauge in gather.gauges[self._gauges :])

    def covered(self, tx: Transaction, from_ms: int, to_ms: int, now_ms: int) -> None:
        """Store a span of time that was watched without a break."""
        tx.add(Coverage(self.collection, self._source.id, from_ms, to_ms, now_ms))

    def kept(self) -> None:
        """The transaction is through: what it stored is not stored again."""
        self._unreadable, self._gauges = len(self.gather.unreadable), len(self.gather.gauges)
        self._traffic |= self._cells
        self.gather.spool.clear()

    @property
    def waiting(self) -> bool:
        """Whether something was seen that is not stored yet."""
        gather = self.gather
        return bool(gather.spool) or len(gather.unreadable) > self._unreadable or len(gather.gauges) > self._gauges

    def end(
        self,
        tx: Transaction,
        ending: Ending,
        now_ms: int,
        *,
        size: int = 0,
        sha256: str = "",
        exit_code: int | None = None,
    ) -> None:
        """Store how it ended and what it amounts to."""
        gather = self.gather
        reason = _shown(ending.reason, gather.redactor)
        tx.add(
            CollectionEnd(
                self.collection,
                ending.status,
                reason,
                now_ms,
                lines_read=lines_of(gather),
                matched=gather.matched,
                unreadable=gather.unread,
                banners=gather.banners,
                redactions=gather.redactor.count,
                omitted=gather.omitted,
                bytes_read=size,
                source_sha256=sha256,
                first_ms=gather.first_ms,
                last_ms=gather.last_ms,
                exit_code=exit_code,
            )
        )

    def told(self, form: str, ending: Ending, *, known: tuple[int, int] | None = None) -> ImportedLog:
        """What it amounts to, for whoever asked; `known` is the earlier load of the same bytes."""
        gather = self.gather
        if known:
            self.collection, self.seq = known
            for _ in self._matches():
                pass  # counted, not stored
        counts = tuple(
            SignatureCount(matcher.id, gather.rows[index], len(self._keys[index]), gather.unsure[index])
            for index, matcher in enumerate(gather.matchers)
        )
        return ImportedLog(
            self.collection,
            self.seq,
            form,
            ending.status,
            ending.reason,
            lines_of(gather),
            gather.matched,
            gather.unread,
            gather.banners,
            gather.redactor.count,
            gather.first_ms,
            gather.last_ms,
            counts,
            known is not None,
        )

    def _matches(self) -> Iterator[LogMatch]:
        for found in self.gather.spool:
            yield self._match(found)

    def _match(self, found: Found) -> LogMatch:
        matcher = self.gather.matchers[found.signature]
        if found.fits:
            self._keys[found.signature].add(found.key)
        return LogMatch(
            self.collection,
            self._source.id,
            matcher.id,
            matcher.group,
            found.key,
            found.at_ms,
            found.started_ms,
            found.route,
            found.status,
            found.request,
            found.certain,
            found.line,
            found.raw,
        )


def lines_of(gather: Gather) -> int:
    """How many lines or records were read."""
    return gather.records + gather.unread + gather.banners


def store_failed(
    case: Case,
    asked: Asked,
    reason: str,
    now_ms: int,
    *,
    exit_code: int | None = None,
    redactor: Redactor | None = None,
) -> ImportedLog:
    """Store a look at a log that gave nothing, as evidence that someone looked."""
    mask = redactor or Redactor()
    with case.transaction(COLLECTOR) as tx:
        collection = tx.add(
            Collection(
                asked.stream,
                COLLECTOR,
                asked.from_ms,
                asked.to_ms,
                now_ms,
                source=mask.text(asked.source),
                command=mask.command(asked.command),
                tool_version=mask.text(asked.tool_version),
                edition=case.edition(),
            )
        )
        text = _shown(reason, mask)
        failed = CollectionStatus.FAILED
        tx.add(CollectionEnd(collection, failed, text, now_ms, redactions=mask.count, exit_code=exit_code))
    return ImportedLog(collection, tx.seq, "", failed, text, 0, 0, 0, 0, mask.count, None, None, ())


def _shown(reason: str, mask: Redactor) -> str:
    """A reason as it is kept: masked while it is whole, then cut."""
    text = mask.text(reason)
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"
