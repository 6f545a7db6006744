"""The way back from a signal is shown with its variables, and never with a secret."""

from __future__ import annotations

import pytest

from store.errors import BadInput
from store.walk.remarks import add_mark
from store.walk.undo import undo_of
from tests.store.walk.builders import WalkWorld


def test_everything_that_is_needed_to_undo_is_together(world: WalkWorld) -> None:
    walk = world.walk()
    add_mark(walk.case, "kim", "deploy", world.now, deployment="d2", previous="d1")
    undo = undo_of(walk.case, walk.runbook, "queue", world.environ)
    assert (undo.do, undo.files, undo.confirm, undo.owner) == (
        "Stop the workers.",
        ("workers.py",),
        ("nothing runs",),
        ("queue owner",),
    )
    assert undo.command is not None
    assert undo.command.strip() == 'workers stop --at "https://shop.example" --token "$TOKEN"'
    assert (undo.unset, undo.deployments) == ((), ("d2", "d1", world.now))


def test_what_is_not_set_or_not_plain_stays_a_variable(world: WalkWorld) -> None:
    walk = world.walk()
    undo = undo_of(walk.case, walk.runbook, "queue", {})
    assert undo.unset == ("HOST", "TOKEN") and '"$HOST"' in (undo.command or "")
    undo = undo_of(walk.case, walk.runbook, "queue", {"HOST": '"; rm -rf /; "', "TOKEN": "x"})
    assert '"$HOST"' in (undo.command or "")


def test_a_signal_without_a_command_and_one_that_is_not_there(world: WalkWorld) -> None:
    walk = world.walk()
    assert undo_of(walk.case, walk.runbook, "count", {}).command is None
    with pytest.raises(BadInput, match="there is no signal"):
        undo_of(walk.case, walk.runbook, "nothing", {})
