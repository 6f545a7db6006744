"""Captures that the desk begins by itself: once the walk has begun, a capture that the runbook asks for is not left waiting for a key.

Only watching is begun so: logs and queues, over a stretch of time, in a case that was allowed here, with every variable set, and each
step once. Whoever stops such a capture, or sees it fail, begins it again with Enter. It is the step's own process, as if Enter had begun
it: it outlives the desk, and a desk opened later finds it running.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from store.runbook.model import Effect, Runbook, Source, SourceKind, Step, StepKind
from store.trust import is_trusted
from store.walk.states import StepState, WalkState
from store.walk.walk import Walk
from tui.desk.runs import runner
from tui.desk.snapshot import Snapshot
from tui.desk.world import walk_case_id

if TYPE_CHECKING:
    from tui.desk.app import DeskApp

_WATCHES = {StepKind.CAPTURE: (SourceKind.LOGS, SourceKind.OFFLOAD), StepKind.SNAPSHOT: (SourceKind.OFFLOAD,)}


def watch(desk: DeskApp) -> None:
    """Begin what the walk asks to be watched and nobody has begun yet."""
    snapshot = desk.snapshot
    if snapshot is None or snapshot.sealed or not snapshot.trusted:
        return
    for step_id in due(snapshot, os.environ):
        if step_id not in desk.began:
            desk.began.add(step_id)
            _begin(desk, step_id)


def due(snapshot: Snapshot, environ: Mapping[str, str]) -> list[str]:
    """Steps that watch something, could begin now, and were never begun; none before somebody's first deed."""
    if not any(state.attempts for state in snapshot.walk.steps):
        return []
    runbook = snapshot.runbook
    return [step.id for step in runbook.steps if _is_due(snapshot.walk, step) and _can_watch(runbook, step, environ)]


def _is_due(walk: WalkState, step: Step) -> bool:
    state: StepState = walk.step(step.id)
    return state.state == "ready" and not state.attempts and not state.passed_over


def _can_watch(runbook: Runbook, step: Step, environ: Mapping[str, str]) -> bool:
    sources = [source for source in runbook.sources if source.id in step.feeds]
    return (
        step.effect is Effect.READS
        and step.for_ms is not None
        and bool(sources)
        and all(source.kind in _WATCHES.get(step.kind, ()) for source in sources)
        and not any(_lacks(runbook, source, environ) for source in sources)
    )


def _lacks(runbook: Runbook, source: Source, environ: Mapping[str, str]) -> bool:
    """Whether something is missing without which a look could only fail."""
    if source.kind is SourceKind.LOGS and source.command is None:
        return True
    text = source.command.text if source.command else ""
    wanted = {name for name in (*runbook.needs, *runbook.secrets) if f"${name}" in text or f"${{{name}" in text}
    wanted |= {source.address} if source.address else set()
    return any(not environ.get(name) for name in wanted)


def _begin(desk: DeskApp, step_id: str) -> None:
    words = runner("collect", str(desk.case_path), step_id, desk.who.operator, desk.who.terminal, "", "")

    def job(walk: Walk) -> str:
        if not is_trusted(walk.case) or not _is_due(
            walk.read(), next(s for s in walk.runbook.steps if s.id == step_id)
        ):
            return ""  # another desk was faster, or somebody has skipped it meanwhile
        desk.runs.start(walk_case_id(walk), step_id, words)
        return f"{step_id} has begun to look by itself, as the runbook asks; Ctrl-C stops it"

    desk.write(job)
