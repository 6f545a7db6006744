"""What must hold between the keys of one block, and between a source, a signature and what a condition asks of them.

Each rule looks at raw tables where it can, so that a block with one fault still shows its others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from store.runbook.blocks import LogsSource, OffloadSource, ProbesSource, RunbookBlock, SignalBlock, SignatureBlock
from store.runbook.build import build_signature
from store.runbook.faults import Faults, nearest, quoted
from store.runbook.requests import request_lines
from store.runbook.sample import unmet_parts
from store.runbook.trips import BurstTrip, LevelTrip, LoopTrip, QueueTrip, RatioTrip, Trip
from store.runbook.validate import ReadBlock, ReadSource, texts
from store.runbook.variables import in_braces, used_variables

_LIMITS = {"count": ("over", "at_least"), "burst": ("over", "at_least"), "level": ("over", "under")}
_READS = {
    "count": ("logs", "records"),
    "burst": ("logs", "records"),
    "trend": ("logs", "records"),
    "loop": ("logs", "records"),
    "queue": ("offload", "records"),
    "ratio": ("offload", "records"),
    "probe": ("probes", "records"),
    "level": ("logs", "records"),
}
_TO_MATCH = ("route", "routes", "timeout", "message", "pattern", "status", "where")


def check_runbook(blocks: Sequence[ReadBlock], unread: bool, faults: Faults) -> None:
    """There is exactly one `toml runbook` block, and every variable that is used is declared in it."""
    heads = [read for read in blocks if read.block.kind == "runbook"]
    if not heads and not unread:
        faults.add(1, "no `toml runbook` block", 'a runbook begins with one that has id = "…"')
    for second in heads[1:]:
        faults.add(second.block.line, "a second `toml runbook` block", f"first at line {heads[0].block.line}")
    if heads and isinstance(heads[0].model, RunbookBlock):
        declared = [*heads[0].model.needs, *heads[0].model.secrets]
        for read in blocks:
            _check_variables(read, declared, faults)


def _check_variables(read: ReadBlock, declared: Sequence[str], faults: Faults) -> None:
    for name, line in _used_in(read):
        # SQL names are often written small: :team is answered by TEAM.
        in_sql = read.block.command is not None and read.block.command.language == "sql"
        if name not in declared and not (in_sql and name.upper() in declared):
            hint = nearest(name, declared) or "add it to needs or secrets of the runbook block"
            faults.add(line, f'undeclared variable "{name}"', hint)


def _used_in(read: ReadBlock) -> Iterator[tuple[str, int]]:
    """Yield each variable that a block or its command uses, with the line it is used on."""
    if read.block.kind == "source" and read.model:
        for key in ("address", "origin"):
            if isinstance(read.data.get(key), str):
                yield read.data[key], read.lines.of(key)
        for header, value in read.data.get("headers", {}).items():
            yield from ((name, read.lines.of("headers", header)) for name, _ in in_braces(value))
    for at, page in texts(read.data.get("pages")):
        yield from ((name, read.lines.of("pages", *(() if at is None else (at,)))) for name, _ in in_braces(page))
    # A signature's check is printed for anyone to rerun on files of their own; it is never run here.
    if read.block.command and read.block.kind != "signature":
        yield from used_variables(read.block.command)


def check_requests(read: ReadBlock, faults: Faults) -> None:
    """Each request of an `http` fence is a method and an address."""
    command = read.block.command
    if command is None or command.language != "http":
        return
    requests = list(request_lines(command))
    if not requests:
        faults.add(command.line, "an http fence without a request", "write GET {{ORIGIN}}/path")
    for request in requests:
        if request.route is None:
            why = "write a method and an address, such as GET {{ORIGIN}}/path, and ### between requests"
            faults.add(request.line, f'"{request.text}" is not a request', why)


def check_source(read: ReadBlock, faults: Faults) -> None:
    """Keys of a source that need each other."""
    fields = read.data.get("fields")
    if isinstance(read.model, LogsSource):
        if ("format" in read.data) != ("fields" in read.data):
            has, lacks = ("format", "[fields]") if "format" in read.data else ("fields", 'format = "jsonl" or "csv"')
            faults.add(
                read.lines.of(has),
                f"{has} without {lacks.split()[0]}",
                f"a log of your own form needs both: add {lacks}",
            )
        if isinstance(fields, dict) and ("series" in fields) != ("value" in fields):
            has, lacks = ("series", "value") if "series" in fields else ("value", "series")
            faults.add(read.lines.of("fields", has), f"{has} without {lacks}", "a gauge's reading needs both")
    if isinstance(read.model, OffloadSource) and not (read.model.queue or read.model.ledger or _asks_in_sql(read)):
        faults.add(read.block.line, "an offload source without tables", "name them in [queue] or [ledger], or both")
    fenced = read.block.command is not None and read.block.command.language == "http"
    for at, route in texts(read.data.get("routes") if isinstance(read.model, ProbesSource) and not fenced else None):
        if "*" in route:
            line = read.lines.of("routes", *(() if at is None else (at,)))
            faults.add(
                line, f'route "{route}"', "a probe asks whole paths; write them, or an http fence beside the pattern"
            )
    pages = read.data.get("pages")
    if read.data.get("kind") == "browser" and isinstance(pages, list) and "origin" not in read.data:
        for at, page in enumerate(pages):
            if isinstance(page, str) and page.startswith("/"):
                faults.add(read.lines.of("pages", at), f'page "{page}" has no origin', 'add origin = "BASE_URL"')
                break


def _asks_in_sql(read: ReadBlock) -> bool:
    return read.block.command is not None and read.block.command.language == "sql"


def check_signature(read: ReadBlock, faults: Faults) -> None:
    """A signature matches something, and its own sample."""
    if "route" in read.data and "routes" in read.data:
        faults.add(read.lines.of("routes"), "route and routes", "give one of them")
    if read.data and not any(read.data.get(key) for key in _TO_MATCH):
        why = f"add one of {', '.join(_TO_MATCH)}"
        faults.add(read.block.line, "a signature with nothing to match", why)
    if isinstance(read.model, SignatureBlock) and read.model.sample is not None:
        for unmet in unmet_parts(build_signature(read, read.model), read.model.sample):
            faults.add(read.lines.of("sample"), "sample does not match its own signature", unmet)


def check_signal(read: ReadBlock, sources: Mapping[str, ReadSource], faults: Faults) -> None:
    """Each condition has one limit, streams that can answer it, and slices that fit the window."""
    raw_trips = read.data.get("trip")
    for number, raw in enumerate(raw_trips if isinstance(raw_trips, list) else ()):
        if not isinstance(raw, dict) or number >= len(read.trips):
            continue
        _check_limit(read, number, raw, faults)
        _check_slice(read, number, faults)
        given = raw.get("streams", read.data.get("streams"))
        names = [name for _, name in texts(given)]
        if names:
            _check_streams(read, number, names, sources, faults)
        elif not given:
            why = "name them in the condition or in the signal"
            faults.add(read.lines.of("trip", number), f"a {raw.get('kind')} condition without streams", why)


def _check_slice(read: ReadBlock, number: int, faults: Faults) -> None:
    trip, signal = read.trips[number], read.model
    if not isinstance(trip, BurstTrip | LoopTrip) or not isinstance(signal, SignalBlock):
        return
    if trip.slice > signal.window:
        line = read.lines.of("trip", number, "slice")
        faults.add(line, "slice is longer than the window", "a slice is a part of the window")


def _check_limit(read: ReadBlock, number: int, raw: dict[str, Any], faults: Faults) -> None:
    keys = _LIMITS.get(str(raw.get("kind")))
    if keys is None:
        return
    given = [key for key in raw if key in keys]
    shown = " or ".join(f"{key} = …" for key in keys)
    if not given:
        faults.add(read.lines.of("trip", number), f"a {raw['kind']} condition without a limit", f"write {shown}")
    for second in given[1:]:
        faults.add(
            read.lines.of("trip", number, second), f"{given[0]} and {second}", f"a condition has one limit: {shown}"
        )


def _check_streams(
    read: ReadBlock, number: int, names: Sequence[str], sources: Mapping[str, ReadSource], faults: Faults
) -> None:
    trip = read.trips[number]
    if trip is None:
        return
    line = read.lines.of("trip", number, "streams")
    if line == read.lines.of("trip", number) and "streams" in read.data:
        line = read.lines.of("streams")
    if isinstance(trip, QueueTrip) and len(names) != 1:
        why = "depths of two queues do not add up: name one stream"
        faults.add(line, f"a queue condition over {len(names)} streams", why)
    able = quoted(name for name, source in sources.items() if source.model.kind in _READS[trip.kind])
    for name in names:
        source = sources.get(name)
        if source is None:
            continue
        if source.model.kind not in _READS[trip.kind]:
            why = f"it needs a stream of kind {' or '.join(_READS[trip.kind])}" + (f", such as {able}" if able else "")
            faults.add(line, f'a {trip.kind} condition cannot read "{name}" of kind {source.model.kind}', why)
        elif lacks := _lacks(trip, source):
            faults.add(line, f'a {trip.kind} condition cannot read "{name}"', lacks)


def _lacks(trip: Trip, source: ReadSource) -> str:
    """Say what a source of the right kind does not name."""
    model = source.model
    if isinstance(model, OffloadSource) and isinstance(trip, QueueTrip) and not (model.queue or source.asks_in_sql):
        return "that source names no [queue]"
    if isinstance(model, OffloadSource) and isinstance(trip, RatioTrip) and model.ledger is None:
        return "that source names no [ledger]"
    if isinstance(trip, LevelTrip) and isinstance(model, LogsSource) and model.kind == "logs":
        reads_gauges = model.fields is not None and model.fields.series is not None
        return "" if reads_gauges else "that source names no series and value in [fields]"
    return ""
