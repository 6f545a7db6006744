"""Builders for the desk's tests: a runbook with a signal in every state, a case at a fixed moment, the screen as text, and waiting."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from collectors.records.load import load_records
from store.begin import begin_case
from store.case import Case
from store.instants import format_instant, parse_instant
from store.runbook.parse import parse_runbook
from store.walk.session import Who, this_process
from store.walk.walk import Walk
from tui.desk.app import DeskApp
from tui.desk.glyphs import UNICODE, Glyphs
from tui.desk.paint import Lines

MINUTE = 60_000
NOW = parse_instant("2026-02-18T03:41:07Z")
MONOTONIC = 5_000_000
DEADLINE_S = 60.0

RUNBOOK = (Path(__file__).parent / "inbox.md").read_text("utf-8")


def records(now: int = NOW) -> str:
    """Evidence at a moment: one signal tripped, one on watch, one ok, one stale, one partial; the mailer was never looked at."""
    rows: list[dict[str, Any]] = []

    def collection(name: str, stream: str, start: int, end: int) -> None:
        span = {"from": format_instant(start), "to": format_instant(end)}
        rows.append(
            {
                "record": "collection",
                "id": name,
                "stream": stream,
                **span,
                "collected": format_instant(end),
                "status": "ok",
            }
        )

    def matches(owner: str, signature: str, count: int, first: int, step: int) -> None:
        for number in range(count):
            at = format_instant(first + number * step)
            rows.append(
                {
                    "record": "log_match",
                    "collection": owner,
                    "key": f"{signature}-{number}",
                    "at": at,
                    "signature": signature,
                }
            )

    collection("w", "web", now - 45 * MINUTE, now - 4_000)
    matches("w", "inbox-timeout", 24, now - 28 * MINUTE, 61_000)
    matches("w", "webhook-timeout", 45, now - 29 * MINUTE, 37_000)
    matches("w", "order-error", 3, now - 20 * MINUTE, 5 * MINUTE)
    collection("j", "jobs", now - 60 * MINUTE, now - 20 * MINUTE)
    matches("j", "job-error", 2, now - 40 * MINUTE, MINUTE)
    collection("b", "batch", now - 12 * MINUTE, now - 9_000)
    matches("b", "batch-error", 6, now - 11 * MINUTE, 50_000)
    return "".join(json.dumps(row) + "\n" for row in rows)


def make_case(
    path: Path,
    *,
    now: int = NOW,
    text: str = RUNBOOK,
    evidence: str | None = None,
    scope_minutes: int = 40,
    drill: bool = False,
) -> Path:
    """A case with that runbook and evidence, as it stands at a moment."""
    runbook = parse_runbook(text, "runbook.md")
    begin_case(
        path,
        runbook,
        title="Inbox closeout",
        operator="kim",
        scope_start_ms=now - scope_minutes * MINUTE,
        drill=drill,
        clock=lambda: now - MINUTE,
    )
    content = records(now) if evidence is None else evidence
    if content:
        with Case.open(path, write=True, clock=lambda: now - 3_000) as case:
            load_records(case, runbook, content.encode(), name="evidence.ndjson", operator="kim")
    return path


def walk_on(path: Path, *, operator: str = "sam", now: int = NOW) -> Walk:
    """The same case in the hands of somebody else."""
    who = this_process(operator)._replace(terminal="/dev/pts/9")
    return Walk(Case.open(path, write=True, clock=lambda: now), who, monotonic=lambda: MONOTONIC)


def kim() -> Who:
    """Who sits at the desk in the tests."""
    return this_process("kim")._replace(terminal="/dev/pts/3")


def make_desk(
    path: Path, *, glyphs: Glyphs = UNICODE, now: Callable[[], int] = lambda: NOW, no_color: bool = False
) -> DeskApp:
    """The desk on a case, with clocks that stand still."""
    return DeskApp(path, who=kim(), glyphs=glyphs, no_color=no_color, clock=now, monotonic=lambda: MONOTONIC)


async def until(pilot: Pilot[Any], met: Callable[[], bool], what: str = "") -> None:
    """Let the application work until something holds."""
    end = time.monotonic() + DEADLINE_S
    while not met():
        assert time.monotonic() < end, f"never happened: {what}\n{screen_text(pilot.app)}"
        await pilot.pause(0.01)
    await pilot.pause()


async def answer(pilot: Pilot[Any], text: str) -> None:
    """Put a text into the line that has the keys, and press Enter."""
    await until(pilot, lambda: isinstance(pilot.app.focused, Input), "a line waits for an answer")
    line = pilot.app.focused
    assert isinstance(line, Input)
    line.value = text
    await pilot.press("enter")


async def opened(pilot: Pilot[Any]) -> DeskApp:
    """The desk after it has taken the case up."""
    desk = pilot.app
    assert isinstance(desk, DeskApp)
    await until(pilot, lambda: desk.snapshot is not None and "opening" not in screen_text(desk), "the case is open")
    return desk


def screen_text(app: App[Any]) -> str:
    """What the parts of the screen show, each at its place: quick, for waiting. `painted_text` is what is really painted."""
    grid = [[" "] * app.size.width for _ in range(app.size.height)]
    for screen in app.screen_stack:
        for part in screen.query("*"):
            for offset, line in enumerate(_lines_of(part)):
                for column, character in enumerate(line[: part.region.width]):
                    if 0 <= part.region.y + offset < app.size.height and part.region.x + column < app.size.width:
                        grid[part.region.y + offset][part.region.x + column] = character
    return "\n".join("".join(line).rstrip() for line in grid)


def _lines_of(part: Any) -> list[str]:
    if not part.region.area or not all(node.display for node in part.ancestors_with_self if hasattr(node, "region")):
        return []
    if isinstance(part, Input):
        return [part.value or part.placeholder]
    if not isinstance(part, Lines):
        return []
    visible = part.rows[part.top : part.top + part.size.height]
    texts = ["".join(text for text, _ in shown.spans).ljust(part.region.width) for shown in visible]
    return texts + [" " * part.region.width] * (part.size.height - len(texts))


def painted_text(app: App[Any]) -> str:
    """What stands on the screen, as lines of text, by the public route: the exported picture."""
    width, height = app.size
    grid = [[" "] * width for _ in range(height)]
    cells = re.findall(
        r'<text class="[^"]*" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+"[^>]*>(.*?)</text>', app.export_screenshot()
    )
    for x, y, text in cells:
        column, line = round(float(x) / 12.2), round((float(y) - 20) / 24.4)
        for offset, character in enumerate(html.unescape(text)):
            if 0 <= line < height and column + offset < width:
                grid[line][column + offset] = " " if character == "\xa0" else character
    return "\n".join("".join(line).rstrip() for line in grid)


def steady(text: str) -> str:
    """The same text without what differs from run to run: heads, case ids, versions."""
    text = re.sub(r"seq (\d+) [0-9a-f]{8}\b", r"seq \1 headhead", text)
    text = re.sub(r"\b(?=\d*[a-f])[0-9a-f]{12,64}\b", lambda m: "f" * len(m[0]), text)
    text = re.sub(r"verify.py, \d+ bytes", "verify.py, 1234 bytes", text)
    return re.sub(r"case [0-9a-f]{8}\b", "case cccccccc", text)
