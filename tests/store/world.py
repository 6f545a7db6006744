"""Builders: a small runbook with every kind of condition at low limits, evidence records, and a case that holds them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from collectors.records.load import load_records
from store.begin import begin_case
from store.case import Case
from store.instants import format_instant, parse_instant
from store.judge import Judgement, Question, judge
from store.runbook.model import Runbook
from store.runbook.parse import parse_runbook

MINUTE = 60_000
START = parse_instant("2026-02-18T03:00:00Z")

SIGNALS = {
    "count": ("rt", 'kind = "count"\nsignatures = ["alpha", "beta"]\nover = 5'),
    "burst": ("rt", 'kind = "burst"\nsignatures = ["alpha"]\nslice = "2m"\nat_least = 3'),
    "trend": ("rt", 'kind = "trend"\nsignatures = ["alpha"]\nfloor = 3\nz2 = 1.5'),
    "loop": ("rt", 'kind = "loop"\ngroups = ["web", "cron"]\nslice = "1m"\nat_least = 2'),
    "wide": ("rt", 'kind = "count"\nstreams = ["rt", "aux"]\nsignatures = ["alpha"]\nat_least = 4'),
    "queue": ("pg", 'kind = "queue"\nmax_gap = "4m"\nmin_snapshots = 3\nmin_growth = 4'),
    "ratio": ("pg", 'kind = "ratio"\nover_percent = 20\nmin_failures = 2\nmin_total = 4'),
    "probe": ("routes", 'kind = "probe"\nroutes = ["/a", "/b"]\nexpect = [200, 401]'),
    "level": ("gauges", 'kind = "level"\nseries = "depth"\nover = 10\nfor = "3m"\nmax_gap = "2m"'),
}
STREAMS = ("rt", "aux", "pg", "routes", "gauges")


def at(text: str) -> int:
    """An instant of the worked day: `03:30`, `03:30:00.001`."""
    return parse_instant(f"2026-02-18T{text if text.count(':') > 1 else text + ':00'}Z")


def runbook_text(
    signals: dict[str, str] | None = None, *, window: str = "10m", more: str = "", settle: dict[str, str] | None = None
) -> str:
    """A runbook with the given `[[trip]]` bodies, each a signal of its own."""
    chosen = (
        {name: SIGNALS[name] for name in SIGNALS} if signals is None else {k: ("rt", v) for k, v in signals.items()}
    )
    parts = ["# A world\n", '```toml runbook\nid = "world"\n```\n', "## Sources\n"]
    for stream in STREAMS:
        line = f'settle = "{settle[stream]}"\n' if settle and stream in settle else ""
        parts.append(f'### {stream}\n\n```toml source\nid = "{stream}"\nkind = "records"\n{line}```\n')
    parts.append("## Signatures\n")
    for name, group in (("alpha", "web"), ("beta", "cron")):
        parts.append(
            f'### {name}\n\n```toml signature\nid = "{name}"\nmessage = ["{name}"]\ngroup = "{group}"\nrole = "target"\n```\n'
        )
    parts.append("## Signals\n")
    for name, (stream, body) in chosen.items():
        parts.append(
            f'### {name}\n\n```toml signal\nid = "{name}"\nstreams = ["{stream}"]\nwindow = "{window}"\nowner = ["on-call"]\n{more}\n'
            f'[[trip]]\n{body}\n\n[rollback]\ndo = "Undo {name}."\n```\n'
        )
    parts.append('## Steps\n\n### Look\n\n```toml step\nid = "look"\nkind = "manual"\neffect = "reads"\n```\n')
    return "\n".join(parts)


def collection(
    name: str, stream: str, start: int, end: int, *, collected: int | None = None, status: str = "ok", skew: int = 0
) -> dict[str, Any]:
    """A collection record; it was collected at its end unless said otherwise."""
    return {
        "record": "collection",
        "id": name,
        "stream": stream,
        "from": format_instant(start),
        "to": format_instant(end),
        "collected": format_instant(end if collected is None else collected),
        "status": status,
        "skew_ms": skew,
    }


def match(owner: str, key: str, instant: int, signature: str = "alpha", **more: Any) -> dict[str, Any]:
    """A log match record."""
    return {
        "record": "log_match",
        "collection": owner,
        "key": key,
        "at": format_instant(instant),
        "signature": signature,
        **more,
    }


def snapshot(owner: str, instant: int, pending: int, *, running: int = 0, failed: int = 0) -> dict[str, Any]:
    """A snapshot record."""
    values = {"pending": pending, "running": running, "failed": failed}
    return {"record": "snapshot", "collection": owner, "at": format_instant(instant), **values}


def run_count(owner: str, minute: int, total: int, failures: int) -> dict[str, Any]:
    """A run count record."""
    return {
        "record": "run_count",
        "collection": owner,
        "minute": format_instant(minute),
        "total": total,
        "failures": failures,
    }


def probe(owner: str, instant: int, route: str, status: int, **more: Any) -> dict[str, Any]:
    """A probe record."""
    return {
        "record": "probe",
        "collection": owner,
        "at": format_instant(instant),
        "route": route,
        "status": status,
        **more,
    }


def gauge(owner: str, instant: int, value: float, series: str = "depth") -> dict[str, Any]:
    """A gauge record."""
    return {"record": "gauge", "collection": owner, "at": format_instant(instant), "series": series, "value": value}


def retraction(owner: str, reason: str = "wrong project") -> dict[str, Any]:
    """A retraction of a collection by its id."""
    return {"record": "retraction", "collection": owner, "reason": reason}


def lines(records: Iterable[dict[str, Any]]) -> bytes:
    """Evidence records as the bytes of a file."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


class World:
    """A case file with a runbook, into which records are loaded and which is asked at instants."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.runbook: Runbook = parse_runbook(text, "runbook.md")
        begin_case(path, self.runbook, operator="kim", clock=lambda: START)

    def load(self, *records: dict[str, Any]) -> int:
        """Load records as one file; returns its seq."""
        with Case.open(self.path, write=True) as case:
            loaded = load_records(case, self.runbook, lines(records), name="records.ndjson", operator="kim")
            return loaded[0].seq if loaded else case.head().seq

    def copy(self, path: Path) -> World:
        """The same case in another file: much quicker than a new one."""
        shutil.copyfile(self.path, path)
        other = object.__new__(World)
        other.path, other.runbook = path, self.runbook
        return other

    def judge(
        self, instant: int, *, scope: int | None = None, known: int | None = None, live: bool = False
    ) -> Judgement:
        """Ask at an instant."""
        with Case.open(self.path) as case:
            seq = case.head().seq if known is None else known
            return judge(case.read(), Question(instant, seq, scope, live, case.edition()))

    def states(self, instant: int, **asked: Any) -> dict[str, tuple[str, str]]:
        """State and reason of every signal at an instant."""
        return {s.id: (s.state, s.reason) for s in self.judge(instant, **asked).signals}
