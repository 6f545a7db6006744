"""The parts that pages, packets and the static file are put together from: facts in, blocks out.

Each part is written once, here. No part decides or counts anything; states, values and words come as the views and `store.words` give
them, and every number leads to its rows.
"""

from __future__ import annotations

from store.instants import format_duration, format_instant
from store.judge import ConditionState, SignalState
from store.review.document import (
    Bar,
    Block,
    Blocks,
    Bullets,
    Card,
    Cards,
    Code,
    Drawing,
    Facts,
    FileOf,
    Heading,
    Inline,
    Inlines,
    Link,
    Moment,
    PageOf,
    Paragraph,
    RowOf,
    RowsOf,
    State,
    Strong,
    Table,
)
from store.review.drawing import describe_series, draw_series
from store.review.facts import ArtifactCard, CaseFacts, DecisionCard
from store.review.recognise import tilde
from store.telling import headline, tell_value, tell_watched
from store.words import reason_sentence, state_sentence

_STEP_SIGNS = {
    "passed": "✓",
    "failed": "✗",
    "skipped": "»",
    "lost": "?",
    "running": "▶",
    "held": "‖",
    "stale": "◷",
    "retracted": "⌫",
}


def title_block(facts: CaseFacts) -> Blocks:
    """What this is, as of when, and how bad it is."""
    question = facts.question
    run: Inlines = ("no run",) if question.scope_start_ms is None else ("run since ", Moment(question.scope_start_ms))
    blocks: list[Block] = [
        Heading(1, (facts.card.title,)),
        Paragraph(
            (
                State(facts.judgement.worst),
                " as of ",
                Moment(question.as_of_ms),
                " · ",
                *run,
                f" · transaction {question.known_seq}",
            )
        ),
    ]
    if facts.card.drill:
        blocks.append(Paragraph((Strong("DRILL: "), "everything in this case was staged."), "notice"))
    return tuple(blocks)


def summary_block(facts: CaseFacts) -> Blocks:
    """What the case amounts to, in a few sentences."""
    return (Bullets(tuple(_summary(facts))),)


def _summary(facts: CaseFacts) -> list[Inlines]:
    items: list[Inlines] = []
    by_state: dict[str, list[SignalState]] = {}
    for signal in facts.judgement.signals:
        by_state.setdefault(signal.state, []).append(signal)
    for state, signals in by_state.items():
        named = [part for signal in signals for part in (", ", _signal_link(signal))][1:]
        items.append((State(state), " ", *named, f" – {state_sentence(state)}"))
    if facts.verdict is not None:
        verdict = facts.verdict
        items.append(
            (
                Link(f"Verdict: {verdict.verdict}", PageOf("case", anchor="verdict")),
                f" – {reason_sentence(verdict.reason)}",
            )
        )
    if facts.decisions:
        last = facts.decisions[-1]
        link = Link(last.choice, PageOf("case", anchor=f"decision-{last.id}"))
        items.append(("Last decision: ", link, f" by {last.operator} at ", Moment(last.at_ms), f": {last.reason}"))
    else:
        items.append(("No decision was taken.",))
    here = facts.walk.here
    place = f", standing at {here.title}" if here is not None and not facts.sealed else ""
    items.append((f"{facts.walk.settled} of {facts.walk.total} steps are settled{place}.",))
    count = len(facts.unknown)
    said = (
        "Nothing is known to be missing" if count == 0 else f"{count} thing{'s are' if count > 1 else ' is'} not known"
    )
    items.append((Link(said, PageOf("case", anchor="unknown")), "."))
    return items


def _signal_link(signal: SignalState) -> Link:
    return Link(signal.id, PageOf("signal", signal.id))


def signal_cards(facts: CaseFacts) -> Blocks:
    """One card per signal, in runbook order."""
    return (Cards(tuple(_signal_card(facts, signal) for signal in facts.judgement.signals)),)


def _signal_card(facts: CaseFacts, signal: SignalState) -> Card:
    blocks: list[Block] = [
        Heading(3, (State(signal.state), " ", Link(signal.title, PageOf("signal", signal.id)))),
        Paragraph((reason_sentence(signal.reason), *_since(signal))),
    ]
    speaker = headline(signal)
    for condition in signal.conditions:
        blocks.append(Paragraph(_condition_line(signal, condition)))
        if condition is speaker:
            blocks += condition_drawing(facts, signal, condition)
    if signal.state == "tripped":
        blocks.append(Paragraph((Strong("Undo: "), signal.rollback_do, *_files(signal)), "alarm"))
    blocks.append(Paragraph((f"Owner: {', '.join(signal.owner)}",), "quiet"))
    return Card(tuple(blocks), signal.state, tilde(f"signal-{signal.id}"))


def _since(signal: SignalState) -> Inlines:
    parts: list[Inline] = []
    if signal.first_trip_ms is not None:
        parts += [" First trip ", Moment(signal.first_trip_ms), "."]
    if signal.now_state != signal.state:
        parts += [" Now ", State(signal.now_state), f" {reason_sentence(signal.now_reason)}"]
    return tuple(parts)


def _files(signal: SignalState) -> Inlines:
    return tuple(part for name in signal.rollback_files for part in (" ", Code(name)))


def _condition_line(signal: SignalState, condition: ConditionState) -> Inlines:
    place = PageOf("signal", signal.id, f"condition-{condition.definition}")
    value = Link(tell_value(condition), place, "the rows behind this number")
    watched: Inlines = ()
    if condition.kind != "probe":
        watched = (" ", Bar(condition.covered_ms, condition.want_ms, f"watched {tell_watched(condition)}"))
    return (f"{condition.kind}: ", value, *watched)


def condition_drawing(facts: CaseFacts, signal: SignalState, condition: ConditionState) -> list[Block]:
    """The drawing of a condition, where its kind has a line to draw."""
    series = facts.series.get(condition.definition)
    if series is None or not series.cells or condition.kind == "probe":
        return []
    words = describe_series(series, what=f"{signal.id}, {condition.kind}")
    exact = None
    if condition.kind in ("count", "burst", "loop", "trend", "ratio"):
        exact = tuple((gap.from_ms, gap.to_ms) for gap in facts.unwatched.get(condition.definition, ()))
    svg = draw_series(series, words=words, bars=condition.kind == "trend", unwatched=exact)
    return [Drawing(svg, words, f"{signal.id}-{condition.definition}")]


def decision_blocks(facts: CaseFacts) -> Blocks:
    """Each decision with who, when, why and on what evidence."""
    if not facts.decisions:
        return (Paragraph(("No decision was taken.",), "quiet"),)
    return tuple(_decision_card(decision) for decision in facts.decisions)


def _decision_card(decision: DecisionCard) -> Card:
    cited = [
        part
        for cite in decision.citations
        for part in (", ", *citation_inlines(cite.ref, cite.evidence, cite.evidence_id, cite.age_ms))
    ][1:]
    then = [part for state in decision.states for part in (" ", State(state.state), f" {state.signal}")]
    blocks: list[Block] = [
        Heading(3, (decision.choice, f" at step {decision.step}")),
        Paragraph((Strong(decision.operator), " at ", Moment(decision.at_ms), f": {decision.reason}")),
        Paragraph(("On the evidence of ", *cited)),
        Paragraph(
            ("Signals as of ", Moment(decision.as_of_ms), f", transaction {decision.known_seq}:", *then), "quiet"
        ),
    ]
    if decision.scope:
        blocks.insert(2, Paragraph(("Scope: ", Link(decision.scope, PageOf("signal", decision.scope)))))
    if decision.override:
        blocks.append(Paragraph((Strong("Override: "), decision.override), "alarm"))
    return Card(tuple(blocks), anchor=f"decision-{decision.id}")


def citation_inlines(ref: str, evidence: str, evidence_id: int, age_ms: int | None) -> Inlines:
    """A citation as a link to what it cites."""
    age = f" ({format_duration(age_ms)} old)" if age_ms is not None else ""
    return (Link(ref, RowOf(evidence, evidence_id)), age) if age else (Link(ref, RowOf(evidence, evidence_id)),)


def unknown_table(facts: CaseFacts) -> Blocks:
    """The gap report: what a reader must not take for granted, what was carried over, and the time that nobody watched."""
    rows = tuple(((gap.kind,), (gap.what,), ref_link(gap.ref)) for gap in facts.unknown)
    nothing = "Nothing: every signal has an answer, every collection holds, no step was left out."
    return (Table(("What", "Which", "Row"), rows, nothing), *_carried_table(facts), *_unwatched_table(facts))


def _carried_table(facts: CaseFacts) -> Blocks:
    if not facts.carried:
        return ()
    rows = tuple(((item.kind,), (item.text,), (item.origin,), ref_link(item.ref)) for item in facts.carried)
    return (
        Heading(3, ("Carried from the case before, and not settled here",)),
        Table(("What", "Which", "From", "Row"), rows),
    )


def _unwatched_table(facts: CaseFacts) -> Blocks:
    """Each stretch once, however many conditions miss it."""
    missed: dict[tuple[int, int, str, str], list[str]] = {}
    for signal in facts.judgement.signals:
        for condition in signal.conditions:
            for gap in facts.unwatched.get(condition.definition, ()):
                names = missed.setdefault((gap.from_ms, gap.to_ms, gap.stream, gap.signature), [])
                if signal.id not in names:
                    names.append(signal.id)
    rows = tuple(
        (
            (stream,),
            (signature or "all",),
            (Moment(start),),
            (Moment(end),),
            (format_duration(end - start),),
            tuple(part for name in names for part in (", ", Link(name, PageOf("signal", name))))[1:],
        )
        for (start, end, stream, signature), names in sorted(missed.items())
    )
    if not rows:
        return ()
    columns = ("Stream", "Signature", "From", "To", "Length", "Asked by")
    return (Heading(3, ("Time that nobody watched, within the judged windows",)), Table(columns, rows))


def ref_link(ref: str | None) -> Inlines:
    """A reference such as `probe:7` as a link to its row; one to a step leads to the step."""
    table, _, number = (ref or "").partition(":")
    if table == "step" and number:
        return (Link(ref or "", PageOf("case", anchor="steps")),)
    return (Link(ref or "", RowOf(table, int(number))),) if number.isdecimal() and number.isascii() else (ref or "–",)


def step_table(facts: CaseFacts) -> Blocks:
    """The walk: every step with who and when; failed and lost attempts stay in sight."""
    if facts.runbook is None:
        return (Paragraph(("The stored runbook does not read, so its steps are not shown.",), "notice"),)
    rows = []
    for step in facts.walk.steps:
        when: Inlines = (Moment(step.since_ms),) if step.since_ms is not None else ("–",)
        tries = [
            f"#{attempt.number} {attempt.state} by {attempt.operator}{': ' if attempt.reason else ''}{attempt.reason}"
            for attempt in step.attempts
        ]
        sign = _STEP_SIGNS.get(step.state, "·")
        rows.append(
            (
                (f"{step.position}",),
                (step.title.removeprefix(f"{step.position}. "), " ", Code(step.id)),
                (f"{sign} {step.state}",),
                (step.operator or "–",),
                when,
                ("\n".join(tries) if tries else step.why,),
            )
        )
    return (Table(("#", "Step", "State", "Who", "Since", "Attempts"), tuple(rows), "The runbook has no steps."),)


def moment_tables(facts: CaseFacts) -> Blocks:
    """Marks and windows; those that were corrected are said to be."""
    marks = tuple(
        (
            (Link(mark.name, RowOf("mark", mark.id)),),
            (Moment(mark.at_ms),),
            (mark.deployment or "–",),
            (mark.previous or "–",),
            (mark.operator,),
            ("holds" if mark.holds else "corrected later",),
        )
        for mark in facts.marks
    )
    windows = tuple(
        (
            (Link(window.name, RowOf("window", window.id)),),
            (Moment(window.from_ms),),
            (Moment(window.to_ms),),
            (format_duration(window.to_ms - window.from_ms),),
            (window.operator,),
            ("holds" if window.holds else "corrected later",),
        )
        for window in facts.windows
    )
    return (
        Table(("Mark", "At", "Deployment", "Before it", "Who", ""), marks, "No moment was marked."),
        Table(("Window", "From", "To", "Length", "Who", ""), windows, "No window was named."),
    )


def note_table(facts: CaseFacts) -> Blocks:
    """What people said."""
    rows = tuple(
        (
            (Moment(note.at_ms),),
            (note.operator,),
            (note.step or "–",),
            (note.body, *((" – ", Code(note.cites)) if note.cites else ())),
        )
        for note in facts.notes
    )
    return (Table(("When", "Who", "Step", "What"), rows, "Nobody left a note."),)


def artifact_table(facts: CaseFacts) -> Blocks:
    """Files as evidence with their hashes."""
    rows = tuple(_artifact_row(artifact) for artifact in facts.artifacts)
    return (Table(("Name", "Role", "Type", "Size", "Captured", "SHA-256"), rows, "No file is in the case."),)


def _artifact_row(artifact: ArtifactCard) -> tuple[Inlines, ...]:
    name: Inline = Link(artifact.name, FileOf(artifact.id, artifact.name)) if artifact.held else artifact.name
    where = "" if artifact.held else f" – not in the case, it lies at {artifact.path or 'an unknown place'}"
    return (
        (name, where),
        (artifact.role,),
        (artifact.media_type,),
        (f"{artifact.size} bytes",),
        (Moment(artifact.captured_ms),),
        (Code(artifact.sha256),),
    )


def file_facts(facts: CaseFacts) -> Blocks:
    """What the file says about itself, and how to check that."""
    card, head = facts.card, facts.head
    items: list[tuple[str, Inlines]] = [
        ("State of the file", ("sealed, never written again",) if facts.sealed else ("open: more may be added",)),
        ("Head", (Code(f"{head.seq} {head.head}"),)),
        ("Last entry", (Moment(head.at_ms), f" by {head.writer}")),
        ("Case", (Code(card.case_id),)),
        ("Begun", (Moment(card.created_ms), f" by {card.operator} on {card.machine}")),
        ("Program", (f"closeout {card.program_version}",)),
        ("Runbook", (Link(facts.edition.path, RowOf("edition", facts.edition.id)), " ", Code(facts.edition.sha256))),
        ("Definition", (Code(facts.edition.definition_sha256),)),
    ]
    if facts.seal is not None:
        seal = facts.seal
        said = f" by {seal.operator}, worst state {seal.worst}, {seal.gaps} gaps named"
        items.insert(1, ("Sealed", (Moment(seal.at_ms), said, f", override: {seal.override}" if seal.override else "")))
    if card.predecessor_name:
        items.append(
            (
                "Continues",
                (
                    card.predecessor_name,
                    " ",
                    Code(card.predecessor_sha256 or ""),
                    " ",
                    Code(card.predecessor_head or ""),
                ),
            )
        )
    words = "The head covers every row of this file. Compare it with the head that you were given: closeout verify CASE --head HEAD"
    return (Facts(tuple(items)), Paragraph((words,), "quiet"))


def window_rows(condition: ConditionState) -> RowsOf | None:
    """The stored rows within a condition's window, before duplicates and withdrawn ones are taken out."""
    table = {"queue": "snapshot", "ratio": "run_count", "probe": "probe", "level": "gauge"}.get(
        condition.kind, "log_match"
    )
    column = "minute_ms" if table == "run_count" else "at_ms"
    return RowsOf(table, ((column, "gte", str(condition.from_ms)), (column, "lt", str(condition.to_ms))))


def instant_span(from_ms: int, to_ms: int) -> str:
    """A span of time as text."""
    return f"{format_instant(from_ms)} to {format_instant(to_ms)}"
