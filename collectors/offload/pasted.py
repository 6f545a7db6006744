"""Read the answer of a depth question that was run elsewhere: where the database is only reachable from there.

Takes CSV as `psql --csv` prints it, tab-separated text, JSON and JSON lines. An answer without rows proves nothing.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collectors.offload.answer import DEFAULT_QUEUE, Depth, depth_of, read_counts
from collectors.offload.queue import query_to_paste
from collectors.offload.trouble import Trouble
from collectors.schedule import Collected, CollectedTick
from store.case import Case
from store.errors import BadInput
from store.evidence import Collection, CollectionEnd, CollectionStatus, Coverage, Snapshot
from store.instants import parse_instant
from store.runbook.model import Runbook, Source, SourceKind

COLLECTOR = "offload"
FORM = "pasted"
MAX_BYTES = 4 * 1024 * 1024

# A table as psql draws it has a ruler under its header and a count under its rows.
_DRAWN = re.compile(r"\(\d+ rows?\)|Time: .*|[-+|]{3,}")


def looks_like_answer(data: bytes) -> bool:
    """Whether bytes have the columns of a depth question's answer; a log has none of that name pair."""
    try:
        records, _ = _records(data)
    except (Trouble, BadInput):
        return False
    return bool(records) and {"status", "count"} <= {str(key).strip().casefold() for key in records[0]}


def import_query_output(
    case: Case,
    runbook: Runbook,
    stream: str,
    path_or_dash: Path | str,
    *,
    since_ms: int | None,
    until_ms: int | None,
    now_ms: Callable[[], int],
) -> CollectedTick:
    """Store the output of the depth question as a snapshot of the instant at which it was run.

    The instant is a column `at` of the output, else `until_ms`, else `since_ms`.

    Raises:
        BadInput: the stream takes no such answer, the input cannot be read, or nobody says when the question was run.
    """
    source = _source(runbook, stream)
    data = _read(path_or_dash)
    digest = hashlib.sha256(data).hexdigest()
    again = _earlier(case, stream, digest)
    if again is not None:
        return again
    try:
        records, lines = _records(data)
        at_ms = _instant(records, until_ms if until_ms is not None else since_ms)
        if not records:
            raise Trouble(
                "the answer has no rows: a zero that nothing vouches for; run the question that prints every status"
            )
        depth = depth_of(read_counts(records), source.queue or DEFAULT_QUEUE, complete=False)
    except Trouble as trouble:
        instant = until_ms if until_ms is not None else since_ms if since_ms is not None else now_ms()
        return _store(case, source, data, digest, instant, now_ms(), None, trouble.reason, 0)
    return _store(case, source, data, digest, at_ms, now_ms(), depth, depth.note, lines)


def _source(runbook: Runbook, stream: str) -> Source:
    source = next((each for each in runbook.sources if each.id == stream), None)
    if source is None or source.kind != SourceKind.OFFLOAD:
        raise BadInput(f"{stream} is no offload stream", "name one with --stream")
    if query_to_paste(source) is None:
        raise BadInput(f"{stream} has no queue to take an answer for", "give its source a [queue] or an sql fence")
    return source


def _read(path_or_dash: Path | str) -> bytes:
    try:
        if str(path_or_dash) == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path_or_dash).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path_or_dash} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise BadInput(f"{path_or_dash} is too large for the answer of a depth question", "a log goes to a logs stream")
    return data


def _records(data: bytes) -> tuple[list[dict[str, Any]], int]:
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("the answer is not text", "save it as CSV or JSON in UTF-8") from error
    stripped = text.strip()
    if stripped[:1] in ("[", "{"):
        return _from_json(stripped)
    lines = [line for line in stripped.splitlines() if line.strip() and not _DRAWN.fullmatch(line.strip())]
    if not lines:
        return [], 0
    delimiter = max(",\t;|", key=lines[0].count)
    rows = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=delimiter, skipinitialspace=True)
    if not {"status", "count"} <= {str(name).strip().casefold() for name in rows.fieldnames or ()}:
        raise Trouble("the answer has no header with the columns status and count")
    records = [dict(row) for row in rows]
    if any(None in row or None in row.values() for row in records):
        raise Trouble("a row of the answer has more or fewer columns than its header")
    return records, len(lines)


def _from_json(text: str) -> tuple[list[dict[str, Any]], int]:
    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise BadInput(f"the answer is not JSON: {error}", "save it again") from error
    if isinstance(value, dict):
        value = next((each for each in value.values() if isinstance(each, list)), [value])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Trouble("the answer is not a list of objects with status and count")
    return value, len(value)


def _instant(records: list[dict[str, Any]], given_ms: int | None) -> int:
    for record in records:
        for name, value in record.items():
            if str(name).strip().casefold() == "at" and value:
                return parse_instant(str(value))
    if given_ms is None:
        raise BadInput("when was the question run?", "say it with --until 2026-02-18T03:30:00Z")
    return given_ms


def _earlier(case: Case, stream: str, digest: str) -> CollectedTick | None:
    """The load of identical bytes, unless it was withdrawn."""
    found = (
        case.read()
        .execute(
            "SELECT k.id, e.status, e.reason, k.from_ms, k.to_ms, e.matched, k.seq FROM collection AS k "
            "JOIN collection_end AS e ON e.collection = k.id WHERE k.stream = ? AND k.form = ? AND e.source_sha256 = ? "
            "AND e.status = 'ok' AND NOT EXISTS (SELECT 1 FROM retraction AS r WHERE r.collection = k.id) ORDER BY k.id LIMIT 1",
            (stream, FORM, digest),
        )
        .fetchone()
    )
    if found is None:
        return None
    id, status, reason, from_ms, to_ms, rows, seq = found
    return CollectedTick(stream, (Collected(id, FORM, status, reason, from_ms, to_ms, rows),), seq)


def _store(
    case: Case,
    source: Source,
    data: bytes,
    digest: str,
    at_ms: int,
    now_ms: int,
    depth: Depth | None,
    reason: str,
    lines: int,
) -> CollectedTick:
    status = CollectionStatus.OK if depth else CollectionStatus.FAILED
    command = query_to_paste(source) or ""
    collection = Collection(
        source.id, COLLECTOR, at_ms, at_ms, max(now_ms, at_ms), form=FORM, command=command, edition=case.edition()
    )
    with case.transaction(COLLECTOR) as tx:
        id = tx.add(collection)
        if depth:
            tx.add(Coverage(id, source.id, at_ms, at_ms, collection.collected_ms))
            tx.add(Snapshot(id, source.id, at_ms, *depth[:6]))
        end = CollectionEnd(id, status, reason, now_ms, lines_read=lines, matched=int(depth is not None))
        tx.add(end._replace(bytes_read=len(data), source_sha256=digest))
    return CollectedTick(
        source.id, (Collected(id, FORM, status, reason, at_ms, at_ms, int(depth is not None)),), tx.seq
    )
