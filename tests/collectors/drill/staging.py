"""Stages for tests, and how to look at what they leave behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.drill.leash import MARK
from collectors.drill.stage import Stage
from collectors.postgres_server.binaries import PostgresMissing
from store.runbook.find import read_runbook
from store.runbook.model import Runbook
from store.runbook.parse import parse_runbook

ROOT = Path(__file__).resolve().parents[3]


def start_stage() -> Stage:
    """A stage; without server binaries the test is skipped, or fails when CLOSEOUT_REQUIRE_PG=1."""
    try:
        return Stage.start(os.environ)
    except PostgresMissing as error:
        if os.environ.get("CLOSEOUT_REQUIRE_PG") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


def shipped() -> Runbook:
    """The runbook that the scenarios speak of."""
    return read_runbook(ROOT / "runbook.md")


def shipped_with(old: str, new: str) -> Runbook:
    """The same with one place of its text changed."""
    text = (ROOT / "runbook.md").read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
    return parse_runbook(text.replace(old, new), "changed.md")


def marked(folder: Path) -> list[int]:
    """Processes that belong to a stage's folder."""
    wanted, found = f"{MARK}={folder}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
            if alive and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Look until the condition holds or the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.02)
    return True
