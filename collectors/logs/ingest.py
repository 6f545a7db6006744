"""Bring a log into the case: read it once, then store everything it shows in one transaction, or nothing.

Reading takes as long as the log is; the transaction is short, so that a live capture beside it never waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from collectors.logs.conclude import Ending, conclude, prospect, refuse_no_log
from collectors.logs.gather import Gather
from collectors.logs.generic import facts_of
from collectors.logs.identity import Ordinals
from collectors.logs.match import matchers_of
from collectors.logs.record import FACTS
from collectors.logs.redact import Redactor, declared_secrets
from collectors.logs.scan import scan
from collectors.logs.source import LogSource, Progress, open_log
from store.case import Case, Transaction
from store.errors import BadInput
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
from store.runbook.model import Runbook, Source, SourceKind

COLLECTOR = "logs"


class SignatureCount(NamedTuple):
    """What one signature amounts to in one collection: rows that match, distinct keys, rows of unknown status."""

    signature: str
    rows: int
    distinct: int
    unsure: int


class ImportedLog(NamedTuple):
    """A log as it is in the case now."""

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
    exit_code: int | None = None
    limit: int | None = None
    truncated: bool = False
    covers: bool = True


def import_log(
    case: Case,
    runbook: Runbook,
    stream: str,
    path: str,
    *,
    since_ms: int | None,
    until_ms: int | None,
    now_ms: int,
    truncated: bool = False,
    already_read: bytes = b"",
    progress: Progress | None = None,
) -> ImportedLog:
    """Load a log file, or standard input for `-`; loading identical bytes again gives the first load, unless that was
    retracted.

    Args:
        case: the case, open for writing.
        runbook: its newest runbook.
        stream: the `logs` source that the file belongs to.
        path: the file, or `-`.
        since_ms: start of the window that the file covers, with `until_ms`; without both it covers nothing.
        until_ms: end of that window.
        now_ms: the clock.
        truncated: the file is known to be cut: it covers nothing, what is in it still counts.
        already_read: what was taken from standard input before.
        progress: called with bytes read and the size, if known.

    Raises:
        BadInput: it is no log; nothing was stored.
    """
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise BadInput("the window ends before it begins", "give --since before --until")
    source = log_source(runbook, stream)
    asked = Asked(stream, since_ms, until_ms, "standard input" if path == "-" else Path(path).name, truncated=truncated)
    with open_log(path, progress=progress, already_read=already_read) as opened:
        gather = gather_for(runbook, source, asked, now_ms)
        try:
            form, sure = scan(opened, source, gather)
            refuse_no_log(gather, opened.name, sure=sure)
            return _stored(case, source, asked, gather, opened, form, now_ms)
        finally:
            gather.spool.close()


def log_source(runbook: Runbook, stream: str) -> Source:
    """The runbook's source of that name.

    Raises:
        BadInput: there is none, or it is no log.
    """
    source = next((s for s in runbook.sources if s.id == stream), None)
    if source is None or source.kind is not SourceKind.LOGS:
        names = ", ".join(s.id for s in runbook.sources if s.kind is SourceKind.LOGS) or "none"
        raise BadInput(f"the runbook has no log stream {stream!r}", f"its log streams: {names}")
    return source


def gather_for(runbook: Runbook, source: Source, asked: Asked, now_ms: int) -> Gather:
    """An empty gathering for a stream of the runbook."""
    facts = facts_of(source.fields) if source.format and source.fields else FACTS
    window = (asked.from_ms, asked.to_ms) if asked.from_ms is not None and asked.to_ms is not None else None
    return Gather(
        matchers_of(runbook, source.id),
        Redactor(declared_secrets(runbook.secrets)),
        placed_ms=window[1] - 1 if window else now_ms,
        window=window,
        facts=facts,
    )


def store_failed(
    case: Case, asked: Asked, reason: str, now_ms: int, *, redactor: Redactor | None = None
) -> ImportedLog:
    """Store a look at a log that gave nothing, as evidence that someone looked."""
    mask = redactor or Redactor()
    with case.transaction(COLLECTOR) as tx:
        collection = tx.add(_collection(case, asked, "", now_ms, mask))
        text = mask.text(reason)
        tx.add(CollectionEnd(collection, CollectionStatus.FAILED, text, now_ms, exit_code=asked.exit_code))
    return ImportedLog(collection, tx.seq, "", CollectionStatus.FAILED, text, 0, 0, 0, 0, mask.count, None, None, ())


class _AlreadyLoadedError(Exception):
    def __init__(self, collection: int, seq: int) -> None:
        super().__init__()
        self.collection = collection
        self.seq = seq


def _stored(
    case: Case, source: Source, asked: Asked, gather: Gather, opened: LogSource, form: str, now_ms: int
) -> ImportedLog:
    ending = conclude(gather, truncated=asked.truncated, limit=asked.limit, until_ms=asked.to_ms)
    if asked.covers and gather.window is None:
        ending = ending._replace(
            reason="; ".join(filter(None, (ending.reason, "no window was declared: it covers nothing")))
        )
    known = False
    try:
        with case.transaction(COLLECTOR) as tx:
            asked = asked._replace(tool_version=asked.tool_version or gather.redactor.text(gather.version))
            _refuse_known(tx, asked, gather, opened.sha256, ending)
            collection = tx.add(_collection(case, asked, form, now_ms, gather.redactor))
            counts = store_gathered(tx, collection, source, gather)
            if asked.covers and gather.window and ending.status is CollectionStatus.OK:
                tx.add(Coverage(collection, asked.stream, *gather.window, now_ms))
            tx.add(_end(collection, asked, gather, opened, ending, now_ms))
        seq = tx.seq
    except _AlreadyLoadedError as first:
        collection, seq, known = first.collection, first.seq, True
        counts = _counts(gather)
    return ImportedLog(
        collection, seq, form, ending.status, ending.reason, _lines(gather), gather.matched, gather.unread,
        gather.banners, gather.redactor.count, gather.first_ms, gather.last_ms, counts, known,
    )  # fmt: skip


def _refuse_known(tx: Transaction, asked: Asked, gather: Gather, sha256: str, ending: Ending) -> None:
    """Stop when the same bytes were loaded for the same window and signatures before: a second load proves nothing
    more.
    """
    looked = {(m.id, m.signature.sha256) for m in gather.matchers}
    for collection, seq in tx.query(
        "SELECT k.id, k.seq FROM collection_end e JOIN collection k ON k.id = e.collection "
        "WHERE e.source_sha256 = ? AND e.status = ? AND k.stream = ? AND k.from_ms IS ? AND k.to_ms IS ? AND k.command = ? "
        "AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id) ORDER BY k.id",
        (sha256, ending.status, asked.stream, asked.from_ms, asked.to_ms, asked.command),
    ):
        if looked == set(tx.query("SELECT signature, sha256 FROM looked_for WHERE collection = ?", (collection,))):
            raise _AlreadyLoadedError(collection, seq)


def _collection(case: Case, asked: Asked, form: str, now_ms: int, mask: Redactor) -> Collection:
    return Collection(
        asked.stream, COLLECTOR, asked.from_ms, asked.to_ms, now_ms, form=form, source=mask.text(asked.source),
        command=mask.command(asked.command), tool_version=asked.tool_version, edition=case.edition(),
    )  # fmt: skip


def _end(
    collection: int, asked: Asked, gather: Gather, opened: LogSource, ending: Ending, now_ms: int
) -> CollectionEnd:
    return CollectionEnd(
        collection, ending.status, ending.reason, now_ms, lines_read=_lines(gather), matched=gather.matched,
        unreadable=gather.unread, banners=gather.banners, redactions=gather.redactor.count, omitted=gather.omitted,
        bytes_read=opened.bytes_read, source_sha256=opened.sha256, first_ms=gather.first_ms, last_ms=gather.last_ms,
        exit_code=asked.exit_code,
    )  # fmt: skip


def _lines(gather: Gather) -> int:
    return gather.records + gather.unread + gather.banners


def store_gathered(tx: Transaction, collection: int, source: Source, gather: Gather) -> tuple[SignatureCount, ...]:
    """Store everything that a pass showed under its collection."""
    tx.add_all(_looked_for(collection, source, gather))
    counts = _Counting(gather)
    tx.add_all(counts.rows(collection, source.id))
    tx.add_all(Unreadable(collection, *row) for row in gather.unreadable)
    tx.add_all(Traffic(collection, source.id, *cell) for cell in gather.traffic.cells())
    tx.add_all(Gauge(collection, source.id, *gauge) for gauge in gather.gauges)
    return counts.totals()


def _looked_for(collection: int, source: Source, gather: Gather) -> Iterator[LookedFor]:
    for matcher in gather.matchers:
        seen = prospect(matcher.signature, gather, source)
        yield LookedFor(collection, matcher.id, matcher.signature.sha256, int(seen.can_prove), seen.why, seen.delay_ms)


class _Counting:
    """The matches of a gathering as rows, counted while they pass."""

    def __init__(self, gather: Gather) -> None:
        self._gather = gather
        self._keys: list[set[str]] = [set() for _ in gather.matchers]

    def rows(self, collection: int, stream: str) -> Iterator[LogMatch]:
        ordinals = Ordinals()
        for found in self._gather.spool:
            matcher = self._gather.matchers[found.signature]
            key = ordinals.number(matcher.id, found.key) if found.twins else found.key
            if found.fits:
                self._keys[found.signature].add(key)
            yield LogMatch(
                collection, stream, matcher.id, matcher.group, key, found.at_ms, found.started_ms, found.route,
                found.status, found.request, found.certain, found.line, found.raw,
            )  # fmt: skip

    def totals(self) -> tuple[SignatureCount, ...]:
        gather = self._gather
        return tuple(
            SignatureCount(matcher.id, gather.rows[index], len(self._keys[index]), gather.unsure[index])
            for index, matcher in enumerate(gather.matchers)
        )


def _counts(gather: Gather) -> tuple[SignatureCount, ...]:
    counting = _Counting(gather)
    for _ in counting.rows(0, ""):
        pass
    return counting.totals()
