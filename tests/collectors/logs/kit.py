"""Builders for the log tests: signatures, runbooks, and records in the platforms' own forms, written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collectors.logs.gather import Gather
from collectors.logs.generic import facts_of
from collectors.logs.ingest import import_log
from collectors.logs.keep import ImportedLog
from collectors.logs.match import Matcher
from collectors.logs.record import FACTS
from collectors.logs.redact import Redactor
from collectors.logs.scan import scan
from collectors.logs.source import open_log
from store.begin import begin_case
from store.case import Case
from store.instants import parse_instant
from store.runbook.model import FieldMap, Runbook, Signature, Source, SourceKind
from store.runbook.parse import parse_runbook

T0 = parse_instant("2026-02-18T03:00:00Z")
MINUTE = 60_000
TIMEOUT_60 = "Vercel Runtime Timeout Error: Task timed out after 60 seconds"
TIMEOUT_300 = "Vercel Runtime Timeout Error: Task timed out after 300 seconds"
WEBHOOK, INBOX, TIMING = "/api/webhooks/email", "/api/inbox/conversations", "/api/cron/response-timing"

SIGNATURES = """
## Signatures

```toml signature
id = "webhook"
route = "/api/webhooks/email"
timeout = 60
group = "webhook"
```

```toml signature
id = "inbox"
route = "/api/inbox/conversations"
timeout = 300
```

```toml signature
id = "expired"
routes = ["/api/inbox/**", "/api/cron/response-timing"]
message = ["P2028", "Transaction API error:", "cannot be executed on an expired transaction", "query_wait_timeout"]
```

```toml signature
id = "timing"
route = "/api/cron/response-timing"
status = [500]
```
"""

SOURCE = '```toml source\nid = "runtime-logs"\nkind = "logs"\n```\n'

_SIGNAL = """
## Signals

```toml signal
id = "watched"
streams = ["runtime-logs"]
owner = ["on-call"]
%s
[rollback]
do = "Undo it."
```
"""


def trip(signatures: Iterable[str], over: int = 50) -> str:
    return f'[[trip]]\nkind = "count"\nsignatures = {json.dumps(list(signatures))}\nover = {over}\n'


def runbook(
    *, signatures: str = SIGNATURES, source: str = SOURCE, trips: str | None = None, secrets: Sequence[str] = ()
) -> Runbook:
    """A runbook with one log stream; every signature is judged by a count of its own."""
    if trips is None:
        ids = [line.split('"')[1] for line in signatures.splitlines() if line.startswith("id = ")]
        trips = "".join(trip([id]) for id in ids)
    head = f'# Under test\n\n```toml runbook\nid = "test"\nsecrets = {json.dumps(list(secrets))}\n```\n\n## Sources\n\n'
    return parse_runbook(head + source + signatures + _SIGNAL % trips, "runbook.md")


def signature(id: str = "s", **parts: Any) -> Signature:
    """A signature as the parser would give it."""
    return Signature(id=id, title=id, line=1, sha256=f"sha-{id}", **parts)


def open_case(folder: Path, under: Runbook, name: str = "case.db") -> Case:
    """A writable case with a runbook in it."""
    begin_case(folder / name, under, clock=lambda: T0)
    return Case.open(folder / name, write=True)


def load(
    case: Case, under: Runbook, path: Path, *, since: int | None = None, until: int | None = None, **more: Any
) -> ImportedLog:
    """Import a file, collected an hour after T0."""
    return import_log(
        case, under, "runtime-logs", str(path), since_ms=since, until_ms=until, now_ms=T0 + 60 * MINUTE, **more
    )


def written(folder: Path, content: str | bytes, name: str = "log") -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return path


def gathered(
    path: Path, signatures: Iterable[Signature], *, search: bool = True, fields: FieldMap | None = None,
    layout: str = "jsonl", **more: Any,
) -> Gather:  # fmt: skip
    """What one pass over a file shows."""
    source = Source("runtime-logs", SourceKind.LOGS, "", 1, format=layout if fields else None, fields=fields)
    facts = facts_of(fields) if fields else FACTS
    gather = Gather([Matcher(s) for s in signatures], Redactor(), placed_ms=T0, facts=facts, **more)
    with open_log(str(path)) as opened:
        scan(opened, source, gather, search=search)
    return gather


def rows(case: Case, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in case.read().execute(sql, parameters)]


def lines(records: Iterable[dict[str, Any]]) -> str:
    """Records as JSON lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def stream_line(at: int = T0, message: str = TIMEOUT_60, path: str = WEBHOOK, **more: Any) -> dict[str, Any]:
    """Form A: a line of the command-line stream."""
    return {
        "level": "error", "message": message, "messageTruncated": False, "rowId": str(at), "source": "serverless",
        "timestampInMs": at, "requestMethod": "POST", "requestPath": path, "domain": "app.example", "responseStatusCode": -1,
    } | more  # fmt: skip


def request_id(at: int, number: int = 0) -> str:
    """A request id as the platform makes them."""
    return f"a{number % 10_000:04d}-{at}-{number:012x}"


def query_row(
    at: int = T0, *messages: str, path: str = WEBHOOK, status: int = 0, number: int = 0, **more: Any
) -> dict[str, Any]:
    """Form B2: a request with its nested lines."""
    texts = messages or (TIMEOUT_60,)
    return {
        "id": request_id(at, number), "timestamp": at, "deploymentId": "dpl_1", "projectId": "prj_1", "level": "error",
        "message": texts[0], "source": "serverless", "domain": "app.example", "requestMethod": "POST", "requestPath": path,
        "responseStatusCode": status, "environment": "production", "logs": [{"level": "info", "message": t} for t in texts],
    } | more  # fmt: skip


def first_line_row(at: int = T0, message: str = "hello", **more: Any) -> dict[str, Any]:
    """Form B1: a request with its first line only."""
    row = query_row(at, message, **more)
    del row["logs"]
    return row


def drain_entry(
    at: int = T0, message: str | None = TIMEOUT_60, path: str = WEBHOOK, status: int = 504, number: int = 0, **more: Any
) -> dict[str, Any]:
    """Form C: an entry of a log drain."""
    entry: dict[str, Any] = {
        "id": f"{at}{number:012d}", "deploymentId": "dpl_1", "source": "lambda", "host": "app.example", "timestamp": at,
        "projectId": "prj_1", "level": "error", "message": message, "path": path, "statusCode": status,
        "requestId": request_id(at, number), "environment": "production",
        "proxy": {"timestamp": at, "method": "POST", "host": "app.example", "path": f"{path}?cursor=a1", "statusCode": status},
    } | more  # fmt: skip
    return {key: value for key, value in entry.items() if value is not None}


EXPORT_COLUMNS = [
    *(
        "TimeUTC",
        "timestampInMs",
        "requestPath",
        "requestMethod",
        "requestQueryString",
        "responseStatusCode",
        "requestId",
    ),
    *(
        "requestUserAgent",
        "level",
        "environment",
        "branch",
        "vercelCache",
        "type",
        "function",
        "host",
        "deploymentDomain",
    ),
    *(
        "deploymentId",
        "durationMs",
        "region",
        "maxMemoryUsed",
        "memorySize",
        "message",
        "projectId",
        "traceId",
        "sessionId",
    ),
    *("invocationId", "instanceId", "concurrency"),
]


def export_row(
    at: int = T0,
    message: str = "",
    path: str = TIMING,
    status: Any = 500,
    number: int = 0,
    absent: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Form D: a row of a dashboard export; of a request's phase, or with a message a log line."""

    utc = datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return dict.fromkeys(EXPORT_COLUMNS, absent) | {
        "TimeUTC": utc, "timestampInMs": at, "requestPath": f"app.example{path}", "requestMethod": "GET",
        "responseStatusCode": status, "requestId": request_id(at, number), "type": "function", "function": path,
        "message": message,
    } | more  # fmt: skip


def export_csv(rows: Sequence[dict[str, Any]], *, end: str = "\n", delimiter: str = ",", quoted: bool = True) -> str:
    """Rows as the dashboard's CSV, all strings quoted or only those that need it."""

    def cell(value: Any) -> str:
        text = str(value)
        need = quoted or any(mark in text for mark in (delimiter, '"', "\n"))
        return '"' + text.replace('"', '""') + '"' if need else text

    table = [list(rows[0]), *(row.values() for row in rows)]
    return "".join(delimiter.join(cell(value) for value in row) + end for row in table)
