"""Everything that happened is in the timeline, in the order of time, with its reference."""

from __future__ import annotations

from store.walk import act
from store.walk.decisions import record_decision
from store.walk.remarks import acknowledge, add_mark, add_note, add_window
from store.walk.timeline import timeline
from tests.store.walk.builders import WalkWorld
from tests.store.world import MINUTE, collection, snapshot


def test_every_kind_of_thing_has_its_line(world: WalkWorld) -> None:
    walk = world.walk()
    case = walk.case
    world.watch(matches=6)
    world.world.load(collection("q", "pg", world.now, world.now), snapshot("q", world.now, 7))
    for deed in (
        lambda: act.start(walk, "look"),
        lambda: add_note(case, "kim", "slow", step="look"),
        lambda: add_window(case, "kim", "baseline", world.now - 9 * MINUTE, world.now - 4 * MINUTE),
        lambda: record_decision(walk, "choose", "close", refs=["log_match:1"], reason="enough", override="hurry"),
        lambda: acknowledge(case, "kim", "count"),
        lambda: add_mark(case, "kim", "rollback", world.now - 3 * MINUTE, deployment="d0"),
        lambda: act.late(walk, "carry-out", reason="by hand", done_at_ms=world.now - 2 * MINUTE),
    ):
        world.pass_time(1000)
        deed()
    world.world.load({"record": "retraction", "collection": "look", "reason": "wrong project"})
    entries = timeline(case.read())
    assert [entry.at_ms for entry in entries] == sorted(entry.at_ms for entry in entries)
    found = {entry.kind for entry in entries}
    assert found >= {
        "case", "edition", "scope", "collection", "step", "note", "window", "decision", "acknowledgement", "mark", "trip", "retraction",
    }  # fmt: skip
    texts = [entry.text for entry in entries]
    assert "rollback d0 (recorded 3m later)" in texts
    assert "carry-out late: by hand (recorded 2m later)" in texts
    assert "choose chose close: enough [log_match:1] OVERRIDE: hurry" in texts
    assert any("6 matched" in text for text in texts) and any(
        "pending 7, running 0, failed 0" in text for text in texts
    )


def test_a_part_of_the_timeline(world: WalkWorld) -> None:
    walk = world.walk()
    act.start(walk, "look")
    world.pass_time(MINUTE)
    act.finish(walk, "look")
    (entry,) = timeline(walk.case.read(), since_ms=world.now)
    assert (entry.kind, entry.who, entry.text) == ("step", "kim", "look passed")
    assert all(entry.at_ms < world.now for entry in timeline(walk.case.read(), until_ms=world.now))
