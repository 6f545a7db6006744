"""The monitoring document: queue depth, run ledger and direct probes. An empty ledger is called empty, never healthy."""

from __future__ import annotations

from store.instants import format_duration
from store.packet.evidence import PacketEvidence
from store.packet.parts import drill_notice, provenance, signal_section
from store.review.document import Block, Blocks, Code, Document, Facts, Heading, Moment, Paragraph, Strong, Table
from store.review.facts import CaseFacts


def offload_document(facts: CaseFacts, evidence: PacketEvidence) -> Document:
    """Queue depth, run ledger and direct probes."""
    blocks: list[Block] = [
        Heading(1, (f"Offload monitoring: {facts.card.title}",)),
        *drill_notice(facts),
        Facts((("As of", (Moment(facts.question.as_of_ms),)), *provenance(facts))),
        Heading(2, ("Queue",)),
        *_queue_blocks(evidence),
        Heading(2, ("Run ledger",)),
        *_ledger_blocks(evidence),
        Heading(2, ("Direct probes",)),
        _probe_table(evidence),
    ]
    for signal in facts.judgement.signals:
        if any(condition.kind in ("queue", "ratio", "probe") for condition in signal.conditions):
            blocks += signal_section(facts, signal, evidence)
    return Document("Offload monitoring", tuple(blocks))


def _queue_blocks(evidence: PacketEvidence) -> Blocks:
    spans = tuple(
        (
            (each.stream,),
            (Moment(each.from_ms),),
            (Moment(each.to_ms),),
            (format_duration(each.to_ms - each.from_ms),),
            (f"{each.first_depth} to {each.last_depth}",),
            ("began empty" if each.ratio is None else f"{each.ratio:g}",),
            (str(each.snapshots),),
        )
        for each in evidence.queue_spans
    )
    rows = tuple(
        (
            (Code(f"snapshot:{each.id}"),),
            (Moment(each.at_ms),),
            (str(each.pending),),
            (str(each.running),),
            (str(each.failed),),
            ("–" if each.succeeded is None else str(each.succeeded),),
            ("–" if each.pending_due is None else str(each.pending_due),),
            (Moment(each.oldest_due_ms),) if each.oldest_due_ms is not None else ("–",),
        )
        for each in evidence.queue
    )
    nothing = "No snapshot of the queue was taken."
    return (
        Table(
            ("Stream", "T0", "Last", "Between", "Depth (pending + running)", "Growth ratio", "Snapshots"),
            spans,
            nothing,
        ),
        Table(("Snapshot", "At", "Pending", "Running", "Failed", "Succeeded", "Due", "Oldest due"), rows, nothing),
    )


def _ledger_blocks(evidence: PacketEvidence) -> Blocks:
    if evidence.ledger:
        rows = tuple(
            (
                (f"{each.stream} ({each.of})",),
                (Moment(each.from_ms),),
                (Moment(each.to_ms),),
                (str(each.total),),
                (str(each.failures),),
                ("no finished run" if each.ratio is None else f"{each.ratio:.4g}",),
            )
            for each in evidence.ledger
        )
        columns = ("Ledger", "From", "To", "Total runs", "Failures", "failure_ratio = failures / total")
        return (Table(columns, rows),)
    if not evidence.looks:
        return (Paragraph(("Nobody looked at the run ledger.",), "alarm"),)
    looks = ", ".join(f"collection:{look.id} ({look.status})" for look in evidence.looks)
    words = f"The ledger was looked at ({looks}) and held no finished run. There is no failure ratio then, and an empty ledger is no sign of health."
    return (Paragraph((Strong("Empty. "), words), "alarm"),)


def _probe_table(evidence: PacketEvidence) -> Table:
    rows = tuple(
        (
            (Code(f"probe:{each.id}"),),
            (Moment(each.at_ms),),
            (each.route,),
            (each.status_text,),
            (each.outcome,),
            ("–" if each.total_us is None else f"{each.total_us / 1000:.0f} ms",),
            (each.reason or "–",),
        )
        for each in evidence.probes
    )
    return Table(("Probe", "At", "Route", "Status", "Outcome", "Took", "Why"), rows, "No route was probed.")
