"""Ask the catalog whether a table can be read and its zero believed: it exists, it may be read, no row is hidden."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from collectors.offload.sql_text import quote_table, quote_text
from collectors.offload.trouble import Trouble

if TYPE_CHECKING:
    from collectors.offload.postgres import Session

_TABLE = """
SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text, row_security_active(c.oid),
       (SELECT ifs.pages FROM (
          SELECT coalesce(sum(pg_relation_size(t.relid) / current_setting('block_size')::bigint), 0)::bigint AS pages
          FROM pg_partition_tree(c.oid) AS t) AS ifs),
       (pg_relation_size(c.oid) / current_setting('block_size')::bigint)::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%(table)s)
"""
_ALIKE = """
SELECT format('%%s.%%s', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND replace(replace(lower(c.relname), '_', ''), 's', '') = replace(replace(lower(%(bare)s), '_', ''), 's', '')
ORDER BY 1 LIMIT 3
"""
_COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, NULL)::text, t.typtype = 'e',
       has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
       coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum AS e
                 WHERE e.enumtypid = a.atttypid), '{}'::text[])
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = %(oid)s::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_COMMON = """
SELECT most_common_vals::text::text[] FROM pg_stats
WHERE schemaname = %(schema)s AND tablename = %(table)s AND attname = %(column)s
"""
_WRITES = """
SELECT has_table_privilege(%(oid)s::bigint::oid, 'INSERT'), has_table_privilege(%(oid)s::bigint::oid, 'UPDATE'),
       has_table_privilege(%(oid)s::bigint::oid, 'DELETE')
"""
_TIMES = ("timestamp without time zone", "timestamp with time zone")


class Column(NamedTuple):
    """One column: its type as SQL writes it, and the labels when that type is an enum."""

    name: str
    type: str
    enum: bool
    readable: bool
    labels: tuple[str, ...]

    def instant(self, ms_parameter: str) -> str:
        """An instant in this column's type, from a parameter in epoch milliseconds; columns without a zone hold UTC."""
        moment = f"to_timestamp(%({ms_parameter})s::float8 / 1000)"
        return moment if self.type == _TIMES[1] else f"({moment} AT TIME ZONE 'UTC')"


class Table(NamedTuple):
    """One table that can be read and hides no row."""

    oid: int
    schema: str
    name: str
    pages: int
    columns: dict[str, Column]

    @property
    def quoted(self) -> str:
        """Its name as SQL needs it."""
        return quote_table(f"{self.schema}.{self.name}")

    def column(self, name: str) -> Column:
        """A column that is there and may be read.

        Raises:
            Trouble: it is not, or may not.
        """
        found = self.columns.get(name)
        if found is None:
            raise Trouble(f'table {self.name} has no column "{name}"; it has {_some(self.columns)}')
        if not found.readable:
            raise Trouble(f'the role may not read column "{name}" of {self.name}; grant SELECT on it')
        return found

    def time_column(self, name: str) -> Column:
        """A column that holds instants.

        Raises:
            Trouble: it does not.
        """
        found = self.column(name)
        if found.type not in _TIMES:
            raise Trouble(f'column "{name}" of {self.name} has type {found.type}; a timestamp is needed')
        return found


def find_table(session: Session, name: str) -> Table:
    """Look a table up by the runbook's name.

    Raises:
        Trouble: it is missing, or row security hides rows from this role.
    """
    found = session.rows(_TABLE, {"table": quote_table(name)})
    if not found:
        raise Trouble(_missing(session, name))
    oid, schema, bare, kind, hidden, partition_pages, own_pages = found[0]
    if kind not in "rpvmf":
        raise Trouble(f"{name} is not a table")
    if hidden:
        raise Trouble(
            f"row security hides rows of {name} from role {session.moment.role}: a zero would prove nothing; "
            "give the role BYPASSRLS or a SELECT policy for all rows"
        )
    columns = [
        Column(column, type_name, enum, readable, tuple(labels))
        for column, type_name, enum, readable, labels in session.rows(_COLUMNS, {"oid": oid})
    ]
    if not any(column.readable for column in columns):
        raise Trouble(f"role {session.moment.role} may not read {name}; grant it SELECT on the table")
    return Table(oid, schema, bare, max(partition_pages, own_pages), {each.name: each for each in columns})


def check_statuses(session: Session, table: Table, column: Column, named: dict[str, tuple[str, ...]]) -> None:
    """Refuse names of statuses that cannot be right: the answer would be a zero that means nothing.

    Raises:
        Trouble: an enum lacks every status of a kind, or the table's usual statuses are all unnamed.
    """
    if column.enum:
        for kind, statuses in named.items():
            if statuses and not set(statuses) & set(column.labels):
                raise Trouble(
                    f"column {column.name} of {table.name} has no status {' or '.join(statuses)} for {kind}; "
                    f"it has {_some(column.labels)}"
                )
        return
    usual = session.rows(_COMMON, {"schema": table.schema, "table": table.name, "column": column.name})
    common = [str(value) for value in (usual[0][0] if usual and usual[0][0] else [])]
    every = {status for statuses in named.values() for status in statuses}
    if common and not every & set(common):
        raise Trouble(f"no usual status of {table.name} is named in the runbook; the table has {_some(common)}")


def status_list(column: Column, statuses: Iterable[str]) -> str:
    """The statuses as literals that the column's type takes; unknown labels of an enum are left out."""
    kept = [status for status in dict.fromkeys(statuses) if not column.enum or status in column.labels]
    return ", ".join(quote_text(status) for status in kept) or "NULL"


def may_write(session: Session, table: Table) -> tuple[str, ...]:
    """The ways in which the role could change the table."""
    answers = session.rows(_WRITES, {"oid": table.oid})[0]
    return tuple(name for name, allowed in zip(("INSERT", "UPDATE", "DELETE"), answers, strict=True) if allowed)


def _missing(session: Session, name: str) -> str:
    alike = [row[0] for row in session.rows(_ALIKE, {"bare": name.split(".", 1)[-1]})]
    return f"there is no table {name}" + (f"; there is {' and '.join(alike)}" if alike else "")


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:12]) + (" …" if len(listed) > 12 else "") if listed else "none"
