"""Turns validated blocks into the frozen runbook. Every default that depends on another block is filled in here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from store.runbook.blocks import (
    BrowserSource,
    LogsSource,
    OffloadSource,
    ProbesSource,
    SignalBlock,
    SignatureBlock,
    SourceBlock,
    StepBlock,
)
from store.runbook.model import (
    Choice,
    Condition,
    ConditionKind,
    DispatchTable,
    FieldMap,
    LedgerTable,
    QueueTable,
    Rollback,
    Signal,
    Signature,
    Source,
    SourceKind,
    Step,
    StreamUse,
)
from store.runbook.trips import CountTrip, LevelTrip, LoopTrip, ProbeTrip, QueueTrip, RatioTrip, TrendTrip, Trip
from store.runbook.validate import ReadBlock


def canonical_sha256(value: Any) -> str:
    """Hash a plain value through its canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def build_source(read: ReadBlock, model: SourceBlock) -> Source:
    """Build one source."""
    return Source(
        id=model.id,
        kind=SourceKind(model.kind),
        title=read.block.title or model.id,
        line=read.block.line,
        settle_ms=model.settle,
        every_ms=model.every,
        guidance=read.block.guidance,
        command=read.block.command,
        **_particulars(model),
    )


def _particulars(model: SourceBlock) -> dict[str, Any]:
    """Return the fields that only one kind of source has."""
    if isinstance(model, LogsSource):
        fields = FieldMap(**model.fields.model_dump()) if model.fields else None
        return {"format": model.format, "fields": fields, "sample_rate": model.sample_rate}
    if isinstance(model, OffloadSource):
        return {
            "address": model.address,
            "queue": QueueTable(**_tuples(model.queue.model_dump())) if model.queue else None,
            "ledger": LedgerTable(**_tuples(model.ledger.model_dump())) if model.ledger else None,
            "dispatch": DispatchTable(**_tuples(model.dispatch.model_dump())) if model.dispatch else None,
            "timeout_ms": model.timeout,
        }
    if isinstance(model, ProbesSource):
        return {
            "origin": model.origin,
            "headers": tuple(model.headers.items()),
            "routes": tuple(model.routes),
            "expect": tuple(model.expect),
            "patterns": tuple(model.patterns.items()),
            "timeout_ms": model.timeout,
            "side_effects": model.side_effects,
        }
    if isinstance(model, BrowserSource):
        return {
            "origin": model.origin,
            "headers": tuple(model.headers.items()),
            "pages": tuple(model.pages),
            "timeout_ms": model.timeout,
        }
    return {}


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def build_signature(read: ReadBlock, model: SignatureBlock) -> Signature:
    """Build one signature; its hash covers what decides matching and identity, not the prose around it."""
    routes = tuple(model.routes or ((model.route,) if model.route else ()))
    identity = {
        "routes": sorted(routes),
        "timeout": model.timeout,
        "messages": sorted(model.message or ()),
        "pattern": model.pattern,
        "statuses": sorted(model.status or ()),
        "where": model.where,
        "unit": str(model.unit),
        "group": model.group,
    }
    return Signature(
        id=model.id,
        title=read.block.title or model.id,
        line=read.block.line,
        sha256=canonical_sha256(identity),
        routes=routes,
        timeout_s=model.timeout,
        messages=tuple(model.message or ()),
        pattern=model.pattern,
        statuses=tuple(model.status or ()),
        where=tuple(sorted(model.where.items())),
        unit=model.unit,
        group=model.group,
        role=model.role,
        schedule=model.schedule,
        sample=model.sample,
        guidance=read.block.guidance,
        check=read.block.command,
    )


def build_signal(read: ReadBlock, model: SignalBlock, sources: Mapping[str, Source]) -> Signal:
    """Build one signal with its conditions in the order of the file."""
    conditions = tuple(
        _condition(trip, read.lines.of("trip", number), model, sources)
        for number, trip in enumerate(read.trips)
        if trip is not None
    )
    undo = model.rollback
    return Signal(
        id=model.id,
        title=read.block.title or model.id,
        line=read.block.line,
        owner=tuple(model.owner),
        conditions=conditions,
        rollback=Rollback(undo.do, tuple(undo.files), tuple(undo.confirm), read.block.command),
        contact=model.contact,
        guidance=read.block.guidance,
    )


def _condition(trip: Trip, line: int, signal: SignalBlock, sources: Mapping[str, Source]) -> Condition:
    names = trip.streams or signal.streams
    uses = tuple(StreamUse(name, sources[name].settle_ms if trip.settle is None else trip.settle) for name in names)
    return Condition(
        kind=ConditionKind(trip.kind),
        line=line,
        streams=uses,
        window_ms=signal.window,
        watch_percent=signal.watch_percent,
        stale_after_ms=signal.stale_after,
        max_skew_ms=signal.max_skew,
        **_judged(trip, sources[names[0]]),
    )


def _judged(trip: Trip, first_source: Source) -> dict[str, Any]:
    """Return the fields that only one kind of condition judges."""
    if isinstance(trip, CountTrip):
        limit = {"op": ">", "limit": trip.over} if trip.over is not None else {"op": ">=", "limit": trip.at_least}
        return {"signatures": tuple(trip.signatures), "slice_ms": getattr(trip, "slice", None), **limit}
    if isinstance(trip, TrendTrip):
        return {"signatures": tuple(trip.signatures), "rises": trip.rises, "floor": trip.floor, "z2_micro": trip.z2}
    if isinstance(trip, LoopTrip):
        return {"groups": tuple(trip.groups), "slice_ms": trip.slice, "op": ">=", "limit": trip.at_least}
    if isinstance(trip, QueueTrip):
        return {
            "max_gap_ms": trip.max_gap,
            "min_snapshots": trip.min_snapshots,
            "min_growth": trip.min_growth,
        }
    if isinstance(trip, RatioTrip):
        return {
            "of": trip.of,
            "op": ">",
            "limit": trip.over_percent,
            "min_failures": trip.min_failures,
            "min_total": trip.min_total,
            "min_cover_percent": trip.min_cover_percent,
        }
    if isinstance(trip, ProbeTrip):
        return {"routes": tuple(trip.routes), "expect": tuple(trip.expect or first_source.expect)}
    if isinstance(trip, LevelTrip):
        limit = {"op": ">", "limit": trip.over} if trip.over is not None else {"op": "<", "limit": trip.under}
        return {"series": trip.series, "for_ms": trip.for_, "max_gap_ms": trip.max_gap, **limit}
    return {}


def build_step(read: ReadBlock, model: StepBlock, needs: Sequence[str], feeds: Sequence[str]) -> Step:
    """Build one step; its hash covers its block and its command, so that an edit of it can be told from any other."""
    command = read.block.command
    written = {"toml": read.block.body, "language": command.language if command else None}
    return Step(
        id=model.id,
        title=read.block.title or model.id,
        line=read.block.line,
        kind=model.kind,
        effect=model.effect,
        sha256=canonical_sha256({**written, "command": command.text if command else None}),
        needs=tuple(needs),
        feeds=tuple(feeds),
        cites=tuple(model.cites),
        for_ms=model.for_,
        mandatory=model.mandatory,
        max_age_ms=model.max_age,
        second_person=tuple(model.second_person),
        choices=tuple(
            Choice(choice.id, choice.label, choice.next, choice.scope, tuple(choice.roles)) for choice in model.choice
        ),
        guidance=read.block.guidance,
        command=command,
    )
