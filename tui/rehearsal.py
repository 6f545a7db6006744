"""A whole drill without a screen: every scenario, every step that a machine can run, every boundary of every signal, every fault of meaning.

What was drilled gets a stamp, so that the walk can say when that was and how it went.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collectors.drill.boundary import BoundaryResult, boundary_report
from collectors.drill.boundary import as_json as boundary_json
from collectors.drill.derived import derived_scenarios
from collectors.drill.meaning import Fault, meaning_faults
from collectors.drill.scenario import Scenario
from collectors.drill.stage import Stage
from store import stamps
from store.case import now_ms
from store.errors import Refused
from store.instants import format_instant, format_optional
from store.runbook.model import Runbook
from store.trust import FOLDER_VARIABLE
from tui.rehearsal_steps import StepOutcome, rehearse_steps
from tui.rehearsing import Played, play, why_not

AT_ONCE = 3
"""Scenarios that are played side by side: most of their time is waiting."""

RUNBOOK_FAULT = 30
NOT_AS_EXPECTED = 40


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be drilled. Without `whole`, only the scenarios are."""

    runbook: Runbook
    scenarios: tuple[Scenario, ...]
    whole: bool
    repository: Path | None = None
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a drill."""

    runbook: Runbook
    played: tuple[Played, ...]
    steps: tuple[StepOutcome, ...]
    boundary: tuple[BoundaryResult, ...]
    meaning: tuple[Fault, ...]
    began_ms: int
    took_ms: int
    trouble: str = ""

    @property
    def exit_code(self) -> int:
        """0 when all was as expected; 30 where the runbook itself is at fault, 40 where the world went another way."""
        if self.meaning or not all(result.ok for result in self.boundary):
            return RUNBOOK_FAULT
        good = all(one.ok for one in self.played) and all(step.ok for step in self.steps)
        drilled = bool(self.boundary) or any(one.applies for one in self.played)
        return 0 if good and drilled else NOT_AS_EXPECTED


def own_scenarios(scenarios: Sequence[Scenario], runbook: Runbook) -> tuple[Scenario, ...]:
    """Scenarios made from the runbook itself, for signals that none of the given ones trips."""
    playable = [scenario for scenario in scenarios if not why_not(scenario, runbook)]
    tripped = {name for one in playable if one.crosses for name, expected in one.expect if expected.state == "tripped"}
    return derived_scenarios(runbook, tripped)


def rehearse(asked: Asked, environ: Mapping[str, str], tell: Callable[[str], None]) -> Report:
    """Drill what is asked; everything that was staged is gone afterwards.

    Args:
        asked: what to drill.
        environ: the environment that the staged one is made of.
        tell: is told each result as it comes, in one line.

    Raises:
        Refused: nothing can be staged here.
    """
    began, clock = now_ms(), time.monotonic()
    meaning = meaning_faults(asked.runbook, asked.repository) if asked.whole else ()
    with (
        Stage.start(environ) as stage,
        _folder(asked.keep) as folder,
        _state_of(stage),
        ThreadPoolExecutor(1, "boundary") as beside,
    ):
        probing = beside.submit(_boundary, asked, folder)
        played = _play_all(asked, stage, folder, environ, tell)
        steps = rehearse_steps(stage, asked.runbook, folder, environ) if asked.whole else ()
        boundary = tuple(probing.result())
    took = int(1000 * (time.monotonic() - clock))
    report = Report(asked.runbook, tuple(played), steps, boundary, meaning, began, took)
    return report if not asked.whole else replace(report, trouble=_stamp(report))


def _boundary(asked: Asked, folder: Path) -> Sequence[BoundaryResult]:
    if not asked.whole:
        return ()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        return boundary_report(asked.runbook, Path(scratch))


def _play_all(
    asked: Asked, stage: Stage, folder: Path, environ: Mapping[str, str], tell: Callable[[str], None]
) -> list[Played]:
    stop, turn = threading.Event(), threading.Lock()

    def one(scenario: Scenario) -> Played:
        done = play(stage, scenario, asked.runbook, folder, environ, stop)
        with turn:
            tell(told(done))
        return done

    with ThreadPoolExecutor(AT_ONCE, "scenario") as pool:
        try:
            return list(pool.map(one, asked.scenarios))
        except BaseException:
            stop.set()
            raise


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Where the cases of the drill lie: where they are kept, or in a folder that goes with it."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="closeout-cases-", ignore_cleanup_errors=True) as made:
            yield Path(made)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"cannot make the folder {keep}: {error.strerror}") from error
    yield keep


@contextlib.contextmanager
def _state_of(stage: Stage) -> Iterator[None]:
    """While staged things are allowed on this machine, what is allowed is remembered in the stage's own folder."""
    before = os.environ.get(FOLDER_VARIABLE)
    os.environ[FOLDER_VARIABLE] = str(stage.folder / "state")
    try:
        yield
    finally:
        if before is None:
            del os.environ[FOLDER_VARIABLE]
        else:
            os.environ[FOLDER_VARIABLE] = before


def _stamp(report: Report) -> str:
    """Remember what was drilled; returns why not, where that failed."""
    runbook = report.runbook
    known = {step.id for step in runbook.steps}
    try:
        for step in report.steps:
            if step.state != "not run" and step.id in known:
                passed = step.state == "passed"
                stamps.stamp(
                    runbook, stamps.STEP, step.id, took_ms=step.took_ms, passed=passed, drilled_ms=report.began_ms, why=step.said
                )  # fmt: skip
        for signal in runbook.signals:
            tried, wrong, took = _of_signal(report, signal.id)
            if tried:
                stamps.stamp(
                    runbook, stamps.SIGNAL, signal.id, took_ms=took, passed=not wrong, drilled_ms=report.began_ms, why=wrong
                )  # fmt: skip
    except Refused as refusal:
        return str(refusal)
    return ""


def _of_signal(report: Report, signal: str) -> tuple[bool, str, int]:
    """Whether a signal was tried at all, the first thing that went wrong with it, and how long its drill took."""
    probes = [one for one in report.boundary if one.signal == signal]
    outcomes = [(one, outcome) for one in report.played for outcome in one.signals if outcome.id == signal]
    wrong = [one.told(report.runbook.path) for one in probes if not one.ok]
    wrong += [
        f"{one.scenario.name}: expected {outcome.expected}, got {outcome.state} {outcome.reason}"
        for one, outcome in outcomes
        if not outcome.as_expected
    ]
    named = [one.took_ms for one, _ in outcomes if signal in one.scenario.signals]
    took = int(1000 * sum(one.seconds for one in probes)) + sum(named)
    return bool(probes or outcomes), next(iter(wrong), ""), took


def told(played: Played) -> str:
    """What came of a scenario, in one line."""
    name = f"{played.scenario.name:<24}"
    if not played.applies:
        return f"- {name} does not apply: {played.lacks}"
    seconds = f"{played.took_ms / 1000:.1f} s"
    if played.faults:
        return f"✗ {name} {'; '.join(played.faults)} ({seconds})"
    tripped = [one for one in played.signals if one.id in dict(played.scenario.expect)]
    said = ", ".join(f"{one.id} {one.state} {one.reason}".strip() for one in tripped) or "every signal as expected"
    after = played.seen.after_ms if played.seen is not None else None
    said += f", seen {after} ms after the crossing" if after is not None else ""
    said += f", verdict {played.verdict}" if played.verdict else ""
    return f"✓ {name} {said} ({seconds})"


def lines_of(report: Report) -> Iterator[str]:
    """The report without the scenarios, which were told as they came."""
    path = report.runbook.path
    for step in report.steps:
        sign = {"passed": "✓", "failed": "✗"}.get(step.state, "-")
        if step.state != "not run" or not step.said.startswith("a person"):
            yield f"{sign} {step.told(path)}"
    if report.boundary:
        good = [one for one in report.boundary if one.ok]
        yield f"{'✓' if len(good) == len(report.boundary) else '✗'} boundaries: {len(good)} of {len(report.boundary)} as they must be"
        yield from (f"✗ {one.told(path)}" for one in report.boundary if not one.ok)
    yield from (f"✗ {fault.told(path)}" for fault in report.meaning)
    if report.trouble:
        yield f"! {report.trouble}"
    applied = [one for one in report.played if one.applies]
    good_count = sum(one.ok for one in applied)
    ended = "as expected" if report.exit_code == 0 else "not as expected"
    yield (
        f"{ended}: {good_count} of {len(applied)} scenarios, {sum(s.state == 'passed' for s in report.steps)} steps, "
        f"{report.took_ms / 1000:.0f} s · edition {report.runbook.sha256[:12]}"
    )


def report_json(report: Report) -> dict[str, Any]:
    """The report as data."""
    return {
        "schema": 1,
        "drill": True,
        "ok": report.exit_code == 0,
        "runbook": report.runbook.path,
        "runbook_sha256": report.runbook.sha256,
        "began": format_instant(report.began_ms),
        "took_ms": report.took_ms,
        "scenarios": [_played_json(one) for one in report.played],
        "signals": [_signal_json(report, signal.id) for signal in report.runbook.signals],
        "steps": [{**step._asdict(), "ok": step.ok} for step in report.steps],
        "boundary": [boundary_json(one) for one in report.boundary],
        "meaning": [{**fault.as_json(), "told": fault.told(report.runbook.path)} for fault in report.meaning],
        "trouble": report.trouble,
    }


def _signal_json(report: Report, signal: str) -> dict[str, Any]:
    probes = [one for one in report.boundary if one.signal == signal]
    tried, wrong, took = _of_signal(report, signal)
    seen = [
        one.seen.after_ms
        for one in report.played
        if one.seen is not None and signal in one.scenario.signals and one.seen.after_ms is not None
    ]
    return {
        "id": signal,
        "drilled": tried,
        "ok": tried and not wrong,
        "why": wrong,
        "boundaries": len(probes),
        "boundaries_ok": sum(one.ok for one in probes),
        "seen_after_ms": max(seen, default=None),
        "took_ms": took,
    }


def _played_json(played: Played) -> dict[str, Any]:
    seen = played.seen
    return {
        "name": played.scenario.name,
        "title": played.scenario.title,
        "applies": played.applies,
        "lacks": played.lacks,
        "ok": played.ok,
        "took_ms": played.took_ms,
        "signals": [
            {
                "id": one.id,
                "expected": one.expected.state,
                "expected_reason": one.expected.reason,
                "state": one.state,
                "reason": one.reason,
                "ok": one.as_expected,
            }
            for one in played.signals
        ],
        "crossed": format_optional(seen.crossed_ms) if seen else None,
        "first_trip": format_optional(seen.first_trip_ms) if seen else None,
        "seen": format_optional(seen.seen_ms) if seen else None,
        "seen_after_ms": seen.after_ms if seen else None,
        "expected_verdict": played.scenario.verdict or None,
        "verdict": played.verdict or None,
        "verdict_reason": played.verdict_reason or None,
        "faults": list(played.faults),
    }
