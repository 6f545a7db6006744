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
from store.telling import tell_value, tell_watched
from store.walk.timeline import timeline
from store.words import reason_sentence, state_sentence

SHOWN_ROWS = 500


def case_page(facts: CaseFacts) -> Document:
    """The front page: what happened, what was decided on what evidence, what is not known."""
    blocks: list[Block] = [*title_block(facts), *summary_block(facts)]
    for heading, anchor, part in (
        ("Signals", "signals", signal_cards(facts)),
        ("Decisions", "decisions", decision_blocks(facts)),
        ("What is not known", "unknown", unknown_table(facts)),
        ("Steps", "steps", step_table(facts)),
        ("Windows and marks", "windows", moment_tables(facts)),
        ("Notes", "notes", note_table(facts)),
        ("Files", "files", artifact_table(facts)),
        ("This case", "file", file_facts(facts)),
    ):
        blocks += [Heading(2, (heading,), anchor), *part]
    return Document(facts.card.title, tuple(blocks))


def signal_page(db: sqlite3.Connection, facts: CaseFacts, signal: str) -> Document:
    """One signal: windows, rows, gaps, and the SQL that judged it.

    Raises:
        BadInput: the runbook has no such signal.
    """
    found = explain(db, facts.question, signal)
    blocks: list[Block] = [
        Heading(1, (State(found.signal.state), " ", found.signal.title)),
        Paragraph((state_sentence(found.signal.state), " ", reason_sentence(found.signal.reason))),
        _signal_facts(found),
    ]
    for part in found.conditions:
        blocks += _condition_blocks(facts, found, part)
    blocks += _check_blocks(found)
    blocks += _sql_blocks(db, found)
    return Document(f"{found.signal.title} – {facts.card.title}", tuple(blocks))


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


def _condition_blocks(facts: CaseFacts, found: SignalExplanation, part: Explanation) -> Blocks:
    condition = part.condition
    signature = f"condition-{condition.definition}"
    heading = Heading(2, (State(condition.state), f" {condition.kind}: {tell_value(condition)}"), signature)
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
        blocks += [Heading(3, ("Not watched",)), Table(("Stream", "Signature", "From", "To", "Length"), gaps)]
    return (*blocks, *_row_blocks(part))


def _row_blocks(part: Explanation) -> Blocks:
    count, shown = len(part.rows), part.rows[-SHOWN_ROWS:]
    rows = tuple((ref_link(row.ref), (Moment(row.at_ms),), (row.what,)) for row in reversed(shown))
    more = f", the newest {len(shown)} shown" if len(shown) < count else ""
    return (
        Heading(3, (f"{count} row{'' if count == 1 else 's'} behind it{more}",)),
        Table(("Row", "At", "What"), rows, "No row: nothing was seen in this window."),
    )


def _check_blocks(found: SignalExplanation) -> Blocks:
    if not found.checks:
        return ()
    blocks: list[Block] = [Heading(2, ("Count it again by hand",), "checks")]
    for signature, command in found.checks:
        blocks += [Paragraph((Code(signature),)), Verbatim(command.rstrip("\n"), "sh")]
    return tuple(blocks)


def _sql_blocks(db: sqlite3.Connection, found: SignalExplanation) -> Blocks:
    """The statements that judged it, as they are stored in the case."""
    asked = found.question
    scope = "NULL" if asked.scope_start_ms is None else str(asked.scope_start_ms)
    name = found.signal.id.replace("'", "''")
    select = (
        f"-- in a shell: sqlite3 CASE\n-- the question: as_of_ms, known_seq, scope_start_ms, live, edition = "
        f"{asked.as_of_ms}, {asked.known_seq}, {scope}, {int(asked.live)}, {asked.edition}\n"
        f"SELECT * FROM condition_state WHERE signal = '{name}';\nSELECT * FROM signal_state WHERE signal = '{name}';"
    )
    texts = "\n\n".join(f"CREATE VIEW {view} AS\n{text};" for view, text in view_texts(db))
    return (
        Heading(2, ("The SQL that judged it",), "sql"),
        Paragraph(
            (
                "The same views answer in ",
                Link("signal_state", RowsOf("signal_state")),
                " and ",
                Link("condition_state", RowsOf("condition_state")),
                ".",
            )
        ),
        Verbatim(select, "sql"),
        Fold("The views of this case, each resting on those above it", (Verbatim(texts, "sql"),)),
    )


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
    blocks: list[Block] = [Heading(1, ("Files as evidence",)), *artifact_table(facts)]
    for artifact in facts.artifacts:
        if artifact.picture:
            file = FileOf(artifact.id, artifact.name, inline=True)
            blocks.append(Image(file, f"{artifact.name}, {artifact.role}, SHA-256 {artifact.sha256}"))
    return Document(f"Files – {facts.card.title}", tuple(blocks))


def navigation() -> tuple[Link, ...]:
    """The links at the top of every page."""
    return (
        Link("Case", PageOf("case")),
        Link("Not known", PageOf("case", anchor="unknown")),
        Link("Timeline", PageOf("timeline")),
        Link("Files", PageOf("artifacts")),
        Link("Conditions", QueryOf("conditions")),
        Link("All tables", PageOf("tables")),
    )


def trouble_page(title: str, message: str, hint: str) -> Document:
    """Why a page cannot be shown."""
    blocks: list[Block] = [Heading(1, (title,)), Paragraph((message,), "alarm")]
    if hint:
        blocks.append(Bullets(((hint,),)))
    return Document(title, tuple(blocks))
