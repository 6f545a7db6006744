"""The rows beside evidence: the case itself, the runbook as stored, and what people did and said.

Field names are column names of schema/tables.sql; rows are appended through `store.case.Transaction.add`. Times are epoch milliseconds.
"""

from __future__ import annotations

from typing import NamedTuple


class CaseInfo(NamedTuple):
    """What this case is; one row, written first."""

    case_id: str
    title: str
    drill: int
    created_ms: int
    operator: str
    machine: str
    format_reader: int
    format_writer: int
    program_version: str
    predecessor_name: str | None = None
    predecessor_sha256: str | None = None
    predecessor_head: str | None = None


class Description(NamedTuple):
    """A table or column in plain words; the column is empty for the table itself."""

    table: str
    column: str
    text: str


class CannedQuery(NamedTuple):
    """A question that a reviewer is likely to ask, as SQL."""

    name: str
    title: str
    sql: str


class Session(NamedTuple):
    """One program run by one person in one terminal."""

    operator: str
    os_user: str
    host: str
    terminal: str
    pid: int
    process_start: str
    boot: str
    program_version: str
    python_version: str
    sqlite_version: str
    started_ms: int


class Edition(NamedTuple):
    """A runbook text as adopted."""

    sha256: str
    definition_sha256: str
    path: str
    text: str
    adopted_ms: int
    reason: str


class Source(NamedTuple):
    """A stream of an edition."""

    edition: int
    stream: str
    kind: str
    title: str
    settle_ms: int
    every_ms: int | None


class Signature(NamedTuple):
    """A signature of an edition; `routes` is a JSON list."""

    edition: int
    signature: str
    sha256: str
    title: str
    unit: str
    group: str | None
    role: str
    routes: str
    check: str | None


class Signal(NamedTuple):
    """A signal of an edition; owner, files and confirm are JSON lists."""

    edition: int
    signal: str
    position: int
    title: str
    owner: str
    contact: str | None
    rollback_do: str
    rollback_files: str
    rollback_confirm: str
    undo: str | None


class Definition(NamedTuple):
    """One condition of a signal, as the views read it."""

    edition: int
    signal: str
    position: int
    kind: str
    op: str | None
    limit_value: int | None
    window_ms: int
    watch_percent: int
    stale_after_ms: int
    max_skew_ms: int
    slice_ms: int | None
    rises: int | None
    floor: int | None
    z2_micro: int | None
    max_gap_ms: int | None
    min_snapshots: int | None
    min_growth: int | None
    of: str | None
    min_failures: int | None
    min_total: int | None
    min_cover_percent: int | None
    series: str | None
    for_ms: int | None


class DefinitionStream(NamedTuple):
    """A stream that a condition reads."""

    definition: int
    stream: str
    settle_ms: int


class DefinitionSignature(NamedTuple):
    """A signature that a condition judges, with the text it had."""

    definition: int
    signature: str
    sha256: str


class DefinitionGroup(NamedTuple):
    """A group of a loop condition."""

    definition: int
    group: str


class DefinitionRoute(NamedTuple):
    """A route of a probe condition."""

    definition: int
    route: str


class DefinitionStatus(NamedTuple):
    """A status that a probe condition expects."""

    definition: int
    status: int


class Step(NamedTuple):
    """A step of an edition."""

    edition: int
    step: str
    position: int
    title: str
    kind: str
    effect: str
    mandatory: int
    max_age_ms: int | None
    sha256: str


class Mark(NamedTuple):
    """A named moment; of several with one name the newest row holds."""

    name: str
    at_ms: int
    deployment: str | None
    previous: str | None
    recorded_ms: int
    operator: str


class Window(NamedTuple):
    """A named stretch of time; of several with one name the newest row holds."""

    name: str
    from_ms: int
    to_ms: int
    recorded_ms: int
    operator: str


class Scope(NamedTuple):
    """Where a run begins: trips latch from here, and nothing before it counts."""

    start_ms: int
    reason: str
    mark: int | None
    recorded_ms: int


class StepEvent(NamedTuple):
    """One transition of a step. `detail` is JSON: what was run, shown, answered."""

    session: int
    edition: int
    step: str
    attempt: int
    kind: str
    at_ms: int
    monotonic_ms: int
    claimed_ms: int | None
    operator: str
    step_sha256: str
    reason: str
    detail: str = "{}"
    override: int = 0


class Note(NamedTuple):
    """What someone said, as they said it."""

    at_ms: int
    operator: str
    step: str | None
    body: str
    amends: int | None = None
    cites: str | None = None


class Evaluation(NamedTuple):
    """An instant at which the signals were judged."""

    as_of_ms: int
    known_seq: int
    scope_start_ms: int | None
    live: int
    edition: int
    definition_sha256: str
    recorded_ms: int
    why: str


class EvaluationResult(NamedTuple):
    """What the views said of one signal then; `result` is the signal's JSON."""

    evaluation: int
    signal: str
    state: str
    reason: str
    now_state: str
    now_reason: str
    first_trip_ms: int | None
    result: str


class Decision(NamedTuple):
    """A named choice with its reason; `first_citation` is the id of the citation row stored with it."""

    at_ms: int
    operator: str
    edition: int
    step: str
    choice: str
    reason: str
    evaluation: int
    scope: str | None
    override: str | None
    first_citation: int


class Citation(NamedTuple):
    """Evidence that a decision rests on: `ref` is `table:id`."""

    decision: int
    ref: str
    evidence: str
    evidence_id: int
    age_ms: int | None


class Acknowledgement(NamedTuple):
    """Someone saw the alarm; it changes no state."""

    at_ms: int
    operator: str
    signal: str
    first_trip_ms: int | None
    note: str


class Seal(NamedTuple):
    """The end of a case. `cookie` is the schema cookie of the file that was sealed: the delivered copy has the next one."""

    at_ms: int
    operator: str
    evaluation: int
    worst: str
    from_ms: int
    to_ms: int
    gaps: int
    override: str | None
    cookie: int


class Gap(NamedTuple):
    """Something that the case does not know or cannot vouch for, said when it was sealed."""

    kind: str
    ref: str
    text: str


class CarriedItem(NamedTuple):
    """An open watch item or unknown of the case before this one; `origin` names that case, its head and the row."""

    kind: str
    signal: str | None
    text: str
    origin: str
