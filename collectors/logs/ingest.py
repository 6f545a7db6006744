"""Bring a log into the case: read it once, then store everything it shows in one transaction, or nothing.

Reading takes as long as the log is; the transaction is short, so that a live capture beside it never waits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from collectors.logs.conclude import Ending, conclude, refuse_no_log
from collectors.logs.gather import Gather
from collectors.logs.generic import facts_of
from collectors.logs.keep import COLLECTOR, Asked, ImportedLog, Keeper, store_failed
from collectors.logs.match import matchers_of
from collectors.logs.record import FACTS
from collectors.logs.redact import Redactor, declared_secrets
from collectors.logs.scan import scan
from collectors.logs.source import LogSource, Progress, open_log
from store.case import Case, Transaction
from store.errors import BadInput
from store.evidence import CollectionStatus
from store.runbook.model import Runbook, Source, SourceKind

__all__ = ["Asked", "ImportedLog", "gather_for", "import_log", "log_source", "store_log"]


LARGE = 8_000
"""Matches above which a load is written with little memory, at the price of readers that wait."""


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
        BadInput: it is no log; that somebody tried is stored as a failed collection.
    """
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise BadInput("the window ends before it begins", "give --since before --until")
    source = log_source(runbook, stream)
    asked = Asked(stream, since_ms, until_ms, "standard input" if path == "-" else Path(path).name, truncated=truncated)
    with open_log(path, progress=progress, already_read=already_read) as opened:
        gather = gather_for(runbook, source, asked, now_ms)
        try:
            try:
                form, sure = scan(opened, source, gather)
                refuse_no_log(gather, opened.name, sure=sure)
            except BadInput as refusal:
                failed = store_failed(case, asked, refusal.message, now_ms, redactor=gather.redactor)
                raise BadInput(
                    refusal.message, "; ".join(filter(None, (refusal.hint, f"kept as {failed.ref}")))
                ) from None
            return store_log(case, source, asked, gather, opened, form, now_ms)
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


def store_log(
    case: Case, source: Source, asked: Asked, gather: Gather, opened: LogSource, form: str, now_ms: int, *,
    covers: bool = True, exit_code: int | None = None, lack: str = "", note: str = "",
) -> ImportedLog:  # fmt: skip
    """Store a log that was read to its end, in one transaction.

    Args:
        case: the case, open for writing.
        source: the stream.
        asked: what it was asked for.
        gather: what was found in it.
        opened: the log, for its hash and size.
        form: the name of its form.
        now_ms: the clock.
        covers: whether its window counts as watched.
        exit_code: of the command that printed it.
        lack: why it is not whole, as its command tells it.
        note: what else is worth knowing.
    """
    ending = conclude(gather, truncated=asked.truncated, limit=asked.limit, until_ms=asked.to_ms, lack=lack)
    said = "" if gather.window else "no window was declared: it covers nothing"
    ending = ending._replace(reason="; ".join(part for part in (ending.reason, note, said) if part))
    keeper = Keeper(case, source, asked, gather)
    try:
        with _bounded(case, gather), case.transaction(COLLECTOR) as tx:
            _refuse_known(tx, asked, gather, opened.sha256, ending)
            keeper.begin(tx, form, now_ms)
            keeper.looked_for(tx, whole=True)
            keeper.rows(tx)
            if covers and gather.window and ending.status is CollectionStatus.OK:
                keeper.covered(tx, *gather.window, now_ms)
            keeper.end(tx, ending, now_ms, size=opened.bytes_read, sha256=opened.sha256, exit_code=exit_code)
    except _AlreadyLoadedError as first:
        return keeper.told(form, ending, known=(first.collection, first.seq))
    return keeper.told(form, ending)


@contextlib.contextmanager
def _bounded(case: Case, gather: Gather) -> Iterator[None]:
    """Let a very large transaction put pages aside in the file before it commits, where memory would grow with it
    otherwise. Readers wait for it as long as that takes.
    """
    large = gather.spool.count > LARGE
    if large:
        case.read().execute("PRAGMA cache_spill = ON")
    try:
        yield
    finally:
        if large:
            case.read().execute("PRAGMA cache_spill = OFF")


class _AlreadyLoadedError(Exception):
    def __init__(self, collection: int, seq: int) -> None:
        super().__init__()
        self.collection = collection
        self.seq = seq


def _refuse_known(tx: Transaction, asked: Asked, gather: Gather, sha256: str, ending: Ending) -> None:
    """Stop when the same bytes were loaded for the same window and signatures before: a second load proves no more."""
    looked = {(m.id, m.signature.sha256) for m in gather.matchers}
    for collection, seq in tx.query(
        "SELECT k.id, k.seq FROM collection_end e JOIN collection k ON k.id = e.collection "
        "WHERE e.source_sha256 = ? AND e.status = ? AND k.stream = ? AND k.from_ms IS ? AND k.to_ms IS ? AND k.command = ? "
        "AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id) ORDER BY k.id",
        (sha256, ending.status, asked.stream, asked.from_ms, asked.to_ms, asked.command),
    ):
        if looked == set(tx.query("SELECT signature, sha256 FROM looked_for WHERE collection = ?", (collection,))):
            raise _AlreadyLoadedError(collection, seq)
