"""The staged database: the tables that a runbook names, filled and drained through `psql`, which comes with the embedded server.

The program's own driver only ever reads (collectors/offload/postgres.py); nothing of it is used for writing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from collectors.drill.scenario import Runs, Scenario
from collectors.drill.script import LiveTime, depth_at, runs_at
from collectors.offload.sql_text import quote_name, quote_table, quote_text
from store.errors import Refused
from store.instants import MINUTE_MS
from store.runbook.model import DispatchTable, LedgerTable, QueueTable

_ANSWER_S = 20.0


class Tables(NamedTuple):
    """The tables of one source of a runbook."""

    queue: QueueTable | None = None
    ledger: LedgerTable | None = None
    dispatch: DispatchTable | None = None

    @classmethod
    def told(cls, values: dict[str, dict[str, Any] | None]) -> Tables:
        """Tables as another process told them in JSON, which knows lists only."""

        def filled(kind: Any, key: str) -> Any:
            given = values.get(key)
            listed = {name: tuple(v) if isinstance(v, list) else v for name, v in (given or {}).items()}
            return kind(**listed) if given else None

        return cls(filled(QueueTable, "queue"), filled(LedgerTable, "ledger"), filled(DispatchTable, "dispatch"))


class Psql:
    """One `psql` in one database; statements are sent one after the other and answered before the next."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._asked = 0
        self._turn = asyncio.Lock()

    @classmethod
    async def connect(cls, binaries: Path, address: str) -> Psql:
        """Start it.

        Raises:
            Refused: there is no psql beside the server.
        """
        program = binaries / "psql"
        found = str(program) if program.is_file() else shutil.which("psql")
        if not found:
            raise Refused(
                f"there is no psql in {binaries}", "install the client of that Postgres, or unset CLOSEOUT_PG_BIN"
            )
        process = await asyncio.create_subprocess_exec(
            found, "-X", "-q", "-A", "-t", "-d", address,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PGOPTIONS": "--client-min-messages=warning"},
        )  # fmt: skip
        return cls(process)

    async def run(self, *statements: str) -> list[str]:
        """Run statements; returns the lines that they print.

        Raises:
            Refused: one of them failed.
        """
        async with self._turn:
            self._asked += 1
            mark = f"answered {self._asked}"
            stdin, stdout = self._process.stdin, self._process.stdout
            if stdin is None or stdout is None:
                return []
            stdin.write(("".join(f"{each};\n" for each in statements) + f"\\echo {mark}\n").encode())
            await stdin.drain()
            # Not wait_for: it may lose a cancellation that comes with the answer.
            async with asyncio.timeout(_ANSWER_S):
                return await self._answer(stdout, mark)

    @staticmethod
    async def _answer(stdout: asyncio.StreamReader, mark: str) -> list[str]:
        lines: list[str] = []
        while (line := (await stdout.readline()).decode()) != f"{mark}\n":
            if not line or "ERROR:" in line:
                raise Refused(f"the staged database refused: {line.strip() or 'it is gone'}")
            lines.append(line.rstrip("\n"))
        return lines

    async def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(2):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def schema(source: Tables) -> Iterator[str]:
    """The tables of a source, with the columns that its runbook names."""
    if source.queue is not None:
        yield from _queue_schema(source.queue)
    if source.ledger is not None:
        yield from _ledger_schema(source.ledger)
    if source.dispatch is not None:
        status = [f"{quote_name(source.dispatch.status)} text"] if source.dispatch.status else []
        yield from _create(source.dispatch.table, [f"{quote_name(source.dispatch.created)} timestamp(3)", *status])


def _queue_schema(names: QueueTable) -> Iterator[str]:
    values = (*names.pending, *names.running, *names.failed, *names.succeeded)
    yield _enum(names.table, values)
    columns = [f"{quote_name(names.status)} {_enum_name(names.table)} NOT NULL"]
    columns += [f"{quote_name(name)} timestamp(3)" for name in dict.fromkeys((names.due, names.created)) if name]
    yield from _create(names.table, [*columns, "payload jsonb"])
    when = names.due or names.created
    also = f", {quote_name(when)}" if when else ""
    yield f"CREATE INDEX ON {quote_table(names.table)} ({quote_name(names.status)}{also})"


def _ledger_schema(names: LedgerTable) -> Iterator[str]:
    yield _enum(names.table, (*names.running, *names.succeeded, *names.failed))
    columns = [f"{quote_name(names.status)} {_enum_name(names.table)} NOT NULL"]
    columns += [f"{quote_name(name)} timestamp(3)" for name in dict.fromkeys((names.started, names.finished)) if name]
    columns += [f"{quote_name(names.run)} text"] if names.run else []
    columns += [f"{quote_name(names.attempt)} integer"] if names.attempt else []
    yield from _create(names.table, columns)
    yield f"CREATE INDEX ON {quote_table(names.table)} ({quote_name(names.finished)}, {quote_name(names.status)})"


def _create(table: str, columns: Iterable[str]) -> Iterator[str]:
    place, dot, _ = table.partition(".")
    if dot:
        yield f"CREATE SCHEMA IF NOT EXISTS {quote_name(place)}"
    yield f"CREATE TABLE {quote_table(table)} (staged_id bigserial PRIMARY KEY, {', '.join(columns)})"


def _enum(table: str, values: Iterable[str]) -> str:
    return (
        f"CREATE TYPE {_enum_name(table)} AS ENUM ({', '.join(quote_text(value) for value in dict.fromkeys(values))})"
    )


def _enum_name(table: str) -> str:
    return quote_name(f"{table.rpartition('.')[2]}Status")


class Workers:
    """What fills and drains the tables, minute by minute in the past and step by step while it is live."""

    def __init__(self, psql: Psql, source: Tables, scenario: Scenario, time: LiveTime) -> None:
        self._psql = psql
        self._source = source
        self._scenario = scenario
        self.time = time
        self._pending = self._failed = 0
        self._run = self._owed = 0
        self._dispatched_ms = time.begin_ms

    async def seed(self) -> None:
        """Make the tables as they stand when the world goes live."""
        begin = self.time.begin_ms
        await self._psql.run("BEGIN", *schema(self._source))
        rows: list[str] = []
        for minute in range(begin - self._scenario.history_ms, begin - 1, MINUTE_MS):
            rows += self._minute(minute, runs_at(self._scenario, self.time, minute), min(MINUTE_MS, begin - minute))
        depth = depth_at(self._scenario, self.time, begin)
        done = self._put_events("succeeded", 400, begin - 60 * MINUTE_MS)
        await self._psql.run(*rows, *done, *self._set_depth(begin, depth.pending, depth.failed), "COMMIT")

    async def step(self, at_ms: int, passed_ms: int) -> None:
        """Move the tables on to an instant."""
        rows: list[str] = []
        depth = depth_at(self._scenario, self.time, at_ms)
        if depth.pending <= self._pending:
            rows += [*self._take_events(1), *self._put_events("pending", 1, at_ms)]
        rows += self._set_depth(at_ms, depth.pending, depth.failed)
        runs = runs_at(self._scenario, self.time, at_ms)
        self._owed += runs.per_minute * passed_ms
        while self._owed >= MINUTE_MS:
            self._owed -= MINUTE_MS
            rows += self._finish(at_ms, runs)
        if at_ms - self._dispatched_ms >= MINUTE_MS:
            self._dispatched_ms = at_ms
            rows += [row for _ in range(runs.dispatched) for row in self._dispatch(at_ms)]
        if rows:
            await self._psql.run("BEGIN", *rows, "COMMIT")

    def _minute(self, minute_ms: int, runs: Runs, length_ms: int) -> list[str]:
        rows = [row for _ in range(runs.dispatched) for row in self._dispatch(minute_ms)]
        for number in range(runs.per_minute * length_ms // MINUTE_MS):
            rows += self._finish(minute_ms + length_ms * number // max(runs.per_minute, 1) + 500, runs)
        return rows

    def _finish(self, at_ms: int, runs: Runs) -> list[str]:
        names = self._source.ledger
        if names is None:
            return []
        self._run += 1
        failed = self._run * runs.failures_percent // 100 > (self._run - 1) * runs.failures_percent // 100
        status = next(iter(names.failed if failed else names.succeeded))
        values = {names.status: quote_text(status), names.finished: _stamp(at_ms)}
        if names.started:
            values[names.started] = _stamp(at_ms - 400)
        if names.run:
            values[names.run] = f"'run-{self._run}'"
        if names.attempt:
            values[names.attempt] = "0"
        return [_insert(names.table, values)]

    def _dispatch(self, at_ms: int) -> list[str]:
        names: DispatchTable | None = self._source.dispatch
        if names is None:
            return []
        values = {names.created: _stamp(at_ms)}
        if names.status and names.dispatched:
            values[names.status] = quote_text(names.dispatched[0])
        return [_insert(names.table, values)]

    def _set_depth(self, at_ms: int, pending: int, failed: int) -> list[str]:
        rows = self._put_events("pending", pending - self._pending, at_ms)
        rows += self._take_events(self._pending - pending)
        rows += self._put_events("failed", failed - self._failed, at_ms)
        self._pending, self._failed = pending, max(failed, self._failed)
        return rows

    def _put_events(self, kind: str, count: int, at_ms: int) -> list[str]:
        names = self._source.queue
        if names is None or count <= 0:
            return []
        status = {"pending": names.pending, "failed": names.failed, "succeeded": names.succeeded}[kind]
        if not status:
            return []
        values = {names.status: quote_text(status[0])}
        values |= {name: _stamp(at_ms) for name in (names.due, names.created) if name}
        columns, told = ", ".join(map(quote_name, values)), ", ".join(values.values())
        return [f"INSERT INTO {quote_table(names.table)} ({columns}) SELECT {told} FROM generate_series(1, {count})"]  # noqa: S608 quoted

    def _take_events(self, count: int) -> list[str]:
        names = self._source.queue
        if names is None or count <= 0 or not names.succeeded:
            return []
        table, status = quote_table(names.table), quote_name(names.status)
        oldest = (
            f"SELECT staged_id FROM {table} WHERE {status} = {quote_text(names.pending[0])} ORDER BY 1 LIMIT {count}"  # noqa: S608
        )
        return [f"UPDATE {table} SET {status} = {quote_text(names.succeeded[0])} WHERE staged_id IN ({oldest})"]  # noqa: S608


def _insert(table: str, values: dict[str, str]) -> str:
    columns = ", ".join(quote_name(name) for name in values)
    return f"INSERT INTO {quote_table(table)} ({columns}) VALUES ({', '.join(values.values())})"  # noqa: S608 quoted


def _stamp(at_ms: int) -> str:
    return f"to_timestamp({at_ms} / 1000.0) AT TIME ZONE 'UTC'"
