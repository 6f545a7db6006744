"""What every test stands on: a state folder of its own, so that nothing of a test is remembered on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where trust is kept while one test runs."""
    folder = tmp_path_factory.getbasetemp() / "state"
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(folder))
    return folder
