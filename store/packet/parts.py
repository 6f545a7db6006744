"""Parts that several documents of a packet share: where it comes from, the notice of a rehearsal, a signal with its drawings."""

from __future__ import annotations

from store.judge import SignalState
from store.packet.evidence import PacketEvidence
from store.review.document import Block, Blocks, Code, Heading, Inlines, Paragraph, State, Strong
from store.review.facts import CaseFacts
from store.review.sections import condition_drawing
from store.telling import tell_value, tell_watched
from store.words import reason_sentence


def provenance(facts: CaseFacts) -> tuple[tuple[str, Inlines], ...]:
    """What every document says of where it comes from."""
    return (
        ("Case", (Code(facts.card.case_id),)),
        ("Head of the case", (Code(f"{facts.head.seq} {facts.head.head}"),)),
        ("State of the case", ("sealed",) if facts.sealed else ("open: it may go on",)),
        ("Known transactions", (str(facts.question.known_seq),)),
        ("Runbook", (facts.edition.path, " ", Code(facts.edition.sha256))),
        ("Definition", (Code(facts.edition.definition_sha256),)),
    )


def drill_notice(facts: CaseFacts) -> Blocks:
    """The notice of a rehearsal."""
    return (
        (Paragraph((Strong("DRILL: "), "everything in this case was staged."), "notice"),) if facts.card.drill else ()
    )


def signal_section(facts: CaseFacts, signal: SignalState, evidence: PacketEvidence) -> Blocks:
    """One signal with its conditions, limits and drawings."""
    blocks: list[Block] = [
        Heading(2, (State(signal.state), f" {signal.title}")),
        Paragraph((reason_sentence(signal.reason),)),
    ]
    for condition in signal.conditions:
        limit = evidence.thresholds.get(condition.definition, "")
        blocks.append(
            Paragraph(
                (
                    State(condition.state),
                    f" {condition.kind}: {tell_value(condition)}, watched {tell_watched(condition)}. Limit: {limit}",
                )
            )
        )
        blocks += condition_drawing(facts, signal, condition)
    return tuple(blocks)
