"""Scenarios played through the real collectors, and told apart from luck by limits that are moved by one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collectors.drill.derived import derived_scenarios
from collectors.drill.scenario import shipped_scenario
from collectors.drill.stage import Stage
from store.case import Case
from store.runbook.model import Runbook
from store.runbook.parse import parse_runbook
from store.seal.seal import seal_case
from store.trust import FOLDER_VARIABLE
from tests.collectors.drill.staging import shipped, shipped_with, start_stage
from tui.rehearsing import Played, can_stage, play, why_not

pytestmark = pytest.mark.timeout(180)

RAISED = shipped_with("over = 50\n", "over = 51\n")
"""The shipped runbook with one limit raised by one."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drill")


@pytest.fixture(scope="module")
def played(folder: Path) -> Iterator[dict[str, Played]]:
    """Every play of this module, side by side: most of their time is waiting."""
    with start_stage() as stage, ThreadPoolExecutor(3) as pool:
        before = os.environ.get(FOLDER_VARIABLE)
        os.environ[FOLDER_VARIABLE] = str(stage.folder / "state")
        try:
            asked = {
                "burst": pool.submit(_play, stage, "webhook-burst", shipped(), folder / "a"),
                "raised": pool.submit(_play, stage, "webhook-burst", RAISED, folder / "b"),
                "dies": pool.submit(_play, stage, "collector-dies", shipped(), folder / "a"),
                "own": pool.submit(_play_own, stage, folder / "c"),
                "works": pool.submit(_play, stage, "fix-works", shipped(), folder / "a"),
            }
            done = {name: future.result() for name, future in asked.items()}
        finally:
            if before is None:
                del os.environ[FOLDER_VARIABLE]
            else:
                os.environ[FOLDER_VARIABLE] = before
        yield done


def _play(stage: Stage, name: str, runbook: Runbook, folder: Path) -> Played:
    folder.mkdir(exist_ok=True)
    return play(stage, shipped_scenario(name), runbook, folder, os.environ, threading.Event())


def _play_own(stage: Stage, folder: Path) -> Played:
    folder.mkdir()
    runbook = shipped_renamed("inbox-300s", "slow-lists")
    (scenario,) = derived_scenarios(runbook, ("webhook-60s", "db-wait", "response-timing-500"))
    return play(stage, scenario, runbook, folder, os.environ, threading.Event())


def test_a_limit_is_seen_crossed_at_the_fault_that_crossed_it(played: dict[str, Played]) -> None:
    burst = played["burst"]
    assert burst.faults == ()
    assert burst.seen is not None
    assert burst.seen.first_trip_ms == burst.seen.crossed_ms + 1
    assert burst.seen.after_ms is not None
    assert 0 <= burst.seen.after_ms < 5_000
    assert {one.state for one in burst.signals if one.id != "webhook-60s"} == {"ok"}


def test_with_the_limit_raised_by_one_the_same_story_does_not_trip_and_the_drill_fails(
    played: dict[str, Played],
) -> None:
    raised = played["raised"]
    (fault,) = raised.faults
    assert fault.startswith("webhook-60s: expected tripped count_over, got ")
    assert next(one.state for one in raised.signals if one.id == "webhook-60s") in ("ok", "watch")
    assert raised.seen is not None
    assert raised.seen.first_trip_ms is None


def test_a_dead_collector_is_stale_and_what_it_saw_stands(played: dict[str, Played]) -> None:
    dies = played["dies"]
    assert dies.faults == ()
    assert dies.case is not None
    with Case.open(dies.case) as case:
        failed = case.read().execute("SELECT reason FROM collection_end WHERE status = 'failed'").fetchall()
    assert failed
    assert any("socket hang up" in reason for (reason,) in failed)


def test_a_signal_of_ones_own_trips_in_a_scenario_made_from_the_runbook(played: dict[str, Played]) -> None:
    own = played["own"]
    assert own.faults == ()
    assert own.scenario.name == "own-slow-lists"
    assert own.seen is not None
    assert own.seen.seen_ms is not None


def test_a_fix_that_works_is_confirmed(played: dict[str, Played]) -> None:
    works = played["works"]
    assert works.faults == ()
    assert (works.verdict, works.verdict_reason) == ("confirmed", "all_targets_improved")


def test_a_drill_is_marked_and_cannot_be_sealed_as_real(played: dict[str, Played], tmp_path: Path) -> None:
    case = played["works"].case
    assert case is not None
    done = seal_case(case, tmp_path / "out.db", operator="kim", override="to see the mark")
    assert done.receipt.drill
    with Case.open(tmp_path / "out.db") as sealed:
        assert sealed.read().execute("SELECT drill FROM case_info").fetchone() == (1,)


def test_a_scenario_of_signals_that_a_runbook_does_not_have_does_not_apply() -> None:
    scenario = shipped_scenario("reversal-loop")
    renamed = shipped_renamed("reversal-loop", "loops")
    assert why_not(scenario, renamed) == "the runbook has no signal reversal-loop"
    assert why_not(scenario, shipped()) == ""


def shipped_renamed(old: str, new: str) -> Runbook:
    """The shipped runbook with one name replaced everywhere."""
    return parse_runbook(shipped().text.replace(f'"{old}"', f'"{new}"'), "renamed.md")


def test_a_source_that_the_staged_world_does_not_have_is_said_to_be_none_of_it() -> None:
    foreign = shipped_with("vercel logs --project", "kubectl logs --project")
    assert [source.id for source in foreign.sources if not can_stage(source)] == ["runtime-logs", "browser"]
