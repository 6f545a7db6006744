"""Deeds: what they store, what they refuse, and whom they name."""

from __future__ import annotations

import json

import pytest

from store.errors import BadInput, CloseoutError, Refused
from store.walk import act
from store.walk.walk import Walk, begin
from tests.store.walk.builders import WalkWorld, states
from tests.store.world import MINUTE


def rows(walk: Walk, sql: str) -> list[tuple[object, ...]]:
    return walk.case.read().execute(sql).fetchall()


def refusal(error: pytest.ExceptionInfo[CloseoutError]) -> str:
    return str(error.value)


def test_a_start_is_on_record_with_its_command_and_no_variable_filled_in(world: WalkWorld) -> None:
    walk = world.walk()
    deed = act.start(walk, "look")
    (row,) = rows(walk, "SELECT kind, attempt, operator, detail, monotonic_ms FROM step_event")
    detail = json.loads(str(row[3]))
    assert (deed.ref, row[0], row[1], row[2], row[4]) == ("step_event:1", "started", 1, "kim", 5_000_000)
    assert detail["language"] == "sh" and '"Authorization: $TOKEN"' in detail["command"]


def test_the_loser_of_a_race_is_told_who_won_and_when(world: WalkWorld) -> None:
    kim, sam = world.walk("kim"), world.walk("sam", pid=101, terminal="pts/2")
    act.start(kim, "look")
    world.pass_time(3000)
    with pytest.raises(Refused) as refused:
        act.start(sam, "look")
    assert "started by kim at 2026-02-18T04:00:00.000Z (3s ago, pts/1 on desk-1)" in refusal(refused)
    assert "possible now: done, fail" in refusal(refused)
    assert len(rows(sam, "SELECT * FROM session")) == 1, "a refused deed leaves nothing"


@pytest.mark.parametrize("deed", [act.fail, act.skip, act.hold, act.retract])
def test_an_empty_reason_is_refused(world: WalkWorld, deed: object) -> None:
    with pytest.raises(Refused, match="needs a reason"):
        deed(world.walk(), "look", reason="  ")  # type: ignore[operator]


def test_an_unmet_need_is_refused_and_can_be_overridden_on_record(world: WalkWorld) -> None:
    walk = world.walk()
    with pytest.raises(Refused, match="capture needs look"):
        act.start(walk, "capture")
    act.start(walk, "capture", override="the page says it is up")
    step = walk.read().step("capture")
    assert (step.state, step.override, step.reason) == ("running", True, "the page says it is up")
    assert rows(walk, "SELECT override, reason FROM step_event") == [(1, "the page says it is up")]


def test_a_skipped_need_is_met_and_remarked_and_a_failed_one_is_not(world: WalkWorld) -> None:
    walk = world.walk()
    act.skip(walk, "look", reason="no curl here")
    capture = walk.read().step("capture")
    assert (capture.state, capture.needs_remarks) == ("ready", ("look (skipped)",))
    act.start(walk, "look")
    act.fail(walk, "look", reason="503")
    assert walk.read().step("capture").needs_unmet == ("look (failed)",)


def test_done_without_start_stores_both_except_where_something_changes(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    assert rows(walk, "SELECT kind, attempt FROM step_event") == [("started", 1), ("passed", 1)]
    with pytest.raises(Refused, match="changes something and was not started") as refused:
        act.finish(walk, "carry-out", override="in a hurry")
    assert "step late" in refusal(refused)


def test_a_retry_is_a_new_attempt_and_hides_no_failure(world: WalkWorld) -> None:
    walk = world.walk()
    act.start(walk, "look")
    act.fail(walk, "look", reason="timed out")
    act.start(walk, "look")
    act.finish(walk, "look")
    look = walk.read().step("look")
    assert [(a.number, a.state, a.reason) for a in look.attempts] == [(1, "failed", "timed out"), (2, "passed", "")]
    assert (look.state, look.attempt) == ("passed", 2)


def test_a_done_step_starts_again_only_after_it_was_reopened(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    with pytest.raises(Refused, match="it was passed by kim"):
        act.start(walk, "look")
    act.reopen(walk, "look", reason="another host")
    assert states(walk.read())["look"] == "ready"
    assert act.start(walk, "look").attempt == 2


def test_a_hold_goes_on_where_it_stopped(world: WalkWorld) -> None:
    walk = world.walk()
    act.hold(walk, "look", reason="lunch")
    act.confirm(walk, "look")
    assert states(walk.read())["look"] == "ready"
    act.start(walk, "look")
    act.hold(walk, "look", reason="asked the owner")
    assert walk.read().step("look").reason == "asked the owner"
    act.confirm(walk, "look")
    assert (states(walk.read())["look"], walk.read().step("look").attempt) == ("running", 1)


def test_a_retracted_answer_stays_on_record(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "look")
    act.retract(walk, "look", reason="that was staging")
    state = walk.read()
    assert states(state)["look"] == "retracted" and state.current == "look"
    assert states(state)["capture"] == "waiting"
    assert act.finish(walk, "look").attempt == 2


def test_a_late_entry_says_when_it_was_done_and_who_told(world: WalkWorld) -> None:
    walk = world.walk()
    with pytest.raises(Refused, match="still to come"):
        act.late(walk, "carry-out", reason="by hand", done_at_ms=world.now + 1)
    act.late(walk, "carry-out", reason="by hand", done_at_ms=world.now - 9 * MINUTE, told_by="sam")
    step = walk.read().step("carry-out")
    assert (step.state, step.late, step.attempts[-1].claimed_ms) == ("passed", True, world.now - 9 * MINUTE)
    assert step.attempts[-1].detail["told_by"] == "sam"


def test_a_lost_change_asks_whether_it_took_effect(world: WalkWorld) -> None:
    act.start(world.walk("kim", pid=7), "carry-out", override="no time")
    world.dead.add(7)
    walk = world.walk("sam", pid=8)
    lost = walk.read()
    assert (states(lost)["carry-out"], lost.current) == ("lost", "carry-out")
    assert "process 7" in lost.step("carry-out").why
    with pytest.raises(Refused, match="may have taken effect"):
        act.start(walk, "carry-out")
    with pytest.raises(BadInput, match="did it take effect"):
        act.resolve(walk, "carry-out", took_effect="maybe", reason="?")
    act.resolve(walk, "carry-out", took_effect="unknown", reason="nobody answers")
    unknown = walk.read().step("carry-out")
    assert (unknown.state, unknown.why) == ("lost", "nobody knows whether it took effect")
    act.resolve(walk, "carry-out", took_effect="yes", reason="the page shows it")
    assert states(walk.read())["carry-out"] == "passed"


def test_what_did_not_take_effect_is_done_again(world: WalkWorld) -> None:
    act.start(world.walk("kim", pid=7), "carry-out", override="no time")
    world.dead.add(7)
    walk = world.walk("sam", pid=8)
    act.resolve(walk, "carry-out", took_effect="no", reason="git says so")
    assert walk.read().step("carry-out").attempts[-1].state == "lost"
    assert act.start(walk, "carry-out", override="still no time").attempt == 2


def test_the_next_writer_records_the_loss(world: WalkWorld) -> None:
    act.start(world.walk("kim", pid=7), "look")
    world.dead.add(7)
    walk = world.walk("sam", pid=8)
    begin(walk)
    assert rows(walk, "SELECT kind, attempt, operator FROM step_event") == [("started", 1, "kim"), ("lost", 1, "sam")]
    begin(walk)
    assert len(rows(walk, "SELECT * FROM step_event")) == 2, "once is enough"
    assert act.start(walk, "look").attempt == 2, "a step that only reads is simply done again"


def test_an_attempt_out_of_sight_is_never_called_lost_but_can_be_given_up(world: WalkWorld) -> None:
    act.start(world.walk("kim", host="desk-9"), "look")
    world.far.add("desk-9")
    walk = world.walk("sam", pid=8)
    step = walk.read().step("look")
    assert (step.state, step.elsewhere) == ("running", True) and "resolve" in step.acts
    act.resolve(walk, "look", took_effect="no", reason="desk-9 is off")
    assert [attempt.state for attempt in walk.read().step("look").attempts] == ["lost"]


def test_a_walk_begins_a_scope_one_longest_window_back_or_at_the_deployment(world: WalkWorld) -> None:
    walk = world.walk()
    act.start(walk, "look")
    assert rows(walk, "SELECT start_ms, mark FROM scope") == [(world.now - 10 * MINUTE, None)]
    act.finish(walk, "look")
    assert len(rows(walk, "SELECT * FROM scope")) == 1


def test_a_walk_takes_the_last_deployment_as_its_scope(world: WalkWorld) -> None:
    from store.walk.remarks import add_mark

    walk = world.walk()
    add_mark(walk.case, "kim", "deploy", world.now - 50 * MINUTE)
    add_mark(walk.case, "kim", "deploy", world.now - 40 * MINUTE)
    begin(walk)
    assert rows(walk, "SELECT start_ms, mark FROM scope") == [(world.now - 40 * MINUTE, 2)]


def test_a_seal_is_not_begun_over_open_steps(world: WalkWorld) -> None:
    walk = world.walk()
    act.finish(walk, "pack", override="closing early")
    with pytest.raises(Refused, match="open steps: look, capture, count-it, choose"):
        act.start(walk, "seal")
    act.start(walk, "seal", override="the incident went elsewhere")
    assert states(walk.read())["seal"] == "running"


def test_an_answer_does_not_end_a_step(world: WalkWorld) -> None:
    walk = world.walk()
    act.start(walk, "look")
    act.answer(walk, "look", asked="$ curl", shown="ok", value="exit 0")
    assert (states(walk.read())["look"], walk.read().step("look").value) == ("running", "exit 0")
    act.finish(walk, "look")
    with pytest.raises(Refused, match="cannot answer"):
        act.answer(walk, "look", asked="", shown="", value="")


def test_a_mistyped_step_gets_the_nearest_name(world: WalkWorld) -> None:
    with pytest.raises(BadInput, match="did you mean capture"):
        act.start(world.walk(), "captur")
    with pytest.raises(BadInput, match="there are look, capture"):
        act.start(world.walk(), "zzz")


def test_a_secret_in_a_reason_is_masked(world: WalkWorld) -> None:
    walk = world.walk()
    act.fail(walk, "look", reason="curl -H open-sesame gave 401", detail={"argv": ["-H", "open-sesame"]})
    assert rows(walk, "SELECT reason, detail FROM step_event") == [
        ("curl -H <TOKEN> gave 401", '{"argv": ["-H", "<TOKEN>"]}')
    ]
    assert b"open-sesame" not in world.path.read_bytes()
