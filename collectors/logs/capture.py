"""Live capture: runs the command that follows a log and stores what it prints at least once a second, for as long as
asked.

Every stop, restart, stall and limit is a gap in what was watched. A stream that ends itself gets a successor before it
does, so that the two overlap; what both print is counted once.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from collectors.logs.child import Child
from collectors.logs.command import LogCommand, log_command, version_of, with_window
from collectors.logs.gather import Gather
from collectors.logs.ingest import gather_for, log_source
from collectors.logs.keep import Asked, ImportedLog, store_failed
from collectors.logs.query import collect_queries
from collectors.logs.redact import Redactor, declared_secrets
from collectors.logs.run import Run
from collectors.schedule import steady_ms
from store.case import Case, now_ms
from store.errors import BadInput, CaseSealed, CloseoutError
from store.instants import format_duration
from store.runbook.model import Runbook, Source

COMMIT_S = 0.8
STALL_S = 120.0
_OVERLAP_S = 5.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_SETTLED_S = 30.0
_UNWRITTEN_S = 60.0
_LOOK_S = 0.2
_SAY_WAITING_S = 10.0
_SHOWN = 300

Tell = Callable[[str, str], None]


class Pace(NamedTuple):
    """How often things happen, in seconds."""

    commit_s: float = COMMIT_S
    stall_s: float = STALL_S
    overlap_s: float = _OVERLAP_S
    pause_s: float = _FIRST_PAUSE_S


def capture(
    case_path: str | Path,
    runbook: Runbook,
    stream: str,
    command: str | Sequence[str] | None = None,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    for_ms: int | None = None,
    every_ms: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    tell: Tell = lambda kind, text: None,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], int] = now_ms,
    terminal: bool = False,
    pace: Pace | None = None,
) -> list[ImportedLog]:
    """Collect a stream by its command: once or again and again when it looks back, without a break when it follows.

    Args:
        case_path: the case.
        runbook: its newest runbook.
        stream: the `logs` source.
        command: shell text or words; the source's own command if none is given.
        since_ms: start of the first look back, or where a following command may begin.
        until_ms: end of a single look back; a command of which it cannot be told is taken to look back then.
        for_ms: how long to go on; a following command without it goes on until it ends or is stopped.
        every_ms: how often a command that looks back is run; once without it.
        stop: asked several times a second.
        tell: is told (kind, text): waiting, attached, said, looked, missed, stalled, resumed, restarted, failed, unwritten.
        environ: of the command; ours if none is given.
        clock: the wall clock in milliseconds.
        terminal: let the command use the terminal until its first record, for a login.
        pace: how often things happen.

    Raises:
        BadInput: no such stream, or it has no command.
    """
    source = log_source(runbook, stream)
    chosen = _command_of(source, command)
    pace = pace or Pace()
    environment = dict(os.environ if environ is None else environ)
    with Case.open(case_path, write=True, clock=clock) as case:
        if _looks_back(chosen, until_ms, every_ms):
            return collect_queries(
                case, runbook, source, chosen, since_ms=since_ms, until_ms=until_ms, for_ms=for_ms, every_ms=every_ms,
                stop=stop, tell=tell, environ=environment, clock=clock, stall_s=pace.stall_s,
            )  # fmt: skip
        following = _Following(case, runbook, source, chosen, environment, clock, stop, tell, pace, terminal, since_ms)
        return following.until(None if for_ms is None else steady_ms() + for_ms)


def _looks_back(command: LogCommand, until_ms: int | None, every_ms: int | None) -> bool:
    """Whether a command is run to its end, once or again and again. One that surely follows never ends by itself.

    Raises:
        BadInput: it follows, and was to stop at a moment.
    """
    if command.surely_follows:
        if until_ms is not None:
            raise BadInput("this command follows the log: it cannot look up to a moment", "leave out --until")
        return False  # a pace that was asked for other streams, too, is none of its
    return not command.follows or every_ms is not None or until_ms is not None


def _command_of(source: Source, given: str | Sequence[str] | None) -> LogCommand:
    if given is None and source.command is None:
        raise BadInput(f"{source.id} has no command", "write one as an sh fence under the source, or after --")
    return log_command(source.command.text if given is None and source.command else given or "")


class _Following:
    """The runs of a following command, one after the other, overlapping where it ends itself."""

    def __init__(
        self, case: Case, runbook: Runbook, source: Source, command: LogCommand, environ: dict[str, str],
        clock: Callable[[], int], stop: Callable[[], bool], tell: Tell, pace: Pace, terminal: bool, since_ms: int | None,
    ) -> None:  # fmt: skip
        self.done: list[ImportedLog] = []
        self._case = case
        self._runbook = runbook
        self._source = source
        self._command = command
        self._environ = environ
        self._clock = clock
        self._stop = stop
        self._tell = tell
        self._pace = pace
        self._terminal = sys.stdin.fileno() if terminal and sys.stdin.isatty() else None
        self._since_ms = since_ms
        self._asked = Asked(source.id, command=command.text, tool_version=version_of(command, environ))
        self._runs: list[Run] = []
        self._wait_s = pace.pause_s
        self._next_start = 0.0
        self._next_commit = 0.0
        self._unwritten_since: float | None = None
        self._failures = 0
        self._say_waiting_s = _SAY_WAITING_S

    def until(self, deadline_ms: int | None) -> list[ImportedLog]:
        """Go on until the deadline on the steady clock, the end of the command, or a stop."""
        try:
            while not self._stop() and (deadline_ms is None or steady_ms() < deadline_ms):
                self._start_what_is_due()
                self._read()
                self._mind_the_terminal()
                self._commit_if_due()
                if not self._settle_ended(again=deadline_ms is not None):
                    break
        finally:
            self._stop_all()
        return self.done

    def _stop_all(self) -> None:
        """End what still runs. Of a command that never printed a record that is all there is to tell."""
        running, self._runs = self._runs, []
        attached = any(run.attached for run in running)
        for run in running:
            lasted = format_duration(int((time.monotonic() - run.started) * 1000))
            code = self._end(run, "stopped")
            if not attached and not run.attached:
                self._fail(f"stopped after {lasted}; the command had printed no record", code)

    def _start_what_is_due(self) -> None:
        now = time.monotonic()
        newest = self._runs[-1] if self._runs else None
        if newest is None:
            if now >= self._next_start:
                self._start()
            return
        lasts = self._command.lasts_ms
        if len(self._runs) == 1 and lasts is not None and now - newest.started > lasts / 1000:
            if now >= self._next_start:
                self._start()
        elif len(self._runs) > 1 and newest.attached and now - newest.started > self._pace.overlap_s:
            old = self._runs.pop(0)
            self._tell("restarted", "the stream would end itself soon: its successor took over")
            self._end(old, "its successor took over before it ended itself")

    def _start(self) -> None:
        now = self._clock()
        environ = with_window(self._environ, now if self._since_ms is None else self._since_ms, now)
        try:
            child = Child(self._command.argv, environ, terminal=self._terminal)
        except OSError as error:
            self._fail(f"the command cannot be run: {error.strerror}: {self._command.argv[0]}", None)
            self._back_off()
            return
        self._terminal = None
        self._runs.append(
            Run(
                self._case,
                self._source,
                self._asked,
                child,
                self._new_gather,
                clock=self._clock,
                stall_s=self._pace.stall_s,
            )
        )

    def _new_gather(self) -> Gather:
        return gather_for(self._runbook, self._source, self._asked, self._clock())

    def _read(self) -> None:
        outputs = {run.child.stdout: run for run in self._runs if run.child.stdout is not None}
        complaints = {run.child.stderr: run for run in self._runs if run.child.stderr is not None}
        timeout = max(0.0, min(_LOOK_S, self._next_commit - time.monotonic()))
        ready, _, _ = select.select([*outputs, *complaints], [], [], timeout)
        for descriptor in ready:
            if descriptor in complaints:
                run = complaints[descriptor]
                was = run.attached
                said = run.read_complaint()
                if not was and run.child.terminal is not None:
                    self._tell("said", said.decode("utf-8", "replace"))
            else:
                run = outputs[descriptor]
                was = run.attached
                said = run.read()
                if not run.attached and run.child.terminal is not None:
                    self._tell("said", said.decode("utf-8", "replace"))  # a question may be asked here, too
            if run.attached and not was:
                self._tell("attached", f"{self._source.id}: the command is connected")

    def _mind_the_terminal(self) -> None:
        for run in self._runs:
            if run.child.terminal is not None and run.child.is_stopped():
                self._tell("said", "a capture cannot be suspended: it goes on; Ctrl-C ends it")
                run.child.go_on()

    def _commit_if_due(self) -> None:
        now = time.monotonic()
        if now < self._next_commit:
            return
        self._next_commit = now + self._pace.commit_s
        for run in self._runs:
            self._written(run)
            if not run.attached and now - run.started > self._say_waiting_s:
                self._say_waiting_s = 3 * self._say_waiting_s
                self._tell("waiting", f"no record for {format_duration(int((now - run.started) * 1000))} yet")

    def _commit(self, run: Run) -> None:
        if run.commit():
            quiet = format_duration(int(run.quiet_s * 1000))
            self._tell("stalled", f"no data for {quiet}") if run.stalled else self._tell("resumed", "data again")
        self.done += run.ended
        run.ended.clear()

    def _written(self, run: Run) -> None:
        """Write, or try again at the next commit; what waits is not lost. Gives up after a minute."""
        try:
            self._commit(run)
        except CaseSealed:
            raise
        except CloseoutError as error:
            now = time.monotonic()
            self._unwritten_since = self._unwritten_since or now
            self._tell("unwritten", str(error))
            if now - self._unwritten_since > _UNWRITTEN_S:
                raise
            return
        self._unwritten_since = None

    def _settle_ended(self, *, again: bool) -> bool:
        """End the runs whose command has ended; False when there is to be no other."""
        for run in [run for run in self._runs if run.over]:
            self._runs.remove(run)
            lasted = time.monotonic() - run.started
            code = self._end(run)
            if not run.attached:
                self._fail(run.why_nothing(code), code)
            elif run.is_hollow(code):
                self._failures += 1
                self._tell("failed", self._masked(run.why_ended(code)))
            elif not run.broke_off and (run.looks_back or (not again and self._command.lasts_ms is None)):
                return False
            else:
                self._failures = 0
                self._wait_s = self._pace.pause_s if lasted > _SETTLED_S else self._wait_s
                after = format_duration(int(lasted * 1000))
                self._tell("restarted", self._masked(f"{run.why_ended(code)}, after {after}"))
            self._back_off()
        # A command that never got connected is not tried again; one that was is.
        return self._failures == 0 or bool(self._done_well())

    def _back_off(self) -> None:
        """Wait before the next start, longer each time."""
        self._next_start = time.monotonic() + self._wait_s
        self._wait_s = min(2 * self._wait_s, _LONGEST_PAUSE_S)

    def _done_well(self) -> list[ImportedLog]:
        """The collections that did not fail."""
        return [told for told in self.done if told.status != "failed"]

    def _end(self, run: Run, note: str = "") -> int:
        code = 0
        with run.child:
            try:
                code = run.end(note)
            except CloseoutError as error:  # its collection stays without an end: lost, up to its last commit
                self._tell("unwritten", str(error))
                if (lost := run.lost(str(error))) is not None:
                    self.done.append(lost)
        self.done += run.ended
        run.ended.clear()
        return code

    def _fail(self, reason: str, code: int | None) -> None:
        self._failures += 1
        self._tell("failed", self._masked(reason))
        now = self._clock()
        asked = self._asked._replace(from_ms=now, to_ms=now)
        self.done.append(store_failed(self._case, asked, reason, now, exit_code=code, redactor=self._redactor()))

    def _masked(self, text: str) -> str:
        return self._redactor().text(text)[:_SHOWN]

    def _redactor(self) -> Redactor:
        return Redactor(declared_secrets(self._runbook.secrets))
