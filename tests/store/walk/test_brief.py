"""One screen: what happened, what was decided, what is not known, what next."""

from __future__ import annotations

from store.walk import act
from store.walk.brief import Brief, brief
from store.walk.decisions import record_decision
from store.walk.evaluations import judged_now
from store.walk.gaps import gaps_of
from store.walk.remarks import add_mark, add_note
from store.walk.walk import Walk
from tests.store.walk.builders import WalkWorld


def told(walk: Walk, **more: bool) -> Brief:
    judgement, state, db = judged_now(walk.case), walk.read(), walk.case.read()
    return brief(db, state, judgement, gaps_of(db, state, judgement), **more)


def lines(made: Brief) -> dict[str, tuple[str, ...]]:
    return {section.title: section.lines for section in made.sections}


def test_an_empty_case_says_so(world: WalkWorld) -> None:
    made = lines(told(world.walk()))
    assert made["happened"] == ("nothing tripped, nothing was noted",)
    assert made["decided"] == ("nothing yet",)
    assert made["not known"] == ("no_data (never_collected): count, queue",)
    assert made["next"][0] == "step 1 of 8, look: Look (ready)"


def test_the_brief_of_an_incident(world: WalkWorld) -> None:
    world.watch(matches=6)
    walk = world.walk()
    add_mark(walk.case, "kim", "deploy", world.now - 1_200_000, deployment="d2")
    add_note(walk.case, "kim", "first note")
    add_note(walk.case, "kim", "corrected", amends=1)
    act.start(walk, "look")
    record_decision(walk, "choose", "undo-count", refs=["log_match:1"], reason="6 of 5", override="in a hurry")
    made = lines(told(walk))
    assert (
        made["happened"][0].startswith("count TRIPPED since 02-18 ")
        and "6 of > 5, watched 10m of 10m" in made["happened"][0]
    )
    assert made["happened"][1] == "deploy 02-18 03:40:00Z d2"
    assert made["happened"][2] == "02-18 04:00:00Z kim: corrected", "what was amended is not repeated"
    assert made["decided"] == (
        "02-18 04:00:00Z kim at choose: undo-count, 6 of 5 [log_match:1 0ms old] OVERRIDE: in a hurry",
    )
    assert "count: wake on-call; Undo count." in made["next"]
    assert any(line.startswith("choose started in spite of a block") for line in made["not known"])


def test_it_fits_a_screen_and_says_what_was_left_out(world: WalkWorld) -> None:
    walk = world.walk()
    for number in range(30):
        add_note(walk.case, "kim", f"note {number}")
    made = told(walk)
    assert 1 + sum(1 + len(section.lines) + bool(section.left_out) for section in made.sections) <= 24
    assert made.sections[0].left_out == 24
    assert told(walk, whole=True).sections[0].left_out == 0
