"""A person in a process of their own: brings a step into a state, says so, and stays until it is killed.

python actor.py CASE OPERATOR STATE [STEP]
"""

from __future__ import annotations

import sys

from store.case import Case
from store.errors import Refused
from store.walk import act
from store.walk.session import this_process
from store.walk.walk import Walk, begin


def bring(walk: Walk, state: str, step: str) -> None:
    """Bring a step into a state; `torn` is in the middle of a deed, `race` starts it when told to."""
    match state:
        case "ready":
            begin(walk)
        case "running":
            act.start(walk, step)
        case "held":
            act.start(walk, step)
            act.hold(walk, step, reason="asked the owner")
        case "passed":
            act.start(walk, step)
            act.finish(walk, step)
        case "failed":
            act.fail(walk, step, reason="503")
        case "skipped":
            act.skip(walk, step, reason="no curl")
        case "retracted":
            act.finish(walk, step)
            act.retract(walk, step, reason="that was staging")
        case "torn":
            with walk.acting() as acting:
                acting.write(step, "started", 1)
                tell("torn")
                sys.stdin.readline()


def race(walk: Walk, steps: list[str]) -> None:
    """Start each step the moment a line comes in, and say how that went."""
    walk.read()
    for step in steps:
        tell("set")
        sys.stdin.readline()
        try:
            act.start(walk, step)
            tell("won")
        except Refused as refused:
            tell(f"lost {refused.message}")


def tell(text: str) -> None:
    """One line for whoever watches."""
    print(text, flush=True)


def main() -> None:
    """Do what the arguments say."""
    path, operator, state, *steps = sys.argv[1:]
    with Case.open(path, write=True) as case:
        walk = Walk(case, this_process(operator))
        if state == "race":
            race(walk, steps)
            return
        bring(walk, state, steps[0])
        tell("there")
        sys.stdin.readline()


if __name__ == "__main__":
    main()
