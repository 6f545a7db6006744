"""P20 and P21: what a look costs a production database of three million events, with the suggested index and without any.

Run it with `python -m tests.bench.snapshot_pages`. The bars are ratios of pages touched in one run, so another load on the machine does
not move them; the time of a refusal is held against the statement's limit.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from collectors.offload.postgres import Limits
from collectors.offload.sample import sample_offload
from collectors.postgres_server.server import PostgresServer
from collectors.schedule import CollectedTick
from store.case import Case, now_ms
from store.runbook.model import Runbook
from tests.collectors.cases import make_case, source_of
from tests.collectors.offload.offload_world import LEDGER, QUEUE, TABLES, offload_runbook

ROWS = 3_000_000
MUST_RATIO = 100
MUST_EXTRA_MS = 250

FILL = (
    """INSERT INTO "WebhookEvent" (status, "runAt", "createdAt", payload)
       SELECT CASE WHEN g % 500 = 0 THEN 'FAILED' WHEN g % 1000 = 1 THEN 'PENDING' WHEN g % 20000 = 2 THEN 'RUNNING'
              ELSE 'SUCCEEDED' END::"WebhookEventStatus", t, t, jsonb_build_object('body', repeat(md5(g::text), 8))
       FROM (SELECT g, now() AT TIME ZONE 'UTC' - g * interval '1 second' AS t FROM generate_series(1, {rows}) AS g) AS s""",
    """INSERT INTO "BackgroundFunctionRun" (status, "runId", "startedAt", "finishedAt")
       SELECT CASE WHEN g % 50 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END::"BackgroundFunctionRunStatus", 'r' || g, t, t
       FROM (SELECT g, now() AT TIME ZONE 'UTC' - g * interval '1 second' AS t FROM generate_series(1, {rows}) AS g) AS s""",
    'VACUUM ANALYZE "WebhookEvent"',
    'VACUUM ANALYZE "BackgroundFunctionRun"',
)
WHOLE = b'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT status::text, count(*) FROM "WebhookEvent" GROUP BY 1'
TOUCHED = """
SELECT coalesce(sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0)), 0)::bigint
FROM pg_statio_user_tables WHERE relname = %s
"""


def main() -> int:
    """Measure, print one line of JSON per figure, return 1 when a bar is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=ROWS)
    rows = options.parse_args().rows
    runbook = offload_runbook(QUEUE + LEDGER)
    missed = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer.start(os.environ, settings={"shared_buffers": "256MB", "max_wal_size": "4GB"}) as server,
        psycopg.connect(server.address(), autocommit=True) as admin,
        make_case(Path(folder), runbook) as case,
    ):
        began = time.monotonic()
        for statement in (*TABLES, 'DROP INDEX "WebhookEvent_status_runAt_idx"', *FILL):
            admin.execute(statement.replace("{rows}", str(rows)).encode())
        tell(filled_s=round(time.monotonic() - began, 1), rows=rows)
        plan = admin.execute(WHOLE).fetchone() or ([{}],)
        whole = plan[0][0]["Plan"]["Shared Hit Blocks"] + plan[0][0]["Plan"]["Shared Read Blocks"]
        missed += refused(case, runbook, server)
        missed += cheap(case, runbook, server, admin, whole)
    return min(missed, 1)


def refused(case: Case, runbook: Runbook, server: PostgresServer) -> int:
    """Without an index nothing is asked, and that is known within the limit."""
    began = time.monotonic()
    tick = look(case, runbook, server)
    took_ms = (time.monotonic() - began) * 1000
    limit_ms = Limits.of(source_of(runbook, "offload").timeout_ms).statement_ms + MUST_EXTRA_MS
    well = took_ms <= limit_ms and all("unavailable" in each.reason for each in tick.collections)
    tell(
        figure="P21 refusal without index",
        ms=round(took_ms),
        must_ms=limit_ms,
        met=well,
        reason=tick.collections[0].reason,
    )
    return 0 if well else 1


def cheap(case: Case, runbook: Runbook, server: PostgresServer, admin: psycopg.Connection[Any], whole: int) -> int:
    """With the indexes that the refusals name, one by one, a look touches a hundredth of the table at most."""
    for _ in range(4):
        tick = look(case, runbook, server)
        suggested = re.findall(
            r"(CREATE INDEX CONCURRENTLY .*?)(?:$|; )", "; ".join(each.reason for each in tick.collections)
        )
        for statement in suggested:
            admin.execute(statement.replace(" CONCURRENTLY", "").encode())
        if not suggested:
            break
    admin.execute(b"VACUUM ANALYZE")
    missed = 0
    for table in ("WebhookEvent", "BackgroundFunctionRun"):
        touched = pages(admin, table, lambda: look(case, runbook, server))
        ratio = whole / max(touched, 1)
        missed += ratio < MUST_RATIO
        tell(
            figure=f"P20 {table}",
            pages=touched,
            whole_table=whole,
            ratio=round(ratio),
            must=MUST_RATIO,
            met=ratio >= MUST_RATIO,
        )
    began = time.monotonic()
    tick = look(case, runbook, server)
    tell(figure="one look", ms=round((time.monotonic() - began) * 1000), failed=tick.reason)
    return missed


def look(case: Case, runbook: Runbook, server: PostgresServer) -> CollectedTick:
    environ = {"DATABASE_URL": server.address()}
    return sample_offload(case, runbook, source_of(runbook, "offload"), environ=environ, now_ms=now_ms)


def pages(admin: psycopg.Connection[Any], table: str, work: Any) -> int:
    """Pages of a table and its indexes that some work touches; statistics are written when a connection ends."""

    def total() -> int:
        admin.execute(b"SELECT pg_stat_clear_snapshot()")
        return int((admin.execute(TOUCHED, (table,)).fetchone() or (0,))[0])

    before = total()
    work()
    return total() - before


def tell(**figures: object) -> None:
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    sys.exit(main())
