"""Whoever always does what the walk says next comes to its end, on the shipped runbook too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from store.case import Case
from store.runbook.find import read_runbook
from store.runbook.model import Runbook
from store.walk import act
from store.walk.decisions import record_decision
from store.walk.remarks import add_note
from store.walk.session import Life
from store.walk.walk import Walk, begin
from tests.store.walk.builders import who
from tests.store.world import World

SHIPPED = Path(__file__).parents[3] / "runbook.md"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A case with the shipped runbook."""
    return World(tmp_path_factory.mktemp("shipped") / "laid.db", read_runbook(SHIPPED).text)


def walk_on(world: World, path: Path, choose: Callable[[int], str], *, limit: int = 60) -> tuple[Walk, list[str]]:
    """Do what stands next until nothing does; gives back the way that was gone."""
    copy = world.copy(path)
    case = Case.open(copy.path, write=True)
    walk = Walk(case, who("kim"), life=lambda _: Life.ALIVE, runbook=copy.runbook)
    begin(walk)
    collected = _collection(case)
    way: list[str] = []
    decisions = 0
    while (here := walk.read().here) is not None:
        assert len(way) < limit, way
        way.append(here.id)
        if here.kind == "decide":
            choice = choose(decisions) if here.id == "decide" else {"closing": "close"}.get(here.id, "go-on")
            record_decision(walk, here.id, choice, refs=[collected], reason="said so", override="nobody else is there")
            decisions += 1
        elif here.state == "running":
            act.finish(walk, here.id)
        elif here.state == "waiting":
            (running,) = {need.split(" ")[0] for need in here.needs_unmet if "(running)" in need}
            act.finish(walk, running)
        else:
            act.start(walk, here.id)
            if not walk.read().step(here.id).background:
                act.finish(walk, here.id)
    return walk, way


def _collection(case: Case) -> str:
    from store.evidence import Collection

    with case.transaction("test") as tx:
        return f"collection:{tx.add(Collection('runtime-logs', 'test', None, None, case.clock()))}"


def ids(runbook: Runbook) -> list[str]:
    return [step.id for step in runbook.steps]


def test_a_quiet_walk_goes_straight_to_the_seal_and_passes_over_the_rollback(shipped: World, tmp_path: Path) -> None:
    walk, way = walk_on(shipped, tmp_path / "a.db", lambda _: "go-on")
    state = walk.read()
    assert state.open_mandatory == () and state.current is None
    assert [step.id for step in state.steps if step.state not in ("passed",)] == ["carry-out", "after-rollback"]
    assert way[-1] == "seal"
    walk.case.close()


def test_a_rollback_goes_through_its_steps(shipped: World, tmp_path: Path) -> None:
    walk, way = walk_on(shipped, tmp_path / "b.db", lambda _: "rollback-inbox")
    at = way.index("decide")
    assert way[at : at + 4] == ["decide", "carry-out", "after-rollback", "package"]
    assert {step.state for step in walk.read().steps} == {"passed"}
    walk.case.close()


def test_a_hold_goes_round_once_more(shipped: World, tmp_path: Path) -> None:
    walk, way = walk_on(shipped, tmp_path / "c.db", lambda number: "hold" if number == 0 else "go-on")
    first = way.index("decide")
    again = way[first + 1 : way.index("decide", first + 1)]
    assert again[0] == "capture-logs" and "rerun-queries" in again and "compare-windows" in again
    assert "probe-crons" not in again, "what was not built on the capture stays done"
    assert walk.read().step("decide").attempt == 2
    walk.case.close()


def test_a_note_moves_nobody(shipped: World, tmp_path: Path) -> None:
    copy = shipped.copy(tmp_path / "d.db")
    with Case.open(copy.path, write=True) as case:
        walk = Walk(case, who("kim"), runbook=copy.runbook)
        before = walk.read().current
        add_note(case, "kim", "hello")
        assert walk.read().current == before == ids(copy.runbook)[0]
