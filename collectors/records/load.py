"""Bring evidence records into a case: one transaction, all of the file or nothing of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from collectors.logs.redact import Redactor, declared_secrets
from collectors.records.form import Record, RecordFault, micro, read_record
from store import evidence
from store.case import Case, Transaction
from store.editions import signatures_of_stream
from store.errors import BadInput
from store.runbook.model import Runbook

SHOWN_FAULTS = 20


@dataclass(frozen=True, slots=True)
class LoadedCollection:
    """A collection of the file and where it is in the case now."""

    id: str
    ref: str
    seq: int


@dataclass(slots=True)
class _Batch:
    """The records of one file, ordered by what they hang on."""

    collections: dict[str, Record] = field(default_factory=dict)
    rows: list[Record] = field(default_factory=list)
    retractions: list[Record] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def is_evidence_records(head: str) -> bool:
    """Whether text is of evidence records: its first line names its `record`, or some line of it is a sound collection.

    A bad first line makes it no log: it is to be named with its number, as any other bad line is.
    """
    found = [part for part in head.lstrip("\ufeff").splitlines() if part.strip()]
    if found and found[0].lstrip().startswith("{") and '"record"' in found[0]:
        return True
    return any(_is_collection(part) for part in found if '"record"' in part)


def _is_collection(text: str) -> bool:
    try:
        return read_record(text, 1).kind == "collection"
    except RecordFault:
        return False


def load_records(
    case: Case, runbook: Runbook, data: bytes, *, name: str, operator: str
) -> tuple[LoadedCollection, ...]:
    """Load a file of evidence records. Identical bytes again give the first load, unless that was retracted.

    Raises:
        BadInput: some line is bad; every bad line is named and nothing is loaded.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    batch = _read(data, runbook)
    if batch.faults:
        more = f" (and {len(batch.faults) - SHOWN_FAULTS} more)" if len(batch.faults) > SHOWN_FAULTS else ""
        listed = "\n".join(f"{name}:{fault}" for fault in batch.faults[:SHOWN_FAULTS])
        raise BadInput(f"{listed}{more}", "nothing was loaded: mend these lines and import again")
    if not batch.collections and not batch.retractions:
        raise BadInput(f"{name} holds no evidence records")
    with case.transaction("records") as tx:
        first = _first_load(tx, sha256, batch)
        if first is not None:
            return first
        ids = _store(tx, batch, runbook, sha256=sha256, name=name, now_ms=case.clock())
        _retract(tx, batch, ids, operator=operator, now_ms=case.clock())
        return tuple(LoadedCollection(key, f"collection:{row}", tx.seq) for key, row in ids.items())


def _read(data: bytes, runbook: Runbook) -> _Batch:
    batch = _Batch()
    streams = {source.id for source in runbook.sources}
    signatures = {signature.id for signature in runbook.signatures}
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"evidence records are UTF-8, this is not (byte {error.start})") from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            _sort_in(batch, read_record(line, number), streams, signatures)
        except RecordFault as fault:
            batch.faults.append(f"{number}: {fault}")
    for record in batch.rows:
        _check_owner(batch, record)
    return batch


def _sort_in(batch: _Batch, record: Record, streams: set[str], signatures: set[str]) -> None:
    values = record.values
    if record.kind == "collection":
        if values["id"] in batch.collections:
            raise RecordFault(f"collection {values['id']!r} is already on line {batch.collections[values['id']].line}")
        if values["stream"] not in streams:
            raise RecordFault(f"the runbook has no stream {values['stream']!r}, it has {', '.join(sorted(streams))}")
        if values["from"] is not None and values["to"] is not None and values["from"] > values["to"]:
            raise RecordFault("from is after to")
        named = [*values.get("signatures", ()), *(entry["signature"] for entry in values.get("looked_for", ()))]
        unknown = [name for name in named if name not in signatures]
        if unknown:
            raise RecordFault(f"the runbook has no signature {unknown[0]!r}")
        batch.collections[values["id"]] = record
    elif record.kind == "retraction":
        if ("collection" in values) == ("ref" in values):
            raise RecordFault("a retraction names either a collection or a ref")
        batch.retractions.append(record)
    else:
        if record.kind == "log_match" and values["signature"] not in signatures:
            raise RecordFault(f"the runbook has no signature {values['signature']!r}")
        if record.kind == "run_count" and values["failures"] > values["total"]:
            raise RecordFault("failures are more than total")
        batch.rows.append(record)


def _check_owner(batch: _Batch, record: Record) -> None:
    if record.values["collection"] not in batch.collections:
        batch.faults.append(f"{record.line}: no collection {record.values['collection']!r} in this file")


def _first_load(tx: Transaction, sha256: str, batch: _Batch) -> tuple[LoadedCollection, ...] | None:
    rows = tx.query(
        "SELECT k.name, k.id, k.seq, EXISTS (SELECT 1 FROM retraction x WHERE x.collection = k.id) "
        "FROM collection_end e JOIN collection k ON k.id = e.collection "
        "WHERE e.source_sha256 = ? AND k.collector = 'records' ORDER BY k.seq DESC, k.id",
        (sha256,),
    )
    newest = [row for row in rows if row[2] == rows[0][2]]
    own = {
        record.values.get("collection") for record in batch.retractions
    }  # what the file withdraws itself is as loaded
    if not newest or any(retracted for name, *_, retracted in newest if name not in own):
        return None
    return tuple(LoadedCollection(name, f"collection:{row}", seq) for name, row, seq, _ in newest)


def _store(tx: Transaction, batch: _Batch, runbook: Runbook, *, sha256: str, name: str, now_ms: int) -> dict[str, int]:
    rows: dict[str, list[Any]] = {}
    ids: dict[str, int] = {}
    counts: dict[str, int] = dict.fromkeys(batch.collections, 0)
    for key, record in batch.collections.items():
        ids[key] = _store_collection(tx, record, runbook, name)
    groups = {signature.id: signature.group for signature in runbook.signatures}
    asked = _ratios_asked(runbook)
    redactors = {key: Redactor(declared_secrets(runbook.secrets)) for key in batch.collections}
    for record in batch.rows:
        owner = record.values["collection"]
        counts[owner] += 1
        stream = batch.collections[owner].values["stream"]
        _mask(record.values, redactors[owner])
        for meant in _meanings(record, asked.get(stream, ("attempts",))):
            rows.setdefault(record.kind, []).append(_row(meant, ids[owner], stream, groups))
    for same in rows.values():
        tx.add_all(same)
    for key, record in batch.collections.items():
        if record.values["status"] != "open":
            tx.add(
                evidence.CollectionEnd(
                    ids[key],
                    record.values["status"],
                    record.values.get("reason", ""),
                    now_ms,
                    lines_read=counts[key],
                    matched=counts[key],
                    redactions=redactors[key].count,
                    source_sha256=sha256,
                )
            )
    return ids


def _ratios_asked(runbook: Runbook) -> dict[str, tuple[str, ...]]:
    """What the ratios over each stream divide by: attempts, runs, or both."""
    asked: dict[str, set[str]] = {}
    for condition in (condition for signal in runbook.signals for condition in signal.conditions):
        if condition.of is not None:
            for use in condition.streams:
                asked.setdefault(use.stream, set()).add(condition.of)
    return {stream: tuple(sorted(kinds)) for stream, kinds in asked.items()}


def _meanings(record: Record, asked: tuple[str, ...]) -> list[Record]:
    """A minute of the ledger that does not say what it counts is what the runbook asks of that stream; all else is itself."""
    if record.kind != "run_count" or "of" in record.values:
        return [record]
    return [Record(record.kind, record.line, {**record.values, "of": of}) for of in asked]


def _store_collection(tx: Transaction, record: Record, runbook: Runbook, name: str) -> int:
    values = record.values
    (edition,) = tx.query("SELECT max(id) FROM edition")[0]
    collection = tx.add(
        evidence.Collection(
            values["stream"],
            "records",
            values["from"],
            values["to"],
            values["collected"],
            values.get("skew_ms", 0),
            values["id"],
            values.get("form", "evidence records"),
            values.get("source", name),
            edition=edition,
        )
    )
    for start, end, collected in _watched(values):
        tx.add(evidence.Coverage(collection, values["stream"], start, end, collected))
    if "looked_for" in values:
        tx.add_all(evidence.LookedFor(collection, **entry) for entry in values["looked_for"])
        return collection
    wanted = values.get("signatures")
    for signature, text_sha256 in signatures_of_stream(runbook, values["stream"]):
        if wanted is None or signature in wanted:
            tx.add(evidence.LookedFor(collection, signature, text_sha256))
    return collection


def _mask(values: dict[str, Any], redactor: Redactor) -> None:
    for name in ("raw", "url", "reason"):
        if isinstance(values.get(name), str):
            values[name] = redactor.text(values[name])


def _watched(values: dict[str, Any]) -> list[tuple[int, int, int]]:
    if "coverage" in values:
        return list(values["coverage"])
    if values["from"] is None or values["to"] is None or values["status"] not in ("ok", "open"):
        return []
    return [(values["from"], values["to"], values["collected"])]


def _row(record: Record, collection: int, stream: str, groups: dict[str, str | None]) -> Any:
    v = record.values
    match record.kind:
        case "log_match":
            group = v.get("group") or groups[v["signature"]]
            return evidence.LogMatch(
                collection,
                stream,
                v["signature"],
                group,
                v["key"],
                v["at"],
                v.get("started"),
                v.get("route"),
                v.get("status"),
                v.get("request"),
                v.get("certain", 1),
                v.get("line"),
                v.get("raw", ""),
            )
        case "traffic":
            return evidence.Traffic(collection, stream, v["minute"], v["route"], v["requests"])
        case "snapshot":
            return evidence.Snapshot(
                collection,
                stream,
                v["at"],
                v["pending"],
                v["running"],
                v["failed"],
                v.get("succeeded"),
                v.get("pending_due"),
                v.get("oldest_due_ms"),
            )
        case "run_count":
            return evidence.RunCount(
                collection, stream, v["minute"], v["of"], v["total"], v["failures"], v.get("running")
            )
        case "gauge":
            return evidence.Gauge(collection, stream, v["at"], v["series"], v["value"], micro(v["value"]))
        case _:
            return _probe(collection, stream, v)


def _probe(collection: int, stream: str, v: dict[str, Any]) -> evidence.Probe:
    answered = v["status"] != 0
    return evidence.Probe(
        collection,
        stream,
        v["at"],
        v["route"],
        f"{v['status']:03d}",
        v["status"] if answered else None,
        v.get("outcome", "ok" if answered else "timeout"),
        v.get("method", "GET"),
        v.get("url", ""),
        v.get("attempt", 1),
        v.get("secret_sent", 0),
        v.get("reason", ""),
        v.get("request"),
        total_us=v.get("total_us"),
    )


def _retract(tx: Transaction, batch: _Batch, ids: dict[str, int], *, operator: str, now_ms: int) -> None:
    for record in batch.retractions:
        collection = _retracted(tx, record, ids)
        done = tx.query("SELECT 1 FROM retraction WHERE collection = ?", (collection,))
        if not done:
            tx.add(evidence.Retraction(collection, record.values["reason"], now_ms, operator))


def _retracted(tx: Transaction, record: Record, ids: dict[str, int]) -> int:
    if "ref" in record.values:
        return resolve_collection(tx.query, record.values["ref"], place=f"line {record.line}: ")
    name = record.values["collection"]
    if name in ids:
        return ids[name]
    rows = tx.query("SELECT max(id) FROM collection WHERE name = ?", (name,))
    if rows[0][0] is None:
        raise BadInput(f"line {record.line}: no collection {name!r} was ever imported", "nothing was loaded")
    return int(rows[0][0])


def resolve_collection(query: Any, ref: str, *, place: str = "") -> int:
    """The id in a reference such as `collection:4`, if that collection is in the case.

    Raises:
        BadInput: another form, or no such collection.
    """
    kind, _, number = ref.partition(":")
    if kind != "collection" or not number.isdecimal():
        raise BadInput(f"{place}{ref!r} is not a reference to a collection", "write it like collection:4")
    if not query("SELECT 1 FROM collection WHERE id = ?", (int(number),)):
        raise BadInput(f"{place}there is no {ref}", "list them with: closeout timeline CASE")
    return int(number)
