"""Specimens: log records made from a signature, in the form that its source writes, so that a signature can be tried the real way.

A specimen is only what the runbook says, turned round. Nothing here decides whether it matches: the reader and the
matcher of `collectors.logs` do, as they do for a real log.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors.logs.command import log_command
from collectors.logs.conclude import Prospect, prospect
from collectors.logs.ingest import Asked, gather_for
from collectors.logs.route import pattern_test
from collectors.logs.scan import scan
from collectors.logs.source import open_log
from collectors.logs.values import timeout_seconds
from store.errors import BadInput
from store.instants import format_instant
from store.runbook.model import FieldMap, Runbook, Signature, Source
from store.runbook.sample import matches_text

_NEUTRAL_STATUSES = (504, 502, 503, 500, 418, 451, 599)
_QUIET_ROUTES = ("/closeout-drill-quiet", "/", "/a/b/c/d/e/f/g")
_SOME_INSTANT_MS = 1_700_000_000_000


class CannotMakeError(Exception):
    """Why no specimen can be made, in one sentence."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """What one record says; when it is written, it gets its own instant and name.

    `late_ms` is how much later than its stamp a record of a form that stamps the start counts.
    """

    message: str
    route: str | None
    status: int
    where: tuple[tuple[str, str], ...]
    late_ms: int = 0


def specimen_of(runbook: Runbook, source: Source, signature: Signature) -> Specimen:
    """A specimen of a signature in the form of a source.

    Raises:
        CannotMakeError: its texts do not say what a message would look like.
    """
    message = _message(signature)
    route = _route(signature.routes[0]) if signature.routes else _QUIET_ROUTES[0]
    status = signature.statuses[0] if signature.statuses else _neutral_status(runbook)
    seconds = timeout_seconds(message) if form_of(source) == "query" else []
    return Specimen(message, route, status, signature.where, 1000 * max(seconds, default=0))


def quiet_specimen(runbook: Runbook, source: Source) -> Specimen:
    """A record that no signature looks for, if there is such a route: a log without any record proves nothing."""
    patterns = [pattern_test(pattern) for signature in runbook.signatures for pattern in signature.routes]
    free = (route for route in _QUIET_ROUTES if not any(test(route) for test in patterns))
    looked = {status for signature in runbook.signatures for status in signature.statuses}
    status = next((number for number in (200, 204, 201, 206, 299) if number not in looked), 298)
    return Specimen("", next(free, _QUIET_ROUTES[0]), status, ())


def form_of(source: Source) -> str:
    """How a source writes its records: `jsonl` or `csv` with its own fields, else `query` or, when its command follows, `stream`."""
    if source.format and source.fields:
        return source.format
    follows = source.command is not None and log_command(source.command.text).lasts_ms is not None
    return "stream" if follows else "query"


def written(runbook: Runbook, source: Source, records: Sequence[tuple[int, str, Specimen]]) -> bytes:
    """Records, each with its instant and its name, as the text that the source would give."""
    form = form_of(source)
    if form == "csv":
        return _table(runbook, source, records)
    make = {"query": _query, "stream": _stream}.get(form)
    lines = [make(*record) if make else _fields(source, *record) for record in records]
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the real reader makes of one specimen: the signatures that it matches, and what the form can prove of one."""

    matched: frozenset[str]
    prospect: Prospect
    unread: str = ""


def try_specimen(runbook: Runbook, source: Source, signature: Signature, specimen: Specimen, folder: Path) -> Shown:
    """Read one specimen through the real reader, without a case."""
    path = folder / "specimen.log"
    path.write_bytes(written(runbook, source, [(_SOME_INSTANT_MS, "specimen", specimen)]))
    gather = gather_for(runbook, source, Asked(source.id), _SOME_INSTANT_MS)
    try:
        with open_log(str(path)) as opened:
            scan(opened, source, gather)
        matched = frozenset(m.id for m, rows in zip(gather.matchers, gather.rows, strict=True) if rows)
        unread = gather.unreadable[0][1] if gather.unreadable else ""
        return Shown(matched, prospect(signature, gather, source), unread)
    except BadInput as error:
        return Shown(frozenset(), Prospect(False, error.message, 0), error.message)
    finally:
        gather.spool.close()
        path.unlink()


def why_unmatched(source: Source, signature: Signature, shown: Shown) -> str:
    """Why the record that was made from a signature does not match it, in words; empty when it does."""
    if signature.id in shown.matched:
        return ""
    if shown.unread:
        return f"a record with its fields {shown.unread}"
    fields = source.fields
    if fields and signature.routes and fields.route is None:
        return "the source names no route in [fields]"
    if fields and signature.statuses and fields.status is None:
        return "the source names no status in [fields]"
    if not shown.prospect.can_prove:
        return shown.prospect.why
    return "a record that has its route, its texts and its status still does not match: its parts contradict each other"


def _message(signature: Signature) -> str:
    if signature.sample is not None:
        return signature.sample
    parts = []
    if signature.timeout_s is not None:
        parts.append(f"Runtime Timeout Error: Task timed out after {signature.timeout_s} seconds")
    parts += signature.messages[:1]
    text = ": ".join(parts)
    if signature.pattern is None or matches_text(signature, text):
        return text
    if matches_text(signature, longer := f"{text} {signature.pattern}".strip()):
        return longer  # a pattern that is plain text
    raise CannotMakeError('it has a pattern and no sample: add sample = "…", a text that it must match')


def _route(pattern: str) -> str:
    segments = {"*": "drill", "**": "drill"}
    return "/".join(segments.get(segment, segment) for segment in pattern.split("/"))


def _neutral_status(runbook: Runbook) -> int:
    """A status that no signature asks for, so that a specimen of one is none of another."""
    looked = {status for signature in runbook.signatures for status in signature.statuses}
    return next((status for status in _NEUTRAL_STATUSES if status not in looked), 598)


def _query(at_ms: int, name: str, specimen: Specimen) -> dict[str, Any]:
    """One request of the platform's query, with its lines; stamped at its start."""
    fields = {
        "id": name,
        "timestamp": at_ms - specimen.late_ms,
        "deploymentId": "dpl_drill",
        "level": "error" if specimen.message else "info",
        "message": specimen.message,
        "source": "serverless",
        "domain": "drill.example",
        "requestMethod": "POST",
        "requestPath": specimen.route,
        "responseStatusCode": specimen.status,
        "environment": "production",
        "logs": [{"level": "error", "message": specimen.message, "source": "serverless"}] if specimen.message else [],
    }
    return _placed(fields, specimen.where)


def _stream(at_ms: int, name: str, specimen: Specimen) -> dict[str, Any]:
    """One line of the platform's live stream, which never carries a status."""
    fields = {
        "rowId": name,
        "timestampInMs": at_ms,
        "deploymentId": "dpl_drill",
        "level": "error",
        "message": specimen.message,
        "messageTruncated": False,
        "source": "serverless",
        "domain": "drill.example",
        "requestMethod": "POST",
        "requestPath": specimen.route,
        "responseStatusCode": 0,
    }
    return _placed(fields, specimen.where)


def _fields(source: Source, at_ms: int, name: str, specimen: Specimen) -> dict[str, Any]:
    """One object with the fields that the source names."""
    return _placed({}, (*_named(source, at_ms, name, specimen), *specimen.where))


def _named(source: Source, at_ms: int, name: str, specimen: Specimen) -> Iterable[tuple[str, Any]]:
    fields = source.fields or FieldMap("time")
    values = (
        (fields.time, format_instant(at_ms)),
        (fields.message or "message", specimen.message),  # without a field of its own the whole line is the message
        (fields.route, specimen.route),
        (fields.status, specimen.status),
        (fields.request, name),
        (fields.id, name),
    )
    return [(path, value) for path, value in values if path is not None]


def _table(runbook: Runbook, source: Source, records: Sequence[tuple[int, str, Specimen]]) -> bytes:
    """Rows of a table; a column's name is the whole path."""
    asked = [path for signature in runbook.signatures for path, _ in signature.where]
    columns = list(dict.fromkeys([path for path, _ in _named(source, 0, "", Specimen("", None, 200, ()))] + asked))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    for at_ms, name, specimen in records:
        writer.writerow({**dict(_named(source, at_ms, name, specimen)), **dict(specimen.where)})
    return text.getvalue().encode()


def _placed(fields: dict[str, Any], values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Put values at their dotted paths; one that something else holds already is kept as a key with dots."""
    for path, value in values:
        *parents, last = path.split(".")
        inside: Any = fields
        for key in parents:
            inside = inside.setdefault(key, {}) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            inside[last] = value
        else:
            fields[path] = value
    return fields
