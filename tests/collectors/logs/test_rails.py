"""A runbook for another stack, without a line of Python: its logs and its gauge are read by the fields it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.logs.ingest import import_log
from store.case import Case
from store.instants import format_instant
from store.judge import judge, question_at
from store.runbook.parse import parse_runbook
from tests.collectors.logs.kit import MINUTE, T0, open_case, rows, written

TEXT = (Path(__file__).parent / "rails.md").read_text(encoding="utf-8")
UNDER = parse_runbook(TEXT, "rails.md")
WINDOW = {"since_ms": T0, "until_ms": T0 + 30 * MINUTE, "now_ms": T0 + 31 * MINUTE}


def entry(at: int, **line: Any) -> str:
    """A line as the log shipper prints it: labels, the application's own JSON as text, an instant in nanoseconds of ISO time."""
    stamp = format_instant(at).replace("Z", "123456Z")
    return (
        json.dumps({"labels": {"app": "sync", "dyno": "worker.1"}, "line": json.dumps(line), "timestamp": stamp}) + "\n"
    )


def failed(at: int, job: str = "SyncInbox") -> str:
    return entry(at, job=job, message=f"{job} failed: Net::ReadTimeout with #<TCPSocket:(closed)>", request_id=f"j{at}")


def state(case: Case, signal: str, condition: int = 0) -> str:
    db = case.read()
    answer = judge(db, question_at(db, as_of_ms=WINDOW["until_ms"], live=False))
    return next(s for s in answer.signals if s.id == signal).conditions[condition].state


@pytest.fixture
def case(tmp_path: Path) -> Any:
    with open_case(tmp_path, UNDER) as opened:
        yield opened


def test_the_runbook_passes_the_check() -> None:
    assert UNDER.warnings == ()


def test_failures_of_the_named_job_trip_and_those_of_others_do_not(tmp_path: Path, case: Case) -> None:
    web = entry(T0, path="/about", status=200, request_id="r1")
    log = web + "".join(failed(T0 + n * MINUTE) for n in range(4)) + "".join(failed(T0 + n, "Other") for n in range(9))
    got = import_log(case, UNDER, "app-log", str(written(tmp_path, log)), **WINDOW)
    assert (got.form, got.status, got.matched) == ("jsonl", "ok", 4)
    assert state(case, "sync-timeouts") == "tripped"
    assert state(case, "sync-timeouts", 1) == "ok"


def test_a_field_that_no_line_has_may_be_misnamed_and_proves_nothing(tmp_path: Path, case: Case) -> None:
    import_log(case, UNDER, "app-log", str(written(tmp_path, failed(T0, "Other"))), **WINDOW)
    assert rows(case, "SELECT signature, can_prove, why FROM looked_for ORDER BY 1") == [
        ("inbox-500", 0, "no record carries a route"),
        ("sync-read-timeout", 1, ""),
    ]
    assert state(case, "sync-timeouts", 1) == "no_data"


def test_routes_statuses_and_requests_come_from_inside_the_line(tmp_path: Path, case: Case) -> None:
    log = "".join(entry(T0 + n, path="/inbox/7?page=2", status=500, request_id="r1") for n in range(2)) + entry(
        T0, path="/about", status=500
    )
    import_log(case, UNDER, "app-log", str(written(tmp_path, log)), **WINDOW)
    assert (
        rows(case, 'SELECT signature, "key", route, status, request FROM log_match')
        == [("inbox-500", "r1", "/inbox/7", 500, "r1")] * 2
    )
    assert rows(case, "SELECT route, requests FROM traffic ORDER BY 1") == [("*", 1), ("/inbox/**", 1)]


def test_the_queues_latency_is_a_gauge(tmp_path: Path, case: Case) -> None:
    readings = [{"at": (T0 + n * MINUTE) // 1000, "metric": "default", "seconds": 61.5} for n in range(23, 30)]
    log = "".join(json.dumps(reading) + "\n" for reading in readings)
    import_log(case, UNDER, "queue-latency", str(written(tmp_path, log)), **WINDOW)
    assert rows(case, "SELECT count(*), min(value), max(value_micro) FROM gauge") == [(7, "61.5", 61_500_000)]
    assert state(case, "queue-latency") == "tripped"
