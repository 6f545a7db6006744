"""The keys of each kind of block, closed and strict. Meaning that spans several keys or blocks is judged elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from store.runbook.fieldtypes import (
    Closed,
    Cron,
    Duration,
    Id,
    Ids,
    Outcome,
    Pages,
    Pattern,
    Pause,
    Positive,
    RoutePattern,
    RoutePatterns,
    Share,
    SomeTexts,
    Statuses,
    Text,
    Texts,
    Variable,
    Variables,
    Where,
)
from store.runbook.model import Effect, Role, StepKind, Unit
from store.runbook.trips import (
    BurstTrip,
    CountTrip,
    LevelTrip,
    LoopTrip,
    ProbeTrip,
    QueueTrip,
    RatioTrip,
    TrendTrip,
    Trip,
)


class RunbookBlock(Closed):
    """The one block that names the runbook."""

    id: Id
    phase: Text | None = None
    needs: Variables = Field(default=[])
    secrets: Variables = Field(default=[])


class FieldTable(Closed):
    """Where a JSON or CSV log keeps what we read."""

    time: Text
    message: Text | None = None
    route: Text | None = None
    status: Text | None = None
    request: Text | None = None
    id: Text | None = None
    series: Text | None = None
    value: Text | None = None


class QueueNames(Closed):
    """Names of the queue's table, columns and statuses."""

    table: Text
    status: Text = "status"
    due: Text | None = None
    created: Text | None = None
    pending: SomeTexts = Field(default=["PENDING"])
    running: Texts = Field(default=["RUNNING"])
    failed: Texts = Field(default=["FAILED"])
    succeeded: Texts = Field(default=["SUCCEEDED"])


class LedgerNames(Closed):
    """Names of the ledger's table, columns and statuses."""

    table: Text
    status: Text = "status"
    finished: Text = "finishedAt"
    started: Text | None = None
    run: Text | None = None
    attempt: Text | None = None
    running: Texts = Field(default=["RUNNING"])
    succeeded: SomeTexts = Field(default=["SUCCEEDED"])
    failed: SomeTexts = Field(default=["FAILED"])


class DispatchNames(Closed):
    """Names of the table that shows dispatches."""

    table: Text
    created: Text
    status: Text | None = None
    dispatched: Texts = Field(default=[])


class SourceBlock(Closed):
    """What every source says."""

    id: Id
    kind: str
    settle: Pause = 0
    every: Duration | None = None


class LogsSource(SourceBlock):
    """Log records, or evidence records, from a command or a file."""

    format: Literal["jsonl", "csv"] | None = None
    fields: FieldTable | None = None
    sample_rate: Share | None = None


class OffloadSource(SourceBlock):
    """A queue and a run ledger in Postgres."""

    address: Variable
    queue: QueueNames | None = None
    ledger: LedgerNames | None = None
    dispatch: DispatchNames | None = None
    timeout: Duration = 20_000


class ProbesSource(SourceBlock):
    """HTTP requests to one origin."""

    origin: Variable
    headers: dict[Text, Text] = Field(default={})
    routes: RoutePatterns = Field(default=[])
    expect: Statuses = Field(default=[200, 401, 403])
    patterns: dict[Outcome, Pattern] = Field(default={})
    timeout: Duration = 20_000
    side_effects: bool = False


class BrowserSource(SourceBlock):
    """Pages opened in a real browser."""

    origin: Variable | None = None
    headers: dict[Text, Text] = Field(default={})
    pages: Pages = Field(default=[])
    timeout: Duration = 20_000


class SignatureBlock(Closed):
    """What one kind of fault looks like."""

    id: Id
    route: RoutePattern | None = None
    routes: RoutePatterns | None = None
    timeout: Positive | None = None
    message: SomeTexts | None = None
    pattern: Pattern | None = None
    status: Statuses | None = None
    where: Where = Field(default={})
    unit: Annotated[Unit, Field(strict=False)] = Unit.REQUEST
    group: Id | None = None
    role: Annotated[Role, Field(strict=False)] = Role.GUARD
    schedule: Cron | None = None
    sample: Text | None = None


class RollbackTable(Closed):
    """What to undo."""

    do: Text
    files: Texts = Field(default=[])
    confirm: Texts = Field(default=[])


class SignalBlock(Closed):
    """A threshold; its `[[trip]]` tables are judged by kind."""

    id: Id
    streams: Ids = Field(default=[])
    window: Duration = 1_800_000
    watch_percent: Annotated[int, Field(ge=1, le=100)] = 80
    stale_after: Duration = 300_000
    max_skew: Pause = 5_000
    owner: SomeTexts
    contact: Text | None = None
    trip: list[dict[str, Any]] = Field(default=[])
    rollback: RollbackTable


class ChoiceTable(Closed):
    """One way out of a decision."""

    id: Id
    label: Text
    next: Id | None = None
    scope: Id | None = None
    roles: Ids = Field(default=[])


class StepBlock(Closed):
    """One step of the walk."""

    id: Id
    kind: Annotated[StepKind, Field(strict=False)]
    effect: Annotated[Effect, Field(strict=False)] = Effect.READS
    needs: Ids | None = None
    feeds: Ids = Field(default=[])
    cites: Ids = Field(default=[])
    for_: Annotated[Duration | None, Field(alias="for")] = None
    mandatory: bool = True
    max_age: Duration | None = None
    second_person: Ids = Field(default=[])
    choice: list[ChoiceTable] = Field(default=[])


SOURCES: dict[str, type[SourceBlock]] = {
    "logs": LogsSource,
    "offload": OffloadSource,
    "probes": ProbesSource,
    "browser": BrowserSource,
    "records": LogsSource,
}
TRIPS: dict[str, type[Trip]] = {
    "count": CountTrip,
    "burst": BurstTrip,
    "trend": TrendTrip,
    "loop": LoopTrip,
    "queue": QueueTrip,
    "ratio": RatioTrip,
    "probe": ProbeTrip,
    "level": LevelTrip,
}
PLAIN_BLOCKS: dict[str, type[Closed]] = {
    "runbook": RunbookBlock,
    "signature": SignatureBlock,
    "signal": SignalBlock,
    "step": StepBlock,
}
