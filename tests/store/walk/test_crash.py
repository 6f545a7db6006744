"""Real processes: one is killed in every state of a step, and two reach for the same step at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store.case import Case
from store.walk.session import this_process
from store.walk.walk import Walk, begin
from tests.store.walk.builders import WalkWorld, states

ACTOR = Path(__file__).with_name("actor.py")
ROOT = Path(__file__).parents[3]
Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def actor(world: WalkWorld) -> Iterator[Started]:
    """Start people in processes of their own; whoever is left at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(operator: str, state: str, *steps: str) -> subprocess.Popen[str]:
        words = [sys.executable, str(ACTOR), str(world.path), operator, state, *steps]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def heard(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def told(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


@pytest.mark.parametrize(
    ("state", "after", "current"),
    [
        ("ready", "ready", "look"),
        ("running", "lost", "look"),
        ("held", "held", "look"),
        ("passed", "passed", "capture"),
        ("failed", "failed", "look"),
        ("skipped", "skipped", "capture"),
        ("retracted", "retracted", "look"),
        ("torn", "ready", "look"),
    ],
)
def test_after_a_kill_the_walk_stands_where_it_stood(
    world: WalkWorld, actor: Started, state: str, after: str, current: str
) -> None:
    child = actor("kim", state, "look")
    assert heard(child) in ("there", "torn")
    child.kill()
    child.wait()
    with Case.open(world.path) as case:
        seen = Walk(case, this_process("sam")).read()
        assert (states(seen)["look"], seen.current) == (after, current), "a reader derives it"
    with Case.open(world.path, write=True) as case:
        walk = Walk(case, this_process("sam"))
        recorded = begin(walk)
        assert (states(recorded)["look"], recorded.current) == (after, current), "the next writer records it"
        losses = case.read().execute("SELECT attempt, operator FROM step_event WHERE kind = 'lost'").fetchall()
        assert losses == ([(1, "sam")] if after == "lost" else [])


def test_a_living_process_keeps_its_attempt(world: WalkWorld, actor: Started) -> None:
    child = actor("kim", "running", "look")
    assert heard(child) == "there"
    with Case.open(world.path, write=True) as case:
        step = begin(Walk(case, this_process("sam"))).step("look")
        assert (step.state, step.operator) == ("running", "kim")


def test_of_two_people_exactly_one_starts_a_step_and_the_other_is_told_who(world: WalkWorld, actor: Started) -> None:
    steps = ["look"]
    kim, sam = actor("kim", "race", *steps), actor("sam", "race", *steps)
    for _ in steps:
        assert (heard(kim), heard(sam)) == ("set", "set")
        told(kim)
        told(sam)
        answers = {"kim": heard(kim), "sam": heard(sam)}
        (winner,) = [name for name, said in answers.items() if said == "won"]
        (loser,) = set(answers) - {winner}
        assert f"it was started by {winner} at " in answers[loser]
    with Case.open(world.path) as case:
        assert case.read().execute("SELECT count(*) FROM step_event").fetchone() == (1,)
