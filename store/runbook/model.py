"""What a runbook says, as frozen typed data. Durations are integer milliseconds, shares are integer percent.

`line` is the 1-based line of the block's opening fence in the file; `sha256` of a block is the hash of its own text
(TOML and the command that belongs to it), so that an edit of one step or signature can be told from an edit elsewhere.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

PROBE_OUTCOMES = (
    "ok", "dispatched", "duplicate", "locked", "stuck", "degraded", "unauthorized", "misconfigured", "not_configured",
    "redirect", "failed",
)  # fmt: skip
"""What an answer to a probe may mean; a source's `patterns` name one each with the text in the body that shows it."""

PACKET_ROLES = ("baseline", "verification", "pre-post-delta", "offload-monitoring")
"""Roles under which the documents of a packet are attached; a choice may ask that artifacts of them are cited."""


class SourceKind(StrEnum):
    """How a stream is collected."""

    LOGS = "logs"
    OFFLOAD = "offload"
    PROBES = "probes"
    BROWSER = "browser"
    RECORDS = "records"


class Unit(StrEnum):
    """What counts as one match of a signature."""

    REQUEST = "request"
    MESSAGE = "message"
    ROW = "row"


class Role(StrEnum):
    """How a signature enters the verdict: a target is claimed to drop, a guard must not rise."""

    TARGET = "target"
    GUARD = "guard"


class StepKind(StrEnum):
    """What a step does."""

    CAPTURE = "capture"
    PROBE = "probe"
    SNAPSHOT = "snapshot"
    BROWSER = "browser"
    CHECK = "check"
    DECIDE = "decide"
    MANUAL = "manual"
    SEAL = "seal"


class Effect(StrEnum):
    """Whether a step only reads the world or changes it."""

    READS = "reads"
    CHANGES = "changes"


class ConditionKind(StrEnum):
    """The kinds of `[[trip]]` of SEMANTICS.md section 3."""

    COUNT = "count"
    BURST = "burst"
    TREND = "trend"
    LOOP = "loop"
    QUEUE = "queue"
    RATIO = "ratio"
    PROBE = "probe"
    LEVEL = "level"


class Command(msgspec.Struct, frozen=True):
    """The `sh`, `sql` or `http` fence that belongs to a block, byte for byte."""

    language: str
    text: str
    line: int


class FieldMap(msgspec.Struct, frozen=True):
    """Dotted paths of a JSON or CSV log's fields; an absent one is None."""

    time: str
    message: str | None = None
    route: str | None = None
    status: str | None = None
    request: str | None = None
    id: str | None = None
    series: str | None = None
    value: str | None = None


class QueueTable(msgspec.Struct, frozen=True):
    """Names of the queue's table, columns and statuses in the database."""

    table: str
    status: str = "status"
    due: str | None = None
    created: str | None = None
    pending: tuple[str, ...] = ("PENDING",)
    running: tuple[str, ...] = ("RUNNING",)
    failed: tuple[str, ...] = ("FAILED",)
    succeeded: tuple[str, ...] = ("SUCCEEDED",)


class LedgerTable(msgspec.Struct, frozen=True):
    """Names of the run ledger's table, columns and statuses in the database."""

    table: str
    status: str = "status"
    finished: str = "finishedAt"
    started: str | None = None
    run: str | None = None
    attempt: str | None = None
    running: tuple[str, ...] = ("RUNNING",)
    succeeded: tuple[str, ...] = ("SUCCEEDED",)
    failed: tuple[str, ...] = ("FAILED",)


class DispatchTable(msgspec.Struct, frozen=True):
    """Names of a table that shows dispatches, so that an empty ledger while dispatching is no health."""

    table: str
    created: str
    status: str | None = None
    dispatched: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True):
    """One stream of evidence and how it is collected."""

    id: str
    kind: SourceKind
    title: str
    line: int
    settle_ms: int = 0
    every_ms: int | None = None
    guidance: str = ""
    command: Command | None = None
    format: str | None = None
    fields: FieldMap | None = None
    address: str | None = None
    origin: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    routes: tuple[str, ...] = ()
    expect: tuple[int, ...] = (200, 401, 403)
    patterns: tuple[tuple[str, str], ...] = ()
    timeout_ms: int = 20_000
    side_effects: bool = False
    pages: tuple[str, ...] = ()
    queue: QueueTable | None = None
    ledger: LedgerTable | None = None
    dispatch: DispatchTable | None = None
    sample_rate: float | None = None


class Signature(msgspec.Struct, frozen=True):
    """What one kind of fault looks like in a log.

    A record matches when it satisfies every part that is given: a route of `routes` (whole paths; `*` one segment, `**`
    a trailing rest), a time-out text whose number N is `timeout_s <= N < timeout_s + 1`, any text of `messages`, the
    regular expression `pattern`, a status of `statuses`, every equality of `where`.
    """

    id: str
    title: str
    line: int
    sha256: str
    routes: tuple[str, ...] = ()
    timeout_s: int | None = None
    messages: tuple[str, ...] = ()
    pattern: str | None = None
    statuses: tuple[int, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    unit: Unit = Unit.REQUEST
    group: str | None = None
    role: Role = Role.GUARD
    schedule: str | None = None
    sample: str | None = None
    guidance: str = ""
    check: Command | None = None


class StreamUse(msgspec.Struct, frozen=True):
    """A stream that a condition reads, with the settle time that holds there."""

    stream: str
    settle_ms: int


class Condition(msgspec.Struct, frozen=True):
    """One `[[trip]]`. Fields that its kind does not use keep their defaults and are not judged.

    `op` is `>` (`over`) or `>=` (`at_least`) or `<` (`under`, level only); `limit` is a count, a percent, or for a
    level millionths of the gauge's unit.
    """

    kind: ConditionKind
    line: int
    streams: tuple[StreamUse, ...]
    window_ms: int
    watch_percent: int
    stale_after_ms: int
    max_skew_ms: int
    signatures: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    expect: tuple[int, ...] = ()
    op: str | None = None
    limit: int | None = None
    slice_ms: int | None = None
    rises: int | None = None
    floor: int | None = None
    z2_micro: int | None = None
    max_gap_ms: int | None = None
    min_snapshots: int | None = None
    min_growth: int | None = None
    of: str | None = None
    min_failures: int | None = None
    min_total: int | None = None
    min_cover_percent: int | None = None
    series: str | None = None
    for_ms: int | None = None


class Rollback(msgspec.Struct, frozen=True):
    """What to undo when a signal trips; shown, never run."""

    do: str
    files: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    undo: Command | None = None


class Signal(msgspec.Struct, frozen=True):
    """A threshold with its owner and its undo."""

    id: str
    title: str
    line: int
    owner: tuple[str, ...]
    conditions: tuple[Condition, ...]
    rollback: Rollback
    contact: str | None = None
    guidance: str = ""


class Choice(msgspec.Struct, frozen=True):
    """One named way out of a decision. `roles`: an artifact of each must be among the citations, with the window it speaks of."""

    id: str
    label: str
    next: str | None = None
    scope: str | None = None
    roles: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """One step of the walk."""

    id: str
    title: str
    line: int
    kind: StepKind
    effect: Effect
    sha256: str
    needs: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    for_ms: int | None = None
    mandatory: bool = True
    max_age_ms: int | None = None
    second_person: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    guidance: str = ""
    command: Command | None = None


class Runbook(msgspec.Struct, frozen=True):
    """A whole runbook that passed every check."""

    id: str
    title: str
    phase: str | None
    text: str
    sha256: str
    path: str
    needs: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    signatures: tuple[Signature, ...] = ()
    signals: tuple[Signal, ...] = ()
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
