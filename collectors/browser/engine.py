"""The only module that drives a browser: opens each page once and leaves what it saw in a folder.

Headers of the runbook go to the one origin only, also across redirects. No proxy unless asked for, nothing typed or clicked.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, sync_playwright

from collectors.browser.find import find_browser
from collectors.probes.requests import same_origin
from store.errors import Refused

START_MS = 30_000
SETTLE_MS = 2_000
MAX_RECORDS = 5_000
SIZE = {"width": 1280, "height": 800}

_QUIET = "/favicon.ico"


class LookFailed(Exception):
    """The browser was lost in the middle of a look."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look at and how."""

    pages: tuple[str, ...]
    names: tuple[str, ...]
    origin: str
    headers: tuple[tuple[str, str], ...]
    timeout_ms: int
    state: str = ""
    proxy: str = ""


@dataclass(slots=True)
class Look:
    """How one page came up."""

    url: str
    status: int | None = None
    loaded: bool = False
    reason: str = ""
    load_ms: int = 0
    title: str = ""
    picture: str = ""


@dataclass(slots=True)
class Seen:
    """Everything a capture saw; files lie in its folder."""

    browser: str = ""
    sandbox: bool = False
    looks: list[Look] = field(default_factory=list)
    console: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    dropped: int = 0

    def keep(self, records: list[dict[str, Any]], **record: Any) -> None:
        """Keep a record, as long as there are not too many."""
        if len(records) < MAX_RECORDS:
            records.append(record)
        else:
            self.dropped += 1


def look_at(
    plan: Plan, folder: Path, environ: Mapping[str, str], now_ms: Callable[[], int], progress: Callable[[str], None]
) -> Seen:
    """Open each page of the plan; pictures, `network.har` and `trace.zip` are left in the folder.

    Raises:
        BrowserMissing: there is no browser.
        Refused: it does not start.
        LookFailed: it was lost meanwhile.
    """
    seen = Seen()
    with sync_playwright() as driver:
        browser = _launch(driver, plan, folder, environ, seen)
        try:
            _look_through(browser, plan, folder, seen, now_ms, progress)
        except Error as error:
            raise LookFailed(f"the browser was lost: {error.message.splitlines()[0]}") from None
        finally:
            with contextlib.suppress(Error):
                browser.close()
    return seen


def _look_through(
    browser: Browser, plan: Plan, folder: Path, seen: Seen, now_ms: Callable[[], int], progress: Callable[[str], None]
) -> None:
    context = _context(browser, plan, folder)
    # Without snapshots: those would hold page sources, what was typed, and bodies.
    context.tracing.start(screenshots=True, snapshots=False)
    _listen(context, seen, now_ms)
    page = context.new_page()
    if plan.headers:
        _guard_headers(context, page, plan)
    for number, url in enumerate(plan.pages, 1):
        look = _open(page, url, number, folder, plan)
        seen.looks.append(look)
        progress(f"{look.url}: {look.status or '000'} {look.reason or 'loaded'}")
    context.tracing.stop(path=folder / "trace.zip")
    context.close()  # the HAR is written only here


def own_browser() -> str:
    """Where the driver keeps a browser of its own, whether or not it is there."""
    with sync_playwright() as driver:
        return str(driver.chromium.executable_path)


def _launch(driver: Playwright, plan: Plan, folder: Path, environ: Mapping[str, str], seen: Seen) -> Browser:
    program = find_browser(environ, driver.chromium.executable_path)
    # The browser would take a proxy from the environment; a small /dev/shm, as in containers, would crash it.
    arguments = ["--disable-dev-shm-usage", *([] if plan.proxy else ["--no-proxy-server"])]
    trouble = ""
    for sandbox in (True, False) if os.geteuid() != 0 else (False,):
        try:
            browser = driver.chromium.launch(
                executable_path=program,
                chromium_sandbox=sandbox,
                args=arguments,
                proxy={"server": plan.proxy} if plan.proxy else None,
                traces_dir=folder / "traces",  # unredacted, so in the folder that a later start sweeps
                timeout=START_MS,
            )
        except Error as error:
            trouble = error.message.splitlines()[0]
            continue
        seen.browser, seen.sandbox = f"chromium {browser.version}", sandbox
        return browser
    raise Refused(
        f"the browser {program} does not start: {trouble}",
        "try another with CLOSEOUT_CHROMIUM, or a TMPDIR with a short path",
    )


def _context(browser: Browser, plan: Plan, folder: Path) -> BrowserContext:
    try:
        context = browser.new_context(
            viewport={"width": SIZE["width"], "height": SIZE["height"]},
            record_har_path=folder / "network.har",
            record_har_content="omit",
            storage_state=plan.state or None,
            service_workers="block",  # their requests would pass by the headers' guard
            accept_downloads=False,
        )
    except (Error, OSError, ValueError) as error:
        raise Refused(f"CLOSEOUT_BROWSER_STATE cannot be used: {str(error).splitlines()[0]}", "unset it") from None
    context.set_default_timeout(plan.timeout_ms)
    return context


def _listen(context: BrowserContext, seen: Seen, now_ms: Callable[[], int]) -> None:
    def on_console(message: Any) -> None:
        place = str(message.location.get("url", ""))
        if message.type == "error" and place.split("?")[0].endswith(_QUIET):
            return  # every page without an icon says this
        seen.keep(seen.console, at_ms=now_ms(), type=message.type, text=message.text, url=place)

    def on_page_error(error: Any) -> None:
        seen.keep(
            seen.console,
            at_ms=now_ms(),
            type="pageerror",
            text=str(error.error),
            url=error.page.url if error.page else "",
        )

    def on_failed(request: Any) -> None:
        why = request.failure or ""
        if "ERR_UNSAFE_PORT" in why:
            why += " (the browser itself refuses this port)"
        seen.keep(seen.failures, at_ms=now_ms(), method=request.method, url=request.url, status=None, reason=why)

    def on_response(response: Any) -> None:
        if response.status >= 400 and not response.url.split("?")[0].endswith(_QUIET):
            seen.keep(seen.failures, at_ms=now_ms(), method=response.request.method, url=response.url,
                      status=response.status, reason=response.status_text)  # fmt: skip

    context.on("console", on_console)
    context.on("weberror", on_page_error)
    context.on("requestfailed", on_failed)
    context.on("response", on_response)


def _guard_headers(context: BrowserContext, page: Page, plan: Plan) -> None:
    """Add the runbook's headers to requests for its origin, hop by hop.

    The driver's own ways of adding headers carry them along a redirect to wherever it leads; the browser's protocol asks
    again at every hop.
    """
    session = context.new_cdp_session(page)

    def on_paused(event: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"requestId": event["requestId"]}
        request = event["request"]
        if same_origin(request["url"], plan.origin):
            headers = {**request["headers"], **dict(plan.headers)}
            answer["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
        with contextlib.suppress(Error):
            session.send("Fetch.continueRequest", answer)

    session.on("Fetch.requestPaused", on_paused)
    session.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})


def _open(page: Page, url: str, number: int, folder: Path, plan: Plan) -> Look:
    look, began = Look(url), time.monotonic_ns()
    try:
        response = page.goto(url, wait_until="load", timeout=plan.timeout_ms)
        look.status = response.status if response else None
        look.loaded = True
    except Error as error:
        look.reason = error.message.splitlines()[0]
    look.load_ms = (time.monotonic_ns() - began) // 1_000_000
    with contextlib.suppress(Error):
        page.wait_for_load_state("networkidle", timeout=SETTLE_MS)
    with contextlib.suppress(Error):
        look.title = page.title()
        name = f"{number:02d}.png"
        page.screenshot(path=folder / name, mask=[page.locator("input[type=password]")], timeout=plan.timeout_ms)
        look.picture = name
    return look
