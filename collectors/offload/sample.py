"""One tick of an offload stream: the queue's depth and the ledger's minutes, seen at one instant, stored together.

Whatever goes wrong becomes a failed collection with one plain sentence. It never becomes a zero.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from collectors.offload.ledger import Ledger, read_ledger, whole_minutes
from collectors.offload.queue import Looked, has_queue, read_queue
from collectors.offload.trouble import Trouble
from collectors.offload.url import Address, clean_address
from collectors.schedule import Collected, CollectedTick
from store.case import Case
from store.errors import BadInput
from store.evidence import Artifact, Collection, CollectionEnd, CollectionStatus, Coverage, RunCount, Snapshot
from store.instants import MINUTE_MS, format_instant
from store.runbook.model import Runbook, Source
from store.transaction import Transaction

if TYPE_CHECKING:
    from collectors.offload.postgres import Moment, Session

COLLECTOR = "offload"
QUEUE = "queue"
LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a tick before it is stored."""

    what: str
    from_ms: int
    to_ms: int
    status: str
    reason: str
    question: str = ""
    covered_to_ms: int | None = None
    snapshot: Looked | None = None
    ledger: Ledger | None = None
    plan: Any = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A whole tick before it is stored."""

    findings: tuple[Finding, ...]
    place: str = ""
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """What the case already knows of this stream."""

    covered_ms: int | None
    succeeded: int | None


def sample_offload(
    case: Case,
    runbook: Runbook,
    source: Source,
    *,
    environ: Mapping[str, str],
    now_ms: Callable[[], int],
    since_ms: int | None = None,
) -> CollectedTick:
    """Look once at the queue and the ledger of a source and store what was seen, or why nothing was.

    Args:
        since_ms: how far back to read the ledger; by default to where coverage ended, and 35 minutes at least.
    """
    sample = look(runbook, source, environ, now_ms, _before(case, source.id), since_ms)
    collected_ms = now_ms()
    moment = sample.moment
    ended: list[Collected] = []
    with case.transaction(COLLECTOR) as tx:
        for finding in sample.findings:
            collection = Collection(
                source.id,
                COLLECTOR,
                finding.from_ms,
                finding.to_ms,
                collected_ms,
                skew_ms=moment.skew_ms if moment else 0,
                form=finding.what,
                source=sample.place,
                command=finding.question,
                tool_version=f"PostgreSQL {moment.version}{', replica' if moment.replica else ''}" if moment else "",
                edition=case.edition(),
            )
            ended.append(_store(tx, finding, collection))
    return CollectedTick(source.id, tuple(ended), tx.seq)


def look(
    runbook: Runbook,
    source: Source,
    environ: Mapping[str, str],
    now_ms: Callable[[], int],
    before: Before,
    since_ms: int | None,
) -> Sample:
    """Ask the database; needs no case. Every failure is a finding."""
    at_ms = now_ms()
    parts = _parts(source)
    if not parts:
        raise BadInput(
            f"source {source.id} names no [queue], no [ledger] and no sql fence", "say what to ask in the runbook"
        )
    try:
        address = address_of(source, environ)
    except BadInput as error:
        return Sample(tuple(_failed(part, at_ms, str(error)) for part in parts))
    opened: Moment | None = None
    try:
        with _open(address, source, now_ms) as session:
            opened = session.moment
            variables = question_variables(runbook, environ, opened.at_ms)
            return Sample(tuple(_ask(session, source, variables, before, since_ms)), address.shown(), opened)
    except Trouble as trouble:
        failed = (_failed(part, opened.at_ms if opened else at_ms, trouble.reason) for part in parts)
        return Sample(tuple(failed), address.shown(), opened)


def address_of(source: Source, environ: Mapping[str, str]) -> Address:
    """The address that the source's variable holds.

    Raises:
        BadInput: the variable is not set, or holds no usable address.
    """
    variable = source.address or ""
    if variable not in environ:
        raise BadInput(f"{variable or 'the address variable'} is not set", f"export {variable}=postgresql://…")
    return clean_address(environ[variable], variable)


def question_variables(runbook: Runbook, environ: Mapping[str, str], at_ms: int) -> dict[str, object]:
    """What an SQL fence may use: `:since` and `:until` of the last half hour, `:now`, and what the runbook needs."""
    given: dict[str, object] = {name.casefold(): environ[name] for name in runbook.needs if name in environ}
    since, now = format_instant(at_ms - 30 * MINUTE_MS), format_instant(at_ms)
    return {**given, "since": since, "until": now, "now": now}


def _open(address: Address, source: Source, now_ms: Callable[[], int]) -> AbstractContextManager[Session]:
    from collectors.offload.postgres import Limits, session  # the driver is heavy, and pasted answers never need it

    return session(address, Limits.of(source.timeout_ms), now_ms)


def _parts(source: Source) -> tuple[str, ...]:
    return (*((QUEUE,) if has_queue(source) else ()), *((LEDGER,) if source.ledger is not None else ()))


def _ask(
    session: Session, source: Source, variables: Mapping[str, object], before: Before, since_ms: int | None
) -> Iterator[Finding]:
    queue_works = False
    if QUEUE in _parts(source):
        finding = _ask_queue(session, source, variables)
        queue_works = _works(finding, before)
        yield finding
    if source.ledger is not None:
        yield _ask_ledger(session, source, before, since_ms, queue_works=queue_works)


def _ask_queue(session: Session, source: Source, variables: Mapping[str, object]) -> Finding:
    at_ms = session.moment.at_ms
    try:
        with session.part():
            looked = read_queue(session, source, variables)
    except (Trouble, BadInput) as error:
        return _failed(QUEUE, at_ms, str(error), getattr(error, "plan", None))
    return Finding(QUEUE, at_ms, at_ms, CollectionStatus.OK, looked.depth.note, looked.question, at_ms, snapshot=looked)


def _ask_ledger(
    session: Session, source: Source, before: Before, since_ms: int | None, *, queue_works: bool
) -> Finding:
    assert source.ledger is not None  # noqa: S101 the caller looked
    from_ms, to_ms = whole_minutes(session.moment.at_ms, since_ms, before.covered_ms)
    try:
        with session.part():
            ledger = read_ledger(session, source.ledger, source.dispatch, from_ms, to_ms, queue_works=queue_works)
    except Trouble as trouble:
        plan = getattr(trouble, "plan", None)
        return Finding(LEDGER, from_ms, to_ms, CollectionStatus.FAILED, trouble.reason, plan=plan)
    return Finding(
        LEDGER, from_ms, to_ms, CollectionStatus.OK, ledger.note, ledger.question, ledger.trusted_to_ms, ledger=ledger
    )


def _works(finding: Finding, before: Before) -> bool:
    """Whether events were seen to be worked on: some are running, or more are done than when we last looked."""
    if finding.snapshot is None:
        return False
    depth = finding.snapshot.depth
    done_more = depth.succeeded is not None and before.succeeded is not None and depth.succeeded > before.succeeded
    return depth.running > 0 or done_more


def _failed(what: str, at_ms: int, reason: str, plan: Any = None) -> Finding:
    return Finding(what, at_ms, at_ms, CollectionStatus.FAILED, reason, plan=plan)


def _before(case: Case, stream: str) -> Before:
    db = case.read()
    standing = "NOT EXISTS (SELECT 1 FROM retraction AS r WHERE r.collection = k.id)"
    covered = db.execute(
        "SELECT max(c.to_ms) FROM coverage AS c JOIN collection AS k ON k.id = c.collection "  # noqa: S608 a constant
        f"WHERE k.stream = ? AND k.form = ? AND {standing}",
        (stream, LEDGER),
    ).fetchone()
    newest = db.execute(
        "SELECT s.succeeded FROM snapshot AS s JOIN collection AS k ON k.id = s.collection "  # noqa: S608 a constant
        f"WHERE s.stream = ? AND {standing} ORDER BY s.at_ms DESC LIMIT 1",
        (stream,),
    ).fetchone()
    return Before(covered[0], newest[0] if newest else None)


def _store(tx: Transaction, finding: Finding, collection: Collection) -> Collected:
    id = tx.add(collection)
    stream, collected_ms = collection.stream, collection.collected_ms
    if finding.covered_to_ms is not None:
        tx.add(Coverage(id, stream, finding.from_ms, finding.covered_to_ms, collected_ms))
    rows = matched = 0
    if finding.snapshot is not None:
        depth = finding.snapshot.depth
        rows, matched = depth.rows, 1
        tx.add(Snapshot(id, stream, finding.from_ms, *depth[:6]))
    if finding.ledger is not None:
        rows, matched = finding.ledger.rows, len(finding.ledger.cells)
        tx.add_all(_run_counts(id, stream, finding.ledger))
    if finding.plan is not None:
        _store_plan(tx, id, finding, collection)
    tx.add(CollectionEnd(id, finding.status, finding.reason, collected_ms, lines_read=rows, matched=matched))
    return Collected(id, finding.what, finding.status, finding.reason, finding.from_ms, finding.to_ms, matched)


def _run_counts(collection: int, stream: str, ledger: Ledger) -> Iterator[RunCount]:
    last_minute_ms = ledger.trusted_to_ms - MINUTE_MS
    for cell in ledger.cells:
        # Running is the state at the instant of the look, so only the newest minute can say it.
        now_running = ledger.running.count if ledger.running and cell.minute_ms == last_minute_ms else None
        yield RunCount(collection, stream, cell.minute_ms, cell.of, cell.total, cell.failures, now_running)


def _store_plan(tx: Transaction, id: int, finding: Finding, collection: Collection) -> None:
    """Keep the plan of a question that was not asked because it would have cost too much."""
    data = json.dumps(finding.plan, indent=1).encode()
    at = format_instant(collection.collected_ms).replace(":", "-")
    name = f"artifacts/plans/{collection.stream}-{finding.what}-{at}-{id}.json"
    tx.add_blob(name, data)
    digest = hashlib.sha256(data).hexdigest()
    tx.add(
        Artifact(
            id,
            name,
            "plan",
            "application/json",
            len(data),
            digest,
            collection.collected_ms,
            finding.from_ms,
            finding.to_ms,
        )
    )
