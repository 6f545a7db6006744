"""Print a case's evidence as the records that `import` reads: another case with the same runbook judges it alike.

Artifacts and what people did are not collector records and stay in the case; `closeout copy` hands over the whole of it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from collectors.records.form import micro
from store.instants import format_instant, format_optional

_ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "log_match": (
        'SELECT collection, "key", at_ms, signature, "group", started_ms, route, status, request, certain, line, raw FROM log_match ORDER BY id',
        (
            "collection",
            "key",
            "at",
            "signature",
            "group",
            "started",
            "route",
            "status",
            "request",
            "certain",
            "line",
            "raw",
        ),
    ),
    "traffic": (
        "SELECT collection, minute_ms, route, requests FROM traffic ORDER BY id",
        ("collection", "minute", "route", "requests"),
    ),
    "snapshot": (
        "SELECT collection, at_ms, pending, running, failed, succeeded, pending_due, oldest_due_ms FROM snapshot ORDER BY id",
        ("collection", "at", "pending", "running", "failed", "succeeded", "pending_due", "oldest_due_ms"),
    ),
    "run_count": (
        'SELECT collection, minute_ms, "of", total, failures, running FROM run_count ORDER BY id',
        ("collection", "minute", "of", "total", "failures", "running"),
    ),
    "gauge": (
        "SELECT collection, at_ms, series, value FROM gauge ORDER BY id",
        ("collection", "at", "series", "value"),
    ),
    "probe": (
        "SELECT collection, at_ms, route, ifnull(status, 0), outcome, method, url, reason, request, secret_sent, attempt, total_us FROM probe ORDER BY id",
        (
            "collection",
            "at",
            "route",
            "status",
            "outcome",
            "method",
            "url",
            "reason",
            "request",
            "secret_sent",
            "attempt",
            "total_us",
        ),
    ),
    "retraction": ("SELECT collection, reason FROM retraction ORDER BY id", ("collection", "reason")),
}
_INSTANTS = frozenset({"at", "minute", "started"})


def write_records(db: sqlite3.Connection) -> Iterator[str]:
    """Lines of evidence records, collections first."""
    for row in db.execute(
        "SELECT k.id, k.stream, k.from_ms, k.to_ms, k.collected_ms, ifnull(e.status, 'open'), k.skew_ms, k.form, k.source, ifnull(e.reason, '') "
        "FROM collection k LEFT JOIN collection_end e ON e.collection = k.id ORDER BY k.id"
    ).fetchall():
        yield _line(_collection(db, *row))
    for kind, (sql, names) in _ROWS.items():
        for row in db.execute(sql):
            yield _line(_record(kind, dict(zip(names, row, strict=True))))


def _collection(db: sqlite3.Connection, key: int, stream: str, *rest: Any) -> dict[str, Any]:
    start, end, collected, status, skew, form, source, reason = rest
    spans = db.execute(
        "SELECT from_ms, to_ms, collected_ms FROM coverage WHERE stream = ? AND collection = ? ORDER BY id",
        (stream, key),
    ).fetchall()
    searched = db.execute(
        "SELECT signature, sha256, can_prove, why, delay_ms FROM looked_for WHERE collection = ? ORDER BY id", (key,)
    ).fetchall()
    names = ("signature", "sha256", "can_prove", "why", "delay_ms")
    return {
        "record": "collection",
        "id": f"collection:{key}",
        "stream": stream,
        "from": format_optional(start),
        "to": format_optional(end),
        "collected": format_instant(collected),
        "status": status,
        "skew_ms": skew,
        "form": form,
        "source": source,
        "reason": reason,
        "coverage": [[format_instant(instant) for instant in span] for span in spans],
        "looked_for": [dict(zip(names, row, strict=True)) for row in searched],
    }


def _record(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"record": kind}
    for name, value in values.items():
        if value is None or (name == "raw" and not value):
            continue
        if name == "collection":
            shown[name] = f"collection:{value}"
        elif name == "value":
            shown[name] = _number(value)
        else:
            shown[name] = format_instant(value) if name in _INSTANTS else value
    return shown


def _number(text: str) -> float | str:
    """A gauge's value as the number it was; as its text only where a program's number would not hold all its digits."""
    number = int(text) if re.fullmatch(r"-?[1-9]\d*", text) else float(text)
    return number if micro(Decimal(repr(number))) == micro(text) else text


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)
