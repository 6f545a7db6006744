"""Bring a named window of the case before this one into it, evidence and all, so that `verdict` can take it as its baseline.

The evidence goes through the same door as any import; each collection says from which case and head it came. What the new runbook does
not know is left out and told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from collectors.records.load import load_records
from collectors.records.write import write_records
from store.case import Case
from store.errors import Refused
from store.instants import format_instant, parse_instant
from store.journal import Window
from store.moments import named_window
from store.runbook.model import Runbook

BASELINE = "baseline"


class CarriedWindow(NamedTuple):
    """What was brought in: the window, the collections with it, and the streams that the new runbook does not have."""

    from_ms: int
    to_ms: int
    collections: int
    unknown_streams: tuple[str, ...]


def carry_window(source: Case, target: Case, runbook: Runbook, name: str, *, operator: str) -> CarriedWindow:
    """Store a window of `source` as the `baseline` of `target`, with every collection that touches it.

    Raises:
        BadInput: the source has no window of that name.
        Refused: no evidence of it is of any use here.
    """
    window = named_window(name, source.read())
    entry = source.head()
    origin = f"{source.path.name} {entry.seq}:{entry.head}"
    records = [json.loads(text) for text in write_records(source.read())]
    touching = {record["id"]: record for record in _touching(records, window)}
    streams = {one.id for one in runbook.sources}
    unknown = tuple(sorted({record["stream"] for record in touching.values()} - streams))
    kept = {id: record for id, record in touching.items() if record["stream"] in streams}
    if not kept:
        raise Refused(f"no evidence of the window {name} of {source.path.name} is of a stream that this runbook has")
    chosen = [*(_collection(record, runbook, origin) for record in kept.values()), *_rows(records, kept, runbook)]
    data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in chosen).encode()
    loaded = load_records(target, runbook, data, name=origin, operator=operator)
    with target.transaction("init") as tx:
        tx.add(Window(BASELINE, *window, target.clock(), operator))
    return CarriedWindow(*window, len(loaded), unknown)


def _touching(records: list[dict[str, Any]], window: tuple[int, int]) -> Iterator[dict[str, Any]]:
    withdrawn = {record["collection"] for record in records if record["record"] == "retraction"}
    for record in records:
        if record["record"] == "collection" and record["id"] not in withdrawn and _overlaps(record, window):
            yield record


def _overlaps(record: dict[str, Any], window: tuple[int, int]) -> bool:
    spans = [(record["from"], record["to"]), *((span[0], span[1]) for span in record["coverage"])]
    known = [(parse_instant(start), parse_instant(end)) for start, end in spans if start and end]
    return any(start < window[1] and end >= window[0] for start, end in known)


def _collection(record: dict[str, Any], runbook: Runbook, origin: str) -> dict[str, Any]:
    signatures = {one.id for one in runbook.signatures}
    looked_for = [row for row in record["looked_for"] if row["signature"] in signatures]
    return {**record, "source": f"{origin} {record['id']}", "looked_for": looked_for}


def _rows(records: list[dict[str, Any]], kept: dict[str, Any], runbook: Runbook) -> Iterator[dict[str, Any]]:
    signatures = {one.id for one in runbook.signatures}
    for record in records:
        if record["record"] in ("collection", "retraction") or record["collection"] not in kept:
            continue
        if record.get("signature", "") in signatures or "signature" not in record:
            yield record


def told(carried: CarriedWindow) -> str:
    """What was brought in, in one line."""
    span = f"{format_instant(carried.from_ms)}/{format_instant(carried.to_ms)}"
    left = f"; left out, unknown here: {', '.join(carried.unknown_streams)}" if carried.unknown_streams else ""
    return f"baseline {span} with {carried.collections} collections of the case before{left}"
