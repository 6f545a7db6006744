"""Bring in what was captured elsewhere; the form is told by content.

closeout import incident.db logs_result.json --since 2026-02-18T03:00:00Z --until 2026-02-18T03:30:00Z
vercel logs … --json | closeout import incident.db - --stream runtime-logs --since 30m --until 0s
psql --csv -c "…" | closeout import incident.db - --stream offload
closeout import incident.db records.ndjson
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.begin import operator_name
from store.case import Case
from store.errors import BadInput
from tui.output import plain, print_json

if TYPE_CHECKING:
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
    return 0


def _load(case: Case, runbook: Runbook, name: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    path = _readable(name)
    if path is None:
        data = sys.stdin.buffer.read()
        head = data[:_HEAD_BYTES]
    else:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    from collectors.records.load import is_evidence_records, load_records

    if is_evidence_records(head.decode("utf-8", "replace")):
        content = path.read_bytes() if path else data
        operator = arguments.operator or operator_name()
        rows = load_records(case, runbook, content, name=name, operator=operator)
        if not arguments.json:
            print(f"{plain(name)}: {len(rows)} collections: {', '.join(row.ref for row in rows) or 'retractions only'}")
        return [{"id": row.id, "ref": row.ref, "seq": row.seq} for row in rows]
    raise BadInput(f"{name} is in no form that import knows", 'evidence records begin with {"record":…}')


def _readable(name: str) -> Path | None:
    if name == "-":
        return None
    path = Path(name)
    if path.is_dir():
        raise BadInput(f"{name} is a folder", "name the files in it")
    if not path.exists():
        raise BadInput(f"there is no file {name}")
    return path
