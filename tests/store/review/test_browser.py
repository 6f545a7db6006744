"""A real browser visits the pages: nothing runs, nothing is missing, nothing remote is asked for, and a phone needs no sideways scrolling."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.case import Case
from store.review.facts import read_case
from store.review.serve import Review, open_review
from store.review.static import static_page
from tests.store.review.conftest import close

PAGES: dict[str, tuple[str, ...]] = {
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
    # The page of a verification under way loads itself again: it comes last, so that it interrupts no other.
    "empty": ("/-/case", "/-/signal/webhook-60s", "/-/timeline", "/-/artifacts", "", "/-/verify"),
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


TOO_WIDE = """document.documentElement.scrollWidth <= 390 ? [] : [...document.querySelectorAll('*')]
    .filter(e => e.scrollWidth > 390 && !e.closest('svg')).map(e => e.tagName + ' ' + e.textContent.slice(0, 60))"""


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
            assert page.evaluate(TOO_WIDE) == [], f"{path} scrolls sideways"
    page.close()
    origin = base.rpartition("/")[0]
    assert [url for url in asked if not url.startswith((origin, "data:"))] == []
    assert troubles == []


@pytest.mark.parametrize("name", ["seed", "empty", "hostile"])
def test_the_static_page_opens_from_disk_and_asks_for_nothing(
    browser: Any, request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    place = tmp_path / "closeout.html"
    with Case.open(request.getfixturevalue(name)) as case:
        place.write_text(static_page(case.read(), read_case(case.read())), "utf-8")
    assert place.stat().st_size < 300_000
    page = browser.new_page(viewport={"width": 390, "height": 844})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(place.as_uri())
    assert page.title() != "pwned"
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).backgroundColor") == "rgb(22, 32, 44)", (
        "it has its style"
    )
    dead = "[...document.links].filter(a => a.hash && !document.getElementById(decodeURIComponent(a.hash.slice(1)))).map(a => a.hash)"
    assert page.evaluate(dead) == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()
