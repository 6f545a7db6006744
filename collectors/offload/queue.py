"""Ask for the queue's depth by status at one instant: of a big table the open statuses, of a small one all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from collectors.offload.answer import DEFAULT_QUEUE, Depth, StatusCount, depth_of, named_statuses, read_counts
from collectors.offload.catalog import Column, Table, check_statuses, find_table, status_list
from collectors.offload.preflight import MAX_PAGES, Index, check_cost, tables_of
from collectors.offload.sql_text import one_statement, quote_name, quote_table, quote_text, with_values
from store.runbook.model import Command, QueueTable, Source

if TYPE_CHECKING:
    from collectors.offload.postgres import Session


class Looked(NamedTuple):
    """A depth and the question it answers."""

    depth: Depth
    question: str


def has_queue(source: Source) -> bool:
    """Whether the source says what to ask for a queue's depth."""
    return source.queue is not None or own_question(source) is not None


def own_question(source: Source) -> Command | None:
    """The runbook's own question, when its fence is SQL."""
    return source.command if source.command is not None and source.command.language == "sql" else None


def read_queue(session: Session, source: Source, variables: Mapping[str, object]) -> Looked:
    """Look at the queue by the runbook's own SQL, or, where there is none, by the table it names.

    Beside a question of its own, `[queue]` says what its statuses mean.

    Raises:
        Trouble: no answer, or one whose zero would prove nothing.
        BadInput: the fence is not one statement.
    """
    fence = own_question(source)
    if fence is not None:
        return _by_fence(session, fence, source.queue or DEFAULT_QUEUE, variables)
    return _by_table(session, source.queue or DEFAULT_QUEUE)


def query_to_paste(source: Source) -> str | None:
    """The depth question ready to run elsewhere; its output is what `import` reads."""
    fence = own_question(source)
    if fence is not None or source.queue is None:
        return fence.text if fence else None
    names, questions = source.queue, []
    oldest = f", min({quote_name(names.due)}) AS oldest_due" if names.due else ""
    for status in (*names.pending, *names.running, *names.failed):
        literal = quote_text(status)
        questions.append(
            f"SELECT {literal} AS status, count(*) AS count{oldest}\n"
            f"FROM {quote_table(names.table)} WHERE {quote_name(names.status)} = {literal}"
        )
    return "\nUNION ALL\n".join(questions).replace("%%", "%") + ";"


def _by_table(session: Session, names: QueueTable) -> Looked:
    table = find_table(session, names.table)
    status = table.column(names.status)
    check_statuses(session, table, status, named_statuses(names))
    complete = table.pages <= MAX_PAGES
    sql = _depth_sql(table, status, names, complete=complete)
    values = {"now": session.moment.at_ms}
    check_cost(session, sql, values, _index(table, status, names))
    counts = [StatusCount(*row) for row in session.rows(sql, values)]
    depth = depth_of(counts, names, complete=complete)
    # Without a column for it, what is due is unknown and not zero.
    return Looked(depth if names.due else depth._replace(pending_due=None), sql)


def _index(table: Table, status: Column, names: QueueTable) -> Index:
    wanted = status_list(status, (*names.pending, *names.running, *names.failed))
    when = names.due or names.created
    columns = (quote_name(names.status), *((quote_name(when),) if when else ()))
    return Index(table.quoted, columns, f"{quote_name(names.status)} IN ({wanted})")


def _depth_sql(table: Table, status: Column, names: QueueTable, *, complete: bool) -> str:
    column = quote_name(names.status)
    pending = status_list(status, names.pending)
    due, oldest = "NULL::bigint", "NULL::bigint"
    if names.due:
        moment = table.time_column(names.due).instant("now")
        is_due = f"({quote_name(names.due)} IS NULL OR {quote_name(names.due)} <= {moment})"
        due = f"count(*) FILTER (WHERE {is_due})::bigint"
        oldest = _epoch(f"min({quote_name(names.due)}) FILTER (WHERE {column} IN ({pending}) AND {is_due})")
    elif names.created:
        table.time_column(names.created)
        oldest = _epoch(f"min({quote_name(names.created)}) FILTER (WHERE {column} IN ({pending}))")
    wanted = status_list(status, (*names.pending, *names.running, *names.failed))
    where = "" if complete else f" WHERE {column} IN ({wanted})"
    return (
        f"SELECT {column}::text, count(*)::bigint, {due}, {oldest} "  # noqa: S608 names and literals are quoted
        f"FROM {table.quoted}{where} GROUP BY {column}"
    )


def _epoch(expression: str) -> str:
    return f"(extract(epoch FROM {expression}) * 1000)::bigint"


def _by_fence(session: Session, fence: Command, names: QueueTable, variables: Mapping[str, object]) -> Looked:
    """Run the runbook's own question. Row security is off, so that a hidden row is an error and not a zero."""
    statement = one_statement(fence.text, variables)
    values = with_values(statement, variables)
    check_cost(session, statement.text, values, None)
    for name in tables_of(session, statement.text, values):
        find_table(session, name)
    rows = session.rows(f"SELECT to_json(q)::text FROM (\n{statement.text}\n) AS q", values)  # noqa: S608 the runbook's own
    return Looked(depth_of(read_counts(json.loads(row[0]) for row in rows), names, complete=False), fence.text)
