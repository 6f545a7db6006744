"""Each pane at three sizes as text: a change of the screen is read in a diff."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.tui.desk.desk_world import make_case, make_desk, opened, painted_text, screen_text, steady, until
from tests.tui.desk.kinds_world import kinds_case
from tui.desk.glyphs import ASCII, UNICODE, Glyphs

GOLDENS = Path(__file__).parent / "goldens"
SIZES = ((80, 24), (120, 36), (160, 48))


def check(name: str, text: str) -> None:
    """Compare with the kept screen; CLOSEOUT_KEEP_GOLDENS=1 keeps this one instead."""
    kept = GOLDENS / f"{name}.txt"
    if os.environ.get("CLOSEOUT_KEEP_GOLDENS"):
        GOLDENS.mkdir(exist_ok=True)
        kept.write_text(text + "\n", "utf-8")
    assert text + "\n" == kept.read_text("utf-8")


async def walk_panes(size: tuple[int, int], glyphs: Glyphs, prefix: str) -> None:
    desk = make_desk(Path("case.db"), glyphs=glyphs)
    async with desk.run_test(size=size) as pilot:
        await opened(pilot)
        check(f"{prefix}-run", steady(painted_text(desk)))
        await pilot.press("2")
        await until(pilot, lambda: desk.pane == "board" and "Owner" in screen_text(desk))
        check(f"{prefix}-board", steady(painted_text(desk)))
        await pilot.press("e")
        await until(pilot, lambda: "24 rows" in screen_text(desk) and "inbox-timeout-23" in screen_text(desk))
        await until(pilot, lambda: desk.snapshot is not None and desk.snapshot.looked is not None)
        check(f"{prefix}-evidence", steady(painted_text(desk)))
        await pilot.press("4")
        check(f"{prefix}-packet", steady(painted_text(desk)))
        await pilot.press("5")
        await until(pilot, lambda: "case began" in screen_text(desk) or "began" in screen_text(desk))
        check(f"{prefix}-log", steady(painted_text(desk)))
        await pilot.press("1", "D")
        await until(pilot, lambda: "nothing tripped" in screen_text(desk))
        check(f"{prefix}-decide", steady(painted_text(desk)))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "[x]" in screen_text(desk) and "app/inbox/list.ts" in screen_text(desk))
        check(f"{prefix}-decide-record", steady(painted_text(desk)))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_pane_stands_as_it_was_kept(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    make_case(Path("case.db"))
    await walk_panes(size, UNICODE, f"{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("bad", [True, False], ids=["exceeded", "fine"])
async def test_every_kind_of_condition_stands_as_it_was_kept(
    size: tuple[int, int], bad: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    kinds_case(Path("case.db"), bad=bad)
    name = f"{size[0]}x{size[1]}-kinds-{'exceeded' if bad else 'fine'}"
    desk = make_desk(Path("case.db"))
    async with desk.run_test(size=size) as pilot:
        await opened(pilot)
        check(f"{name}-run", steady(painted_text(desk)))
        await pilot.press("2")
        await until(pilot, lambda: desk.pane == "board" and "Owner" in screen_text(desk))
        check(f"{name}-board", steady(painted_text(desk)))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_case_that_went_away_and_a_drill_stand_as_they_were_kept(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    make_case(Path("case.db"), drill=True)
    desk = make_desk(Path("case.db"))
    async with desk.run_test(size=size) as pilot:
        await opened(pilot)
        Path("case.db").rename("away.db")
        Path("case.db").write_bytes(b"no case any more" * 100)
        desk.poller.reopen()
        await until(pilot, lambda: "DISCONNECTED" in screen_text(desk))
        check(f"{size[0]}x{size[1]}-disconnected", steady(painted_text(desk)))


async def test_plain_ascii_says_the_same_without_a_byte_above_127(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    make_case(Path("case.db"))
    await walk_panes((80, 24), ASCII, "ascii-80x24")
    for kept in GOLDENS.glob("ascii-*.txt"):
        assert kept.read_text("utf-8").isascii(), kept.name


async def picture(
    name: str,
    *,
    size: tuple[int, int],
    keys: tuple[str, ...] = (),
    bad: bool = True,
    no_color: bool = False,
    drill: bool = False,
) -> None:
    """Compare a whole screen with colours and borders; what differs from run to run is taken out."""
    if drill:
        make_case(Path("case.db"), drill=True)
    else:
        kinds_case(Path("case.db"), bad=bad)
    desk = make_desk(Path("case.db"), no_color=no_color)
    async with desk.run_test(size=size) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "a new walk" in screen_text(desk))
        await pilot.press(*keys)
        await until(
            pilot,
            lambda: (
                "nothing tripped" in screen_text(desk) if "D" in keys else "DRILL" in screen_text(desk) or not drill
            ),
        )
        drawn = re.sub(r"terminal-\d+", "terminal", desk.export_screenshot(simplify=True))
        check_picture(name, steady(drawn.replace("&#160;", " ")))


def check_picture(name: str, drawn: str) -> None:
    kept = GOLDENS / f"{name}.svg"
    if os.environ.get("CLOSEOUT_KEEP_GOLDENS"):
        kept.write_text(drawn, "utf-8")
    assert drawn == kept.read_text("utf-8"), "CLOSEOUT_KEEP_GOLDENS=1 keeps the new one"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("exceeded", {"size": (120, 36)}),
        ("fine-wide", {"size": (160, 48), "bad": False}),
        ("no-colour", {"size": (80, 24), "no_color": True}),
        ("light", {"size": (80, 24), "keys": ("t",)}),
        ("drill-decides", {"size": (80, 24), "drill": True, "keys": ("D",)}),
    ],
)
async def test_colours_and_borders_stand_as_they_were_kept(
    name: str, asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    await picture(name, **asked)
