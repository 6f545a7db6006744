"""The one thing that Enter does to a step in its state, in words and by name; decided here and nowhere else."""

from __future__ import annotations

from typing import NamedTuple

from store.instants import format_duration
from store.runbook.model import Runbook, Step
from store.walk.states import COLLECTING, StepState


class Primary(NamedTuple):
    """What Enter does: a deed of doings.py, or nothing; and the words on the step's action line."""

    deed: str
    words: str


_RETRY = ("failed", "lost", "stale", "retracted", "skipped")


def primary(runbook: Runbook, state: StepState) -> Primary:
    """The primary action of a step."""
    step = next(s for s in runbook.steps if s.id == state.id)
    if state.state == "passed":
        return Primary("here", "done; r runs it again, u takes the answer back, g goes to where the walk stands")
    if state.state == "waiting":
        return Primary("need", f"{state.why}; Enter goes there")
    if state.elsewhere and state.state == "running":
        return Primary("resolve", "it runs on another machine; Enter gives it up, if you know that it ended")
    if state.state == "held":
        return Primary(
            "confirm",
            f"waits for {state.awaits}: Enter confirms, as another person" if state.awaits else "Enter goes on",
        )
    if state.state == "lost" and state.effect == "changes" and state.resolved is None:
        return Primary("resolve", "did it take effect? Enter answers")
    return _by_kind(step, state)


def _by_kind(step: Step, state: StepState) -> Primary:
    again = " again" if state.state in _RETRY else ""
    if step.kind in COLLECTING:
        if state.state == "running":
            return Primary("wait", "it runs in a process of its own; go on, leaving does not stop it, Ctrl-C does")
        what = {
            "capture": "captures",
            "probe": "probes",
            "snapshot": "takes snapshots",
            "browser": "captures in a browser",
        }[step.kind]
        long = f" for {format_duration(step.for_ms)}" if step.for_ms else ""
        return Primary("collect", f"Enter {what}{again}{long}: {', '.join(step.feeds) or 'no stream'}")
    if step.kind == "decide":
        return Primary("decide", f"Enter decides{again}")
    if step.kind == "seal":
        return Primary("seal", "Enter shows what is open, and seals")
    if step.effect == "changes" and state.state != "running":
        return Primary("start", f"Enter starts{again}: you do it, the program records it")
    if step.command is not None and step.command.language == "sh" and state.state in ("ready", *_RETRY):
        return Primary("run", f"Enter shows the command and runs it{again}; Space: done without it")
    if step.command is not None and step.command.language == "sh":
        return Primary("done", "x runs its command; Enter or Space: done")
    return Primary("done", f"do it{again}, then Enter or Space")
