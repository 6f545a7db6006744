"""The verdict as a part of pages and packets: which rule decided, every signature in both windows, what is left to be watched.

All numbers are those of the case's own views; every count leads to its rows.
"""

from __future__ import annotations

from store.instants import format_duration
from store.review.document import (
    Blocks,
    Bullets,
    Code,
    Facts,
    Heading,
    Inlines,
    Link,
    Moment,
    Paragraph,
    RowsOf,
    Strong,
    Table,
)
from store.review.facts import CaseFacts
from store.verdict import SignatureVerdict, Verdict, WindowCount
from store.words import ACTION_WORDS, CLASS_WORDS, REASON_WORDS, VERDICT_WORDS, reason_sentence


def verdict_blocks(facts: CaseFacts, *, with_watch_items: bool = True) -> Blocks:
    """What the change did, by the windows named baseline and postfix."""
    verdict = facts.verdict
    if verdict is None:
        words = (
            "No verdict yet: it needs the windows baseline and postfix, named with closeout window CASE NAME FROM/TO."
        )
        return (Paragraph((words,), "quiet"),)
    question = verdict.question
    windows: list[tuple[str, Inlines]] = [
        ("Baseline", (Moment(question.baseline_from_ms), " to ", Moment(question.baseline_to_ms))),
        ("Postfix", (Moment(question.postfix_from_ms), " to ", Moment(question.postfix_to_ms))),
        ("Windows", ("comparable",) if verdict.unmatched is None else (reason_sentence(verdict.unmatched),)),
        ("Rule that decided", (Code(verdict.reason),)),
        ("Next", (Strong(verdict.next.action), f" – {ACTION_WORDS[verdict.next.action]}")),
        ("Shortest postfix window that could confirm", (format_duration(verdict.shortest_ms),)),
    ]
    return (
        Paragraph(
            (Strong(verdict.verdict), f" – {VERDICT_WORDS[verdict.verdict]} {reason_sentence(verdict.reason)}"),
            "notice",
        ),
        Facts(tuple(windows)),
        verdict_table(verdict),
        *(watch_list(verdict) if with_watch_items else ()),
    )


def verdict_table(verdict: Verdict) -> Table:
    """Every signature in both windows, with the numbers of its class."""
    rows = tuple(
        (
            (Code(each.id),),
            (each.role,),
            (each.verdict_class, f" – {CLASS_WORDS.get(each.verdict_class, '')}"),
            (
                _count_link(each.id, each.baseline, verdict.question.baseline_from_ms, verdict.question.baseline_to_ms),
                _beside(each.baseline),
            ),
            (
                _count_link(each.id, each.postfix, verdict.question.postfix_from_ms, verdict.question.postfix_to_ms),
                _beside(each.postfix),
            ),
            (_ratio(each),),
            (f"better {_small(each.p_improved)}, worse {_small(each.p_regressed)}",),
        )
        for each in verdict.signatures
    )
    return Table(
        ("Signature", "Role", "Class", "Baseline", "Postfix", "Rate ratio (90 %)", "p"),
        rows,
        "The runbook has no signatures.",
    )


def watch_list(verdict: Verdict) -> Blocks:
    """What is left to be watched, each with its owner."""
    if not verdict.watch_items:
        return ()
    items = watch_items(verdict)
    return (Heading(3, ("Watch items for the next cycle",)), Bullets(items))


def watch_items(verdict: Verdict) -> tuple[Inlines, ...]:
    """Each watch item with its owner and what its code means."""
    return tuple(
        (
            item.text,
            f" – {', '.join(item.owner) or 'needs an owner'}. {CLASS_WORDS.get(item.detail) or REASON_WORDS.get(item.detail, '')}".rstrip(),
        )
        for item in verdict.watch_items
    )


def _count_link(signature: str, window: WindowCount, from_ms: int, to_ms: int) -> Link:
    filters = (("signature", "exact", signature), ("at_ms", "gte", str(from_ms)), ("at_ms", "lt", str(to_ms)))
    return Link(
        str(window.count),
        RowsOf("log_match", filters),
        "the stored rows, before duplicates and withdrawn ones are taken out",
    )


def _beside(window: WindowCount) -> str:
    unsure = f", {window.unsure} of unknown status" if window.unsure else ""
    requests = "unknown traffic" if window.requests is None else f"{window.requests} requests"
    watched = "" if window.covered else f", only {format_duration(window.covered_ms)} watched"
    return f" in {window.bad_minutes} bad minutes{unsure}, {requests}{watched}"


def _ratio(signature: SignatureVerdict) -> str:
    if signature.rr_low is None:
        return "–"
    high = "…" if signature.rr_high is None else _small(signature.rr_high)
    return f"{_small(signature.rr)} ({_small(signature.rr_low)} to {high})"


def _small(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
