"""A shop on another stack, from its runbook to an answer: checked, begun, collected from Loki's command, judged. Nothing of it
needs a line of Python.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tui.cli import main

RUNBOOK = Path(__file__).parents[2] / "store" / "runbook" / "rails.md"
STAND_IN = Path(__file__).with_name("loki_stand_in.py")
Told = Callable[..., tuple[int, Any]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with Loki's tool on its path, and what the runbook needs in its environment."""
    tool = tmp_path / "bin" / "logcli"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(STAND_IN))} "$@"\n', "utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    for name, value in (
        ("LOKI_ADDR", "https://loki.example"),
        ("LOKI_TOKEN", "glc_0123456789abcdef"),
        ("DEPLOY_ENV", "production"),
        ("SHOP_URL", "https://shop.example"),
    ):
        monkeypatch.setenv(name, value)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    def call(*words: str) -> tuple[int, Any]:
        code = main([*words, "--json"])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, json.loads(said.out)

    return call


@pytest.fixture
def case(tmp_path: Path, shop: None, told: Told) -> str:
    assert told("check", str(RUNBOOK))[0] == 0
    path = str(tmp_path / "shop.db")
    assert told("init", path, "--runbook", str(RUNBOOK))[0] == 0
    return path


def states(answer: dict[str, Any]) -> dict[str, tuple[str, list[Any]]]:
    return {s["id"]: (s["state"], [c["value"] for c in s["conditions"]]) for s in answer["signals"]}


def test_a_bad_deploy_trips_checkout_and_queue_latency(case: str, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAY", "bad")
    code, collected = told("collect", case, "app-log", "sidekiq", "--since", "45m")
    assert (code, {(c["form"], c["status"]) for c in collected["collections"]}) == (0, {("jsonl", "ok")})
    code, answer = told("status", case)
    assert code == 10
    found = states(answer)
    assert found["checkout"] == ("tripped", [26, 0])
    assert found["queue-latency"] == ("tripped", [130.25, 12])
    assert found["inventory"] == ("ok", [1])
    assert found["health"][0] == "no_data"
    checkout = next(s for s in answer["signals"] if s["id"] == "checkout")
    assert checkout["rollback"]["confirm"] == ["PAYMENT_PROVIDER_MODE is live"]
    assert b"glc_0123456789abcdef" not in Path(case).read_bytes()


def test_a_calm_day_is_ok_where_something_was_looked_at(case: str, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAY", "calm")
    told("collect", case, "app-log", "sidekiq", "--since", "45m")
    found = states(told("status", case)[1])
    assert {signal: state for signal, (state, _) in found.items()} == {
        "checkout": "ok", "inventory": "ok", "queue-latency": "ok", "health": "no_data",
    }  # fmt: skip


def test_a_file_that_the_tool_wrote_reads_the_same(
    case: str, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAY", "bad")
    until = datetime.now(UTC).replace(microsecond=0)
    since = until - timedelta(minutes=45)
    words = [
        "logcli",
        "--addr=https://loki.example",
        "--output=raw",
        f"--from={since.isoformat()}",
        f"--to={until.isoformat()}",
    ]
    log = tmp_path / "app.jsonl"
    log.write_bytes(subprocess.run([*words, '{app="orders"}'], capture_output=True, check=True).stdout)
    code, loaded = told(
        "import", case, str(log), "--stream", "app-log", "--since", since.isoformat(), "--until", until.isoformat()
    )
    (one,) = loaded["collections"]
    assert (code, one["status"], one["matched"]) == (0, "ok", 27)
    assert states(told("status", case)[1])["checkout"] == ("tripped", [26, 0])


def test_a_tool_that_fails_leaves_evidence_and_no_answer(
    case: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOKI_ADDR")
    code, collected = told("collect", case, "app-log", "--since", "45m")
    assert code == 40
    (one,) = collected["collections"]
    assert one["status"] == "failed"
    assert states(told("status", case)[1])["checkout"][0] == "no_data"
