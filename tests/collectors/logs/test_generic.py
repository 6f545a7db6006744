"""Any other log, by the dotted paths of its source's fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.logs.generic import any_instant
from store.runbook.model import FieldMap
from tests.collectors.logs.kit import T0, gathered, lines, signature, written

FIELDS = FieldMap(time="ts", message="line", route="http.path", status="http.status", request="trace", id="id")


def entry(at: Any = T0, line: str = "boom", path: str = "/jobs", status: Any = 500, **more: Any) -> dict[str, Any]:
    return {"ts": at, "line": line, "http": {"path": path, "status": status}, "trace": f"t-{at}", **more}


@pytest.mark.parametrize(
    "spelled",
    [
        T0,
        str(T0),
        T0 / 1000,
        T0 // 1000,
        T0 * 1000,
        T0 * 1_000_000,
        str(T0 * 1_000_000),
        "2026-02-18T03:00:00Z",
        "2026-02-18T03:00:00.000000000Z",
    ],
)
def test_the_unit_of_a_time_is_told_by_its_size(spelled: object) -> None:
    assert any_instant(spelled) == T0


@pytest.mark.parametrize("bad", [None, True, "", "2026-02-18T03:00:00", "-5", -5, 0, "nan", [], 10**30])
def test_what_is_no_instant_is_unreadable(bad: object) -> None:
    assert any_instant(bad) is None


@pytest.mark.parametrize(
    "dump",
    [lines, json.dumps, lambda rows: json.dumps(rows, indent=2), lambda rows: json.dumps(rows) + "\n" + json.dumps([])],
)
def test_json_is_read_by_its_fields_in_every_layout(tmp_path: Path, dump: Any) -> None:
    log = written(tmp_path, dump([entry(), entry(T0 + 1, path="/other"), entry(T0 + 2, status="502")]))
    found = gathered(log, [signature(routes=("/jobs",), statuses=(500, 502), messages=("boom",))], fields=FIELDS)
    assert (found.records, found.rows, found.first_ms, found.last_ms) == (3, [2], T0, T0 + 2)


def test_csv_is_read_by_its_columns(tmp_path: Path) -> None:
    log = written(
        tmp_path, 'when;text;code\n2026-02-18T03:00:00Z;"two\nlines";500\n2026-02-18T03:00:01Z;x;200\nyesterday;y;500\n'
    )
    fields = FieldMap(time="when", message="text", status="code")
    found = gathered(log, [signature(statuses=(500,), messages=("lines",))], fields=fields, layout="csv")
    assert (found.records, found.rows, found.unreadable) == (
        2,
        [1],
        [(5, "its when is no instant with an offset", "yesterday;y;500")],
    )


def test_without_a_message_field_the_whole_record_is_searched(tmp_path: Path) -> None:
    log = written(tmp_path, lines([{"ts": T0, "error": {"class": "Net::ReadTimeout"}}]))
    assert gathered(log, [signature(messages=("Net::ReadTimeout",))], fields=FieldMap(time="ts")).rows == [1]


def test_a_log_without_routes_is_judged_by_message_alone_and_one_with_routes_is_not(tmp_path: Path) -> None:
    log = written(tmp_path, lines([{"ts": T0, "line": "boom"}]))
    one = signature(routes=("/jobs",), messages=("boom",))
    assert gathered(log, [one], fields=FieldMap(time="ts", message="line")).rows == [1]
    assert gathered(log, [one], fields=FIELDS).rows == [0]


def test_text_of_a_log_shipper_that_holds_json_is_opened_by_its_path(tmp_path: Path) -> None:
    inner = json.dumps({"job": "SyncInbox", "path": "/jobs/sync", "error": "boom"})
    log = written(tmp_path, lines([{"timestamp": str(T0 * 1_000_000), "line": inner, "labels": {"app": "rails"}}]))
    fields = FieldMap(time="timestamp", message="line", route="line.path")
    one = signature(routes=("/jobs/*",), messages=("boom",), where=(("line.job", "SyncInbox"), ("labels.app", "rails")))
    assert gathered(log, [one], fields=fields).rows == [1]


def test_the_id_field_is_the_identity_and_without_one_the_record_is(tmp_path: Path) -> None:
    twins = [
        entry(id="a", trace=None),
        entry(id="a", trace=None),
        entry(id=7, trace=None),
        entry(trace=None),
        entry(trace=None),
    ]
    found = gathered(written(tmp_path, lines(twins)), [signature(messages=("boom",))], fields=FIELDS)
    keys = [row.key for row in found.spool]
    assert keys[:3] == ["a", "a", "7"]
    assert keys[4] == f"{keys[3]}#2"
    assert [row.twins for row in found.spool] == [False, False, False, True, True]


def test_readings_of_a_gauge_come_from_the_same_records(tmp_path: Path) -> None:
    log = written(
        tmp_path,
        lines(
            [
                {"ts": T0, "m": "sidekiq.latency", "v": 12.5},
                {"ts": T0 + 1, "m": "x", "v": "3"},
                {"ts": T0, "m": "x", "v": "NaN"},
                {"ts": T0},
            ]
        ),
    )
    found = gathered(log, [], fields=FieldMap(time="ts", series="m", value="v"))
    assert found.gauges == [(T0, "sidekiq.latency", "12.5", 12_500_000), (T0 + 1, "x", "3", 3_000_000)]
    assert [row[:2] for row in found.unreadable] == [(3, "its reading is no number")]


def test_a_series_that_is_no_field_is_the_name_of_the_only_series(tmp_path: Path) -> None:
    found = gathered(
        written(tmp_path, lines([{"ts": T0, "latency": 9}])),
        [],
        fields=FieldMap(time="ts", series="sidekiq.latency", value="latency"),
    )
    assert found.gauges == [(T0, "sidekiq.latency", "9", 9_000_000)]


def test_lines_that_are_no_objects_are_unreadable(tmp_path: Path) -> None:
    log = written(tmp_path, lines([entry()]) + '42\n"x"\n{"ts":\noops\n\n')
    found = gathered(log, [], fields=FIELDS)
    assert (found.records, found.unread, found.banners) == (1, 4, 1)


def test_a_log_with_requests_counts_its_traffic(tmp_path: Path) -> None:
    log = written(
        tmp_path,
        lines([entry(trace="a"), entry(T0 + 5, trace="a"), entry(T0 + 9, trace=None), entry(T0, path="/x", trace="b")]),
    )
    found = gathered(log, [signature(routes=("/jobs",), statuses=(500,))], fields=FIELDS)
    assert list(found.traffic.cells()) == [(T0, "*", 1), (T0, "/jobs", 2)]
