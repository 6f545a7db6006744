"""Cases to review, made once; Datasette with the plugin; a real browser where one is here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.browser.find import BrowserMissing, find_browser, require_driver
from store.begin import begin_case
from store.review.serve import case_datasette
from store.runbook.parse import parse_runbook
from tests.store.review.worlds import SHIPPED, hostile_case, seed_case


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("review")


@pytest.fixture(scope="session")
def seed(folder: Path) -> Path:
    return seed_case(folder / "seed.db")


@pytest.fixture(scope="session")
def hostile(folder: Path) -> Path:
    return hostile_case(folder / "hostile.db")


@pytest.fixture(scope="session")
def empty(folder: Path) -> Path:
    path = folder / "empty.db"
    begin_case(path, parse_runbook(SHIPPED.read_text("utf-8"), "runbook.md"))
    return path


@pytest.fixture
def serving() -> Iterator[Callable[..., Any]]:
    """Datasette on a case; its connections are closed afterwards."""
    opened: list[Any] = []

    def serve(path: Path, **options: Any) -> Any:
        datasette = case_datasette(path, **{"sealed": False, **options})
        opened.append(datasette)
        return datasette

    yield serve
    for datasette in opened:
        close(datasette)


def close(datasette: Any) -> None:
    """Close what a Datasette holds open, so that no warning outlives its test."""
    if datasette.executor is not None:
        datasette.executor.shutdown()
    for database in datasette.databases.values():
        database.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless browser; without one the test is skipped, or fails when CLOSEOUT_REQUIRE_BROWSER=1.

    Its driver holds the thread's event loop for as long as it runs: a module that uses it has no asynchronous tests.
    """
    try:
        require_driver()
        program = find_browser(os.environ)
    except BrowserMissing as error:
        if os.environ.get("CLOSEOUT_REQUIRE_BROWSER") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(program), chromium_sandbox=False)
        yield running
        running.close()
