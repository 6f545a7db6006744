"""Pages that set a case beside something else: what vouches for it, and another case.

The same blocks as everywhere; the answers are those of `store.verify` and `store.compare`, nothing is compared here.
"""

from __future__ import annotations

from store.compare import Comparison, SideCount, WindowPair
from store.instants import format_duration
from store.review.document import (
    Block,
    Blocks,
    Bullets,
    Card,
    Cards,
    Code,
    Document,
    Drawing,
    Form,
    Heading,
    Inlines,
    Link,
    Moment,
    PageOf,
    Paragraph,
    State,
    Strong,
    Table,
)
from store.review.drawing import describe_series, draw_series
from store.review.facts import CaseFacts
from store.review.proof import Proof
from store.series import Series
from store.verify.report import CLAIMS, NEVER, Answer, Asked

_MARKS = {Answer.YES: "✓ yes", Answer.NO: "✗ NO", Answer.UNKNOWN: "? unknown"}
_TONES = {Answer.YES: "ok", Answer.NO: "tripped", Answer.UNKNOWN: "stale"}


def proof_page(facts: CaseFacts, proof: Proof) -> Document:
    """What the file proves about itself, and what only a head kept elsewhere can prove."""
    form = Form("verify", "head", "Head that you were given", proof.given, "Compare")
    blocks: list[Block] = [Heading(1, ("Does this case hold?",)), *_proof_blocks(proof), form]
    head = Code(f"{facts.head.seq}:{facts.head.head}")
    blocks.append(
        Paragraph(("The head that this file names: ", head, ". Compare it with one that was kept elsewhere."))
    )
    blocks.append(Paragraph((NEVER,), "quiet"))
    return Document(f"Verification – {facts.card.title}", tuple(blocks))


def _proof_blocks(proof: Proof) -> Blocks:
    if proof.failure:
        return (Paragraph((Strong("It could not be verified: "), proof.failure), "alarm"),)
    report = proof.report
    if report is None:
        return (Paragraph(("Verifying every row… this page looks again by itself.",), "notice"),)
    return (
        Paragraph((Strong(report.summary), f". {report.rows} rows in {report.seq} transactions."), "notice"),
        *(_question_card(asked) for asked in report.questions),
    )


def _question_card(asked: Asked) -> Card:
    blocks: list[Block] = [
        Heading(3, (f"{_MARKS[asked.answer]} – {asked.title}",)),
        Paragraph((asked.text,)),
    ]
    if asked.findings:
        blocks.append(Bullets(tuple((finding,) for finding in asked.findings)))
    blocks.append(Paragraph((f"Shows: {', '.join(CLAIMS[asked.id])}.",), "quiet"))
    return Card(tuple(blocks), _TONES[asked.answer])


def proof_line(proof: Proof | None) -> Inlines:
    """One line on the front page."""
    place = PageOf("verify")
    if proof is None:
        return (Link("not verified here yet", place),)
    if proof.report is None:
        return (Link(proof.failure or "being verified…", place),)
    return (Link(proof.report.summary, place),)


def compare_page(name_a: str, name_b: str, found: Comparison) -> Document:
    """Two cases side by side."""
    blocks: list[Block] = [
        Heading(1, ("Two cases side by side",)),
        Bullets((("A: ", Link(name_a, PageOf("case"))), ("B: ", Strong(name_b)))),
        Paragraph((found.relation.text,), "notice"),
    ]
    for pair in found.pairs:
        blocks += _pair_blocks(pair)
    return Document(f"{name_a} and {name_b}", tuple(blocks))


def _pair_blocks(pair: WindowPair) -> Blocks:
    heading = Heading(2, (pair.name,))
    windows = Bullets(
        tuple(
            (f"{side}: ", Moment(start), " to ", Moment(end), f" ({format_duration(end - start)})")
            for side, (start, end) in (("A", pair.a), ("B", pair.b))
        )
    )
    if pair.why:
        return (heading, windows, Paragraph((f"Not compared: {pair.why}.",), "alarm"))
    counts = tuple(_count_row(count) for count in pair.counts)
    states = tuple(
        ((state.signal,), (State(state.a),) if state.a else ("–",), (State(state.b),) if state.b else ("–",))
        for state in pair.states
    )
    return (
        heading,
        windows,
        Table(("Signature", "A", "B", "Bad minutes A, B", "Requests A, B"), counts, "Neither has a signature."),
        *_drawings(pair),
        Table(("Signal at the end of the window", "A", "B"), states, "Neither has a signal."),
    )


def _drawings(pair: WindowPair) -> Blocks:
    """Each signature that either case saw, drawn over both windows on one scale."""
    cards = []
    for count in pair.counts:
        if not any((*count.cells_a, *count.cells_b)):
            continue
        top = float(max(*count.cells_a, *count.cells_b))
        blocks: list[Block] = [Heading(3, (Code(count.signature),))]
        for side, span, cells in (("A", pair.a, count.cells_a), ("B", pair.b, count.cells_b)):
            series = Series(*span, tuple(map(float, cells)), None)
            words = describe_series(series, what=f"{side}, {count.signature}")
            svg = draw_series(series, words=words, bars=True, unwatched=(), least_top=top)
            blocks += [Paragraph((Strong(side),)), Drawing(svg, words, f"{side}-{count.signature}")]
        cards.append(Card(tuple(blocks)))
    return (Cards(tuple(cards)),) if cards else ()


def _count_row(count: SideCount) -> tuple[Inlines, ...]:
    a, b = count.a, count.b
    if count.why or a is None or b is None:
        return ((Code(count.signature),), (f"not comparable: {count.why}",), ("–",), ("–",), ("–",))
    requests = ", ".join("unknown" if side.requests is None else str(side.requests) for side in (a, b))
    return (
        (Code(count.signature),),
        (str(a.count),),
        (str(b.count),),
        (f"{a.bad_minutes}, {b.bad_minutes}",),
        (requests,),
    )
