"""Runbook editions in a case: the text as adopted, and its conditions as the rows that the views judge by."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from store import journal

if TYPE_CHECKING:
    from store.case import Transaction
    from store.runbook.model import Condition, Runbook, Signal


def store_edition(tx: Transaction, runbook: Runbook, *, adopted_ms: int, reason: str) -> int:
    """Store a runbook as the edition that holds from now on; returns its id."""
    edition = tx.add(
        journal.Edition(runbook.sha256, definition_sha256(runbook), runbook.path, runbook.text, adopted_ms, reason)
    )
    tx.add_all(
        journal.Source(edition, source.id, source.kind, source.title, source.settle_ms, source.every_ms)
        for source in runbook.sources
    )
    for signature in runbook.signatures:
        check = signature.check.text if signature.check else None
        tx.add(
            journal.Signature(
                edition,
                signature.id,
                signature.sha256,
                signature.title,
                signature.unit,
                signature.group,
                signature.role,
                json.dumps(signature.routes),
                check,
            )
        )
    for position, signal in enumerate(runbook.signals, 1):
        _store_signal(tx, edition, position, signal, runbook)
    for position, step in enumerate(runbook.steps, 1):
        tx.add(
            journal.Step(
                edition,
                step.id,
                position,
                step.title,
                step.kind,
                step.effect,
                int(step.mandatory),
                step.max_age_ms,
                step.sha256,
            )
        )
    return edition


def definition_sha256(runbook: Runbook) -> str:
    """Hash of everything that decides a state: conditions, streams and signature texts; prose and owners do not."""
    signals = [
        [signal.id, [_condition_facts(condition, runbook) for condition in signal.conditions]]
        for signal in runbook.signals
    ]
    canonical = json.dumps(signals, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def judged_signatures(condition: Condition, runbook: Runbook) -> list[tuple[str, str]]:
    """Id and text hash of the signatures that a condition judges; for a loop those mapped to its groups."""
    wanted = set(condition.signatures)
    return [
        (signature.id, signature.sha256)
        for signature in runbook.signatures
        if signature.id in wanted or (condition.groups and signature.group in condition.groups)
    ]


def signatures_of_stream(runbook: Runbook, stream: str) -> list[tuple[str, str]]:
    """Id and text hash of the signatures that some condition judges on a stream."""
    found: dict[str, str] = {}
    for signal in runbook.signals:
        for condition in signal.conditions:
            if any(use.stream == stream for use in condition.streams):
                found.update(judged_signatures(condition, runbook))
    return sorted(found.items())


def _store_signal(tx: Transaction, edition: int, position: int, signal: Signal, runbook: Runbook) -> None:
    rollback = signal.rollback
    tx.add(
        journal.Signal(
            edition,
            signal.id,
            position,
            signal.title,
            json.dumps(signal.owner),
            signal.contact,
            rollback.do,
            json.dumps(rollback.files),
            json.dumps(rollback.confirm),
            rollback.undo.text if rollback.undo else None,
        )
    )
    for place, condition in enumerate(signal.conditions, 1):
        _store_condition(tx, edition, signal.id, place, condition, runbook)


def _store_condition(
    tx: Transaction, edition: int, signal: str, place: int, condition: Condition, runbook: Runbook
) -> None:
    c = condition
    definition = tx.add(
        journal.Definition(
            edition,
            signal,
            place,
            c.kind,
            c.op,
            c.limit,
            c.window_ms,
            c.watch_percent,
            c.stale_after_ms,
            c.max_skew_ms,
            c.slice_ms,
            c.rises,
            c.floor,
            c.z2_micro,
            c.max_gap_ms,
            c.min_snapshots,
            c.min_growth,
            c.of,
            c.min_failures,
            c.min_total,
            c.min_cover_percent,
            c.series,
            c.for_ms,
        )
    )
    for use in c.streams:
        tx.add(journal.DefinitionStream(definition, use.stream, use.settle_ms))
    for name, sha256 in judged_signatures(c, runbook):
        tx.add(journal.DefinitionSignature(definition, name, sha256))
    for group in dict.fromkeys(c.groups):
        tx.add(journal.DefinitionGroup(definition, group))
    for route in dict.fromkeys(c.routes):
        tx.add(journal.DefinitionRoute(definition, route))
    for status in dict.fromkeys(c.expect):
        tx.add(journal.DefinitionStatus(definition, status))


def _condition_facts(condition: Condition, runbook: Runbook) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name in condition.__struct_fields__:
        value = getattr(condition, name)
        if name == "line" or value is None or value == ():
            continue
        facts[name] = [[use.stream, use.settle_ms] for use in value] if name == "streams" else value
    facts["judges"] = judged_signatures(condition, runbook)
    return facts
