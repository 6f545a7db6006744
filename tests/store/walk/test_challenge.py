"""An answer is compared with what was shown, never with a limit."""

from __future__ import annotations

import json

import pytest

from store.errors import BadInput, Refused
from store.walk import act
from store.walk.challenge import Answer, Reading, answered, readings
from store.walk.evaluations import judged_now
from store.walk.walk import Walk, named_step
from tests.store.walk.builders import WalkWorld

SHOWN = (Reading("count", "tripped, 6 of > 5", (6.0,), 4000), Reading("ratio", "ok, 12.0%", (0.12,), 9000))


def ask(walk: Walk, value: str) -> Answer:
    step = named_step(walk.runbook, "count-it")
    return answered(step, readings(judged_now(walk.case), step), value)


@pytest.mark.parametrize(
    ("value", "agrees"),
    [
        ("6", True),
        ("6.0", True),
        ("5", False),
        ("12%", True),
        ("0.12", True),
        ("count=6", True),
        ("ratio=6", False),
        ("ratio = 12 %", True),
    ],
)
def test_an_answer_agrees_with_a_reading(world: WalkWorld, value: str, agrees: bool) -> None:
    said = answered(named_step(world.world.runbook, "count-it"), SHOWN, value)
    assert said.agrees is agrees and said.value == value


def test_words_and_unknown_signals_are_no_answer(world: WalkWorld) -> None:
    step = named_step(world.world.runbook, "count-it")
    with pytest.raises(BadInput, match="is no number"):
        answered(step, SHOWN, "six")
    with pytest.raises(BadInput, match="does not cite 'queue'"):
        answered(step, SHOWN, "queue=6")
    assert answered(step, (), "all green").agrees, "nothing was shown to compare with"


def test_value_shown_value_answered_and_age_are_kept(world: WalkWorld) -> None:
    world.watch(matches=3)
    walk = world.walk()
    world.pass_time(2000)
    act.start(walk, "count-it", override="alone")
    act.finish(walk, "count-it", answer=ask(walk, "3"))
    (detail,) = walk.case.read().execute("SELECT detail FROM step_event WHERE kind = 'answered'").fetchone()
    assert json.loads(detail) == {
        "age_ms": 2000, "agrees": True, "asked": "Count by hand", "shown": "count: partial, 3 of > 5", "value": "3",
    }  # fmt: skip
    assert walk.read().step("count-it").value == "3"


def test_a_wrong_answer_fails_or_is_overridden(world: WalkWorld) -> None:
    world.watch(matches=3)
    walk = world.walk()
    act.start(walk, "count-it", override="alone")
    with pytest.raises(Refused, match="answered 4, shown count: "):
        act.finish(walk, "count-it", answer=ask(walk, "4"))
    act.finish(walk, "count-it", answer=ask(walk, "4"), override="one came in since")
    assert walk.read().step("count-it").override
