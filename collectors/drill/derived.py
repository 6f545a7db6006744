"""Scenarios made from a runbook itself: for each signal that counts faults in the platform's log, a burst that crosses its limit live.

The shipped scenarios speak of the shipped runbook's signals; these speak of anybody's. Only what a runbook says is staged: the text, route and
status of a signature turned round, as many times as the limit allows and once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.drill.scenario import ANY, Expected, Faults, Scenario
from collectors.drill.specimen import CannotMakeError, form_of, specimen_of
from store.runbook.model import Condition, ConditionKind, Runbook, Signal, Signature, Source, SourceKind, Unit

MOST_LIVE = 60
"""More faults than this are not staged within the half minute that somebody watches; the rest lies in the past."""

_PAST_MS = (-20 * 60_000, -2 * 60_000)
_LIVE_MS = (8_000, 40_000)
_REASONS = {ConditionKind.COUNT: "count_over", ConditionKind.BURST: "burst_over"}


def derived_scenarios(runbook: Runbook, tripped: Iterable[str]) -> tuple[Scenario, ...]:
    """One scenario for each signal that could trip in a staged log and that no other scenario trips.

    Args:
        runbook: the runbook.
        tripped: signals for which there are scenarios already.
    """
    known = set(tripped)
    found = (_of_signal(runbook, signal) for signal in runbook.signals if signal.id not in known)
    return tuple(scenario for scenario in found if scenario is not None)


def _of_signal(runbook: Runbook, signal: Signal) -> Scenario | None:
    for condition in signal.conditions:
        for signature in _signatures(runbook, condition):
            faults = tuple(_faults(runbook, condition, signature))
            if faults:
                return Scenario(
                    f"own-{signal.id}",
                    f"{signal.title}: its limit is crossed",
                    f"As many {signature.id} as the limit allows, and one more.",
                    (signal.id,),
                    ((signal.id, Expected("tripped", _REASONS[condition.kind])),),
                    ANY,
                    faults=faults,
                )
    return None


def _signatures(runbook: Runbook, condition: Condition) -> Iterator[Signature]:
    if condition.kind in _REASONS and condition.limit is not None:
        yield from (one for one in runbook.signatures if one.id in condition.signatures and not one.where)


def _faults(runbook: Runbook, condition: Condition, signature: Signature) -> Iterator[Faults]:
    source = _source(runbook, condition)
    if source is None or (form_of(source) == "stream" and signature.statuses):
        return
    try:
        specimen = specimen_of(runbook, source, signature)
    except CannotMakeError:
        return
    needed = (condition.limit or 0) + (condition.op == ">")
    now = min(needed, MOST_LIVE)
    past = needed - now
    # An export has several rows for one request, and a burst has no past.
    if needed < 1 or (past and (signature.unit is Unit.ROW or condition.kind is ConditionKind.BURST)):
        return
    if past and condition.window_ms < 30 * 60_000:
        return

    def burst(count: int, span: tuple[int, int], *, crosses: bool) -> Faults:
        seconds = specimen.late_ms // 1000
        return Faults(
            "own", specimen.route or "/", count, *span, seconds, crosses, text=specimen.message, status=specimen.status
        )

    if past:
        yield burst(past, _PAST_MS, crosses=False)
    yield burst(now, _LIVE_MS, crosses=True)


def _source(runbook: Runbook, condition: Condition) -> Source | None:
    """The one log source of a condition, if the platform's command prints it."""
    streams = {use.stream for use in condition.streams}
    logs = [source for source in runbook.sources if source.id in streams and source.kind is SourceKind.LOGS]
    staged = [one for one in logs if one.command is not None and one.format is None and "vercel" in one.command.text]
    return staged[0] if len(streams) == 1 and staged else None
