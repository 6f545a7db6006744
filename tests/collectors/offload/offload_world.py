"""A small database as such projects keep it: quoted names, enum statuses, times without a zone that hold UTC."""

from __future__ import annotations

from pathlib import Path

from collectors.offload.sample import sample_offload
from collectors.schedule import CollectedTick
from store.case import Case
from store.runbook.model import Runbook
from tests.collectors.cases import clock, make_case, runbook_of, source_of
from tests.collectors.conftest import Database

TABLES = (
    """CREATE TYPE "WebhookEventStatus" AS ENUM ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED')""",
    """CREATE TYPE "BackgroundFunctionRunStatus" AS ENUM ('RUNNING', 'SUCCEEDED', 'FAILED')""",
    """CREATE TABLE "WebhookEvent" (id serial PRIMARY KEY, status "WebhookEventStatus" NOT NULL DEFAULT 'PENDING',
       "runAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
       "createdAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), payload jsonb)""",
    """CREATE INDEX ON "WebhookEvent" (status, "runAt")""",
    """CREATE TABLE "BackgroundFunctionRun" (id serial PRIMARY KEY, "functionName" text NOT NULL DEFAULT 'f',
       status "BackgroundFunctionRunStatus" NOT NULL, attempt int NOT NULL DEFAULT 0, "runId" text,
       "startedAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), "finishedAt" timestamp(3))""",
    """CREATE TABLE "BackgroundDispatchWindow" (id serial PRIMARY KEY, status text NOT NULL,
       "createdAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'))""",
)

QUEUE = """
[queue]
table = "WebhookEvent"
due = "runAt"
"""
LEDGER = """
[ledger]
table = "BackgroundFunctionRun"
started = "startedAt"
run = "runId"
attempt = "attempt"
"""
DISPATCH = """
[dispatch]
table = "BackgroundDispatchWindow"
created = "createdAt"
status = "status"
dispatched = ["ENQUEUED"]
"""
SOURCE = """
```toml source
id = "offload"
kind = "offload"
address = "DATABASE_URL"
{}
```
"""
RATIO_TRIP = 'kind = "ratio"\nof = "attempts"\nover_percent = 10'
QUEUE_TRIP = 'kind = "queue"\nmax_gap = "10m"\nmin_snapshots = 4\nmin_growth = 10'

NOW = "(now() AT TIME ZONE 'UTC')"


def offload_runbook(tables: str = QUEUE + LEDGER + DISPATCH, fence: str = "", keys: str = "") -> Runbook:
    """A runbook with one offload source."""
    block = SOURCE.format(keys + tables)
    if fence:
        block += f"\n```sql\n{fence}\n```\n"
    return runbook_of(block, stream="offload", trip=QUEUE_TRIP if fence or "[queue]" in tables else RATIO_TRIP)


class World:
    """A database, a case and a runbook; `sample` is one tick."""

    def __init__(self, database: Database, folder: Path, runbook: Runbook) -> None:
        self.database = database
        self.runbook = runbook
        self.case: Case = make_case(folder, runbook)
        self.now = server_ms(database)

    def events(self, status: str, count: int, due: str = NOW) -> None:
        """Put events into the queue."""
        self.database.run(
            f'INSERT INTO "WebhookEvent" (status, "runAt", "createdAt") SELECT \'{status}\', {due}, {due} '
            f"FROM generate_series(1, {count})"
        )

    def run(self, status: str, minutes_ago: float, *, run: str = "", attempt: int = 0, count: int = 1) -> None:
        """Put runs into the ledger; those that run have no end."""
        ended = f"{NOW} - interval '{minutes_ago} minutes'"
        name = f"'{run}'" if run else "gen_random_uuid()::text"
        self.database.run(
            'INSERT INTO "BackgroundFunctionRun" (status, attempt, "runId", "startedAt", "finishedAt") '
            f"SELECT '{status}', {attempt}, {name}, {ended}, {'NULL' if status == 'RUNNING' else ended} "
            f"FROM generate_series(1, {count})"
        )

    def dispatch(self, minutes_ago: float, status: str = "ENQUEUED") -> None:
        self.database.run(
            'INSERT INTO "BackgroundDispatchWindow" (status, "createdAt") '
            f"VALUES ('{status}', {NOW} - interval '{minutes_ago} minutes')"
        )

    def sample(
        self, *, address: str | None = None, since_ms: int | None = None, runbook: Runbook | None = None
    ) -> CollectedTick:
        runbook = runbook or self.runbook
        return sample_offload(
            self.case,
            runbook,
            source_of(runbook, "offload"),
            environ={"DATABASE_URL": address or self.database.address()},
            now_ms=clock(self.now),
            since_ms=since_ms,
        )

    def reason(self, what: str, tick: CollectedTick) -> str:
        return next(each.reason for each in tick.collections if each.what == what)


def server_ms(database: Database) -> int:
    value = database.value("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    assert isinstance(value, int)
    return value
