"""Logs for the benchmarks, made by the megabyte with their truth beside them.

Two shapes: `drain`, wide lines with a nested proxy, and `stream`, narrow ones. A share of the lines fails in one of five ways. To be
adversarial, decoys carry the words of a failure where they mean nothing, one failure in a hundred is spelled with escapes, some
colours stand inside a failure's text, and one line in two hundred is repeated word for word a little later.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

T0 = 1_771_383_600_000
WEBHOOK, INBOX, TIMING = "/api/webhooks/email", "/api/inbox/conversations", "/api/cron/response-timing"
ROUTES = (
    WEBHOOK,
    INBOX,
    "/api/inbox/counts",
    TIMING,
    "/api/analytics/overview",
    "/api/leads",
    "/dashboard",
    "/",
    "/api/session",
    "/api/campaigns",
)
WEIGHTS = (14, 12, 8, 3, 5, 9, 9, 8, 12, 20)
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "scheduler/1.0",
)
CHATTER = (
    "[Inbox] fetched {n} conversations in {d}ms for workspace ws_{h}",
    'query SELECT "public"."Lead"."id" FROM "public"."Lead" WHERE "workspaceId" = $1 LIMIT {n}\n',
    "Processed webhook event evt_{h} type=EMAIL_SENT durationMs={d}",
    "\x1b[32minfo\x1b[39m cache hit ws:{h}:counts ttl={n}s",
    "START RequestId: {h}\nEND RequestId: {h}\nREPORT RequestId: {h} Duration: {d}.41 ms Memory Size: 1024 MB",
    "naïve café – synced {n} rows → {d} ms",
    "slow handler 500 ms budget exceeded: {d}ms <b>{h}</b> & retry",
    "",
    "",
)

SIGNATURES = """
```toml signature
id = "webhook"
route = "/api/webhooks/email"
timeout = 60
unit = "row"
```

```toml signature
id = "inbox"
route = "/api/inbox/conversations"
timeout = 300
unit = "row"
```

```toml signature
id = "expired"
routes = ["/api/inbox/**", "/api/cron/response-timing"]
message = ["P2028", "query_wait_timeout"]
unit = "row"
```

```toml signature
id = "timing"
route = "/api/cron/response-timing"
status = [500]
unit = "row"
```

```toml signature
id = "analytics"
route = "/api/analytics/**"
status = [500]
unit = "row"
```

```toml signature
id = "reset"
route = "/api/**"
message = ["ECONNRESET"]
unit = "row"
```
"""


class Truth(NamedTuple):
    """What a reader must find."""

    lines: int
    first_ms: int
    last_ms: int
    failures: dict[str, int]


class Failure(NamedTuple):
    """One way to fail."""

    signature: str
    route: str
    status: int
    message: str


FAILURES = (
    Failure("webhook", WEBHOOK, 504, "Task timed out after 60 seconds\n"),
    Failure("inbox", INBOX, 504, "2026-02-18T03:00:00Z Task timed out after 300.04 seconds\n"),
    Failure("expired", INBOX, 200, "Transaction failed {\n  code: 'P2028',\n  clientVersion: '7.1.0'\n}"),
    Failure("timing", TIMING, 500, "Error: batch failed\n    at async run (route.js:1:1488)"),
    Failure("analytics", "/api/analytics/overview", 500, 'Error: "analytics" aggregate failed'),
)
DECOYS = (
    ("/api/leads", "upstream /api/inbox/conversations said Task timed out after 300 seconds; retrying"),
    (WEBHOOK, "took 500 ms, will not report Task timed out after 600 seconds"),
    ("/dashboard", "P2028 and query_wait_timeout are documented"),
)


def write_log(path: Path, *, megabytes: float, shape: str, rate: float, seed: int = 1, unsorted: bool = False) -> Truth:
    """Write a log and return its truth."""
    random_ = random.Random(seed)  # the same log every time
    failures: Counter[str] = Counter()
    lines, first, last, size = 0, 1 << 62, 0, 0
    with path.open("w", encoding="utf-8", buffering=1 << 20) as file:
        repeats: list[str] = []
        for at, failure, text in _lines(random_, shape, rate, 4000 if unsorted else 200):
            file.write(text)
            lines, first, last, size = lines + 1, min(first, at), max(last, at), size + len(text.encode())
            failures[failure] += 1
            if random_.random() < 0.005:
                repeats.append(text)
            if len(repeats) > 40:
                file.write("".join(repeats))
                lines, size = lines + len(repeats), size + sum(len(t.encode()) for t in repeats)
                repeats.clear()
            if size >= megabytes * 1_000_000:
                break
    del failures[""]
    return Truth(lines, first, last, dict(failures))


def _lines(random_: random.Random, shape: str, rate: float, jitter: int) -> Iterator[tuple[int, str, str]]:
    clock, number = T0, 0
    while True:
        number += 1
        clock += random_.randrange(9)
        at = clock + random_.randrange(-jitter, jitter)
        if random_.random() < rate:
            failure = random_.choice(FAILURES)
            yield (
                at,
                failure.signature,
                _line(
                    random_, shape, at, number, failure.route, failure.status, failure.message, spell=random_.random()
                ),
            )
        elif random_.random() < 0.003:
            route, message = random_.choice(DECOYS)
            yield at, "", _line(random_, shape, at, number, route, 200, message)
        else:
            message = random_.choice(CHATTER).format(
                n=number % 997, d=number % 8999, h=f"{random_.getrandbits(40):010x}"
            )
            status = random_.choice((404, 500, 503)) if random_.random() < 0.012 else 200
            route = random_.choice(ROUTES[5:]) if status != 200 else random_.choices(ROUTES, WEIGHTS)[0]
            yield at, "", _line(random_, shape, at, number, route, status, message)


def _line(
    random_: random.Random,
    shape: str,
    at: int,
    number: int,
    route: str,
    status: int,
    message: str,
    *,
    spell: float = 1.0,
) -> str:
    if 0.01 < spell < 0.02:
        message = message.replace("timed out", "timed\x1b[1m out").replace("P2028", "P20\x1b[0m28")
    said = json.dumps(message, ensure_ascii=False)
    if spell < 0.01:
        said = said.replace("timed", "t\\u0069med").replace("P2028", "\\u00502028")
    path = route if random_.random() < 0.6 else f"{route}?cursor={random_.getrandbits(40):010x}&limit={number % 50}"
    if shape == "stream":
        return (
            f'{{"level":"info","message":{said},"messageTruncated":false,"rowId":"{at}{number:09d}","source":"serverless","timestampInMs":{at},'
            f'"requestMethod":"POST","requestPath":"{path}","domain":"app-{number % 7}.example","responseStatusCode":{status}}}\n'
        )
    request = f"iad1::{number % 100000:05d}-{at}-{random_.getrandbits(48):012x}"
    return (
        f'{{"id":"{at}{number:011d}","deploymentId":"dpl_2233445566778899","source":"lambda","host":"app.example.com","timestamp":{at},'
        f'"projectId":"prj_00112233445566778899","level":"info","message":{said},"entrypoint":"api{route}/route.js","path":"{path}","type":"stdout",'
        f'"statusCode":{status},"requestId":"{request}","environment":"production","branch":"main","executionRegion":"iad1",'
        f'"proxy":{{"timestamp":{at - number % 90},'
        f'"method":"POST","scheme":"https","host":"app.example.com","path":"{path}","userAgent":["{random_.choice(AGENTS)}"],'
        f'"referer":"https://app.example.com/dashboard","statusCode":{status},"clientIp":"203.0.113.{number % 256}","region":"iad1","vercelCache":"MISS",'
        f'"vercelId":"{request}"}}}}\n'
    )


def runbook_text(more_signatures: int = 0, *, only_first: bool = False) -> str:
    """A runbook with the six signatures, and others that nothing matches; or with the first one alone."""
    ids = ["webhook", "inbox", "expired", "timing", "analytics", "reset"][: 1 if only_first else None]
    text = SIGNATURES[: SIGNATURES.index("```toml", 5)] if only_first else SIGNATURES
    for number in range(more_signatures):
        ids.append(f"absent-{number}")
        text += f'\n```toml signature\nid = "absent-{number}"\nroute = "/api/**"\nmessage = ["ABSENT_ERROR_{number:02d}"]\n```\n'
    trips = "".join(f'[[trip]]\nkind = "count"\nsignatures = ["{id}"]\nover = 50\n' for id in ids)
    return (
        '# Bench\n\n```toml runbook\nid = "bench"\n```\n\n## Sources\n\n```toml source\nid = "runtime-logs"\nkind = "logs"\n```\n\n## Signatures\n'
        f'{text}\n## Signals\n\n```toml signal\nid = "all"\nstreams = ["runtime-logs"]\nowner = ["bench"]\n{trips}[rollback]\ndo = "Nothing."\n```\n'
    )


def fields_of(shape: str) -> dict[str, Any]:
    """The names under which a shape keeps what peers are asked for."""
    if shape == "stream":
        return {"id": "rowId", "time": "timestampInMs", "path": "requestPath", "status": "responseStatusCode"}
    return {"id": "id", "time": "timestamp", "path": "path", "status": "statusCode"}
