"""Warnings: limits that a schedule can never reach, schedules that cannot answer, and parts that nothing uses.

A runbook with warnings is whole. Each warning carries its figures, so that the author can judge it unaided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from store.instants import format_duration
from store.runbook.model import (
    Condition,
    ConditionKind,
    Runbook,
    Signal,
    Signature,
    Source,
    SourceKind,
    StepKind,
    Unit,
)
from store.runbook.requests import request_lines
from store.runbook.schedule import Schedule

_COUNTING = (ConditionKind.COUNT, ConditionKind.BURST, ConditionKind.TREND)


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning before it has its file's name."""

    line: int
    what: str
    why: str


def warnings_of(runbook: Runbook, also: Sequence[Warned] = ()) -> tuple[str, ...]:
    """Return every warning as `PATH:LINE: what: why`, in the order of the file."""
    found = [*also, *_unreachable_limits(runbook), *_schedules(runbook), *_mixed_units(runbook)]
    found += [*_unasked_routes(runbook), *_unused(runbook)]
    found.sort(key=lambda warned: warned.line)
    return tuple(dict.fromkeys(f"{runbook.path}:{warned.line}: {warned.what}: {warned.why}" for warned in found))


def dead_ends(runbook: Runbook) -> tuple[Warned, ...]:
    """Return the warnings that are failures in a drill: what they name can never be reached, or never be shown."""
    seldom = [
        warned
        for signal in runbook.signals
        for condition in signal.conditions
        for use in condition.streams
        for source in runbook.sources
        if source.id == use.stream
        for warned in _too_seldom(signal, condition, source)
    ]
    return (*_unreachable_limits(runbook), *seldom, *_unasked_routes(runbook))


def _unreachable_limits(runbook: Runbook) -> Iterator[Warned]:
    signatures = {signature.id: signature for signature in runbook.signatures}
    for signal in runbook.signals:
        for condition in signal.conditions:
            if condition.kind in _COUNTING:
                yield from _too_few_runs(signal, condition, [signatures[name] for name in condition.signatures])
            elif condition.kind is ConditionKind.LOOP:
                yield from _too_few_cycles(signal, condition, runbook.signatures)


def _too_few_runs(signal: Signal, condition: Condition, signatures: Sequence[Signature]) -> Iterator[Warned]:
    span = condition.slice_ms if condition.kind is ConditionKind.BURST and condition.slice_ms else condition.window_ms
    most = _most_requests(signatures, span)
    needed, limit = _needed(condition)
    if most is None or most >= needed:
        return
    schedules = " and ".join(dict.fromkeys(str(signature.schedule) for signature in signatures))
    figures = f"at most {most} requests fit in {format_duration(span)} on {schedules}, {limit}"
    yield Warned(condition.line, signal.id, f'{figures}: this can never trip; count unit = "row" or lower the limit')


def _needed(condition: Condition) -> tuple[int, str]:
    """Return how many events trip a counting condition, and its limit in words."""
    if condition.kind is ConditionKind.TREND:
        return condition.floor or 0, f"the trend's floor is {condition.floor}"
    limit = condition.limit or 0
    return (limit + 1, f"limit is over {limit}") if condition.op == ">" else (limit, f"limit is at least {limit}")


def _most_requests(signatures: Sequence[Signature], span_ms: int) -> int | None:
    """Bound what the signatures can count together; None when any of them is not bound to a schedule."""
    most = 0
    for signature in signatures:
        if signature.schedule is None or signature.unit is not Unit.REQUEST:
            return None  # one request may leave many messages and rows
        most += Schedule.parse(signature.schedule).most_runs(span_ms)
    return most


def _too_few_cycles(signal: Signal, condition: Condition, signatures: Sequence[Signature]) -> Iterator[Warned]:
    for group in condition.groups:
        members = [signature for signature in signatures if signature.group == group]
        if any(signature.schedule is None for signature in members):
            continue
        # Any unit: two slices that do not overlap need failures of two different runs, or of one run's late messages.
        most = _most_requests(members, condition.window_ms)
        if most is not None and most < (condition.limit or 0):
            schedules = " and ".join(dict.fromkeys(str(signature.schedule) for signature in members))
            figures = (
                f"at most {most} requests of group {group} fit in {format_duration(condition.window_ms)} on {schedules}"
            )
            yield Warned(
                condition.line, signal.id, f"{figures}, limit is at least {condition.limit}: this can never trip"
            )


def _schedules(runbook: Runbook) -> Iterator[Warned]:
    sources = {source.id: source for source in runbook.sources}
    for signal in runbook.signals:
        for condition in signal.conditions:
            for use in condition.streams:
                source = sources[use.stream]
                yield from _too_seldom(signal, condition, source)
                yield from _stale_between_looks(signal, condition, source, use.settle_ms)


def _too_seldom(signal: Signal, condition: Condition, source: Source) -> Iterator[Warned]:
    if condition.kind not in (ConditionKind.QUEUE, ConditionKind.LEVEL) or condition.max_gap_ms is None:
        return
    every = source.every_ms
    if every is None:
        if condition.kind is ConditionKind.QUEUE and source.kind is SourceKind.OFFLOAD:
            apart = format_duration(condition.window_ms)
            why = f'"{source.id}" has no every: two snapshots {apart} apart neither trip nor clear'
            yield Warned(condition.line, signal.id, why)
        return
    if every > condition.max_gap_ms:
        figures = f"looks every {format_duration(every)}, max_gap is {format_duration(condition.max_gap_ms)}"
        why = f'"{source.id}" {figures}: every reading stands alone and nothing is proven'
        yield Warned(condition.line, signal.id, why)
    fitting = condition.window_ms // every + 1
    if condition.min_snapshots is not None and fitting < condition.min_snapshots:
        fit = (
            f"at most {fitting} snapshots fit in {format_duration(condition.window_ms)} every {format_duration(every)}"
        )
        why = f"{fit}, min_snapshots is {condition.min_snapshots}: this can never trip on one window"
        yield Warned(condition.line, signal.id, why)


def _stale_between_looks(signal: Signal, condition: Condition, source: Source, settle_ms: int) -> Iterator[Warned]:
    """A stream ages up to `every` + `settle` before the next look; a shorter stale_after makes the signal flicker."""
    if source.every_ms is None or condition.kind is ConditionKind.PROBE:
        return
    oldest = source.every_ms + settle_ms
    if oldest >= condition.stale_after_ms:
        ages = f'"{source.id}" is up to {format_duration(oldest)} old before its next look (every + settle)'
        limit = f"stale_after is {format_duration(condition.stale_after_ms)}"
        why = f"{ages}, {limit}: the signal turns stale between two looks"
        yield Warned(signal.line, signal.id, why)


def _mixed_units(runbook: Runbook) -> Iterator[Warned]:
    units = {signature.id: signature.unit for signature in runbook.signatures}
    for signal in runbook.signals:
        for condition in signal.conditions:
            mixed = sorted({str(units[name]) for name in condition.signatures})
            if len(mixed) > 1:
                why = f"its signatures count different units ({', '.join(mixed)}); their sum means nothing"
                yield Warned(condition.line, signal.id, why)


def _unasked_routes(runbook: Runbook) -> Iterator[Warned]:
    """A route that no request asks leaves its signal partial for ever."""
    sources = {source.id: source for source in runbook.sources}
    for signal in runbook.signals:
        for condition in signal.conditions:
            streams = [sources[use.stream] for use in condition.streams]
            if condition.kind is not ConditionKind.PROBE or any(one.kind is not SourceKind.PROBES for one in streams):
                continue
            asked = {route for source in streams for route in _asked_routes(runbook, source)}
            for route in condition.routes:
                if route not in asked:
                    yield Warned(condition.line, signal.id, f"no request asks {route}: this stays partial for ever")


def _asked_routes(runbook: Runbook, source: Source) -> Iterator[str]:
    if source.command is None or source.command.language != "http":
        yield from source.routes  # beside a fence they are the paths it may ask, not requests
    commands = [source.command, *(step.command for step in runbook.steps if source.id in step.feeds)]
    for command in commands:
        if command is not None and command.language == "http":
            yield from (request.route for request in request_lines(command) if request.route)


def _unused(runbook: Runbook) -> Iterator[Warned]:
    conditions = [condition for signal in runbook.signals for condition in signal.conditions]
    named = {name for condition in conditions for name in condition.signatures}
    groups = {name for condition in conditions for name in condition.groups}
    for signature in runbook.signatures:
        if signature.id not in named and signature.group not in groups:
            yield Warned(
                signature.line, signature.id, "no signal uses this signature; it is looked for and never trips"
            )
    read = {use.stream for condition in conditions for use in condition.streams}
    fed = {name for step in runbook.steps for name in step.feeds}
    for source in runbook.sources:
        if source.id not in read | fed:
            yield Warned(source.line, source.id, "no signal reads this source and no step feeds it")
        elif _has_no_way_to_look(runbook, source):
            yield Warned(
                source.line,
                source.id,
                f"it looks every {format_duration(source.every_ms or 0)} and has no command to look with",
            )


def _has_no_way_to_look(runbook: Runbook, source: Source) -> bool:
    if source.every_ms is None or source.kind not in (SourceKind.LOGS, SourceKind.RECORDS) or source.command:
        return False
    captures = [step for step in runbook.steps if step.kind is StepKind.CAPTURE and source.id in step.feeds]
    return not any(step.command for step in captures)
