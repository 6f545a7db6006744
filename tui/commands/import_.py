"""Bring in what was captured elsewhere; the form is told by content.

  closeout import incident.db logs_result.json --since 2026-02-18T03:00:00Z --until 2026-02-18T03:30:00Z
  vercel logs … --json | closeout import incident.db - --stream runtime-logs --since 30m --until 0s
  psql --csv -c "…" | closeout import incident.db - --stream offload
  closeout import incident.db records.ndjson

A log covers the time that --since and --until declare, and nothing without them: no export says by which window it was filtered.
Loading the same bytes again changes nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.case import Case
from store.errors import BadInput
from store.moments import resolve_moment
from tui.output import plain, print_json

if TYPE_CHECKING:
    from collectors.logs.ingest import ImportedLog
    from collectors.schedule import CollectedTick
    from store.runbook.model import Runbook

_HEAD_BYTES = 65536


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `import`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("files", metavar="FILE", nargs="+", help="files, or - for standard input")
    parser.add_argument(
        "--stream", metavar="ID", help="the stream it belongs to, if the runbook has several that could be it"
    )
    parser.add_argument("--since", metavar="T", help="start of the time that the file covers")
    parser.add_argument("--until", metavar="T", help="end of the time that the file covers")
    parser.add_argument(
        "--truncated", action="store_true", help="the file was cut off: it covers nothing, what is in it still counts"
    )
    parser.add_argument("--operator", metavar="NAME", help="who brings it in")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Load each file, each in one transaction of its own."""
    loaded: list[dict[str, Any]] = []
    with Case.open(arguments.case, write=True) as case:
        runbook = case.runbook()
        for name in arguments.files:
            loaded += _load(case, runbook, name, arguments)
    if arguments.json:
        print_json({"collections": loaded})
    return 40 if any(entry.get("status") == "failed" for entry in loaded) else 0


def _load(case: Case, runbook: Runbook, name: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    head = _head(name)
    if _begins_records(head):
        return _load_records(case, runbook, name, head, arguments)
    from collectors.offload.pasted import looks_like_answer
    from store.runbook.model import SourceKind

    offload = [s.id for s in runbook.sources if s.kind == SourceKind.OFFLOAD]
    if arguments.stream in offload or (arguments.stream is None and offload and looks_like_answer(head)):
        return _load_answer(case, runbook, arguments.stream or _only(offload, "offload"), name, head, arguments)
    streams = [s.id for s in runbook.sources if s.kind == SourceKind.LOGS]
    if not streams:
        raise BadInput(
            f"{plain(name)}: the runbook has no stream that takes logs", 'evidence records begin with {"record": …}'
        )
    return _load_log(case, runbook, arguments.stream or _only(streams, "log"), name, head, arguments)


def _begins_records(head: bytes) -> bool:
    if b'"record"' not in head:
        return False
    from collectors.records.load import is_evidence_records  # logs need none of it

    return is_evidence_records(head.decode("utf-8", "replace"))


def _head(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(_HEAD_BYTES)
    path = Path(name)
    if path.is_dir():
        raise BadInput(f"{name} is a folder", "name the files in it")
    if not path.exists():
        raise BadInput(f"there is no file {name}")
    if not path.is_file():
        return b""  # a pipe: looking at its beginning would take it away
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}") from error


def _only(streams: list[str], kind: str) -> str:
    if len(streams) > 1:
        raise BadInput(f"the runbook has several {kind} streams", f"say which: --stream {' or '.join(streams)}")
    return streams[0]


def _load_records(
    case: Case, runbook: Runbook, name: str, head: bytes, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    from collectors.records.load import load_records
    from store.begin import operator_name

    content = head + sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    shown = "standard input" if name == "-" else Path(name).name
    rows = load_records(case, runbook, content, name=shown, operator=arguments.operator or operator_name())
    if not arguments.json:
        print(f"{plain(shown)}: {len(rows)} collections: {', '.join(row.ref for row in rows) or 'retractions only'}")
    return [{"id": row.id, "ref": row.ref, "seq": row.seq} for row in rows]


def _load_answer(
    case: Case, runbook: Runbook, stream: str, name: str, head: bytes, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    from collectors.offload.pasted import import_query_output

    since, until = _window(case, arguments)
    with tempfile.NamedTemporaryFile() as spool:
        if name == "-":
            spool.write(head + sys.stdin.buffer.read())
            spool.flush()
        path = spool.name if name == "-" else name
        tick = import_query_output(case, runbook, stream, path, since_ms=since, until_ms=until, now_ms=case.clock)
    return tell_tick(tick, as_json=arguments.json)


def tell_tick(tick: CollectedTick, *, as_json: bool) -> list[dict[str, Any]]:
    """Say what one look at a stream left, or give it as data."""
    for part in tick.collections if not as_json else ():
        why = f": {plain(part.reason)}" if part.reason else ""
        print(f"{tick.stream} {part.what}: {part.status}, {part.rows} rows, {part.ref}{why}", flush=True)
    return [
        {
            "id": part.what,
            "ref": part.ref,
            "seq": tick.seq,
            "stream": tick.stream,
            "status": part.status,
            "reason": part.reason,
        }
        for part in tick.collections
    ]


def _load_log(
    case: Case, runbook: Runbook, stream: str, name: str, head: bytes, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    from collectors.logs.ingest import import_log
    from tui.progress import Progress

    since, until = _window(case, arguments)
    with Progress(plain(name)) as progress:
        log = import_log(
            case,
            runbook,
            stream,
            name,
            since_ms=since,
            until_ms=until,
            now_ms=case.clock(),
            truncated=arguments.truncated,
            already_read=head if name == "-" else b"",
            progress=progress,
        )
    if not arguments.json:
        tell_log(log, name)
    return [log_json(log, name)]


def tell_log(log: ImportedLog, name: str) -> None:
    """Say what a log amounted to, in three lines at most."""
    again = " (the same bytes were loaded before)" if log.known else ""
    print(
        f"{plain(name)}: {log.ref}{again}, {log.form or 'no form'}: {log.status}{': ' + plain(log.reason) if log.reason else ''}"
    )
    found = ", ".join(
        f"{s.signature} {s.distinct}" + (f" (+{s.unsure} of unknown status)" if s.unsure else "")
        for s in log.signatures
    )
    unread = f", {log.unreadable} unreadable" if log.unreadable else ""
    print(
        f"  {log.lines_read} lines read, {log.matched} matched{unread}, {log.redactions} maskings; {found or 'no signatures'}"
    )


def log_json(log: ImportedLog, name: str) -> dict[str, Any]:
    """What a log amounted to, as data."""
    from store.instants import format_optional

    return {
        "id": name,
        "ref": log.ref,
        "seq": log.seq,
        "form": log.form,
        "status": log.status,
        "reason": log.reason,
        "known": log.known,
        "lines_read": log.lines_read,
        "matched": log.matched,
        "unreadable": log.unreadable,
        "banners": log.banners,
        "redactions": log.redactions,
        "first": format_optional(log.first_ms),
        "last": format_optional(log.last_ms),
        "signatures": [
            {"id": s.signature, "rows": s.rows, "distinct": s.distinct, "unknown_status": s.unsure}
            for s in log.signatures
        ],
    }


def _window(case: Case, arguments: argparse.Namespace) -> tuple[int | None, int | None]:
    now, db = case.clock(), case.read()
    since, until = (
        resolve_moment(text, now_ms=now, db=db) if text is not None else None
        for text in (arguments.since, arguments.until)
    )
    if (since is None) != (until is None) and arguments.until is None:
        until = now
    return since, until
