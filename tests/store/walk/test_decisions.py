"""Decisions: one transaction with their evidence, refused on old evidence, shared by two people where asked, and moving the place."""

from __future__ import annotations

import sqlite3

import pytest

from store.errors import BadInput, Refused
from store.journal import Decision
from store.walk import act
from store.walk.decisions import record_decision, second_person
from store.walk.evaluations import recompute
from store.walk.walk import Walk
from tests.store.walk.builders import WalkWorld, states, who
from tests.store.world import MINUTE, collection, snapshot


def ready(world: WalkWorld, *, matches: int = 2) -> Walk:
    """A walk that stands at its decision, with fresh evidence."""
    walk = world.walk()
    world.watch(matches=matches)
    for step in ("look", "capture", "count-it"):
        act.finish(walk, step)
    assert states(walk.read())["choose"] == "ready"
    return walk


def one(walk: Walk, sql: str) -> tuple[object, ...]:
    row: tuple[object, ...] = walk.case.read().execute(sql).fetchone()
    return row


def test_a_decision_keeps_choice_reason_evidence_and_every_state_together(world: WalkWorld) -> None:
    walk = ready(world)
    made = record_decision(
        walk, "choose", "close", refs=["log_match:1", "collection:1", "log_match:1"], reason="2 of > 5"
    )
    assert (made.ref, made.unknown, made.awaits) == ("decision:1", ("queue",), None)
    assert [(c.ref, age) for c, age in zip(made.cited, made.ages_ms, strict=True)] == [
        ("log_match:1", 0),
        ("collection:1", 0),
    ]
    assert one(walk, "SELECT count(DISTINCT seq) FROM (SELECT seq FROM decision UNION ALL SELECT seq FROM citation UNION ALL "
                     "SELECT seq FROM evaluation UNION ALL SELECT seq FROM evaluation_result)") == (1,)  # fmt: skip
    assert one(walk, "SELECT choice, reason, evaluation, first_citation FROM decision") == ("close", "2 of > 5", 1, 1)
    assert one(walk, "SELECT count(*) FROM evaluation_result") == (2,)
    assert recompute(walk.case.read(), 1).holds


def test_a_decision_without_evidence_cannot_be_stored_by_any_means(world: WalkWorld) -> None:
    walk = ready(world)
    with pytest.raises(BadInput, match="needs evidence"):
        record_decision(walk, "choose", "close", refs=[], reason="I know it")
    record_decision(walk, "choose", "close", refs=["log_match:1"], reason="x")
    with pytest.raises(sqlite3.IntegrityError), walk.case.transaction("test") as tx:
        tx.add(Decision(world.now, "kim", 1, "choose", "close", "bare", 1, None, None, 99))


@pytest.mark.parametrize(
    ("step", "choice", "refs", "reason", "said"),
    [
        ("choose", "clos", ["log_match:1"], "x", "did you mean close"),
        ("choose", "zzz", ["log_match:1"], "x", "choose one of hold, undo-count"),
        ("pack", "close", ["log_match:1"], "x", "there is nothing to choose"),
        ("choose", "close", ["log_match:99"], "x", "there is no log_match:99"),
        ("choose", "close", ["logmatch:1"], "x", "did you mean log_match:1"),
        ("choose", "close", ["line 4"], "x", "is not a reference"),
        ("choose", "close", ["log_match:1"], " ", "needs a reason"),
    ],
)
def test_what_is_wrong_with_a_decision_is_said(
    world: WalkWorld, step: str, choice: str, refs: list[str], reason: str, said: str
) -> None:
    walk = ready(world)
    with pytest.raises((BadInput, Refused), match=said):
        record_decision(walk, step, choice, refs=refs, reason=reason)
    assert one(walk, "SELECT count(*) FROM decision") == (0,)


def test_withdrawn_evidence_cannot_be_cited(world: WalkWorld) -> None:
    walk = ready(world)
    world.world.load({"record": "retraction", "collection": "look", "reason": "wrong project"})
    with pytest.raises(Refused, match="withdrawn: wrong project"):
        record_decision(walk, "choose", "close", refs=["log_match:1"], reason="x")


def test_old_evidence_is_refused_and_can_be_overridden_with_a_reason(world: WalkWorld) -> None:
    walk = ready(world)
    world.pass_time(11 * MINUTE)
    with pytest.raises(Refused, match="no evidence older than 10m: rt 11m old"):
        record_decision(walk, "choose", "hold", refs=["log_match:1"], reason="x")
    made = record_decision(walk, "choose", "close", refs=["log_match:1"], reason="x", override="the log is down")
    assert (made.override, made.ages_ms) == ("the log is down", (11 * MINUTE,))
    assert one(walk, "SELECT override FROM decision") == ("the log is down",)
    assert walk.read().step("choose").override


def test_both_ends_of_a_window_may_be_cited_but_not_only_its_start(world: WalkWorld) -> None:
    walk = ready(world)
    early, late = world.now - 25 * MINUTE, world.now - MINUTE
    world.world.load(
        collection("q", "pg", early, early),
        snapshot("q", early, 10),
        collection("q2", "pg", late, late),
        snapshot("q2", late, 90),
    )
    with pytest.raises(Refused, match="pg 25m old"):
        record_decision(walk, "choose", "close", refs=["snapshot:1"], reason="x")
    made = record_decision(walk, "choose", "close", refs=["snapshot:1", "snapshot:2"], reason="it grew")
    assert made.ages_ms == (25 * MINUTE, MINUTE)


def test_the_reading_of_the_scope_that_is_undone_must_be_fresh(world: WalkWorld) -> None:
    walk = ready(world)
    world.pass_time(9 * MINUTE)
    world.world.load(collection("q", "pg", world.now, world.now), snapshot("q", world.now, 3))
    world.pass_time(2 * MINUTE)
    with pytest.raises(Refused, match="last reading of count is 11m old"):
        record_decision(walk, "choose", "undo-count", refs=["snapshot:1"], reason="x")


def test_a_choice_forward_passes_over_the_steps_between(world: WalkWorld) -> None:
    walk = ready(world)
    record_decision(walk, "choose", "close", refs=["log_match:1"], reason="x")
    state = walk.read()
    assert state.current == "pack" and state.step("carry-out").passed_over
    assert state.step("carry-out").needs_unmet == ("choose (chose close)",)
    with pytest.raises(Refused, match="chose close"):
        act.start(walk, "carry-out")


def test_a_choice_back_opens_again_what_was_built_on_it(world: WalkWorld) -> None:
    walk = ready(world)
    record_decision(walk, "choose", "hold", refs=["log_match:1"], reason="window not full")
    state = walk.read()
    assert state.current == "capture"
    assert states(state) == {
        "look": "passed", "capture": "ready", "count-it": "waiting", "picture": "ready", "choose": "waiting",
        "carry-out": "waiting", "pack": "waiting", "seal": "waiting",
    }  # fmt: skip
    world.watch(name="again")
    act.finish(walk, "capture")
    act.finish(walk, "count-it")
    second = record_decision(
        walk, "choose", "undo-count", refs=["log_match:3"] if second_match(walk) else ["collection:2"], reason="y"
    )
    assert (second.deed.attempt, walk.read().current) == (2, "carry-out")


def second_match(walk: Walk) -> bool:
    return bool(one(walk, "SELECT count(*) > 2 FROM log_match")[0])


def test_a_second_person_confirms_from_another_terminal(world: WalkWorld) -> None:
    walk = ready(world)
    made = record_decision(walk, "choose", "undo-queue", refs=["log_match:1"], reason="x")
    held = walk.read()
    assert (made.awaits, held.current, states(held)["choose"]) == ("a second person", "choose", "held")
    assert states(held)["carry-out"] == "waiting"
    with pytest.raises(Refused, match="somebody else"):
        act.confirm(world.walk("Kim ", pid=9, terminal="pts/9"), "choose")
    with pytest.raises(Refused, match="terminal of the decision"):
        act.confirm(world.walk("sam"), "choose")
    act.confirm(world.walk("sam", pid=9, terminal="pts/9"), "choose", reason="seen it too")
    state = walk.read()
    assert (states(state)["choose"], state.current) == ("passed", "carry-out")
    choose = state.step("choose")
    assert choose.attempts[-1].detail["method"] == "claimed" and choose.awaits is None


def test_a_second_person_can_be_done_without_with_a_reason(world: WalkWorld) -> None:
    walk = ready(world)
    made = record_decision(
        walk, "choose", "undo-queue", refs=["log_match:1"], reason="x", override="nobody else is awake"
    )
    assert (made.awaits, walk.read().current) == (None, "carry-out")


def test_a_held_decision_is_not_just_passed_and_may_be_refused(world: WalkWorld) -> None:
    walk = ready(world)
    record_decision(walk, "choose", "undo-queue", refs=["log_match:1"], reason="x")
    with pytest.raises(Refused, match="is a decision"):
        act.finish(walk, "choose")
    act.fail(walk, "choose", reason="sam says no")
    assert states(walk.read())["choose"] == "failed"
    again = record_decision(walk, "choose", "close", refs=["log_match:1"], reason="y")
    assert (again.deed.attempt, walk.read().current) == (2, "pack")


def test_two_people_cannot_decide_the_same_thing(world: WalkWorld) -> None:
    walk = ready(world)
    record_decision(walk, "choose", "close", refs=["log_match:1"], reason="x")
    with pytest.raises(Refused, match="it was passed by kim"):
        record_decision(world.walk("sam", pid=9), "choose", "undo-count", refs=["log_match:1"], reason="y")


def test_people_are_proved_by_accounts_and_else_claimed() -> None:
    kim = who("kim")
    assert second_person(kim, who("sam", pid=5)) == "claimed"
    assert second_person(kim, who("sam", pid=5, os_user="sam")) == "proved"
    assert second_person(kim, who("sam", host="desk-2")) == "proved"
    assert second_person(who("kim", pid=0), who("sam", pid=0)) == "claimed"


def test_a_decision_expires_until_somebody_builds_on_it(world: WalkWorld) -> None:
    walk = ready(world)
    record_decision(walk, "choose", "undo-count", refs=["log_match:1"], reason="x")
    world.pass_time(11 * MINUTE)
    state = walk.read()
    assert (states(state)["choose"], state.current) == ("stale", "carry-out")
    assert state.step("choose").why == "its evidence is 11m old, limit 10m"
    with pytest.raises(Refused, match=r"choose \(stale\)"):
        act.start(walk, "carry-out")
    again = record_decision(walk, "choose", "undo-count", refs=["log_match:1"], reason="x", override="still so")
    assert again.deed.attempt == 2
    act.start(walk, "carry-out")
    world.pass_time(60 * MINUTE)
    assert states(walk.read())["choose"] == "passed", "it was acted on in time"


def test_an_evaluation_that_no_longer_holds_is_told(world: WalkWorld) -> None:
    walk = ready(world)
    record_decision(walk, "choose", "close", refs=["log_match:1"], reason="x")
    db = walk.case.read()
    db.execute("DROP TRIGGER evaluation_result_no_update")
    db.execute("UPDATE evaluation_result SET result = replace(result, '2', '3') WHERE signal = 'count'")
    assert recompute(db, 1).differing == ("count",)
    with pytest.raises(BadInput, match="evaluation:7"):
        recompute(db, 7)
