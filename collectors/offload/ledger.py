"""Ask the run ledger for finished runs and failures by whole minute, and whether its silence can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from collectors.offload.answer import note_unnamed
from collectors.offload.catalog import Table, check_statuses, find_table, status_list
from collectors.offload.preflight import Index, Refusal, check_cost
from collectors.offload.sql_text import quote_name
from collectors.offload.trouble import Trouble
from store.instants import MINUTE_MS, format_instant
from store.runbook.model import DispatchTable, LedgerTable

if TYPE_CHECKING:
    from collectors.offload.postgres import Session

LOOK_BACK_MS = 35 * MINUTE_MS
STALE_RUNNING_MS = 15 * MINUTE_MS
DISPATCH_GRACE_MS = MINUTE_MS


class Cell(NamedTuple):
    """One minute: finished runs and how many of them failed."""

    minute_ms: int
    of: str
    total: int
    failures: int


@dataclass(frozen=True, slots=True)
class Running:
    """Runs without an end: how many, and how many of them for longer than a quarter of an hour."""

    count: int
    stale: int | None


class Ledger(NamedTuple):
    """What one look at the ledger gave. Minutes from `trusted_to_ms` on are not covered; `note` says why."""

    from_ms: int
    to_ms: int
    trusted_to_ms: int
    cells: tuple[Cell, ...]
    running: Running | None
    rows: int
    note: str
    question: str


def whole_minutes(at_ms: int, since_ms: int | None, covered_ms: int | None) -> tuple[int, int]:
    """The minutes to ask for: up to the last complete one, back to where coverage ended, and 35 minutes at least.

    A retry moves a run's end to a later minute, so the last minutes are always asked for again.
    """
    to_ms = at_ms - at_ms % MINUTE_MS
    from_ms = since_ms if since_ms is not None else to_ms - LOOK_BACK_MS
    if since_ms is None and covered_ms is not None:
        from_ms = max(min(from_ms, covered_ms), to_ms - 24 * 60 * MINUTE_MS)
    return min(from_ms - from_ms % MINUTE_MS, to_ms), to_ms


def read_ledger(
    session: Session, names: LedgerTable, dispatch: DispatchTable | None, from_ms: int, to_ms: int, *, queue_works: bool
) -> Ledger:
    """Read whole minutes of the ledger; `queue_works` when the queue was seen at work.

    Raises:
        Trouble: no answer, or an empty ledger while work was dispatched.
    """
    table = find_table(session, names.table)
    status = table.column(names.status)
    check_statuses(session, table, status, {"succeeded": names.succeeded, "failed": names.failed})
    table.time_column(names.finished)
    values = {"from": from_ms, "to": to_ms, "now": session.moment.at_ms}
    index = Index(table.quoted, (quote_name(names.finished), quote_name(names.status)))
    running = _read_running(session, table, names, values)
    attempts_sql = _attempts_sql(table, names)
    check_cost(session, attempts_sql, values, index)
    attempts = session.rows(attempts_sql, values)
    runs: list[tuple[Any, ...]] = []
    if names.run:
        runs_sql = _runs_sql(table, names, see_running=isinstance(running, Running))
        check_cost(session, runs_sql, values, index)
        runs = session.rows(runs_sql, values)
    notes = [_note_statuses(attempts, names), running if isinstance(running, str) else _note_running(running)]
    trusted_to, doubt = _trusted_until(session, names, dispatch, attempts, running, values, queue_works=queue_works)
    cells = [*_cells("attempts", attempts, names, from_ms, trusted_to)]
    if names.run:
        cells += _cells("runs", runs, names, from_ms, trusted_to)
    return Ledger(
        from_ms,
        to_ms,
        trusted_to,
        tuple(cells),
        running if isinstance(running, Running) else None,
        sum(row[2] for row in attempts),
        "; ".join(note for note in (doubt, *notes) if note),
        attempts_sql,
    )


def _finished_within(table: Table, names: LedgerTable, end: str) -> str:
    column, finished = quote_name(names.finished), table.time_column(names.finished)
    return f"{column} >= {finished.instant('from')} AND {column} < {finished.instant(end)}"


def _minute(column: str) -> str:
    return f"(floor(extract(epoch FROM {column}) / 60) * 60000)::bigint"


def _attempts_sql(table: Table, names: LedgerTable) -> str:
    running = status_list(table.column(names.status), names.running)
    status, finished = quote_name(names.status), quote_name(names.finished)
    return (
        f"SELECT {_minute(finished)}, {status}::text, count(*)::bigint "  # noqa: S608 names and literals are quoted
        f"FROM {table.quoted} WHERE {_finished_within(table, names, 'to')} AND ({status} IN ({running})) IS NOT TRUE "
        "GROUP BY 1, 2"
    )


def _runs_sql(table: Table, names: LedgerTable, *, see_running: bool) -> str:
    """Count a run once, by its last attempt, in the minute in which that ended; one tried again is not finished."""
    assert names.run is not None  # noqa: S101 asked only where the runbook names the column
    column = table.column(names.status)
    status, finished, run = quote_name(names.status), quote_name(names.finished), quote_name(names.run)
    table.column(names.run)
    attempt = quote_name(names.attempt) if names.attempt else "NULL::int"
    if names.attempt:
        table.column(names.attempt)
    ended = status_list(column, (*names.succeeded, *names.failed))
    again = ""
    if see_running:
        active = f"SELECT {run}::text FROM {table.quoted} WHERE {status} IN ({status_list(column, names.running)})"  # noqa: S608
        again = f" AND (run IS NULL OR run NOT IN ({active} AND {run} IS NOT NULL))"
    return (
        f"WITH ended AS (SELECT {run}::text AS run, {status}::text AS status, {finished} AS finished, "  # noqa: S608 quoted
        f"row_number() OVER (PARTITION BY {run} ORDER BY {attempt} DESC NULLS LAST, {finished} DESC) AS place "
        f"FROM {table.quoted} WHERE {_finished_within(table, names, 'now')} AND {status} IN ({ended})) "
        f"SELECT {_minute('finished')}, status, count(*)::bigint FROM ended "
        f"WHERE (run IS NULL OR place = 1) AND finished < {table.time_column(names.finished).instant('to')}{again} "
        "GROUP BY 1, 2"
    )


def _read_running(
    session: Session, table: Table, names: LedgerTable, values: Mapping[str, object]
) -> Running | str | None:
    """Count runs without an end, or say why that cannot be seen; it is no part of the ratio."""
    if not names.running:
        return None
    column, status = table.column(names.status), quote_name(names.status)
    stale = "NULL::bigint"
    if names.started:
        started = table.time_column(names.started)
        stale = f"count(*) FILTER (WHERE {quote_name(names.started)} < {started.instant('stale')})::bigint"
    sql = (
        f"SELECT count(*)::bigint, {stale} FROM {table.quoted} "  # noqa: S608 names and literals are quoted
        f"WHERE {status} IN ({status_list(column, names.running)})"
    )
    asked = {**values, "stale": int(str(values["now"])) - STALE_RUNNING_MS}
    try:
        with session.part():
            check_cost(session, sql, asked, Index(table.quoted, (status,)))
            return Running(*session.rows(sql, asked)[0])
    except Refusal as refusal:
        return f"runs without an end were not counted: {refusal.reason.removeprefix('unavailable: ')}"


def _note_statuses(attempts: list[tuple[Any, ...]], names: LedgerTable) -> str:
    named = {*names.succeeded, *names.failed, *names.running}
    unnamed: dict[str, int] = {}
    for _, status, count in attempts:
        if status not in named:
            unnamed[status] = unnamed.get(status, 0) + count
    return note_unnamed(unnamed, named, any_named=any(status in named for _, status, _ in attempts))


def _note_running(running: Running | None) -> str:
    return f"{running.stale} runs have been running for more than 15 minutes" if running and running.stale else ""


def _trusted_until(
    session: Session,
    names: LedgerTable,
    dispatch: DispatchTable | None,
    attempts: list[tuple[Any, ...]],
    running: Running | str | None,
    values: Mapping[str, int],
    *,
    queue_works: bool,
) -> tuple[int, str]:
    """Up to when the ledger's silence is silence. Work that was dispatched and left no trace is a broken ledger."""
    from_ms, to_ms = values["from"], values["to"]
    if isinstance(running, Running) and running.count:
        return to_ms, ""
    last_end = max((row[0] for row in attempts), default=None)
    if dispatch is not None:
        quiet_from = from_ms if last_end is None else last_end + MINUTE_MS
        count, first_ms = _dispatched(session, dispatch, quiet_from, to_ms - DISPATCH_GRACE_MS)
        if count and last_end is None:
            raise Trouble(
                f"{count} dispatches since {format_instant(from_ms)} and not one run in {names.table}: "
                "an empty ledger while dispatching is no health"
            )
        if count:
            since = first_ms - first_ms % MINUTE_MS
            return since, f"not covered from {format_instant(since)}: {count} dispatches left no run in {names.table}"
    if last_end is None and queue_works:
        raise Trouble(
            f"the queue works and not one run is in {names.table}: an empty ledger while dispatching is no health"
        )
    return to_ms, ""


def _dispatched(session: Session, dispatch: DispatchTable, from_ms: int, to_ms: int) -> tuple[int, int]:
    table = find_table(session, dispatch.table)
    created = table.time_column(dispatch.created)
    column = quote_name(dispatch.created)
    where = f"{column} >= {created.instant('from')} AND {column} < {created.instant('to')}"
    if dispatch.status and dispatch.dispatched:
        status = table.column(dispatch.status)
        check_statuses(session, table, status, {"dispatched": dispatch.dispatched})
        where += f" AND {quote_name(dispatch.status)} IN ({status_list(status, dispatch.dispatched)})"
    sql = (
        f"SELECT count(*)::bigint, (extract(epoch FROM min({column})) * 1000)::bigint "  # noqa: S608 names are quoted
        f"FROM {table.quoted} WHERE {where}"
    )
    values = {"from": from_ms, "to": to_ms}
    check_cost(session, sql, values, Index(table.quoted, (column,)))
    count, first_ms = session.rows(sql, values)[0]
    return count, first_ms or 0


def _cells(of: str, rows: list[tuple[Any, ...]], names: LedgerTable, from_ms: int, to_ms: int) -> list[Cell]:
    """One cell for each covered minute; a minute without a row is a zero, for the whole span was asked for."""
    totals = dict.fromkeys(range(from_ms, to_ms, MINUTE_MS), (0, 0))
    for minute, status, count in rows:
        failed = status in names.failed
        if minute in totals and (failed or status in names.succeeded):
            total, failures = totals[minute]
            totals[minute] = total + count, failures + (count if failed else 0)
    return [Cell(minute, of, total, failures) for minute, (total, failures) in totals.items()]
