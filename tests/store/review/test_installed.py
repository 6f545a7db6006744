"""The package as people install it: a wheel in an environment of its own, and plain `datasette CASE.db` without an option.

Two environments, each named by its interpreter: `CLOSEOUT_WHEEL` holds the wheel with its dependencies, `CLOSEOUT_DATASETTE_1` the same
wheel beside the newest Datasette 1.0. `.ci/run` makes both, and sets CLOSEOUT_REQUIRE_INSTALLED=1 so that neither can be left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ADDRESS = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:\d+)")
PAGES = (
    "/seed/-/case",
    "/seed",
    "/seed/-/signal/webhook-60s",
    "/seed/-/timeline",
    "/seed/-/artifacts",
    "/seed/-/verify",
    "/seed/signal_state",
    "/seed/verdict_state",
    "/seed/conditions",
)
SIGNALS = (
    "webhook-60s", "inbox-300s", "db-wait", "response-timing-500", "reversal-loop", "offload-health", "cron-probes",
)  # fmt: skip


def environment(name: str) -> Path:
    """The folder of programs of an environment; without it the test is skipped, or fails where it must be there."""
    python = os.environ.get(name)
    if not python:
        said = f"{name} names no interpreter of an environment with the wheel"
        if os.environ.get("CLOSEOUT_REQUIRE_INSTALLED") == "1":
            pytest.fail(said)
        pytest.skip(said)
    return Path(python).parent


class Served:
    """A Datasette that runs in an environment, with nothing of this checkout in sight."""

    def __init__(self, programs: Path, case: Path, home: Path) -> None:
        self.programs, self.home = programs, home
        self._said = home / "datasette.log"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [programs / "datasette", case.name, "-p", "0"],
                cwd=case.parent,
                env=self.bare(),
                stdout=said,
                stderr=said,
            )
        self.address = self._address()

    def bare(self) -> dict[str, str]:
        """As few variables as a program needs."""
        return {"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8"}

    def _address(self) -> str:
        """Wait for the line that says where it listens."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            if found := ADDRESS.search(self._said.read_text()):
                return found[1]
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
        self.end()
        raise AssertionError(self._said.read_text())

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, final address and text of a page, asked over the network."""
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return answer.status, answer.url, answer.read().decode()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module", params=["CLOSEOUT_WHEEL", "CLOSEOUT_DATASETTE_1"])
def served(request: pytest.FixtureRequest, seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    programs = environment(request.param)
    folder = tmp_path_factory.mktemp("installed")
    case = Path(shutil.copyfile(seed, folder / "seed.db"))
    running = Served(programs, case, folder)
    yield running
    running.end()


def test_the_first_page_is_that_of_the_case(served: Served) -> None:
    status, address, text = served.get("/")
    assert (status, address) == (200, f"{served.address}/seed/-/case")
    assert "Phase 168e, February cycle" in text
    assert text.count("<svg") > 3, "its plots are drawn"
    assert "close-watching" in text, "the last decision"


def test_every_page_and_table_answers(served: Served) -> None:
    assert [(path, served.get(path)[0]) for path in PAGES] == [(path, 200) for path in PAGES]


def test_the_signals_are_the_same_as_on_the_command_line(served: Served) -> None:
    published = json.loads(served.get("/seed/signal_state.json?_shape=array&_sort=position")[2])
    assert [row["signal"] for row in published] == list(SIGNALS)
    told = json.loads(served.get("/seed/-/status.json")[2])["signals"]
    assert [(row["signal"], row["state"], row["reason"]) for row in published] == [
        (signal["id"], signal["state"], signal["reason"]) for signal in told
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/seed/-/case",
        "/seed/note",
        "/seed/note/1",
        "/seed/note/-/insert",
        "/seed/-/create",
        "/seed/note/-/drop",
        "/seed/-/execute-write",
    ],
)
def test_nothing_is_taken_not_even_by_the_routes_that_write(served: Served, path: str) -> None:
    body = json.dumps({"row": {"body": "x"}, "sql": "delete from note", "confirm": True}).encode()
    asked = urllib.request.Request(served.address + path, body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=30)
    refused.value.close()
    assert refused.value.code == 405


def test_a_real_browser_finds_the_page_whole(served: Served, browser: Any) -> None:
    page, asked, troubles = browser.new_page(viewport={"width": 390, "height": 844}), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: troubles.append(request.url))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(served.address)
    assert page.title().startswith("Phase 168e, February cycle")
    assert page.locator("svg").count() > 3
    page.goto(f"{served.address}/seed/-/artifacts")
    page.evaluate("Promise.all([...document.images].map(i => (i.loading = 'eager', i.decode().catch(() => 0))))")
    assert page.evaluate("[...document.images].filter(i => !i.naturalWidth).length") == 0
    page.close()
    assert [url for url in asked if not url.startswith((served.address, "data:"))] == []
    assert troubles == []


def test_the_command_is_there_and_holds_the_runbook(tmp_path: Path) -> None:
    programs = environment("CLOSEOUT_WHEEL")
    done = subprocess.run(
        [programs / "closeout", "check", "--json"],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "runbook.md" in done.stderr + done.stdout, "it names what it looked for"
    text = next(programs.parent.glob("lib/python3*/site-packages/store/runbook/shipped.md")).read_text("utf-8")
    assert text == (Path(__file__).parents[3] / "runbook.md").read_text("utf-8")
