"""Play a scenario without a screen, through the real collectors as processes of their own, and say what came of it.

The staged world knows when a limit was crossed, the case says when that was seen; this module only compares the two, and each state with the
one that the scenario expects.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from collectors.drill.scenario import Expected, Moment, Scenario
from collectors.drill.stage import Stage, Staged
from collectors.logs.command import log_command
from store import trust
from store.begin import begin_case
from store.case import Case, now_ms
from store.instants import format_duration
from store.judge import Judgement, judge, question_at
from store.moments import resolve_span
from store.runbook.model import Runbook, Source, SourceKind
from store.verdict import judge_verdict, verdict_question
from store.walk import remarks

OPERATOR = "drill"
LOG_EVERY_MS = 1_000
OFFLOAD_EVERY_MS = 2_000
QUICKER = 8
"""How many times quicker than it is written a story is played where nobody watches."""

_LOOK_S = 0.15
_SETTLE_S = 2.0
_ATTACH_S = 12.0
_PATIENCE_S = 30.0
_STILL_S = 9.0
"""When nothing has changed for so long after the last scripted fault, nothing more will come of it."""
_STAGED_KINDS = (SourceKind.LOGS, SourceKind.OFFLOAD, SourceKind.PROBES)
_DEPLOY = Moment("deploy", -122 * 60_000, "dpl_staged_new", "dpl_staged_old")
_ENTRY = "import sys; sys.path.insert(0, {root!r}); from {module} import main; sys.exit(main())"
_ROOT = str(Path(__file__).resolve().parents[1])


class SignalOutcome(NamedTuple):
    """What a signal came to, beside what it was to come to."""

    id: str
    expected: Expected
    state: str
    reason: str

    @property
    def as_expected(self) -> bool:
        """Whether state and, where one is named, reason are those of the scenario."""
        return self.expected.state in ("", self.state) and self.expected.reason in ("", self.reason)


class Seen(NamedTuple):
    """A limit that was crossed: when in the world, when the case says it was, and when the status first said so."""

    crossed_ms: int
    first_trip_ms: int | None
    seen_ms: int | None
    exact: bool

    @property
    def after_ms(self) -> int | None:
        """How long it took until it was seen."""
        return None if self.seen_ms is None else self.seen_ms - self.crossed_ms


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario as it was played. `lacks`: why it does not apply; then nothing of it was done."""

    scenario: Scenario
    lacks: str = ""
    signals: tuple[SignalOutcome, ...] = ()
    seen: Seen | None = None
    verdict: str = ""
    verdict_reason: str = ""
    case: Path | None = None
    took_ms: int = 0
    faults: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether everything was as expected."""
        return not self.faults

    @property
    def applies(self) -> bool:
        """Whether it was played at all."""
        return not self.lacks


def play(
    stage: Stage, scenario: Scenario, runbook: Runbook, folder: Path, environ: Mapping[str, str], stop: threading.Event
) -> Played:
    """Play one scenario to its end; its case stays in the folder."""
    lacks = why_not(scenario, runbook)
    if lacks:
        return Played(scenario, lacks)
    began = time.monotonic()
    staged = stage.open(scenario, runbook, environ, quicker=QUICKER)
    try:
        case = begin_staged_case(folder / f"{scenario.name}.db", runbook, staged)
        with collecting(case, runbook, staged):
            wait_until_watched(case, staged, stop)
            stage.go(staged)
            judgement, seen = _watch(case, runbook, staged, stop)
        verdict, verdict_reason = _verdict(case, staged)
    finally:
        stage.shut(staged)
    signals = _outcomes(scenario, runbook, judgement)
    took = int(1000 * (time.monotonic() - began))
    played = Played(scenario, "", signals, seen, verdict, verdict_reason, case, took)
    return Played(scenario, "", signals, seen, verdict, verdict_reason, case, took, tuple(_faults(played)))


def why_not(scenario: Scenario, runbook: Runbook) -> str:
    """Why a scenario does not apply to a runbook; empty if it does."""
    known = {signal.id for signal in runbook.signals}
    missing = [name for name in scenario.signals if name not in known]
    if missing:
        return f"the runbook has no signal {', '.join(missing)}"
    if not any(is_staged(runbook, signal.id) for signal in runbook.signals):
        return "no signal reads a stream that can be staged: logs by the platform's command, a database, probes"
    return ""


def is_staged(runbook: Runbook, signal: str) -> bool:
    """Whether the staged world can play every stream of a signal."""
    streams = {
        use.stream for one in runbook.signals if one.id == signal for trip in one.conditions for use in trip.streams
    }
    return streams <= {source.id for source in runbook.sources if can_stage(source)}


def can_stage(source: Source) -> bool:
    """Whether the staged world has what a source asks: tables, routes, or the platform's own log command."""
    if source.kind is SourceKind.LOGS:
        return source.command is not None and source.format is None and "vercel" in source.command.text
    return source.kind in _STAGED_KINDS


def begin_staged_case(path: Path, runbook: Runbook, staged: Staged, *, operator: str = OPERATOR) -> Path:
    """Make the drill's case, allow it here, and bring in everything that was before it went live."""
    scenario, begin = staged.scenario, staged.begin_ms
    moments = scenario.moments
    if not any(moment.name == "deploy" for moment in moments):
        moments = (_DEPLOY, *moments)
    deployed = next(moment for moment in moments if moment.name == "deploy")
    begin_case(
        path,
        runbook,
        title=f"DRILL {scenario.title}",
        operator=operator,
        scope_start_ms=begin + deployed.at_ms,
        drill=True,
    )
    with Case.open(path, write=True) as case:
        trust.remember(case)
        for moment in moments:
            told = {"deployment": moment.deployment, "previous": moment.previous}
            remarks.add_mark(case, operator, moment.name, begin + moment.at_ms, **told)
        for span in scenario.spans:
            remarks.add_window(case, operator, span.name, begin + span.from_ms, begin + span.to_ms)
        _bring_in(case, runbook, staged)
    return path


def _bring_in(case: Case, runbook: Runbook, staged: Staged) -> None:
    from collectors.logs.ingest import import_log
    from collectors.records.load import load_records

    stream = next((s.id for s in runbook.sources if s.kind is SourceKind.LOGS and can_stage(s)), "")
    for file in staged.files:
        if file.what == "records":
            name = Path(file.path).name
            load_records(case, runbook, Path(file.path).read_bytes(), name=name, operator=OPERATOR)
        elif stream:
            import_log(
                case, runbook, stream, file.path, since_ms=file.from_ms, until_ms=file.to_ms, now_ms=case.clock()
            )


@contextmanager
def collecting(case: Path, runbook: Runbook, staged: Staged, *, lasting_ms: int = 600_000) -> Iterator[None]:
    """Let the real collectors look while the block goes on."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for source in runbook.sources:
            if can_stage(source):
                words = collector_words(case, source, lasting_ms)
                processes.append(_start(words, staged.environ, staged.folder / f"{source.id}.said"))
        yield
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            try:
                process.wait(6)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_watched(case: Path, staged: Staged, stop: threading.Event) -> None:
    """Until the log's collector has begun: what a command that follows was not there for it never shows."""
    until = time.monotonic() + _ATTACH_S
    while time.monotonic() < until and not stop.is_set():
        with Case.open(case) as opened:
            begun = (
                opened.read()
                .execute("SELECT count(*) FROM collection WHERE collector = 'logs' AND command <> ''")
                .fetchone()[0]
            )
        if begun or not any(file.what == "log" for file in staged.files) or stop.wait(_LOOK_S):
            return


def collector_words(case: Path, source: Source, lasting_ms: int) -> list[str]:
    """The command line of the process that collects a source for a drill: as for real, only more often."""
    if source.kind is SourceKind.LOGS:
        words = ["collectors.logs.capture_process", str(case), source.id, "--for", str(lasting_ms)]
        follows = source.command is not None and log_command(source.command.text).follows
        return words if follows else [*words, "--every", str(LOG_EVERY_MS)]
    words = ["tui.cli", "collect", str(case), source.id, "--json"]
    if source.kind is SourceKind.PROBES:
        return [*words, "--confirm"]
    return [*words, "--every", f"{OFFLOAD_EVERY_MS}ms", "--for", f"{lasting_ms}ms"]


def _start(words: Sequence[str], environ: Mapping[str, str], said: Path) -> subprocess.Popen[bytes]:
    entry = _ENTRY.format(root=_ROOT, module=words[0])
    with said.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", entry, *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**environ, "PYTHONPATH": os.pathsep.join(filter(None, (_ROOT, environ.get("PYTHONPATH", ""))))},
            start_new_session=True,
        )


def _watch(case: Path, runbook: Runbook, staged: Staged, stop: threading.Event) -> tuple[Judgement, Seen | None]:
    """Ask for the states again and again, as `status --watch` does, until they are those of the scenario and stay so."""
    scenario = staged.scenario
    live_s = scenario.last_live_ms / 1000 / QUICKER + _SETTLE_S
    began = still = time.monotonic()
    matched, last = 0.0, [("", "")]
    wanted = _tripping(scenario)
    seen_ms: int | None = None
    while True:
        judgement = judged(case)
        now, at_ms = time.monotonic(), now_ms()
        states = {signal.id: signal for signal in judgement.signals}
        if seen_ms is None and wanted and all(states[name].state == "tripped" for name in wanted):
            seen_ms = at_ms
        good = all(outcome.as_expected for outcome in _outcomes(scenario, runbook, judgement))
        matched = (matched or now) if good else 0.0
        picture = [(signal.state, signal.reason) for signal in judgement.signals]
        still = still if picture == last else now
        last, passed = picture, now - began
        done = matched and now - matched >= _SETTLE_S / 2 and passed >= live_s
        given_up = passed > live_s + _STILL_S and (now - still > _STILL_S or passed > live_s + _PATIENCE_S)
        if done or given_up or stop.wait(_LOOK_S):
            break
    crossing = next((one for one in staged.journal() if one.crosses), None)
    if crossing is None or not wanted:
        return judgement, None
    first = states[wanted[0]].first_trip_ms
    exact = scenario.crosses is not None and scenario.crosses.kind == "timeout"
    return judgement, Seen(crossing.at_ms, first, seen_ms, exact)


def judged(case: Path) -> Judgement:
    """What `status` says now."""
    with Case.open(case) as opened:
        return judge(opened.read(), question_at(opened.read(), as_of_ms=now_ms(), live=True))


def _tripping(scenario: Scenario) -> list[str]:
    return [name for name, expected in scenario.expect if expected.state == "tripped"]


def _outcomes(scenario: Scenario, runbook: Runbook, judgement: Judgement) -> tuple[SignalOutcome, ...]:
    return tuple(
        SignalOutcome(signal.id, scenario.expected(signal.id), signal.state, signal.reason)
        for signal in judgement.signals
        if is_staged(runbook, signal.id)
    )


def _verdict(case: Path, staged: Staged) -> tuple[str, str]:
    names = {span.name for span in staged.scenario.spans}
    if not {"baseline", "postfix"} <= names:
        return "", ""
    with Case.open(case) as opened:
        db, now = opened.read(), now_ms()
        baseline, postfix = (resolve_span(name, now_ms=now, db=db) for name in ("baseline", "postfix"))
        verdict = judge_verdict(db, verdict_question(db, baseline, postfix))
    return verdict.verdict, verdict.reason


def _faults(played: Played) -> Iterator[str]:
    """What was not as expected, in one sentence each."""
    scenario = played.scenario
    for signal in played.signals:
        if not signal.as_expected:
            yield f"{signal.id}: expected {signal.expected}, got {signal.state} {signal.reason}"
    if scenario.crosses is not None and played.seen is None:
        yield "the crossing never took place in the staged world"
    seen = played.seen
    if seen is not None and seen.seen_ms is not None and seen.exact and seen.first_trip_ms != seen.crossed_ms + 1:
        apart = "at no instant" if seen.first_trip_ms is None else format_duration(seen.first_trip_ms - seen.crossed_ms)
        yield f"it tripped {apart} from the fault that crossed the limit, not 1 ms after it"
    if scenario.verdict and played.verdict != scenario.verdict:
        yield f"verdict: expected {scenario.verdict}, got {played.verdict} by the rule {played.verdict_reason}"
    elif scenario.verdict_reason and played.verdict_reason != scenario.verdict_reason:
        yield f"verdict {played.verdict}: expected the rule {scenario.verdict_reason}, got {played.verdict_reason}"
