"""The documents of a packet as blocks: baseline, verification, and the closeout itself.

They are put together from the same parts as the pages of a review. What was not collected is said in the place where it is missed.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from store.instants import format_duration
from store.judge import SignalState
from store.packet.citations import Claim
from store.packet.evidence import PacketEvidence, WindowEvidence
from store.packet.parts import drill_notice, provenance, signal_section
from store.packet.tree import RUNGS, answers, draw_tree, tell_tree
from store.review.document import (
    Block,
    Blocks,
    Bullets,
    Code,
    Document,
    Drawing,
    Facts,
    Heading,
    Inlines,
    Moment,
    Paragraph,
    State,
    Strong,
    Table,
)
from store.review.facts import CaseFacts
from store.review.sections import (
    decision_blocks,
    file_facts,
    moment_tables,
    note_table,
    step_table,
    unknown_table,
)
from store.review.verdict_section import verdict_blocks, watch_items
from store.telling import headline, tell_value, tell_watched
from store.words import ACTION_WORDS, reason_sentence


def baseline_document(facts: CaseFacts, shown: WindowEvidence) -> Document:
    """What was seen in the window before the change."""
    return _window_document(facts, shown, "Baseline packet", ())


def verification_document(facts: CaseFacts, shown: WindowEvidence, delta: PurePosixPath | None) -> Document:
    """What was seen in the window after the change, compared with the one before."""
    blocks: list[Block] = [Heading(2, ("Verdict",)), *verdict_blocks(facts)]
    if delta is not None:
        blocks.append(Paragraph(("The same numbers as a table: ", Code(delta.name))))
    if facts.verdict is not None:
        blocks += [Heading(2, ("Signals at the end of this window",)), *_signal_table(facts.verdict.judgement.signals)]
    return _window_document(facts, shown, "Runtime comparison packet", tuple(blocks))


def _window_document(facts: CaseFacts, shown: WindowEvidence, title: str, more: Blocks) -> Document:
    window = shown.window
    length = format_duration(window.to_ms - window.from_ms)
    items: tuple[tuple[str, Inlines], ...] = (
        ("Window", (Strong(window.name),)),
        ("From (UTC, included)", (Moment(window.from_ms),)),
        ("To (UTC, not included)", (Moment(window.to_ms),)),
        ("Length", (length,)),
        ("Deployment at its end", (_deployment(facts, window.to_ms),)),
    )
    blocks: list[Block] = [
        Heading(1, (f"{title}: {facts.card.title}",)),
        *drill_notice(facts),
        Facts((*items, *provenance(facts))),
        *more,
        Heading(2, ("Counts per route and signature",)),
        _route_table(shown),
        Heading(2, ("What was collected of this window",)),
        _collection_table(shown),
        *_check_blocks(facts),
    ]
    return Document(title, tuple(blocks))


def _deployment(facts: CaseFacts, at_ms: int) -> str:
    served = [mark for mark in facts.marks if mark.deployment and mark.at_ms <= at_ms]
    if served:
        newest = max(served, key=lambda mark: (mark.at_ms, mark.id))
        return f"{newest.deployment} (mark {newest.name})"
    before = next((mark for mark in facts.marks if mark.previous), None)
    return f"{before.previous} (before the mark {before.name})" if before else "not recorded"


def _route_table(shown: WindowEvidence) -> Table:
    rows = tuple(
        (
            (Code(each.signature),),
            (each.route or "no route",),
            (each.stream,),
            (str(each.matches),),
            (str(each.bad_minutes),),
            (Moment(each.first_ms),),
            (Moment(each.last_ms),),
        )
        for each in shown.routes
    )
    nothing = "No signature matched in this window. That says something only for the time that was watched: see below."
    return Table(("Signature", "Route", "Stream", "Failures", "Bad minutes", "First", "Last"), rows, nothing)


def _collection_table(shown: WindowEvidence) -> Table:
    rows = tuple(
        (
            (Code(f"collection:{each.id}"),),
            (f"{each.stream} by {each.collector}",),
            (each.status,),
            (
                Moment(each.from_ms) if each.from_ms is not None else "–",
                " to ",
                Moment(each.to_ms) if each.to_ms is not None else "–",
            ),
            (
                f"{each.lines_read} read, {each.matched} matched, {each.unreadable} unreadable, {each.redactions} masked",
            ),
            (each.source, " ", Code(each.source_sha256)) if each.source_sha256 else (each.source or "–",),
        )
        for each in shown.collections
    )
    return Table(
        ("Collection", "Stream", "Ended", "Asked for", "Lines", "Source and its SHA-256"),
        rows,
        "Nothing: nobody looked at this window.",
    )


def _check_blocks(facts: CaseFacts) -> Blocks:
    if facts.runbook is None:
        return ()
    checked = [signature for signature in facts.runbook.signatures if signature.check is not None]
    if not checked:
        return ()
    items: tuple[Inlines, ...] = tuple((Code(each.id), f" – {each.title}") for each in checked)
    words = "The commands stand in the runbook beside each signature, and closeout explain CASE SIGNAL prints them."
    return (Heading(2, ("Signatures that anyone can count again",)), Bullets(items), Paragraph((words,), "quiet"))


def closeout_document(
    facts: CaseFacts,
    evidence: PacketEvidence,
    claims: tuple[Claim, ...],
    files: tuple[tuple[PurePosixPath, str], ...],
    home: PurePosixPath,
) -> Document:
    """The closeout packet: thresholds, rollback criteria, steps taken, decisions with their evidence, what is not known, what next."""
    action = facts.verdict.next.action if facts.verdict is not None else None
    blocks: list[Block] = [
        Heading(1, (f"Closeout: {facts.card.title}",)),
        *drill_notice(facts),
        Facts((("As of", (Moment(facts.question.as_of_ms),)), *provenance(facts))),
        Heading(2, ("Monitoring thresholds",)),
        *_signal_table(facts.judgement.signals, evidence),
        Heading(2, ("Rollback criteria",)),
        _rollback_table(facts, evidence),
        Heading(2, ("Verdict",)),
        *verdict_blocks(facts, with_watch_items=False),
        Heading(2, ("Next-phase decision tree",)),
        *_tree_blocks(action),
        Heading(2, ("Watch items for the next cycle",)),
        _watch_bullets(facts),
        Heading(2, ("Decisions",)),
        *decision_blocks(facts),
        *_claim_blocks(claims, home),
        Heading(2, ("Runbook steps taken",)),
        *step_table(facts),
        Heading(2, ("Remaining unknowns",)),
        *unknown_table(facts),
        Heading(2, ("Windows and marks",)),
        *moment_tables(facts),
        Heading(2, ("Notes",)),
        *note_table(facts),
    ]
    for signal in facts.judgement.signals:
        blocks += signal_section(facts, signal, evidence)
    blocks += [
        Heading(2, ("Files of this packet",)),
        _file_table(files, home),
        Heading(2, ("The case",)),
        *file_facts(facts),
    ]
    return Document("Closeout", tuple(blocks))


def _signal_table(signals: tuple[SignalState, ...], evidence: PacketEvidence | None = None) -> Blocks:
    rows: list[tuple[Inlines, ...]] = []
    for signal in signals:
        speaker = headline(signal)
        value = f"{tell_value(speaker)}, watched {tell_watched(speaker)}" if speaker else "–"
        limits = (
            "\n".join(evidence.thresholds.get(each.definition, "") for each in signal.conditions) if evidence else ""
        )
        cells: tuple[Inlines, ...] = (
            (signal.title, " ", Code(signal.id)),
            (State(signal.state), f" {signal.reason}"),
            (value,),
            (Moment(signal.first_trip_ms),) if signal.first_trip_ms is not None else ("–",),
            (", ".join(signal.owner),),
        )
        rows.append((*cells[:1], (limits,), *cells[1:]) if evidence else cells)
    columns = ("Signal", "State", "Value", "First trip", "Owner")
    return (
        Table(
            (*columns[:1], "Threshold", *columns[1:]) if evidence else columns,
            tuple(rows),
            "The runbook has no signals.",
        ),
    )


def _rollback_table(facts: CaseFacts, evidence: PacketEvidence) -> Table:
    rows = tuple(
        (
            (signal.title,),
            (
                "\n".join(
                    evidence.thresholds.get(each.definition, "") for each in signal.conditions if each.kind != "probe"
                )
                or "never trips",
            ),
            (signal.rollback_do, *(part for name in signal.rollback_files for part in ("\n", Code(name)))),
            ("\n".join(signal.rollback_confirm) or "–",),
            (", ".join(signal.owner), f" {signal.contact}" if signal.contact else ""),
        )
        for signal in facts.judgement.signals
    )
    return Table(("Signal", "Rolled back when", "Rollback scope", "Confirm", "Owner"), rows)


def _tree_blocks(action: str | None) -> Blocks:
    rows = tuple(
        (
            (rung.question,),
            (Strong("yes"),) if answer == "yes" else (answer,),
            (rung.action, f" – {ACTION_WORDS[rung.action]}"),
        )
        for rung, answer in zip(RUNGS, answers(action), strict=True)
    )
    return (
        Drawing(draw_tree(action), tell_tree(action), "decision-tree"),
        Table(("Asked in this order", "Here", "Then"), rows),
    )


def _watch_bullets(facts: CaseFacts) -> Block:
    """What the verdict leaves open, and what is in watch or unanswered at the end of the evidence."""
    items: list[Inlines] = list(watch_items(facts.verdict)) if facts.verdict is not None else []
    for signal in facts.judgement.signals:
        if signal.now_state == "watch":
            speaker = headline(signal)
            value = f", {tell_value(speaker)}" if speaker else ""
            why = reason_sentence(signal.now_reason)
            items.append((f"{signal.id}: {signal.now_reason}{value} – {', '.join(signal.owner)}. {why}",))
    items += [(gap.what, f" ({gap.ref})") for gap in facts.unknown if gap.kind == "probe"]
    return Bullets(tuple(dict.fromkeys(items))) if items else Paragraph(("Nothing is left to be watched.",))


def _claim_blocks(claims: tuple[Claim, ...], home: PurePosixPath) -> Blocks:
    if not claims:
        return ()
    rows = tuple(
        (
            (f"{claim.choice} at {claim.step}",),
            (Code(claim.ref),),
            (Code(claim.file.name) if claim.file != home else "this file",),
            _claim_window(claim),
            (Code(claim.row_sha256),),
        )
        for claim in claims
    )
    return (
        Heading(3, ("What each decision cites",)),
        Table(("Decision", "Row", "Shown in", "Window (UTC)", "SHA-256 of the row"), rows),
    )


def _claim_window(claim: Claim) -> Inlines:
    if claim.from_ms is None or claim.to_ms is None:
        return ("–",)
    if claim.from_ms == claim.to_ms:
        return (Moment(claim.from_ms),)
    return (Moment(claim.from_ms), " to ", Moment(claim.to_ms))


def _file_table(files: tuple[tuple[PurePosixPath, str], ...], home: PurePosixPath) -> Table:
    rows = tuple(((Code(str(path)),), (Code(digest),)) for path, digest in files)
    return Table(("File", "SHA-256"), rows, "This packet has no other file.")
