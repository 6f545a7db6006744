"""The same question put to other tools: which lines fail in which of six ways, the first and last time, how many lines.

Run as `python -m tests.bench._logs_peers duckdb|json FILE SHAPE THREADS`; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.bench._logs_data import fields_of

_QUERY = """
WITH row AS (
  SELECT {id} AS id, {time} AS stamp, split_part({path}, '?', 1) AS route, {status} AS status,
         regexp_replace(message, '\\x1b\\[[0-9;]*m', '', 'g') AS message
  FROM read_json('{file}', format = 'newline_delimited',
                 columns = {{{id}: 'VARCHAR', {time}: 'BIGINT', {path}: 'VARCHAR', {status}: 'INTEGER', message: 'VARCHAR'}})),
found AS (
  SELECT id, stamp, route, CASE
    WHEN route = '/api/webhooks/email' AND regexp_matches(message, 'Task timed out after 60(\\.\\d+)? s') THEN 'webhook'
    WHEN route = '/api/inbox/conversations' AND regexp_matches(message, 'Task timed out after 300(\\.\\d+)? s') THEN 'inbox'
    WHEN (route = '/api/cron/response-timing' OR starts_with(route, '/api/inbox/'))
         AND (contains(message, 'P2028') OR contains(message, 'query_wait_timeout')) THEN 'expired'
    WHEN route = '/api/cron/response-timing' AND status = 500 THEN 'timing'
    WHEN starts_with(route, '/api/analytics/') AND status = 500 THEN 'analytics'
    WHEN starts_with(route, '/api/') AND contains(message, 'ECONNRESET') THEN 'reset' END AS signature
  FROM row)
SELECT signature, count(*), min(stamp), max(stamp), CASE WHEN signature IS NULL THEN NULL ELSE list((stamp, route, id)) END
FROM found GROUP BY signature
"""
# The kindest form of the question: no colours, no numbers read, plain texts only; its answer is wrong by the lines with colours.
_PLAIN = (
    _QUERY.replace("regexp_replace(message, '\\x1b\\[[0-9;]*m', '', 'g') AS message", "message")
    .replace(
        "regexp_matches(message, 'Task timed out after 60(\\.\\d+)? s')",
        "contains(message, 'Task timed out after 60 s')",
    )
    .replace(
        "regexp_matches(message, 'Task timed out after 300(\\.\\d+)? s')",
        "contains(message, 'Task timed out after 300')",
    )
)


def duckdb_answer(file: str, shape: str, threads: int, *, plain: bool) -> dict[str, Any]:
    """DuckDB with explicit columns, in one pass."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    names = {key: f'"{name}"' for key, name in fields_of(shape).items()}
    rows = connection.execute((_PLAIN if plain else _QUERY).format(file=file, **names)).fetchall()
    failures = {signature: len({id for _, _, id in found}) for signature, _, _, _, found in rows if signature}
    return {
        "lines": sum(r[1] for r in rows),
        "first_ms": min(r[2] for r in rows),
        "last_ms": max(r[3] for r in rows),
        "failures": failures,
    }


def json_answer(file: str, shape: str) -> dict[str, Any]:
    """The loop that one writes first."""
    names = fields_of(shape)
    ids: set[str] = set()
    lines = 0
    with Path(file).open("rb") as log:
        for line in log:
            row = json.loads(line)
            lines += 1
            if (
                row[names["path"]].partition("?")[0] == "/api/webhooks/email"
                and "Task timed out after 60 s" in row["message"]
            ):
                ids.add(row[names["id"]])
    return {"lines": lines, "failures": {"webhook": len(ids)}}


if __name__ == "__main__":
    tool, path, form, count = sys.argv[1:5]
    if tool == "json":
        print(json.dumps(json_answer(path, form)))
    else:
        print(json.dumps(duckdb_answer(path, form, int(count), plain=tool == "duckdb-plain")))
