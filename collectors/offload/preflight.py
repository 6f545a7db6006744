"""Ask the planner before the question, so that a big table is never read whole. Plans are read, never executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from collectors.offload.trouble import Trouble

if TYPE_CHECKING:
    from collectors.offload.postgres import Session

MAX_PAGES = 10_000  # 80 MB; a whole read of less is a moment's work
MAX_COST = 200_000  # in the planner's unit, one sequential page; some 1 GB of work even where no whole read shows

_PAGES = """
SELECT (pg_relation_size(format('%%I.%%I', %(schema)s::text, %(table)s::text)::regclass)
        / current_setting('block_size')::bigint)::bigint
"""


class Refusal(Trouble):
    """The question would cost too much; the plan is evidence."""

    def __init__(self, reason: str, plan: object) -> None:
        super().__init__(reason)
        self.plan = plan


class Index(NamedTuple):
    """An index that would make a question cheap, in the words of its author."""

    table: str
    columns: tuple[str, ...]
    where: str = ""

    def words(self) -> str:
        """The suggestion; running it is not ours to do."""
        listed = ", ".join(self.columns)
        return f"CREATE INDEX CONCURRENTLY ON {self.table} ({listed})" + (f" WHERE {self.where}" if self.where else "")


def check_cost(session: Session, sql: str, values: Mapping[str, object], index: Index | None) -> None:
    """Let the question pass, or refuse it with the index that would help.

    Raises:
        Refusal: it reads a big table whole, or costs too much in all.
        Trouble: the planner does not take it.
    """
    plan = session.rows(f"EXPLAIN (FORMAT JSON, VERBOSE) {sql}", values)[0][0]
    top = plan[0]["Plan"]
    helps = f"; this index would help: {index.words()}" if index else "; an index on what it filters by would help"
    for node in _nodes(top):
        if "Seq Scan" in node["Node Type"] and "Relation Name" in node:
            pages = _pages(session, node)
            if pages > MAX_PAGES:
                whole = f"{node['Relation Name']} whole ({pages} pages)"
                raise Refusal(f"unavailable: the question would read {whole}{helps}", plan)
    if top["Total Cost"] > MAX_COST:
        raise Refusal(f"unavailable: the planner expects a cost of {top['Total Cost']:.0f}{helps}", plan)


def tables_of(session: Session, sql: str, values: Mapping[str, object]) -> tuple[str, ...]:
    """The tables that a question reads, as `schema.table`."""
    plan = session.rows(f"EXPLAIN (FORMAT JSON, VERBOSE) {sql}", values)[0][0]
    read = [node for node in _nodes(plan[0]["Plan"]) if "Relation Name" in node]
    return tuple(dict.fromkeys(f"{node.get('Schema', 'public')}.{node['Relation Name']}" for node in read))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _pages(session: Session, node: dict[str, Any]) -> int:
    return int(session.rows(_PAGES, {"schema": node.get("Schema", "public"), "table": node["Relation Name"]})[0][0])
