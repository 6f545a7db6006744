"""What the packet's documents show beside the facts of the pages: collections of a window, counts per route, queue, ledger, probes.

Read-only, one question per table; rows that were withdrawn are left out. Sums and ratios come from SQL as they are: nothing is compared
with a limit here.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from store.review.facts import CaseFacts, WindowCard

BASELINE, POSTFIX = "baseline", "postfix"
_SOUND = "NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = {collection} AND x.seq <= :known)"


class WindowCollection(NamedTuple):
    """A collection whose coverage or rows touch a window."""

    id: int
    stream: str
    collector: str
    form: str
    source: str
    source_sha256: str
    status: str
    from_ms: int | None
    to_ms: int | None
    lines_read: int
    matched: int
    unreadable: int
    redactions: int


class RouteCount(NamedTuple):
    """Distinct matches of a signature on a route in a window, first and last."""

    signature: str
    stream: str
    route: str
    matches: int
    bad_minutes: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class WindowEvidence:
    """One named window with everything that was collected of it."""

    window: WindowCard
    collections: tuple[WindowCollection, ...]
    routes: tuple[RouteCount, ...]


class QueueReading(NamedTuple):
    """One snapshot of the queue."""

    id: int
    at_ms: int
    stream: str
    pending: int
    running: int
    failed: int
    succeeded: int | None
    pending_due: int | None
    oldest_due_ms: int | None


class QueueSpan(NamedTuple):
    """First and last snapshot of a stream: T0 and the end. `ratio` is the growth ratio, None where it began empty."""

    stream: str
    from_ms: int
    to_ms: int
    first_depth: int
    last_depth: int
    ratio: float | None
    snapshots: int


class LedgerSpan(NamedTuple):
    """The ledger of a stream: finished runs and failures; `ratio` is None where no run finished."""

    stream: str
    of: str
    from_ms: int
    to_ms: int
    total: int
    failures: int
    ratio: float | None


class LedgerLook(NamedTuple):
    """A collection of a ledger stream: that somebody looked, even where no run was found."""

    id: int
    stream: str
    from_ms: int | None
    to_ms: int | None
    status: str


class ProbeReading(NamedTuple):
    """One probe."""

    id: int
    at_ms: int
    route: str
    status_text: str
    outcome: str
    total_us: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class PacketEvidence:
    """Everything beyond the facts of the pages."""

    baseline: WindowEvidence | None
    postfix: WindowEvidence | None
    queue: tuple[QueueReading, ...]
    queue_spans: tuple[QueueSpan, ...]
    ledger: tuple[LedgerSpan, ...]
    looks: tuple[LedgerLook, ...]
    probes: tuple[ProbeReading, ...]
    thresholds: dict[int, str]


def read_evidence(db: sqlite3.Connection, facts: CaseFacts) -> PacketEvidence:
    """Read what the documents need."""
    known = {"known": facts.question.known_seq}
    named = {window.name: window for window in facts.windows if window.holds}
    return PacketEvidence(
        baseline=_window(db, named.get(BASELINE), facts.question.known_seq),
        postfix=_window(db, named.get(POSTFIX), facts.question.known_seq),
        queue=tuple(QueueReading._make(row) for row in db.execute(_sound(_QUEUE, "p.collection"), known)),
        queue_spans=tuple(QueueSpan._make(row) for row in db.execute(_sound(_QUEUE_SPANS, "p.collection"), known)),
        ledger=tuple(LedgerSpan._make(row) for row in db.execute(_sound(_LEDGER, "p.collection"), known)),
        looks=tuple(LedgerLook._make(row) for row in db.execute(_sound(_LOOKS, "k.id"), known)),
        probes=tuple(ProbeReading._make(row) for row in db.execute(_sound(_PROBES, "p.collection"), known)),
        thresholds=_thresholds(db, facts.question.edition),
    )


_WINDOW_COLLECTIONS = """
SELECT k.id, k.stream, k.collector, k.form, k.source, ifnull(e.source_sha256, ''), ifnull(e.status, 'open or lost'), k.from_ms, k.to_ms,
       ifnull(e.lines_read, 0), ifnull(e.matched, 0), ifnull(e.unreadable, 0), ifnull(e.redactions, 0)
FROM collection k LEFT JOIN collection_end e ON e.collection = k.id AND e.seq <= :known
WHERE k.seq <= :known AND {sound}
  AND (EXISTS (SELECT 1 FROM coverage c WHERE c.collection = k.id AND c.from_ms < :to AND c.to_ms > :from)
       OR (k.from_ms < :to AND k.to_ms > :from))
ORDER BY k.id"""
_ROUTES = """
SELECT m.signature, m.stream, ifnull(m.route, ''), count(DISTINCT m."key"), count(DISTINCT m.at_ms / 60000), min(m.at_ms), max(m.at_ms)
FROM signature s CROSS JOIN log_match m ON m.signature = s.signature AND m.at_ms >= :from AND m.at_ms < :to AND m.seq <= :known AND m.certain = 1
WHERE s.edition = (SELECT max(id) FROM edition WHERE seq <= :known) AND {sound}
GROUP BY m.signature, m.stream, m.route ORDER BY 1, 2, 4 DESC, 3"""
_QUEUE = """
SELECT p.id, p.at_ms, p.stream, p.pending, p.running, p.failed, p.succeeded, p.pending_due, p.oldest_due_ms
FROM snapshot p WHERE p.seq <= :known AND {sound} ORDER BY p.at_ms, p.id"""
_QUEUE_SPANS = """
SELECT stream, min(at_ms), max(at_ms), max(first), max(last), CASE WHEN max(first) > 0 THEN round(1.0 * max(last) / max(first), 6) END, count(*)
FROM (SELECT p.stream, p.at_ms, first_value(p.pending + p.running) OVER whole AS first, last_value(p.pending + p.running) OVER whole AS last
      FROM snapshot p WHERE p.seq <= :known AND {sound}
      WINDOW whole AS (PARTITION BY p.stream ORDER BY p.at_ms, p.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))
GROUP BY stream ORDER BY stream"""
_LEDGER = """
SELECT stream, "of", min(minute_ms), max(minute_ms) + 60000, sum(total), sum(failures),
       CASE WHEN sum(total) > 0 THEN round(1.0 * sum(failures) / sum(total), 6) END
FROM (SELECT p.stream, p."of", p.minute_ms, p.total, p.failures,
             row_number() OVER (PARTITION BY p.stream, p."of", p.minute_ms ORDER BY k.collected_ms DESC, p.id DESC) AS place
      FROM run_count p JOIN collection k ON k.id = p.collection WHERE p.seq <= :known AND {sound})
WHERE place = 1 GROUP BY stream, "of" ORDER BY 1, 2"""
_LOOKS = """
SELECT k.id, k.stream, k.from_ms, k.to_ms, ifnull(e.status, 'open or lost')
FROM collection k LEFT JOIN collection_end e ON e.collection = k.id AND e.seq <= :known
WHERE k.seq <= :known AND {sound} AND k.stream IN (
    SELECT s.stream FROM definition d JOIN definition_stream s ON s.definition = d.id
    WHERE d.kind IN ('ratio', 'queue') AND d.edition = (SELECT max(id) FROM edition WHERE seq <= :known))
ORDER BY k.id"""
_PROBES = """
SELECT p.id, p.at_ms, p.route, p.status_text, p.outcome, p.total_us, p.reason
FROM probe p WHERE p.seq <= :known AND {sound} ORDER BY p.at_ms, p.id"""


def _sound(sql: str, collection: str) -> str:
    return sql.replace("{sound}", _SOUND.format(collection=collection))


def _window(db: sqlite3.Connection, window: WindowCard | None, known: int) -> WindowEvidence | None:
    if window is None:
        return None
    asked = {"known": known, "from": window.from_ms, "to": window.to_ms}
    collections = db.execute(_sound(_WINDOW_COLLECTIONS, "k.id"), asked)
    routes = db.execute(_sound(_ROUTES, "m.collection"), asked)
    return WindowEvidence(
        window,
        tuple(WindowCollection._make(row) for row in collections.fetchall()),
        tuple(RouteCount._make(row) for row in routes.fetchall()),
    )


def _thresholds(db: sqlite3.Connection, edition: int) -> dict[int, str]:
    """Each condition's limit in words, by its definition."""
    rows = db.execute(
        'SELECT id, kind, op, limit_value, window_ms, slice_ms, rises, floor, max_gap_ms, min_snapshots, min_growth, "of", min_failures, '
        "min_total, min_cover_percent, series, for_ms FROM definition WHERE edition = ?",
        (edition,),
    ).fetchall()
    return {row[0]: _threshold_words(*row[1:]) for row in rows}


def _threshold_words(
    kind: str, op: str | None, limit: int | None, window_ms: int, slice_ms: int | None, rises: int | None, floor: int | None,
    max_gap_ms: int | None, min_snapshots: int | None, min_growth: int | None, of: str | None, min_failures: int | None,
    min_total: int | None, min_cover: int | None, series: str | None, for_ms: int | None,
) -> str:  # fmt: skip
    from store.instants import format_duration

    def span(ms: int | None) -> str:
        return format_duration(ms or 0)

    match kind:
        case "count":
            return f"{op} {limit} failures in {span(window_ms)}"
        case "burst":
            return f"{op} {limit} failures in any {span(slice_ms)} of {span(window_ms)}"
        case "trend":
            return f"{rises} rises in a row over windows of {span(window_ms)}, the newest with {floor} or more"
        case "loop":
            return f"all groups failing together in {op} {limit} slices of {span(slice_ms)} within {span(window_ms)}"
        case "queue":
            return (
                f"only growth for {span(window_ms)}, by {min_growth} or more, in {min_snapshots} or more snapshots "
                f"no further apart than {span(max_gap_ms)}"
            )
        case "ratio":
            return (
                f"{op} {limit}% of {of} failed in {span(window_ms)}, of {min_total} or more with {min_failures} or more failures, "
                f"{min_cover}% of it watched"
            )
        case "probe":
            return f"watched only: every route answers as expected within {span(window_ms)}"
        case _:
            return f"{series} {op} {(limit or 0) / 1_000_000:g} for {span(for_ms)}"
