"""The pages of a case as documents: the case itself, one signal, the timeline, the artifacts.

Who serves them (Datasette, a static file) is decided elsewhere; the same documents are written for both.
"""

from __future__ import annotations

import sqlite3

from store.explain import Explanation, SignalExplanation, explain
from store.instants import format_duration
from store.judge import view_texts
from store.review.document import (
    Bar,
    Block,
    Blocks,
    Bullets,
    Code,
    Document,
    Facts,
    FileOf,
    Fold,
    Heading,
    Image,
    Inlines,
    Link,
    Moment,
    PageOf,
    Paragraph,
    QueryOf,
    RowOf,
    RowsOf,
    State,
    Table,
    Verbatim,
)
from store.review.facts import CaseFacts
from store.review.recognise import tilde
from store.review.sections import (
    artifact_table,
    condition_drawing,
    decision_blocks,
    file_facts,
    moment_tables,
    note_table,
    ref_link,
    signal_cards,
    step_table,
    summary_block,
    title_block,
    unknown_table,
    window_rows,
)
from store.review.verdict_section import verdict_blocks
from store.telling import tell_value, tell_watched
from store.walk.timeline import timeline
from store.words import reason_sentence, state_sentence

SHOWN_ROWS = 500


def case_page(facts: CaseFacts, *, proof: Inlines = (), others: tuple[str, ...] = ()) -> Document:
    """The front page: what happened, what was decided on what evidence, what is not known.

    Args:
        facts: the case.
        proof: what is known of its verification.
        others: names of other cases that can be set beside it.
    """
    blocks: list[Block] = [*case_blocks(facts)]
    if proof:
        blocks.append(Paragraph(("Verification: ", *proof)))
    if others:
        links = tuple(part for name in others for part in (", ", Link(name, PageOf("compare", name))))[1:]
        blocks.append(Paragraph(("Set beside another case: ", *links)))
    return Document(facts.card.title, tuple(blocks))


def case_blocks(facts: CaseFacts) -> Blocks:
    """The parts of the front page."""
    blocks: list[Block] = [*title_block(facts), *summary_block(facts)]
    for heading, anchor, part in (
        ("Signals", "signals", signal_cards(facts)),
        ("Verdict", "verdict", verdict_blocks(facts)),
        ("Decisions", "decisions", decision_blocks(facts)),
        ("What is not known", "unknown", unknown_table(facts)),
        ("Steps", "steps", step_table(facts)),
        ("Windows and marks", "windows", moment_tables(facts)),
        ("Notes", "notes", note_table(facts)),
        ("Files", "files", artifact_table(facts)),
        ("This case", "file", file_facts(facts)),
    ):
        blocks += [Heading(2, (heading,), anchor), *part]
    return tuple(blocks)


def signal_page(db: sqlite3.Connection, facts: CaseFacts, signal: str) -> Document:
    """One signal: windows, rows, gaps, and the SQL that judged it.

    Raises:
        BadInput: the runbook has no such signal.
    """
    return Document(f"{signal} – {facts.card.title}", signal_blocks(db, facts, signal))


def signal_blocks(
    db: sqlite3.Connection,
    facts: CaseFacts,
    signal: str,
    *,
    level: int = 1,
    with_views: bool = True,
    most_rows: int = SHOWN_ROWS,
) -> Blocks:
    """The parts of a signal's page, its headings from `level` on; the view texts are the same for every signal."""
    found = explain(db, facts.question, signal)
    blocks: list[Block] = [
        Heading(level, (State(found.signal.state), " ", found.signal.title), page_anchor(PageOf("signal", signal))),
        Paragraph((state_sentence(found.signal.state), " ", reason_sentence(found.signal.reason))),
        _signal_facts(found),
    ]
    for part in found.conditions:
        blocks += _condition_blocks(facts, found, part, level + 1)
        blocks += _row_blocks(part, level + 2, most_rows)
    blocks += _check_blocks(found, level + 1)
    blocks += _sql_blocks(db, found, level + 1, with_views=with_views)
    return tuple(blocks)


def page_anchor(page: PageOf) -> str:
    """The anchor at which a page begins where several are written into one file."""
    return tilde(f"page-{page.name}-{page.item}" if page.item else f"page-{page.name}")


def _signal_facts(found: SignalExplanation) -> Facts:
    signal, question = found.signal, found.question
    items: list[tuple[str, Inlines]] = [
        ("Judged as of", (Moment(question.as_of_ms),)),
        ("Known", (f"transaction {question.known_seq}",)),
        ("Run since", (Moment(question.scope_start_ms),) if question.scope_start_ms is not None else ("no run",)),
        ("Now", (State(signal.now_state), f" {reason_sentence(signal.now_reason)}")),
        ("First trip", (Moment(signal.first_trip_ms),) if signal.first_trip_ms is not None else ("none",)),
        ("Last reading", (Moment(signal.last_ms),) if signal.last_ms is not None else ("never",)),
        (
            "Ok at the earliest",
            (Moment(signal.earliest_ok_ms),) if signal.earliest_ok_ms is not None else ("cannot be said",),
        ),
        ("Owner", (", ".join(signal.owner), f" – {signal.contact}" if signal.contact else "")),
        ("Undo", (signal.rollback_do, *(part for name in signal.rollback_files for part in (" ", Code(name))))),
    ]
    if signal.rollback_confirm:
        items.append(("Confirm", ("; ".join(signal.rollback_confirm),)))
    return Facts(tuple(items))


def _condition_blocks(facts: CaseFacts, found: SignalExplanation, part: Explanation, level: int) -> Blocks:
    condition = part.condition
    signature = f"condition-{condition.definition}"
    heading = Heading(level, (State(condition.state), f" {condition.kind}: {tell_value(condition)}"), signature)
    window: Inlines = (Moment(condition.from_ms), " to ", Moment(condition.to_ms))
    watched: Inlines = (tell_watched(condition),)
    if condition.kind != "probe":
        watched = (Bar(condition.covered_ms, condition.want_ms, tell_watched(condition)),)
    collections = [
        item for ref in part.collections for item in (", ", Link(ref, RowOf("collection", int(ref.partition(":")[2]))))
    ][1:]
    table = window_rows(condition)
    items: list[tuple[str, Inlines]] = [
        ("Why", (reason_sentence(condition.reason),)),
        ("Window", window),
        ("Watched", watched),
        ("Limit", (f"{condition.op or ''} {'' if condition.limit is None else condition.limit}".strip() or "none",)),
        ("Collections", tuple(collections) or ("none",)),
        ("Definition", (Link(f"definition:{condition.definition}", RowOf("definition", condition.definition)),)),
    ]
    if table is not None:
        items.append(("Stored rows", (Link(f"{table.table} in this window", table),)))
    gaps = tuple(
        (
            (gap.stream,),
            (gap.signature or "all",),
            (Moment(gap.from_ms),),
            (Moment(gap.to_ms),),
            (format_duration(gap.to_ms - gap.from_ms),),
        )
        for gap in facts.unwatched.get(condition.definition, ())
    )
    blocks: list[Block] = [heading, Facts(tuple(items)), *condition_drawing(facts, found.signal, condition)]
    if gaps:
        blocks += [Heading(level + 1, ("Not watched",)), Table(("Stream", "Signature", "From", "To", "Length"), gaps)]
    return tuple(blocks)


def _row_blocks(part: Explanation, level: int, most_rows: int) -> Blocks:
    count, shown = len(part.rows), part.rows[-most_rows:]
    rows = tuple((ref_link(row.ref), (Moment(row.at_ms),), (row.what,)) for row in reversed(shown))
    more = f", the newest {len(shown)} shown" if len(shown) < count else ""
    return (
        Heading(level, (f"{count} row{'' if count == 1 else 's'} behind it{more}",)),
        Table(("Row", "At", "What"), rows, "No row: nothing was seen in this window."),
    )


def _check_blocks(found: SignalExplanation, level: int) -> Blocks:
    if not found.checks:
        return ()
    blocks: list[Block] = [Heading(level, ("Count it again by hand",))]
    for signature, command in found.checks:
        blocks += [Paragraph((Code(signature),)), Verbatim(command.rstrip("\n"), "sh")]
    return tuple(blocks)


def _sql_blocks(db: sqlite3.Connection, found: SignalExplanation, level: int, *, with_views: bool) -> Blocks:
    """The statements that judged it, as they are stored in the case."""
    asked = found.question
    scope = "NULL" if asked.scope_start_ms is None else str(asked.scope_start_ms)
    name = found.signal.id.replace("'", "''")
    select = (
        f"-- in a shell: sqlite3 CASE\n-- the question: as_of_ms, known_seq, scope_start_ms, live, edition = "
        f"{asked.as_of_ms}, {asked.known_seq}, {scope}, {int(asked.live)}, {asked.edition}\n"
        f"SELECT * FROM condition_state WHERE signal = '{name}';\nSELECT * FROM signal_state WHERE signal = '{name}';"
    )
    blocks: list[Block] = [Heading(level, ("The SQL that judged it",)), Verbatim(select, "sql")]
    if with_views:
        states, conditions = (
            Link("signal_state", RowsOf("signal_state")),
            Link("condition_state", RowsOf("condition_state")),
        )
        texts = "\n\n".join(f"CREATE VIEW {view} AS\n{text};" for view, text in view_texts(db))
        blocks += [
            Paragraph(("The same views answer in ", states, " and ", conditions, ".")),
            Fold("The views of this case, each resting on those above it", (Verbatim(texts, "sql"),)),
        ]
    return tuple(blocks)


def timeline_page(db: sqlite3.Connection, facts: CaseFacts) -> Document:
    """Everything that happened, oldest first."""
    return Document(f"Timeline – {facts.card.title}", (Heading(1, ("Timeline",)), *timeline_table(db)))


def timeline_table(db: sqlite3.Connection) -> Blocks:
    """Every event with who did it and its row."""
    rows = tuple(
        (
            (Moment(entry.at_ms),),
            (entry.kind,),
            (entry.who or "–",),
            (entry.text,),
            ref_link(entry.ref),
            ref_link(f"chain:{entry.seq}"),
        )
        for entry in timeline(db)
    )
    return (Table(("At", "Kind", "Who", "What", "Row", "Transaction"), rows, "Nothing happened yet."),)


def artifacts_page(facts: CaseFacts) -> Document:
    """Every file with its hash; raster images are shown."""
    return Document(f"Files – {facts.card.title}", (Heading(1, ("Files as evidence",)), *artifact_blocks(facts)))


def artifact_blocks(facts: CaseFacts) -> Blocks:
    """The files, and those that are pictures."""
    pictures = tuple(
        Image(FileOf(each.id, each.name, inline=True), f"{each.name}, {each.role}, SHA-256 {each.sha256}")
        for each in facts.artifacts
        if each.picture
    )
    return (*artifact_table(facts), *pictures)


def navigation() -> tuple[Link, ...]:
    """The links at the top of every page."""
    return (
        Link("Case", PageOf("case")),
        Link("Not known", PageOf("case", anchor="unknown")),
        Link("Timeline", PageOf("timeline")),
        Link("Files", PageOf("artifacts")),
        Link("Does it hold?", PageOf("verify")),
        Link("Conditions", QueryOf("conditions")),
        Link("All tables", PageOf("tables")),
    )


def trouble_page(title: str, message: str, hint: str) -> Document:
    """Why a page cannot be shown."""
    blocks: list[Block] = [Heading(1, (title,)), Paragraph((message,), "alarm")]
    if hint:
        blocks.append(Bullets(((hint,),)))
    return Document(title, tuple(blocks))
