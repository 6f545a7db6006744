"""Any sequence of deeds against a model of a few lines: same states, same attempts, nothing stored by what was refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from store.errors import Refused
from store.walk import act
from store.walk.walk import Walk
from tests.store.walk.builders import WalkWorld, states
from tests.store.world import World

NEEDS = {"look": (), "capture": ("look",), "count-it": ("capture",), "carry-out": ("choose",)}
CHANGES = {"carry-out"}
MET = ("passed", "skipped")

# deed -> states that allow it -> the state after it
AFTER: dict[str, dict[str, str]] = {
    "start": {"ready": "running", "failed": "running", "skipped": "running", "lost": "running", "retracted": "running"},
    "done": {"ready": "passed", "running": "passed", "held": "passed", "failed": "passed", "retracted": "passed"},
    "fail": {"ready": "failed", "running": "failed", "held": "failed", "retracted": "failed"},
    "skip": dict.fromkeys(("waiting", "ready", "running", "held", "failed", "lost", "retracted"), "skipped"),
    "hold": {"ready": "held", "running": "held"},
    "confirm": {"held": "let go"},
    "reopen": dict.fromkeys(("passed", "failed", "skipped", "retracted"), "ready"),
    "retract": dict.fromkeys(("passed", "failed", "skipped"), "retracted"),
    "late": dict.fromkeys(("waiting", "ready", "running", "held", "failed", "skipped", "lost", "retracted"), "passed"),
    "resolve yes": {"lost": "passed"},
    "resolve no": {"lost": "ready"},
    "die": {},
}


class Model:
    """Steps with a state, an attempt number, and whether the attempt was started."""

    def __init__(self) -> None:
        self.steps = {step: ["ready", 0, False] for step in NEEDS}

    def state(self, step: str) -> str:
        """The state as a reader sees it."""
        own = str(self.steps[step][0])
        return "waiting" if own == "ready" and not self.met(step) else own

    def met(self, step: str) -> bool:
        """Whether the needs of a step are met."""
        return all(need in self.steps and self.steps[need][0] in MET for need in NEEDS[step])

    def do(self, deed: str, step: str) -> bool:
        """Whether the deed is possible; it is done then."""
        if deed == "die":
            for one in self.steps.values():
                if one[0] == "running":
                    one[0] = "lost"
            return True
        state, own = self.state(step), self.steps[step]
        if state not in AFTER[deed] or not self._allowed(deed, step, state):
            return False
        if own[0] not in ("running", "held") and deed not in ("reopen", "retract", "confirm") and "resolve" not in deed:
            own[1], own[2] = int(own[1]) + (own[0] != "ready" or own[1] == 0 or own[2] is None), False  # a new attempt
        own[0] = AFTER[deed][state]
        if deed == "start" or (deed == "done" and not own[2]):
            own[2] = True
        if own[0] == "let go":
            own[0] = "running" if own[2] else "ready"
        if deed == "reopen" or deed == "resolve no":
            own[2] = None
        return True

    def _allowed(self, deed: str, step: str, state: str) -> bool:
        begins = deed == "start" or (
            deed == "done" and state != "running" and not (state == "held" and self.steps[step][2])
        )
        if begins and not self.met(step):
            return False
        if step in CHANGES:
            if begins and deed == "done":
                return False
            if state == "lost" and deed in ("start", "skip"):
                return False
        return True


def really(world: WalkWorld, walk: Walk, deed: str, step: str) -> bool:
    """Do it to the case; whether it was possible."""
    try:
        match deed.split():
            case ["start"]:
                act.start(walk, step)
            case ["done"]:
                act.finish(walk, step)
            case ["fail"]:
                act.fail(walk, step, reason="r")
            case ["skip"]:
                act.skip(walk, step, reason="r")
            case ["hold"]:
                act.hold(walk, step, reason="r")
            case ["confirm"]:
                act.confirm(walk, step)
            case ["reopen"]:
                act.reopen(walk, step)
            case ["retract"]:
                act.retract(walk, step, reason="r")
            case ["late"]:
                act.late(walk, step, reason="r", done_at_ms=world.now)
            case ["resolve", answer]:
                act.resolve(walk, step, took_effect=answer, reason="r")
            case _:
                world.dead.add(walk.who.pid)
                walk.who = walk.who._replace(pid=walk.who.pid + 1)
    except Refused:
        return False
    return True


DEEDS = st.lists(st.tuples(st.sampled_from(sorted(AFTER)), st.sampled_from(sorted(NEEDS))), max_size=25)


@settings(max_examples=50, deadline=None)
@given(deeds=DEEDS)
def test_states_are_those_of_the_model(laid: World, deeds: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.db"
        world = WalkWorld(path, laid.copy(path))
        walk, model = world.walk(), Model()
        for deed, step in deeds:
            world.pass_time(1000)
            before = walk.case.head().seq
            possible = model.do(deed, step)
            assert really(world, walk, deed, step) == possible, (deed, step)
            assert (walk.case.head().seq > before) == (possible and deed != "die")
            state = walk.read()
            assert {id: states(state)[id] for id in NEEDS} == {id: model.state(id) for id in NEEDS}
            assert state.current is not None and state.step(state.current).acts
        numbers = {id: max((a.number for a in walk.read().step(id).attempts), default=0) for id in NEEDS}
        assert numbers == {id: own[1] for id, own in model.steps.items()}
        world.close()
