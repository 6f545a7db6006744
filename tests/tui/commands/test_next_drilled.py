"""`closeout next` tells when a step was last drilled, and nothing of drills to those who never had one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store.case import now_ms
from store.stamps import STEP, stamp
from tests.store.walk.builders import walk_text
from tests.store.world import World
from tui.cli import main


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HOST", "https://shop.example")
    monkeypatch.setenv("TOKEN", "open-sesame")
    return World(tmp_path / "case.db", walk_text())


def test_the_current_step_tells_its_last_drill(case: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", str(case.path)]) == 0
    assert "drilled" not in capsys.readouterr().out
    stamp(case.runbook, STEP, "capture", took_ms=9_400, passed=True, drilled_ms=now_ms())
    main(["next", str(case.path)])
    assert "\nnever drilled\n" in capsys.readouterr().out
    stamp(case.runbook, STEP, "look", took_ms=2_000, passed=False, drilled_ms=now_ms() - 7_200_000, why="no answer")
    main(["next", str(case.path)])
    assert "\nlast drilled 2 hours ago, 2.0 s, failed: no answer\n" in capsys.readouterr().out
    main(["next", str(case.path), "--json"])
    drilled = json.loads(capsys.readouterr().out)["step"]["drilled"]
    assert drilled["passed"] is False and drilled["took_ms"] == 2_000 and drilled["void"] is False
