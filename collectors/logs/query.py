"""A command that looks back: run once per window, its whole output read like a file, its window covered if it ended
well.
"""

from __future__ import annotations

import select
import tempfile
import time
from collections.abc import Callable
from typing import IO

from collectors.logs.child import Child
from collectors.logs.command import LogCommand, version_of, with_window
from collectors.logs.conclude import refuse_no_log
from collectors.logs.ingest import gather_for, store_log
from collectors.logs.keep import Asked, ImportedLog, store_failed
from collectors.logs.record import Form, form_named
from collectors.logs.redact import Redactor, declared_secrets
from collectors.logs.scan import scan
from collectors.logs.source import LogSource
from collectors.schedule import Ticks, missed_by, steady_ms, ticks
from store.case import Case
from store.errors import BadInput
from store.instants import MINUTE_MS, format_duration
from store.runbook.model import Runbook, Source

MISSED = "missed"
"""Said of a look that did not take place, beside the statuses of those that did."""
FIRST_LOOK_MS = 30 * MINUTE_MS
"""How far back the first look goes when nobody says and nothing was collected yet."""
_LONGEST_GAP_MS = 24 * 60 * MINUTE_MS
_LOOK_S = 0.2

Tell = Callable[[str, str], None]


def collect_queries(
    case: Case, runbook: Runbook, source: Source, command: LogCommand, *, since_ms: int | None, until_ms: int | None,
    for_ms: int | None, every_ms: int | None, stop: Callable[[], bool], tell: Tell, environ: dict[str, str],
    clock: Callable[[], int], stall_s: float,
) -> list[ImportedLog]:  # fmt: skip
    """Run the command for one window, or for one window after the other; each begins where the last good one ended."""
    every = every_ms or (source.every_ms if for_ms is not None else None)
    version = version_of(command, environ)

    def look(until: int, deadline_ms: int | None = None) -> ImportedLog:
        since = since_ms if since_ms is not None and not done else _resume_ms(case, runbook, source, until)
        asked = Asked(source.id, since, until, command=command.text, tool_version=version, limit=command.limit)

        def stopped() -> bool:
            return stop() or (deadline_ms is not None and steady_ms() > deadline_ms)

        return collect_query(
            case, runbook, source, command, asked, stop=stopped, environ=environ, clock=clock, stall_s=stall_s
        )

    done: list[ImportedLog] = []
    if every is None:
        done.append(look(until_ms if until_ms is not None else clock()))
        return done
    schedule = Ticks(every, for_ms, steady_ms=steady_ms, wall_ms=clock)
    for tick in ticks(schedule, lambda seconds: _wait(seconds, stop)):
        if tick.missed:
            asked = Asked(source.id, tick.planned_ms, tick.planned_ms, command=command.text, tool_version=version)
            why = missed_by(tick.planned_ms, clock(), "the look before it took too long, or the machine slept")
            redactor = Redactor(declared_secrets(runbook.secrets))
            # A row of its own, but no loss: the next look begins where the last good one ended.
            missed = store_failed(case, asked, why, clock(), redactor=redactor)
            done.append(missed._replace(status=MISSED, reason=missed.reason.removeprefix("missed ")))
        else:
            done.append(look(clock(), schedule.ends_ms))
        tell({"failed": "failed", MISSED: MISSED}.get(done[-1].status, "looked"), done[-1].reason)
        if stop():
            break
    return done


def collect_query(
    case: Case, runbook: Runbook, source: Source, command: LogCommand, asked: Asked, *, stop: Callable[[], bool],
    environ: dict[str, str], clock: Callable[[], int], stall_s: float,
) -> ImportedLog:  # fmt: skip
    """Run the command for one window; what it gave, or why it gave nothing, lands in the case."""
    redactor = Redactor(declared_secrets(runbook.secrets))
    began_ms = clock()  # what comes later than its start cannot be in what it prints

    def failed(reason: str, code: int | None) -> ImportedLog:
        return store_failed(case, asked, reason, clock(), exit_code=code, redactor=redactor)

    with tempfile.TemporaryFile(prefix="closeout-") as output:
        try:
            child = Child(command.argv, with_window(environ, asked.from_ms, asked.to_ms))
        except OSError as error:
            return failed(f"the command cannot be run: {error.strerror}: {command.argv[0]}", None)
        with child:
            lack = _drain(child, output, stop, stall_s)
            code = child.end() if lack else child.wait()
            said = child.said_last()
        if not lack and code != 0:
            lack = f"the command ended with exit code {code}" + (f": {said}" if said else "")
        output.seek(0)
        gather = gather_for(runbook, source, asked, clock())
        try:
            with LogSource(output, "the command's output", size=child.bytes_read) as opened:
                form = ""
                if child.bytes_read:
                    form, sure = scan(opened, source, gather)
                    if gather.records or gather.unread or gather.faults:
                        refuse_no_log(gather, opened.name, sure=sure)
                if lack and not gather.records:
                    return failed(lack, code)
                note = ""
                if not gather.records:
                    note = "the command printed no record"
                    gather.announced = _printed_before(case, source, redactor.command(asked.command))
                return store_log(
                    case, source, asked, gather, opened, form, began_ms, exit_code=code, lack=lack, note=note
                )
        except BadInput as error:
            return failed("; ".join(filter(None, (lack, error.message))), code)
        finally:
            gather.spool.close()


def _drain(child: Child, output: IO[bytes], stop: Callable[[], bool], stall_s: float) -> str:
    """Take all that the command prints; why not, if something stopped it."""
    heard = time.monotonic()
    while child.stdout is not None or child.stderr is not None:
        if stop():
            return "stopped before the command had ended"
        if time.monotonic() - heard > stall_s:
            return f"nothing came from the command for {format_duration(int(stall_s * 1000))}"
        ready, _, _ = select.select([d for d in (child.stdout, child.stderr) if d is not None], [], [], _LOOK_S)
        for descriptor in ready:
            heard = time.monotonic()
            if descriptor == child.stdout:
                output.write(child.read())
            else:
                child.read_complaint()
    return ""


def _printed_before(case: Case, source: Source, command: str) -> Form | None:
    """The form of the records that the same command printed the last time it printed some.

    Only then is its silence an answer: a wrong branch, project or filter is as silent as a quiet system.
    """
    row = case.read().execute(
        "SELECT k.form FROM collection k JOIN collection_end e ON e.collection = k.id "
        "WHERE k.stream = ? AND k.command = ? AND e.lines_read > 0 AND e.status <> 'failed' "
        "AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id) ORDER BY k.id DESC LIMIT 1",
        (source.id, command),
    ).fetchone()  # fmt: skip
    if row is None:
        return None
    return Form.GENERIC if source.format else form_named(row[0])


def _resume_ms(case: Case, runbook: Runbook, source: Source, until_ms: int) -> int:
    """Where the next look begins: where the last good one ended, less what had not settled then, less the longest time-out.

    A request is found by its start: one that began before the last look and timed out after it would be in neither.
    """
    (reached,) = case.read().execute(
        "SELECT max(c.to_ms) FROM coverage c LEFT JOIN collection_end e ON e.collection = c.collection "
        "WHERE c.stream = ? AND ifnull(e.status, 'ok') = 'ok' "
        "AND NOT EXISTS (SELECT 1 FROM retraction x WHERE x.collection = c.collection)",
        (source.id,),
    ).fetchone()  # fmt: skip
    if reached is None or not 0 < until_ms - reached < _LONGEST_GAP_MS:
        return until_ms - FIRST_LOOK_MS
    longest_s = max((signature.timeout_s or 0 for signature in runbook.signatures), default=0)
    return int(reached) - source.settle_ms - 1000 * longest_s


def _wait(seconds: float, stop: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not stop() and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_S))
    return stop()
