"""The staged platform speaks the platform's real forms: the collectors' own readers tell them by content."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.drill import forms, platform_command
from collectors.drill.past import Streams, write_past
from collectors.drill.scenario import shipped_scenario
from collectors.drill.script import HOST, LiveTime, history
from collectors.logs.banners import around
from collectors.logs.record import Banner, Form, LogRecord, SourceFault
from collectors.logs.shapes import object_item
from store.instants import format_instant, parse_instant

BEGIN = parse_instant("2026-02-18T03:00:00Z")
REQUESTS = [one for one in history(shipped_scenario("response-timing-cluster"), BEGIN) if one.fault]
FAILED = json.loads(forms.own_line(REQUESTS[-1]))


def record(row: dict[str, object]) -> LogRecord:
    item = object_item(row, 1, b"")
    assert isinstance(item, LogRecord)
    return item


def test_a_look_back_prints_one_row_for_a_request_with_its_lines() -> None:
    row = record(forms.query_row(FAILED, HOST))
    assert (row.form, row.status, row.at_ms) == (Form.QUERY, 500, REQUESTS[-1].started_ms)
    assert any("response timing batch failed" in text for text in row.messages)


def test_a_stream_prints_lines_without_a_status() -> None:
    rows = [record(row) for row in forms.stream_rows(FAILED, HOST)]
    assert {(row.form, row.status) for row in rows} == {(Form.STREAM, None)}
    assert rows[-1].at_ms == REQUESTS[-1].ended_ms


def test_a_dashboard_export_has_three_rows_for_a_failing_cron_all_with_its_status() -> None:
    rows = [record(row) for row in forms.export_rows(REQUESTS[-1], HOST)]
    assert [(row.form, row.status, row.route) for row in rows] == [(Form.EXPORT, 500, "/api/cron/response-timing")] * 3


def test_a_cut_stream_says_so() -> None:
    fault = object_item(forms.delimiter_row(BEGIN), 1, b"")
    assert isinstance(fault, SourceFault)
    assert not fault.failed


def platform(folder: Path, logs: str = "none") -> Path:
    folder.mkdir()
    write_past(folder, shipped_scenario("webhook-burst"), LiveTime(BEGIN), Streams())
    told = {"host": HOST, "logs": logs, "deployed": format_instant(BEGIN)}
    (folder / "platform.json").write_text(json.dumps(told))
    return folder


def ask(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = platform_command.__file__
    command = [sys.executable, "-I", "-S", script, str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env={"PATH": os.defpath})


def test_a_query_returns_what_began_in_its_window_and_no_more(tmp_path: Path) -> None:
    folder = platform(tmp_path / "w")
    window = ("--since", format_instant(BEGIN - 600_000), "--until", format_instant(BEGIN - 300_000))
    rows = [
        json.loads(line)
        for line in ask(folder, "logs", "--project", "p", *window, "--limit", "100000", "--json").stdout.splitlines()
    ]
    assert rows
    assert all(BEGIN - 600_000 <= row["timestamp"] < BEGIN - 300_000 for row in rows)
    few = ask(folder, "logs", *window, "--limit", "3", "--json").stdout.splitlines()
    assert len(few) == 3


@pytest.mark.parametrize(("logs", "code"), [("ends", 137), ("cut", 0)])
def test_a_platform_in_trouble_ends_or_cuts_its_answer(tmp_path: Path, logs: str, code: int) -> None:
    done = ask(platform(tmp_path / "w", logs), "logs", "--since", format_instant(BEGIN - 60_000), "--json")
    assert done.returncode == code
    assert (
        (json.loads(done.stdout.splitlines()[-1])["source"] == "delimiter") if code == 0 else ("Error:" in done.stderr)
    )


def test_it_says_its_version_and_its_deployment(tmp_path: Path) -> None:
    folder = platform(tmp_path / "w")
    assert ask(folder, "--version").stdout == f"{forms.VERSION}\n"
    assert forms.DEPLOYMENT in ask(folder, "inspect", "https://app").stdout
    assert ask(folder, "deploy").returncode == 1


def test_what_a_follower_prints_beside_records_is_known_as_such(tmp_path: Path) -> None:
    for line in (b"Vercel CLI 50.42.0", b"waiting for new logs...", b"Displaying runtime logs for deployment x (dpl)"):
        assert isinstance(around(1, line), Banner), line
