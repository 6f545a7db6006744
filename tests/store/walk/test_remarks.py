"""Notes, acknowledgements, marks and windows: one row each; a correction is a new row."""

from __future__ import annotations

import pytest

from store.errors import BadInput, Refused
from store.judge import frontier_question
from store.walk.remarks import acknowledge, add_mark, add_note, add_window, good_before
from tests.store.walk.builders import WalkWorld
from tests.store.world import MINUTE


def test_a_note_may_name_a_step_cite_evidence_and_amend_another(world: WalkWorld) -> None:
    world.watch(matches=1)
    case = world.walk().case
    add_note(case, "kim", "slow", step="look")
    said = add_note(case, "sam", "very slow", cites=["log_match:1", "collection:1"], amends=1)
    assert said.ref == "note:2"
    rows = case.read().execute("SELECT operator, step, body, amends, cites FROM note").fetchall()
    assert rows == [("kim", "look", "slow", None, None), ("sam", None, "very slow", 1, "log_match:1 collection:1")]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"text": "  "}, "empty"),
        ({"step": "loock"}, "did you mean look"),
        ({"amends": 4}, "there is no note:4"),
        ({"cites": ["probe:9"]}, "there is no probe:9"),
    ],
)
def test_what_is_wrong_with_a_note_is_said(world: WalkWorld, more: dict[str, object], said: str) -> None:
    text = str(more.pop("text", "x"))
    with pytest.raises(BadInput, match=said):
        add_note(world.walk().case, "kim", text, **more)  # type: ignore[arg-type]


def test_a_secret_in_a_note_is_masked(world: WalkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "open-sesame")
    case = world.walk().case
    add_note(case, "kim", "I sent open-sesame")
    assert case.read().execute("SELECT body FROM note").fetchone() == ("I sent <TOKEN>",)


def test_a_rollback_begins_a_scope_and_a_deployment_does_not(world: WalkWorld) -> None:
    case = world.walk().case
    assert add_mark(case, "kim", "deploy", world.now - MINUTE).scope_start_ms is None
    for name in ("rollback", "fix"):
        world.pass_time(MINUTE)
        assert add_mark(case, "kim", name, world.now).scope_start_ms == world.now
        assert frontier_question(case.read()).scope_start_ms == world.now


def test_the_newest_mark_of_a_name_holds(world: WalkWorld) -> None:
    case = world.walk().case
    assert good_before(case) is None
    add_mark(case, "kim", "deploy", world.now - 9 * MINUTE, deployment="d1", previous="d0")
    add_mark(case, "kim", "deploy", world.now - 8 * MINUTE, deployment="d2", previous="d1")
    assert good_before(case) == ("d2", "d1", world.now - 8 * MINUTE)


@pytest.mark.parametrize("name", ["deploy-30m", "", "two words", "@deploy", "-x", "a/b"])
def test_a_name_that_time_arguments_could_not_read_is_refused(world: WalkWorld, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be a name"):
        add_mark(world.walk().case, "kim", name, world.now)


def test_a_mark_is_not_in_the_future_and_a_window_not_backwards(world: WalkWorld) -> None:
    case = world.walk().case
    with pytest.raises(Refused, match="still to come"):
        add_mark(case, "kim", "deploy", world.now + MINUTE)
    with pytest.raises(BadInput, match="ends before it begins"):
        add_window(case, "kim", "baseline", 2, 2)
    assert add_window(case, "kim", "postfix", world.now, world.now + MINUTE).ref == "window:1"


def test_an_alarm_is_acknowledged_with_its_first_trip_and_quiet_is_not(world: WalkWorld) -> None:
    world.watch(matches=6)
    case = world.walk().case
    seen = acknowledge(case, "kim", "count", note="on it")
    assert (seen.state, seen.ref) == ("tripped", "acknowledgement:1")
    assert case.read().execute("SELECT signal, first_trip_ms, note FROM acknowledgement").fetchone() == (
        "count",
        seen.first_trip_ms,
        "on it",
    )
    with pytest.raises(BadInput, match="did you mean count"):
        acknowledge(case, "kim", "coun")


def test_nothing_is_acknowledged_where_all_is_well(world: WalkWorld) -> None:
    world.watch(minutes=20)
    with pytest.raises(Refused, match="count is ok"):
        acknowledge(world.walk().case, "kim", "count")
