"""A stand-in for Loki's command line: prints lines as `--output=raw` does, for the window that it is asked for.

What kind of day it is says the variable DAY: `calm` or `bad`. It prints nothing of its own beside the log's lines.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta


def main() -> None:
    if "--version" in sys.argv:
        print("logcli, version 3.1.0", file=sys.stderr)
        return
    asked = dict(word.lstrip("-").split("=", 1) for word in sys.argv if word.startswith("--") and "=" in word)
    if asked["addr"] != os.environ["LOKI_ADDR"] or "--output=raw" not in sys.argv:
        raise SystemExit("logcli: error: unexpected arguments")
    since, until = datetime.fromisoformat(asked["from"]), datetime.fromisoformat(asked["to"])
    lines = latency(since, until) if "sidekiq-latency" in sys.argv[-1] else application(since, until)
    for at, fields in lines:
        print(json.dumps({"@timestamp": at.astimezone(UTC).isoformat(timespec="microseconds"), **fields}))


def latency(since: datetime, until: datetime) -> list[tuple[datetime, dict[str, object]]]:
    waited = 130.25 if os.environ["DAY"] == "bad" else 0.5
    return [
        (at, {"queue": {"name": name, "latency_s": value}})
        for at in every(since, until, timedelta(seconds=30))
        for name, value in (("default", waited), ("mailers", 12))
    ]


def application(since: datetime, until: datetime) -> list[tuple[datetime, dict[str, object]]]:
    bad = os.environ["DAY"] == "bad"
    lines = [
        (at, request(f"calm-{at:%H%M%S}", "/checkout/pay?cart=77", 200))
        for at in every(since, until, timedelta(seconds=10))
    ]
    if bad:
        late = until - timedelta(minutes=4)
        lines += [(late + timedelta(seconds=n), request(f"bad-{n}", "/checkout/pay?cart=9", 502)) for n in range(26)]
        lines += [
            (late, {"message": "SyncInventory failed: timeout", "job.class": "SyncInventory", "request_id": "job-1"}),
            (late, {"message": "SyncPrices failed: timeout", "job.class": "SyncPrices", "request_id": "job-2"}),
        ]
    return sorted(lines, key=lambda line: line[0])


def request(name: str, path: str, status: int) -> dict[str, object]:
    return {"message": f"[{status}] POST {path}", "path": path, "status": status, "request_id": name}


def every(since: datetime, until: datetime, step: timedelta) -> list[datetime]:
    return [since + n * step for n in range((until - since) // step)]


if __name__ == "__main__":
    main()
