"""Looking: every key in every pane, filters, freezing, the palette, hostile text, trouble with the file, a sealed case, who says what."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from store.case import Case
from store.judge import judge, question_at
from store.status import status_json
from store.walk.remarks import add_note
from tests.tui.desk.desk_world import (
    DEADLINE_S,
    NOW,
    RUNBOOK,
    answer,
    make_case,
    make_desk,
    opened,
    screen_text,
    until,
    walk_on,
)
from tui.desk.board import Board
from tui.desk.dialogs import Dialog
from tui.desk.foot import MessageLine
from tui.desk.keys import ACTIONS, PANES
from tui.desk.runs import REVIEW

SAFE = [
    a for a in ACTIONS if a.name not in ("leave", "shell", "stop", "open")
]  # those end the desk or start something beside it


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_case(tmp_path / "case.db")


def counted(path: Path) -> int:
    with Case.open(path) as case:
        return case.head().seq


async def test_no_key_fails_and_none_changes_the_case_without_saying_so(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        message = desk.part("message", MessageLine)
        for action in SAFE:
            for key in action.keys:
                if desk.pane != "run":
                    desk.go_to_pane("run")
                before, said = counted(path), message.text
                await pilot.press(key)
                if isinstance(desk.screen, Dialog):
                    await pilot.press("escape")
                assert not isinstance(desk.screen, Dialog), f"{key}: escape goes back"
                if counted(path) != before:
                    assert action.writes, f"{action.name} stored something"
                    await until(pilot, lambda s=said: message.text != s, f"{action.name} says what it did")


async def test_no_action_fails_in_another_pane(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        for number, action in enumerate(SAFE):
            desk.go_to_pane(PANES[1 + number % 4])
            desk.action_do(action.name)
            if isinstance(desk.screen, Dialog):
                await pilot.pause()
                await pilot.press("escape")
        await pilot.pause()
        assert desk.is_running


async def test_every_footer_key_is_an_action_and_help_names_every_key(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(160, 60)) as pilot:
        await opened(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: "Keys and words" in screen_text(desk))
        shown = screen_text(desk)
        await pilot.press("pagedown", "pagedown", "pagedown")
        await pilot.pause()
        shown += screen_text(desk)
        for action in ACTIONS:
            assert action.help[:40] in shown, action.name


async def test_the_palette_finds_actions_steps_and_signals(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("colon", *"hand off")
        await until(pilot, lambda: "step 7: Hand off" in screen_text(desk))
        await pilot.press("down", "enter") if "hand over" in screen_text(desk) else await pilot.press("enter")
        await until(pilot, lambda: "─ 7 Hand off" in screen_text(desk) or desk.pane == "packet")
        await pilot.press("colon")
        await answer(pilot, "why mailer")
        await until(pilot, lambda: "Why is mailer no_data?" in screen_text(desk))
        await pilot.press("colon", *"timeline zzz")
        await pilot.press("escape")
        assert desk.is_running


async def test_a_filter_narrows_evidence_and_timeline_and_says_so(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("2", "e")
        await until(pilot, lambda: "24 rows" in screen_text(desk))
        await pilot.press("slash")
        await answer(pilot, "timeout-7")
        await until(pilot, lambda: "1 rows of 24 that contain it" in screen_text(desk))
        assert "only rows with 'timeout-7'" in screen_text(desk)
        assert "inbox-timeout-23" not in screen_text(desk)
        await pilot.press("slash")
        await pilot.press(*["backspace"] * 9, "enter")
        await until(pilot, lambda: "inbox-timeout-23" in screen_text(desk))
        await pilot.press("5", "slash")
        await answer(pilot, "batch")
        await until(pilot, lambda: "only entries with 'batch'" in screen_text(desk))
        assert "jobs by records" not in screen_text(desk)


async def test_a_pinned_row_is_offered_first_when_deciding(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("2", "j", "e")
        await until(pilot, lambda: "45 rows" in screen_text(desk))
        await pilot.press("p")
        await until(pilot, lambda: "is pinned" in screen_text(desk))
        ref = next(iter(desk.pinned))
        await pilot.press("1", "D", "enter")
        await until(pilot, lambda: f"[x] {ref}" in screen_text(desk))


async def test_a_citation_and_a_receipt_line_can_be_copied(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("2", "e")
        await until(pilot, lambda: desk.snapshot is not None and desk.snapshot.looked is not None)
        await pilot.press("y")
        assert desk.clipboard == "log_match:24"
        await pilot.press("1", "y")
        assert "closeout inbox-closeout 2026-02-18 03:41:07Z: inbox-300s tripped" in desk.clipboard
        assert desk.snapshot is not None and desk.snapshot.chain.head in desk.clipboard


async def test_freezing_holds_the_picture_and_says_so_while_evidence_flows(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("z")
        assert "FROZEN" in screen_text(desk)
        seen = desk.snapshot
        add_note(walk_on(path).case, "sam", "while frozen")
        await until(pilot, lambda: desk.snapshot is not seen)
        await pilot.press("5")
        assert "while frozen" not in screen_text(desk)
        await pilot.press("z")
        await until(pilot, lambda: "while frozen" in screen_text(desk))
        assert "LIVE" in screen_text(desk)


async def test_text_from_outside_can_do_nothing_to_the_terminal(tmp_path: Path) -> None:
    hostile = RUNBOOK.replace(
        "### Set the baseline", "### [red]Set[/red] \x1b]0;pwned\x07the \u202ebase[@click=app.quit]line[/]"
    ).replace("Choose thirty", "Choose [b]\x1b[31mthirty\x9b5m")
    path = make_case(tmp_path / "case.db", text=hostile)
    add_note(walk_on(path).case, "s\x1b[2Jam", "[bold]\x1b[2Jboo\x07[/bold] \u200bz")
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("j")
        await until(
            pilot, lambda: "─ 2 [red]Set[/red] ·]0;pwned·the ·base[@click=app.quit]line[/]" in screen_text(desk)
        )
        assert "Choose [b]·[31mthirty·5m" in screen_text(desk)
        await pilot.press("5")
        await until(pilot, lambda: "s·[2Jam: [bold]·[2Jboo·[/bold] ·z" in screen_text(desk))
        await until(pilot, lambda: desk.snapshot is not None and desk.snapshot.looked is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(desk.screen, Dialog))
        assert "·[2Jboo" in screen_text(desk)
        await pilot.press("escape", "colon")
        await until(pilot, lambda: isinstance(desk.screen, Dialog))


async def test_a_case_that_cannot_be_read_keeps_the_last_picture_and_says_so(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        kept = path.read_bytes()
        path.rename(path.with_suffix(".away"))
        path.write_bytes(b"no case any more" * 100)
        desk.poller.reopen()
        await until(pilot, lambda: "DISCONNECTED" in screen_text(desk).splitlines()[1])
        assert "DISCONNECTED since 03:41:07Z: " in screen_text(desk)
        assert "inbox-300s" in screen_text(desk)
        path.write_bytes(kept)
        await until(pilot, lambda: "DISCONNECTED" not in screen_text(desk))


async def test_a_case_sealed_meanwhile_is_only_looked_at(path: Path, tmp_path: Path) -> None:
    from store.seal.seal import seal_case

    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        seal_case(path, tmp_path / "sealed.db", operator="sam", override="the phase ended", clock=lambda: NOW)
        await until(pilot, lambda: "SEALED" in screen_text(desk))
        for key in ("space", "s", "n", "D", "a", "S", "m"):
            await pilot.press(key)
            await until(pilot, lambda: "is never written again" in screen_text(desk), key)
            assert not isinstance(desk.screen, Dialog)
            await pilot.press("z", "z")
        await pilot.press("4")
        await until(pilot, lambda: "closeout verify" in screen_text(desk))


async def test_board_and_status_say_the_same_of_every_signal(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(160, 48)) as pilot:
        await opened(pilot)
        await pilot.press("2")
        with Case.open(path) as case:
            told = status_json(judge(case.read(), question_at(case.read(), as_of_ms=NOW, live=True)))
        lines = screen_text(desk).splitlines()
        for signal in told["signals"]:
            line = next(line for line in lines if f" {signal['id']} " in line)
            assert f" {signal['state']} " in line


async def test_the_evidence_behind_every_number_adds_up_to_it(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("2")
        for signal, value in (
            ("inbox-300s", 24),
            ("webhook-60s", 45),
            ("orders", 3),
            ("old-jobs", 0),
            ("night-batch", 6),
        ):
            await until(pilot, lambda s=signal: desk.part("all-signals", Board).current_key == s, signal)
            await pilot.press("e")
            await until(
                pilot,
                lambda v=value: f"count: {v} of" in screen_text(desk) and f" {v} rows" in screen_text(desk),
                signal,
            )
            shown = desk.snapshot.explanations[signal].conditions[0] if desk.snapshot else None
            assert shown is not None and len(shown.rows) == shown.condition.value == value
            await pilot.press("2", "j")


async def test_the_same_rows_are_opened_in_the_review_which_ends_with_the_desk(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("2", "e")
        await until(pilot, lambda: "24 rows" in screen_text(desk))
        await pilot.press("o")
        await until(pilot, lambda: "copied the address: http://127.0.0.1:" in screen_text(desk))
        assert desk.clipboard.endswith("/case/-/signal/inbox-300s")
        await pilot.press("5", "o")
        assert desk.clipboard.endswith("/case/-/timeline")
        assert desk.runs.running() == (REVIEW,)
    end = time.monotonic() + DEADLINE_S
    while desk.runs.running():
        assert time.monotonic() < end
