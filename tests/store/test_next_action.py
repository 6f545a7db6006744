"""The next action, row by row of its table; the first that matches wins."""

from __future__ import annotations

import pytest

from store.judge import SignalState
from store.next_action import SignalOutcome, choose_action, next_action
from store.words import ACTION_WORDS

OK = SignalOutcome("offload_health", "ok")
VERDICTS = ("confirmed", "partially_confirmed", "inconclusive", "rejected")


def outcomes(**states: str) -> list[SignalOutcome]:
    """Signals by name and state; one named `loop` trips by its loop."""
    return [SignalOutcome(name, state, name == "loop" and state == "tripped") for name, state in states.items()]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_reversal_loop_freezes_whatever_else_holds(verdict: str) -> None:
    assert (
        choose_action(verdict, outcomes(webhook="tripped", loop="tripped", inbox="no_data"))
        == "incident_freeze_and_rollback"
    )


@pytest.mark.parametrize("verdict", VERDICTS)
def test_another_trip_rolls_back_its_scope(verdict: str) -> None:
    assert (
        choose_action(verdict, outcomes(webhook_timeout="tripped", inbox_timeout="ok", offload_health="ok"))
        == "rollback_scope"
    )
    assert choose_action(verdict, outcomes(webhook="tripped", inbox="stale"), attempt=2) == "rollback_scope"


def test_a_rejection_without_a_trip_opens_the_phase_again() -> None:
    assert choose_action("rejected", outcomes(webhook="ok")) == "reopen_phase"
    assert choose_action("rejected", outcomes(webhook="no_data")) == "reopen_phase"


@pytest.mark.parametrize("state", ["no_data", "stale", "partial"])
def test_what_could_not_be_answered_is_collected_again_unless_it_helped_already(state: str) -> None:
    assert choose_action("inconclusive", outcomes(webhook=state)) == "restore_collection_and_reverify"
    assert choose_action("inconclusive", outcomes(webhook=state), attempt=2) == "restore_collection_and_reverify"
    assert choose_action("partially_confirmed", outcomes(webhook=state)) == "close_with_watch_items"


@pytest.mark.parametrize(
    ("attempt", "action"), [(1, "collect_matched_window"), (2, "escalate_to_owner"), (7, "escalate_to_owner")]
)
def test_the_second_inconclusive_attempt_goes_to_the_owner(attempt: int, action: str) -> None:
    assert choose_action("inconclusive", outcomes(webhook="watch", inbox="ok"), attempt=attempt) == action


def test_what_is_confirmed_is_closed() -> None:
    assert choose_action("confirmed", [OK]) == "close_phase"
    assert choose_action("partially_confirmed", outcomes(probes="watch")) == "close_with_watch_items"


def test_every_action_has_its_sentence() -> None:
    actions = {
        choose_action(verdict, outcomes(a=state, loop=loop), attempt=attempt)
        for verdict in VERDICTS
        for state in ("ok", "watch", "partial", "tripped")
        for loop in ("ok", "tripped")
        for attempt in (1, 2)
    }
    assert actions == set(ACTION_WORDS)


def signal(name: str, state: str) -> SignalState:
    """A signal with an owner and something to undo."""
    return SignalState(
        name, name, state, "why", state, "why", None, None, None, (f"owner of {name}",), "https://pager", f"Undo {name}.",
        (f"{name}.ts",), ("say so",), "git revert", (),
    )  # fmt: skip


def test_each_tripped_signal_is_named_with_owner_and_scope_the_loop_first() -> None:
    action = next_action(
        "rejected",
        [(signal("webhook", "tripped"), False), (signal("quiet", "ok"), False), (signal("loop", "tripped"), True)],
        attempt=1,
    )
    assert action.action == "incident_freeze_and_rollback"
    assert [(scope.signal, scope.owner, scope.do, scope.files, scope.undo) for scope in action.scopes] == [
        ("loop", ("owner of loop",), "Undo loop.", ("loop.ts",), "git revert"),
        ("webhook", ("owner of webhook",), "Undo webhook.", ("webhook.ts",), "git revert"),
    ]


def test_a_reopened_phase_is_seeded_with_the_signatures_that_became_worse() -> None:
    action = next_action(
        "rejected", [(signal("a", "ok"), False)], attempt=1, regressed=["guard"], unresolved=["target"]
    )
    assert (action.action, action.signatures) == ("reopen_phase", ("guard",))


def test_signals_without_an_answer_are_named() -> None:
    action = next_action("inconclusive", [(signal("a", "stale"), False), (signal("b", "watch"), False)], attempt=1)
    assert (action.action, action.signals) == ("restore_collection_and_reverify", ("a",))
