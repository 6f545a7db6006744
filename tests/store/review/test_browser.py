"""A real browser visits the pages: nothing runs, nothing is missing, nothing remote is asked for, and a phone needs no sideways scrolling."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from store.review.serve import Review, open_review
from tests.store.review.conftest import close

PAGES = {
    "seed": (
        "/-/case",
        "/-/signal/webhook-60s",
        "/-/signal/offload-health",
        "/-/timeline",
        "/-/artifacts",
        "",
        "/log_match",
        "/signal_state",
    ),
    "empty": ("/-/case", "/-/signal/webhook-60s", "/-/timeline", "/-/artifacts", ""),
    "hostile": (
        "/-/case",
        "/-/signal/~3Ci~3Esignal~3C~2Fi~3E",
        "/-/timeline",
        "/-/artifacts",
        "",
        "/log_match",
        "/log_match/1",
        "/collection",
        "/artifact",
        "/probe",
        "/note",
        "/timeline",
    ),
}


@pytest.fixture(scope="module", params=list(PAGES))
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A review on a real socket, in a thread."""
    review = open_review(request.getfixturevalue(request.param), port=0)
    with running(review):
        yield request.param, review.url.removesuffix("/-/case")
    close(review.datasette)


class running:  # noqa: N801 reads as a word at its place of use
    """Serve in a thread until the block ends."""

    def __init__(self, review: Review) -> None:
        import uvicorn

        self._review = review
        self._server = uvicorn.Server(uvicorn.Config(review.app, log_level="error", lifespan="on"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [review.listener]}, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._review.listener.close()


def test_pages_run_nothing_miss_nothing_and_ask_nobody_else(browser: Any, served: tuple[str, str]) -> None:
    name, base = served
    page = browser.new_page(viewport={"width": 390, "height": 844})
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: troubles.append(f"{page.url}: {error}"))
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
    for path in PAGES[name]:
        response = page.goto(base + path)
        assert response is not None
        assert response.status == 200, path
        assert page.title() != "pwned", path
        page.evaluate("Promise.all([...document.images].map(i => (i.loading = 'eager', i.decode().catch(() => 0))))")
        missing = page.evaluate("[...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src)")
        assert missing == [], path
        if "/-/" in path:
            assert page.evaluate("document.scripts.length") == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, f"{path} scrolls sideways"
    page.close()
    origin = base.rpartition("/")[0]
    assert [url for url in asked if not url.startswith((origin, "data:"))] == []
    assert troubles == []
