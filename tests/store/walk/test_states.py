"""States are derived: from events, the age of evidence, the text that holds, and the clocks."""

from __future__ import annotations

import pytest

from store.editions import store_edition
from store.runbook.parse import parse_runbook
from store.walk import act
from store.walk.session import boot_id
from store.walk.states import ACTS, State
from store.walk.walk import Walk
from tests.store.walk.builders import STEPS, WalkWorld, states, walk_text
from tests.store.world import MINUTE


def adopt(walk: Walk, steps: str) -> None:
    """Adopt another text of the runbook."""
    runbook = parse_runbook(walk_text(steps), "runbook.md")
    with walk.case.transaction("edition") as tx:
        store_edition(tx, runbook, adopted_ms=walk.case.clock(), reason="adopted")


def test_an_untouched_walk_waits_and_is_ready(world: WalkWorld) -> None:
    state = world.walk().read()
    assert (states(state)["look"], states(state)["capture"], states(state)["picture"]) == (
        "ready",
        "waiting",
        "waiting",
    )
    assert (state.current, state.passed, state.total, state.begun_ms, state.last) == ("look", 0, 8, None, None)
    assert state.step("capture").why == "needs look"
    assert [step.id for step in state.open_mandatory] == ["look", "capture", "count-it", "choose", "pack"]


def test_every_state_has_a_way_forward() -> None:
    assert set(ACTS) == set(State)
    assert all(ACTS.values())


def test_a_capture_that_runs_by_itself_lets_the_walk_go_on(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    act.start(walk, "capture")
    state = walk.read()
    assert state.step("capture").background and state.current == "picture"
    act.skip(walk, "picture", reason="none")
    assert walk.read().current == "count-it", "it waits for the capture"
    act.finish(walk, "capture")
    assert (walk.read().current, states(walk.read())["count-it"]) == ("count-it", "ready")


def test_a_step_in_hand_is_where_the_walk_stands(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    act.start(walk, "picture")
    assert walk.read().current == "picture"


def test_a_failure_holds_only_what_needs_it(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    act.fail(walk, "picture", reason="no browser")
    assert walk.read().current == "capture"
    act.fail(walk, "capture", reason="401")
    assert walk.read().current == "capture"
    act.skip(walk, "capture", reason="no access tonight")
    assert walk.read().current == "count-it"


def test_elapsed_time_goes_by_the_clock_that_nobody_sets(world: WalkWorld) -> None:
    walk = world.walk(pid=5)
    walk.who = walk.who._replace(boot=boot_id())
    act.start(walk, "look")
    world.monotonic += 90_000
    world.now -= 60 * MINUTE
    assert walk.read().step("look").elapsed_ms == 90_000


def test_elapsed_time_of_another_boot_goes_by_the_wall_clock(world: WalkWorld) -> None:
    walk = world.walk()
    act.start(walk, "look")
    world.now += 5000
    assert walk.read().step("look").elapsed_ms == 5000


def test_an_adopted_edition_makes_changed_steps_stale_and_no_others(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    act.skip(walk, "picture", reason="no browser")
    act.finish(walk, "capture")
    place = walk.read().current
    adopt(walk, STEPS.replace('"$HOST/health"', '"$HOST/healthz"'))
    state = walk.read()
    assert (states(state)["look"], states(state)["capture"], state.current) == ("stale", "passed", place)
    assert "its text changed" in state.step("look").why
    assert "look" in [step.id for step in state.open_mandatory]
    assert state.edition == 2


def test_a_stale_step_is_done_again_or_accepted_with_a_reason(world: WalkWorld) -> None:
    from store.errors import Refused

    walk = world.walk()
    act.finish(walk, "look")
    adopt(walk, STEPS.replace('"$HOST/health"', '"$HOST/healthz"'))
    with pytest.raises(Refused, match="look is stale"):
        act.finish(walk, "look")
    act.finish(walk, "look", override="only the path changed")
    look = walk.read().step("look")
    assert (look.state, look.attempt, look.override) == ("passed", 2, True)


def test_collected_evidence_grows_old_unless_somebody_goes_on_looking(world: WalkWorld) -> None:
    walk = world.walk()
    adopt(walk, STEPS.replace('for = "10m"', 'for = "10m"\nmax_age = "5m"'))
    world.watch()
    act.finish(walk, "look")
    act.finish(walk, "capture")
    assert states(walk.read())["capture"] == "passed"
    world.pass_time(6 * MINUTE)
    assert walk.read().step("capture").why == "its evidence is 6m old, limit 5m"
    world.watch(name="again", minutes=6)
    assert states(walk.read())["capture"] == "passed"
    world.world.load(
        {"record": "retraction", "collection": "look", "reason": "x"},
        {"record": "retraction", "collection": "again", "reason": "x"},
    )
    assert walk.read().step("capture").why == "its evidence was withdrawn"


def test_a_step_that_left_the_runbook_leaves_the_list_and_not_the_record(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    start = STEPS.index("### Take a picture")
    adopt(walk, STEPS[:start] + STEPS[STEPS.index("### Choose") :])
    act.finish(walk, "capture")
    assert "picture" not in states(walk.read())


def test_the_place_returns_for_what_was_left_before_the_seal(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    act.skip(walk, "picture", reason="none")
    act.finish(walk, "pack", override="written already")
    assert walk.read().current == "capture"
    for step in ("capture", "count-it"):
        act.finish(walk, step)
    act.skip(walk, "choose", reason="the owner decided")
    state = walk.read()
    assert (state.current, [step.id for step in state.open_mandatory]) == ("seal", [])
    act.skip(walk, "carry-out", reason="nothing to undo")
    act.finish(walk, "seal")
    assert (walk.read().current, walk.read().settled) == (None, 8)
