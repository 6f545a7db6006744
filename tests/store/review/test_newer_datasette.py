"""The same plugin under Datasette 1.0, in an environment of its own: its interpreter is named by `CLOSEOUT_DATASETTE_1`.

Make one with: python -m venv D && D/bin/pip install datasette==1.0a41 pydantic markdown-it-py sqlite-utils msgspec platformdirs
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
import asyncio, sys
from datasette.app import Datasette
from datasette.plugins import pm
import store.review

pm.register(store.review, "closeout")

async def main():
    datasette = Datasette(files=[sys.argv[1]], settings={"default_allow_sql": False})
    await datasette.invoke_startup()
    for path in sys.argv[2:]:
        response = await datasette.client.get(path)
        print(path, response.status_code, response.headers.get("location", ""), "Phase 168e, February cycle" in response.text)

asyncio.run(main())
"""


def test_the_case_its_pages_and_its_questions_are_served(seed: Path) -> None:
    python = os.environ.get("CLOSEOUT_DATASETTE_1")
    if not python:
        if os.environ.get("CLOSEOUT_REQUIRE_DATASETTE_1") == "1":
            pytest.fail("CLOSEOUT_DATASETTE_1 names no interpreter with Datasette 1.0")
        pytest.skip("CLOSEOUT_DATASETTE_1 names no interpreter with Datasette 1.0")
    pages = [
        "/seed/-/case",
        "/seed",
        "/seed/-/signal/webhook-60s",
        "/seed/-/timeline",
        "/seed/signal_state",
        "/seed/verdict_state",
    ]
    done = subprocess.run(
        [python, "-c", SCRIPT, str(seed), "/", *pages],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, case, *rest = done.stdout.splitlines()
    assert first.split()[:3] == ["/", "302", "/seed/-/case"]
    assert case == "/seed/-/case 200  True"
    assert [line.split()[1] for line in rest] == ["200"] * len(rest)
