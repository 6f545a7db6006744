"""Deeds from the keyboard: what they ask, what they store, and that nothing is shown as done before it is in the case."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from store import trust
from store.case import Case
from store.walk import act
from store.walk.remarks import add_mark
from store.walk.session import process_start, this_process
from store.walk.states import WalkState, read_walk
from tests.tui.desk.desk_world import NOW, answer, make_case, make_desk, opened, screen_text, until, walk_on


def rows(path: Path, sql: str) -> list[Any]:
    with Case.open(path) as case:
        return case.read().execute(sql).fetchall()


def stands(path: Path) -> WalkState:
    with Case.open(path, clock=lambda: NOW) as case:
        return read_walk(case.read(), case.runbook(), edition=case.edition(), now_ms=NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_case(tmp_path / "case.db")


async def test_space_passes_a_step_moves_the_place_and_stores_what_the_signals_said(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "confirm passed at" in screen_text(desk))
        await until(pilot, lambda: "─ 2 Set the baseline" in screen_text(desk))
        await pilot.press("space")
        await until(pilot, lambda: "─ 3 Capture the web log" in screen_text(desk))
        await pilot.press("j", "space")
        await until(pilot, lambda: "read passed at" in screen_text(desk))
    assert [s.state for s in stands(path).steps[:4]] == ["passed", "passed", "ready", "passed"]
    ((detail,),) = rows(path, "SELECT detail FROM step_event WHERE step = 'read' AND kind = 'passed'")
    assert "inbox-300s: tripped, 24 of > 20" in json.loads(detail)["seen"]
    assert "mailer: no_data" in json.loads(detail)["seen"]


async def test_a_reason_is_asked_for_and_an_empty_one_refused(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "Skip confirm" in screen_text(desk))
        await pilot.press("enter")
        await until(pilot, lambda: "an empty one is refused" in screen_text(desk))
        await pilot.press("escape")
        assert not rows(path, "SELECT * FROM step_event")
        await pilot.press("s")
        await answer(pilot, "no access")
        await until(pilot, lambda: "confirm skipped" in screen_text(desk))
    assert rows(path, "SELECT kind, reason, operator FROM step_event") == [("skipped", "no access", "kim")]


async def test_a_command_is_shown_before_it_runs_and_what_it_prints_is_kept(path: Path) -> None:
    with Case.open(path) as case:
        trust.remember(case)
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("x")
        await until(pilot, lambda: "Run the command of confirm?" in screen_text(desk))
        await pilot.press("escape")
        assert not rows(path, "SELECT * FROM step_event")
        await pilot.press("enter")
        await until(pilot, lambda: "enter runs it" in screen_text(desk))
        await pilot.press("enter")
        await until(pilot, lambda: "answered exit 0" in screen_text(desk))
        await until(pilot, lambda: "confirm ended: serving dpl_new" in screen_text(desk))
    assert [kind for (kind,) in rows(path, "SELECT kind FROM step_event ORDER BY id")] == ["started", "answered"]
    ((name,),) = rows(path, "SELECT name FROM artifact WHERE role = 'command'")
    assert rows(path, f"SELECT data FROM sqlar WHERE name = '{name}'") == [(b"serving dpl_new\n",)]


async def test_a_case_from_elsewhere_runs_nothing_and_says_how_to_allow_it(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "enter runs it" in screen_text(desk))
        await pilot.press("enter")
        await until(pilot, lambda: "it may run and contact nothing here yet" in " ".join(screen_text(desk).split()))
        assert "closeout trust" in screen_text(desk)
    assert not rows(path, "SELECT * FROM step_event")


async def test_a_decision_names_its_choice_cites_evidence_and_shows_the_undo_first(path: Path) -> None:
    desk = make_desk(path)
    with walk_on(path).case as case:
        add_mark(case, "sam", "deploy", NOW - 40 * 60_000, deployment="dpl_new", previous="dpl_old")
    walk = walk_on(path)
    for step in ("confirm", "baseline", "read"):
        act.finish(walk, step)
    walk.case.close()
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("D")
        await until(pilot, lambda: "Roll back the inbox query path" in screen_text(desk))
        await pilot.press("down")
        await until(pilot, lambda: "app/inbox/list.ts" in screen_text(desk))
        shown = screen_text(desk)
        assert "dpl_old" in shown or "confirm INBOX_ASYNC is off" in shown
        await pilot.press("enter")
        await until(pilot, lambda: "[x] log_match" in screen_text(desk))
        assert "pager.example" in screen_text(desk)
        assert "dpl_old, until 03:01:07Z brought dpl_new" in screen_text(desk)
        await pilot.press("enter")
        await until(pilot, lambda: "an empty one is refused" in screen_text(desk))
        await answer(pilot, "24 of 20")
        await until(pilot, lambda: "decided rollback-inbox, citing 4 rows" in screen_text(desk))
        await until(pilot, lambda: "─ 6 Carry out the rollback" in screen_text(desk))
    assert rows(path, "SELECT choice, scope, reason, operator FROM decision") == [
        ("rollback-inbox", "inbox-300s", "24 of 20", "kim")
    ]
    refs = {ref for (ref,) in rows(path, "SELECT ref FROM citation")}
    assert refs == {"collection:1", "log_match:22", "log_match:23", "log_match:24"}


async def test_a_choice_for_two_people_waits_for_the_other_terminal(path: Path) -> None:
    desk = make_desk(path)
    walk = walk_on(path, operator="sam")
    act.finish(walk, "read")
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("D")
        await until(pilot, lambda: "two people" in screen_text(desk))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: "[x] log_match" in screen_text(desk))
        await answer(pilot, "near its limit")
        await until(pilot, lambda: "it waits for a second person" in screen_text(desk))
        await until(pilot, lambda: "decide" in screen_text(desk) and "held" in screen_text(desk))
        await pilot.press("enter")
        await until(pilot, lambda: "somebody else has to confirm it" in screen_text(desk))
        other = walk_on(path, operator="ann")
        other.who = other.who._replace(pid=os.getppid(), process_start=process_start(os.getppid()))
        act.confirm(other, "decide")
        await until(pilot, lambda: "▶○  6 Carry out" in screen_text(desk))
    assert stands(path).step("decide").state == "passed"


async def test_the_loser_of_a_race_is_told_who_won(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(160, 48)) as pilot:
        await opened(pilot)
        act.finish(walk_on(path, operator="sam"), "confirm")
        await pilot.press("space")
        await until(
            pilot,
            lambda: "by sam at 2026-02-18T03:41:07" in screen_text(desk) or "─ 2 Set the baseline" in screen_text(desk),
        )
    assert [(k, o) for k, o in rows(path, "SELECT kind, operator FROM step_event WHERE step = 'confirm' ORDER BY id")][
        -1
    ] == ("passed", "sam")
    assert len(rows(path, "SELECT 1 FROM step_event WHERE step = 'confirm' AND kind = 'passed'")) == 1


async def test_what_another_terminal_does_is_seen_live(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        act.finish(walk_on(path, operator="sam"), "confirm")
        await until(pilot, lambda: "─ 2 Set the baseline" in screen_text(desk))
        await pilot.press("5")
        await until(pilot, lambda: "sam: confirm passed" in screen_text(desk))
        await pilot.press("w")
        await until(pilot, lambda: "sam at /dev/pts/9" in screen_text(desk))


async def test_a_note_is_stamped_with_its_step_and_cites_the_row_under_the_cursor(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("n")
        await answer(pilot, "odd")
        await until(pilot, lambda: "note:1 is in the case" in screen_text(desk))
        await pilot.press("2", "e")
        await until(pilot, lambda: "log_match:24" in screen_text(desk))
        await pilot.press("n")
        await answer(pilot, "this one")
        await until(pilot, lambda: "note:2 is in the case" in screen_text(desk))
    assert rows(path, "SELECT operator, step, body, cites FROM note ORDER BY id") == [
        ("kim", "confirm", "odd", None),
        ("kim", None, "this one", "log_match:24"),
    ]


async def test_an_alarm_stays_until_somebody_has_seen_it_and_its_state_does_not_change(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        assert "inbox-300s 24 of 20 since 03:33:27Z" in screen_text(desk).splitlines()[1]
        await pilot.press("a")
        await until(pilot, lambda: "seen by kim; its state stays what it is" in screen_text(desk))
        await until(pilot, lambda: "every alarm was acknowledged, last by kim" in screen_text(desk))
        assert "tripped" in screen_text(desk).splitlines()[0]
        await pilot.press("a")
        await until(pilot, lambda: "no alarm waits for anybody" in screen_text(desk))
    assert len(rows(path, "SELECT 1 FROM acknowledgement")) == 1


async def test_the_answer_is_taken_back_opened_again_and_told_late(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "confirm passed" in screen_text(desk))
        await until(pilot, lambda: "─ 2 Set" in screen_text(desk))
        await pilot.press("k", "u")
        await until(pilot, lambda: "Take back the answer of confirm" in screen_text(desk))
        await answer(pilot, "wrong line")
        await until(pilot, lambda: "confirm retracted" in screen_text(desk))
        await until(pilot, lambda: "▶<  1" in screen_text(desk) or "↶  1" in screen_text(desk))
        await pilot.press("L")
        await until(pilot, lambda: "Late entry: confirm" in screen_text(desk))
        await answer(pilot, "20m seen by phone")
        await until(pilot, lambda: "confirm late" in screen_text(desk))
    events = rows(path, "SELECT kind, reason, claimed_ms FROM step_event WHERE step = 'confirm' ORDER BY id")
    assert events[-1] == ("late", "seen by phone", NOW - 20 * 60_000)
    assert [kind for kind, _, _ in events] == ["started", "passed", "retracted", "late"]


async def test_an_override_is_always_possible_and_always_has_a_reason(path: Path) -> None:
    desk = make_desk(path)
    async with desk.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        for _ in range(6):
            await pilot.press("j")
        await until(pilot, lambda: "─ 7 Hand off" in screen_text(desk))
        await pilot.press("space")
        await until(pilot, lambda: "Pass hand-off in spite of it?" in screen_text(desk))
        await answer(pilot, "told by phone")
        await until(pilot, lambda: "hand-off passed" in screen_text(desk))
    assert stands(path).step("hand-off").override


async def test_an_attempt_whose_desk_died_is_shown_as_lost_and_asked_about_where_that_matters(path: Path) -> None:
    dead = this_process("kim")._replace(pid=2_000_000, process_start="1")
    walk = walk_on(path)
    act.finish(walk, "read")
    walk.who = dead
    act.start(walk, "confirm")
    act.start(walk, "carry-out", override="the site is down")
    walk.case.close()
    desk = make_desk(path)
    async with desk.run_test(size=(160, 48)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "in flight and lost: confirm, carry-out" in screen_text(desk))
        assert "? lost" in screen_text(desk)
        await until(pilot, lambda: "Enter shows the command and runs it again" in screen_text(desk))
        for _ in range(5):
            await pilot.press("j")
        await until(pilot, lambda: "did it take effect? Enter answers" in screen_text(desk))
        await pilot.press("enter")
        await until(pilot, lambda: "nobody knows: what needs this step stays blocked" in screen_text(desk))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "How do you know" in screen_text(desk))
        await answer(pilot, "nothing was pushed")
        await until(pilot, lambda: "carry-out resolved" in screen_text(desk))
    assert [k for (k,) in rows(path, "SELECT kind FROM step_event WHERE step = 'carry-out' ORDER BY id")] == [
        "started",
        "lost",
        "resolved",
    ]
