"""The unit test of a runbook: does each signal trip exactly at its limit, and not one below?

Boundary probes are derived from the runbook itself: for each condition the last harmless value and the first that trips,
the edges of its window, a hole in what was watched, and a time at which nobody looked. Their evidence goes into a scratch
case by the ways that real evidence takes, and the case's own views are asked. Nothing here compares a count with a limit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from collectors.drill.boundary_counts import Makers, burst_trials, count_trials, loop_trials, trend_trials
from collectors.drill.boundary_states import level_trials, probe_trials, queue_trials, ratio_trials
from collectors.drill.boundary_trial import LARGEST, UNSEEN, Trial
from collectors.drill.boundary_write import OPERATOR, Lane, Writer
from collectors.drill.specimen import (
    CannotMakeError,
    Shown,
    Specimen,
    specimen_of,
    try_specimen,
    why_unmatched,
)
from store.begin import begin_case
from store.case import Case, remove_case
from store.editions import judged_signatures
from store.errors import BadInput
from store.instants import MINUTE_MS, parse_instant
from store.judge import ConditionState, Judgement, Question, judge
from store.runbook.model import Condition, ConditionKind, Runbook, Signal, Signature, Source, SourceKind
from store.runbook.parse import parse_runbook

_BEGIN_MS = parse_instant("2010-01-01T00:00:00Z")
_DAY_MS = 24 * 60 * MINUTE_MS

NO_SPECIMEN = "no specimen"
"""The probe's name where the runbook does not say what its evidence would look like."""

Judge = Callable[[Any, Question], Judgement]

_READINGS: dict[ConditionKind, Callable[[Condition], Iterator[Trial]]] = {
    ConditionKind.QUEUE: queue_trials,
    ConditionKind.RATIO: ratio_trials,
    ConditionKind.PROBE: probe_trials,
    ConditionKind.LEVEL: level_trials,
}
_COUNTS: dict[ConditionKind, Callable[[Condition, Makers], Iterator[Trial]]] = {
    ConditionKind.COUNT: count_trials,
    ConditionKind.BURST: burst_trials,
    ConditionKind.TREND: trend_trials,
    ConditionKind.LOOP: loop_trials,
}


@dataclass(frozen=True, slots=True)
class BoundaryResult:
    """One boundary probe: the evidence that was staged, what must come of it, and what came."""

    signal: str
    condition: str
    probe: str
    evidence: str
    expected: str
    got: str
    ok: bool
    line: int
    seconds: float

    def told(self, path: str) -> str:
        """One sentence, which for a failure begins with the line of the runbook."""
        if self.probe == NO_SPECIMEN:
            return f"{path}:{self.line}: {self.signal} {self.condition} cannot be tried: {self.evidence}"
        said = f"{self.signal} {self.condition}, {self.probe}: {self.evidence}: {self.got}"
        return f"{said}, as it must be" if self.ok else f"{path}:{self.line}: {said}, must be {self.expected}"


def as_json(result: BoundaryResult) -> dict[str, Any]:
    """A result as data."""
    return asdict(result)


def boundary_report(
    runbook: str | bytes | Runbook, folder: Path, *, path: str = "runbook.md", asked: Judge = judge
) -> tuple[BoundaryResult, ...]:
    """Try every boundary of a runbook in a scratch case that is removed again.

    Args:
        runbook: the runbook, or its text.
        folder: an existing folder for the scratch case.
        path: how the runbook's faults name it, when its text is given.
        asked: asks the views; another one shows that the probes can fail.

    Raises:
        RunbookInvalid: it has faults.
        Refused: the folder cannot be written.
    """
    if not isinstance(runbook, Runbook):
        runbook = parse_runbook(runbook.decode() if isinstance(runbook, bytes) else runbook, path)
    case_path = folder / "boundary-probes.db"
    begin_case(case_path, runbook, title="DRILL boundary probes", operator=OPERATOR, drill=True)
    try:
        with Case.open(case_path, write=True) as case:
            return tuple(_Report(case, runbook, folder, asked).results())
    finally:
        remove_case(case_path)


class _Report:
    """All probes of one runbook in one case, each at a time of its own."""

    def __init__(self, case: Case, runbook: Runbook, folder: Path, asked: Judge) -> None:
        self._case = case
        self._runbook = runbook
        self._folder = folder
        self._asked = asked
        self._writer = Writer(case, runbook, folder)
        self._sources = {source.id: source for source in runbook.sources}
        every = [condition for signal in runbook.signals for condition in signal.conditions]
        # Whatever a condition looks back to lies nearer than this.
        self._apart_ms = _DAY_MS + max(
            (max((c.rises or 0) + 3, 3) * c.window_ms + (c.for_ms or 0) + 3 * (c.max_gap_ms or 0) for c in every),
            default=0,
        )
        self._at_ms = _BEGIN_MS
        self._specimens: dict[tuple[str, str], Specimen | str] = {}
        self._shown: dict[tuple[str, str], Shown | None] = {}

    def results(self) -> Iterator[BoundaryResult]:
        """Try each condition of each signal, and at the end look when nobody looked."""
        for signal in self._runbook.signals:
            for place, condition in enumerate(signal.conditions):
                yield from self._condition(signal, place, condition)
        yield from self._nobody_looked()

    def _condition(self, signal: Signal, place: int, condition: Condition) -> Iterator[BoundaryResult]:
        try:
            lanes = self._lanes(condition)
            trials = self._trials(condition, lanes)
        except _CannotTryError as cannot:
            yield BoundaryResult(
                signal.id, condition.kind, NO_SPECIMEN, cannot.why, "tried", "not tried", False, cannot.line, 0.0
            )
            return
        for trial in trials:
            yield self._try(signal, place, condition, lanes, trial)

    def _try(
        self, signal: Signal, place: int, condition: Condition, lanes: tuple[Lane, ...], trial: Trial
    ) -> BoundaryResult:
        began = time.perf_counter()
        at_ms = self._next_instant(condition)
        expected = trial.expected
        if condition.kind in _COUNTS and "tripped" not in expected and any(_is_sampled(lane.source) for lane in lanes):
            expected = ("no_data",)  # a source that drops records can never show that something did not happen
        try:
            self._writer.write(condition, lanes, trial.evidence, at_ms)
            state = self._judged(at_ms, signal.id, place)
            got, ok = state.state, state.state in expected
            if trial.value is not None and expected == trial.expected and state.value != trial.value:
                got, ok = f"{got}, but {state.value} counted instead of {trial.value}", False
            elif not ok:
                got = f"{got} ({state.reason})"
        except BadInput as refused:
            got, ok = refused.message, False
        seconds = time.perf_counter() - began
        return BoundaryResult(
            signal.id, condition.kind, trial.name, trial.says, " or ".join(expected), got, ok, condition.line, seconds
        )

    def _nobody_looked(self) -> Iterator[BoundaryResult]:
        began = time.perf_counter()
        answer = self._asked(self._case.read(), self._question(self._at_ms + 2 * self._apart_ms))
        seconds = time.perf_counter() - began
        states = {signal.id: signal for signal in answer.signals}
        for signal in self._runbook.signals:
            for place, condition in enumerate(signal.conditions):
                got = states[signal.id].conditions[place].state
                yield BoundaryResult(
                    signal.id, condition.kind, "nobody looked", "nothing was collected in the window",
                    " or ".join(UNSEEN), got, got in UNSEEN, condition.line, seconds,
                )  # fmt: skip

    def _judged(self, at_ms: int, signal: str, place: int) -> ConditionState:
        answer = self._asked(self._case.read(), self._question(at_ms))
        return next(state for state in answer.signals if state.id == signal).conditions[place]

    def _question(self, at_ms: int) -> Question:
        return Question(at_ms, self._case.head().seq, None, False, self._case.edition())

    def _next_instant(self, condition: Condition) -> int:
        """A time of its own: a trend goes by whole windows since the epoch, a ratio by whole minutes."""
        step = math.lcm(condition.window_ms if condition.kind is ConditionKind.TREND else MINUTE_MS, MINUTE_MS)
        self._at_ms = -(-(self._at_ms + 2 * self._apart_ms) // step) * step
        return self._at_ms

    def _lanes(self, condition: Condition) -> tuple[Lane, ...]:
        """The condition's streams; each of its signatures is written to the first one that can show it."""
        sources = [self._sources[use.stream] for use in condition.streams]
        wanted = self._wanted(condition)
        homes = {signature.id: self._home(signature, sources) for signature in wanted}
        lanes = []
        for use, source in zip(condition.streams, sources, strict=True):
            specimens = {
                name: specimen
                for name, home in homes.items()
                if home.id == source.id and isinstance(specimen := self._specimen(name, source), Specimen)
            }
            delays = [self._seen(name, source)[1] for name in (w.id for w in wanted) if source.kind is SourceKind.LOGS]
            lanes.append(Lane(source, use.settle_ms, specimens, max(delays, default=0)))
        return tuple(lanes)

    def _wanted(self, condition: Condition) -> list[Signature]:
        judged = {name for name, _ in judged_signatures(condition, self._runbook)}
        return [signature for signature in self._runbook.signatures if signature.id in judged]

    def _home(self, signature: Signature, sources: list[Source]) -> Source:
        why = ""
        for source in sources:
            specimen = self._specimen(signature.id, source)
            if source.kind is SourceKind.RECORDS:
                return source
            if isinstance(specimen, str):
                why = f"no specimen of {signature.id} can be made: {specimen}"
            elif signature.id in self._seen(signature.id, source)[0]:
                return source
            else:
                why = f"no record of {source.id} can match {signature.id}: {self._why(signature, source)}"
        raise _CannotTryError(why, signature.line)

    def _specimen(self, name: str, source: Source) -> Specimen | str:
        if (name, source.id) not in self._specimens:
            signature = next(each for each in self._runbook.signatures if each.id == name)
            made: Specimen | str
            try:
                made = specimen_of(self._runbook, source, signature)
            except CannotMakeError as cannot:
                made = Specimen("", None, 200, ()) if source.kind is SourceKind.RECORDS else str(cannot)
            self._specimens[name, source.id] = made
        return self._specimens[name, source.id]

    def _seen(self, name: str, source: Source) -> tuple[frozenset[str], int]:
        """Which signatures a specimen matches, and after which delay its form proves them."""
        shown = self._tried(name, source)
        return (shown.matched, shown.prospect.delay_ms) if shown else (frozenset(), 0)

    def _tried(self, name: str, source: Source) -> Shown | None:
        if (name, source.id) not in self._shown:
            signature = next(each for each in self._runbook.signatures if each.id == name)
            specimen = self._specimen(name, source)
            self._shown[name, source.id] = (
                try_specimen(self._runbook, source, signature, specimen, self._folder)
                if isinstance(specimen, Specimen)
                else None
            )
        return self._shown[name, source.id]

    def _why(self, signature: Signature, source: Source) -> str:
        shown = self._tried(signature.id, source)
        return why_unmatched(source, signature, shown) if shown else ""

    def _trials(self, condition: Condition, lanes: tuple[Lane, ...]) -> list[Trial]:
        if condition.kind in _READINGS:
            return list(_READINGS[condition.kind](condition))
        if (condition.limit or 0) > LARGEST or (condition.floor or 0) > LARGEST:
            raise _CannotTryError(
                f"its limit needs more than {LARGEST} matches, which is not rehearsed", condition.line
            )
        return list(_COUNTS[condition.kind](condition, self._makers(condition, lanes)))

    def _makers(self, condition: Condition, lanes: tuple[Lane, ...]) -> Makers:
        wanted = {signature.id: signature for signature in self._wanted(condition)}
        groups: dict[str, str] = {}
        shares: dict[str, frozenset[str]] = {}
        for group in dict.fromkeys(condition.groups):
            groups[group] = next(name for name, signature in wanted.items() if signature.group == group)
            home = next(lane.source for lane in lanes if groups[group] in lane.specimens)
            matched = self._seen(groups[group], home)[0] if home.kind is SourceKind.LOGS else frozenset()
            shares[group] = frozenset(str(wanted[name].group) for name in matched if name in wanted)
        return Makers(condition.signatures, groups, shares)


def _is_sampled(source: Source) -> bool:
    return source.sample_rate is not None and source.sample_rate < 1


class _CannotTryError(Exception):
    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.why = why
        self.line = line
