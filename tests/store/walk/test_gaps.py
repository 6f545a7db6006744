"""Everything that a reader must not take for granted is told, and what is fine is not."""

from __future__ import annotations

from store.walk import act
from store.walk.decisions import record_decision
from store.walk.evaluations import judged_now
from store.walk.gaps import Gap, gaps_of
from store.walk.walk import Walk
from tests.store.walk.builders import WalkWorld
from tests.store.world import MINUTE, collection, probe


def told(walk: Walk, kind: str) -> list[str]:
    found: tuple[Gap, ...] = gaps_of(walk.case.read(), walk.read(), judged_now(walk.case))
    return [gap.what for gap in found if gap.kind == kind]


def test_signals_without_an_answer_are_gaps(world: WalkWorld) -> None:
    world.watch(minutes=5)
    assert told(world.walk(), "signal") == [
        "count is partial (gap), watched 5m of 10m",
        "queue is no_data (never_collected)",
    ]


def test_collections_that_do_not_cover_are_gaps(world: WalkWorld) -> None:
    world.world.load(collection("a", "rt", world.now - MINUTE, world.now, status="failed"))
    world.watch(name="b")
    world.world.load({"record": "retraction", "collection": "b", "reason": "wrong project"})
    world.watch(name="c")
    assert told(world.walk(), "collection") == ["rt: collection failed", "rt: collection withdrawn: wrong project"]


def test_a_route_whose_newest_probe_had_no_answer_is_a_gap(world: WalkWorld) -> None:
    early, late = world.now - 2 * MINUTE, world.now - MINUTE
    world.world.load(collection("p", "routes", early, early), probe("p", early, "/a", 0), probe("p", early, "/b", 0))
    world.world.load(collection("q", "routes", late, late), probe("q", late, "/a", 200))
    assert [text.split(":")[0] for text in told(world.walk(), "probe")] == ["/b did not answer"]


def test_steps_that_did_not_go_well_are_gaps_even_when_done_again(world: WalkWorld) -> None:
    walk = world.walk()
    act.fail(walk, "look", reason="503")
    act.start(walk, "look")
    act.finish(walk, "look")
    act.skip(walk, "picture", reason="no browser")
    act.late(walk, "carry-out", reason="by hand", done_at_ms=world.now)
    assert told(walk, "step") == [
        "look: attempt 1 failed: 503",
        "picture skipped by kim: no browser",
        "carry-out was done outside, told by kim: by hand",
    ]


def test_steps_in_flight_are_gaps(world: WalkWorld) -> None:
    walk = world.walk(pid=7)
    act.start(walk, "look")
    world.pass_time(MINUTE)
    assert told(walk, "step") == ["look running since 1m"]
    world.dead.add(7)
    assert told(walk, "step") == ["look lost: the process that ran it is gone (pts/1 on desk-1, process 7)"]


def test_overrides_and_claimed_people_are_gaps(world: WalkWorld) -> None:
    world.watch()
    walk = world.walk()
    act.start(walk, "choose", override="no time to count")
    record_decision(walk, "choose", "undo-queue", refs=["collection:1"], reason="x")
    act.confirm(world.walk("sam", pid=9), "choose")
    assert told(walk, "override") == ["choose started in spite of a block: no time to count"]
    assert told(walk, "claimed") == ["choose: the second person, sam, is claimed, not proved"]


def test_a_clock_that_jumped_is_a_gap(world: WalkWorld) -> None:
    walk = world.walk()
    act.start(walk, "look")
    world.pass_time(MINUTE)
    world.now -= 60 * MINUTE
    act.finish(walk, "look")
    assert told(walk, "clock") == ["the clock of desk-1 jumped by -1h00m before this"]


def test_old_evidence_that_is_walked_later_is_told_to_lie_before_the_run(world: WalkWorld) -> None:
    world.watch()
    world.pass_time(30 * MINUTE)
    walk = world.walk()
    assert told(walk, "scope") == []
    act.start(walk, "look")
    (said,) = told(walk, "scope")
    assert said.startswith("the run begins at 2026-") and "--scope-start none" in said
    world.watch(name="now")
    assert told(walk, "scope") == []
