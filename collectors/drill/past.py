"""The ninety minutes and more before a staged world went live, written as the files that an operator would bring in.

A dashboard export of the log, queue snapshots and earlier probes as evidence records. Nothing here is brought in: `import` does that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from collectors.drill.forms import delimiter_row, export_rows, own_line, query_row
from collectors.drill.routes import says_at, status_of
from collectors.drill.scenario import Scenario
from collectors.drill.script import HOST, LiveTime, Request, depth_at, history, sample_instants
from store.instants import MINUTE_MS, format_instant

_PROBED_MS = 60 * MINUTE_MS
_PROBE_EVERY_MS = 5 * MINUTE_MS


class PastFile(NamedTuple):
    """A file to bring in: what it is (log, records), and the window that it was made for."""

    path: str
    what: str
    from_ms: int
    to_ms: int


class Streams(NamedTuple):
    """What the runbook calls the streams whose past is written; empty where it has none. `routes` are probed."""

    offload: str = ""
    probes: str = ""
    routes: tuple[str, ...] = ()


def write_past(folder: Path, scenario: Scenario, time: LiveTime, streams: Streams) -> list[PastFile]:
    """Write the platform's own log and the files to bring in; returns the latter in the order of time."""
    requests = history(scenario, time.begin_ms)
    with (folder / "requests.ndjson").open("w", encoding="utf-8") as own:
        own.writelines(f"{own_line(request)}\n" for request in requests)
    files = list(_logs(folder, scenario, time.begin_ms, requests))
    records = [*_snapshots(scenario, time, streams), *_probes(scenario, time, streams)]
    if records:
        path = folder / "history.ndjson"
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
        files.append(PastFile(str(path), "records", time.begin_ms - scenario.history_ms, time.begin_ms))
    return files


def _logs(folder: Path, scenario: Scenario, begin_ms: int, requests: Sequence[Request]) -> Iterator[PastFile]:
    first, last = begin_ms - scenario.history_ms, begin_ms + scenario.export_until_ms
    whole = last if scenario.export_cut_from_ms is None else begin_ms + scenario.export_cut_from_ms
    path = folder / "logs_result.json"
    rows = [row for one in requests if one.ended_ms < whole for row in export_rows(one, HOST)]
    path.write_text(json.dumps(rows), "utf-8")
    yield PastFile(str(path), "log", first, whole)
    if whole < last:
        path = folder / "logs_cut.ndjson"
        told: list[dict[str, Any]] = [
            query_row(json.loads(own_line(one)), HOST) for one in requests if whole <= one.ended_ms < last
        ]
        path.write_text("".join(f"{json.dumps(row)}\n" for row in [*told, delimiter_row(last)]), "utf-8")
        yield PastFile(str(path), "log", whole, last)


def _snapshots(scenario: Scenario, time: LiveTime, streams: Streams) -> Iterator[dict[str, Any]]:
    for at in sample_instants(scenario, time.begin_ms) if streams.offload else ():
        depth = depth_at(scenario, time, at)
        yield from _tick(
            streams.offload,
            at,
            [{"record": "snapshot", "pending": depth.pending, "running": 0, "failed": depth.failed, "succeeded": 400}],
        )


def _probes(scenario: Scenario, time: LiveTime, streams: Streams) -> Iterator[dict[str, Any]]:
    if not streams.probes or not streams.routes:
        return
    for at in range(time.begin_ms - _PROBED_MS, time.begin_ms - MINUTE_MS, _PROBE_EVERY_MS):
        told = []
        for route in streams.routes:
            says = says_at(scenario, route, at, time)
            outcome = "timeout" if says == "timeout" else "failed" if says == "error-500" else says
            told.append({"record": "probe", "route": route, "status": status_of(says), "outcome": outcome})
        yield from _tick(streams.probes, at, told)


def _tick(stream: str, at_ms: int, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One look at one instant."""
    id, at = f"{stream}-{at_ms}", format_instant(at_ms)
    yield {"record": "collection", "id": id, "stream": stream, "from": at, "to": at, "collected": at, "status": "ok"}
    for row in rows:
        yield {**row, "collection": id, "at": at}
