"""Where a look back begins: far enough that no request which times out falls between two looks."""

from __future__ import annotations

import os
from pathlib import Path

from collectors.logs.command import log_command
from collectors.logs.query import collect_queries
from store.case import Case
from tests.collectors.cases import T0, make_case, rows, runbook_of, source_of

MINUTE = 60_000
SOURCE = """
```toml source
id = "runtime-logs"
kind = "logs"
settle = "60s"
```
```sh
vercel logs --since "$SINCE" --until "$UNTIL" --json
```
"""
SIGNATURES = """
```toml signature
id = "slow"
route = "/api/inbox/conversations"
timeout = 300
```
```toml signature
id = "quick"
route = "/api/webhooks/email"
timeout = 60
```
"""
ROW = (
    '{"id":"r1","timestamp":1771383599000,"level":"info","message":"","source":"serverless","requestMethod":"GET",'
    '"requestPath":"/","responseStatusCode":200,"logs":[]}'
)


def look(case: Case, until_ms: int) -> None:
    runbook = case.runbook()
    command = log_command(f"printf '%s\\n' '{ROW}' # --until")
    collect_queries(
        case, runbook, source_of(runbook, "runtime-logs"), command, since_ms=None, until_ms=until_ms, for_ms=None,
        every_ms=None, stop=lambda: False, tell=lambda kind, text: None, environ=dict(os.environ),
        clock=lambda: until_ms, stall_s=20,
    )  # fmt: skip


def test_the_next_look_reaches_back_over_what_had_not_settled_and_the_longest_time_out(tmp_path: Path) -> None:
    trip = 'kind = "count"\nsignatures = ["slow", "quick"]\nover = 5'
    runbook = runbook_of(SOURCE + SIGNATURES, stream="runtime-logs", trip=trip)
    with make_case(tmp_path, runbook) as case:
        look(case, T0)
        look(case, T0 + 5 * MINUTE)
        asked = rows(case, "SELECT from_ms, to_ms FROM collection ORDER BY id")
        assert asked == [(T0 - 30 * MINUTE, T0), (T0 - 6 * MINUTE, T0 + 5 * MINUTE)]
        # A signature that is known 300 s later is covered without a hole: from each look's start plus 300 s.
        spans = rows(
            case,
            "SELECT c.from_ms + l.delay_ms, c.to_ms FROM coverage c JOIN looked_for l ON l.collection = c.collection "
            "WHERE l.signature = 'slow' ORDER BY c.id",
        )
        assert spans[1][0] <= spans[0][1] - MINUTE
