"""What a case would run and contact, and whether this machine allows it.

A case carries a runbook with commands, queries and origins, so one from elsewhere is inert until somebody has seen them here. What is
allowed is that case with that runbook text; an edition adopted elsewhere asks again. Trust lives in the user's state folder, never in
the case: a file cannot vouch for itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from store.case import Case
from store.chain import line
from store.errors import NotTrusted, Refused
from store.instants import format_instant
from store.runbook.model import Runbook, Source

FOLDER_VARIABLE = "CLOSEOUT_STATE_DIR"
"""Names another folder than the user's own state folder."""


class Effect(NamedTuple):
    """One thing that a case would do here: `what` it is (command, query, request, contact), of which block, and its text."""

    what: str
    block: str
    line: int
    text: str


class Origin(NamedTuple):
    """Where a case was made, as it says itself."""

    case_id: str
    title: str
    operator: str
    machine: str
    created_ms: int
    runbook_sha256: str


def is_trusted(case: Case) -> bool:
    """Whether this case with this runbook was made or allowed on this machine."""
    return _record_of(origin_of(case)).is_file()


def require(case: Case) -> None:
    """Refuse to run or contact anything for a case that nobody allowed here.

    Raises:
        NotTrusted: nobody did.
    """
    origin = origin_of(case)
    if not _record_of(origin).is_file():
        raise NotTrusted(
            f"{case.path} was made by {origin.operator} on {origin.machine or 'another machine'}: it may run and contact nothing here yet",
            f"see what it would run, then allow it: closeout trust {case.path}",
        )


def remember(case: Case) -> None:
    """Allow this case with its newest runbook on this machine.

    Raises:
        Refused: the state folder cannot be written.
    """
    origin = origin_of(case)
    record = _record_of(origin)
    told = {
        "case": origin.case_id,
        "title": origin.title,
        "runbook_sha256": origin.runbook_sha256,
        "path": str(case.path.absolute()),
        "allowed": format_instant(case.clock()),
    }
    try:
        record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = record.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
        partial.replace(record)
    except OSError as error:
        raise Refused(
            f"cannot remember in {record.parent} that {case.path} is trusted: {error.strerror}",
            f"name a folder that can be written in {FOLDER_VARIABLE}",
        ) from error


def forget(case: Case) -> bool:
    """Take the permission back; returns whether there was one."""
    record = _record_of(origin_of(case))
    with contextlib.suppress(FileNotFoundError):
        record.unlink()
        return True
    return False


def origin_of(case: Case) -> Origin:
    """Where a case was made, and the runbook that holds."""
    row = case.read().execute(
        "SELECT case_id, title, operator, machine, created_ms, (SELECT sha256 FROM edition ORDER BY id DESC LIMIT 1) "
        "FROM case_info ORDER BY id LIMIT 1"
    )
    return Origin(*row.fetchone())


def effects_of(runbook: Runbook) -> tuple[Effect, ...]:
    """Everything that the runbook would run or contact, in the order of its text. An undo command is shown and never run."""
    found: list[Effect] = []
    for source in runbook.sources:
        found += _contacts(source)
        if source.command:
            found.append(
                Effect(_named(source.command.language), f"source {source.id}", source.command.line, source.command.text)
            )
    for step in runbook.steps:
        if step.command:
            found.append(Effect(_named(step.command.language), f"step {step.id}", step.command.line, step.command.text))
    return tuple(sorted(found, key=lambda effect: effect.line))


def _contacts(source: Source) -> list[Effect]:
    told: list[str] = []
    if source.address:
        tables = [part.table for part in (source.queue, source.ledger, source.dispatch) if part]
        told.append(f"the database named by ${source.address}" + (f", tables {', '.join(tables)}" if tables else ""))
    if source.origin:
        told.append(f"the origin named by ${source.origin}: {', '.join(source.routes) or 'its requests'}")
    told += [f"sends the header {name}: {value}" for name, value in source.headers]
    if source.pages:
        told.append(f"opens in a browser: {', '.join(source.pages)}")
    return [Effect("contact", f"source {source.id}", source.line, text) for text in told]


def _named(language: str) -> str:
    return {"sh": "command", "sql": "query", "http": "request"}.get(language, language)


def _record_of(origin: Origin) -> Path:
    name = hashlib.sha256(line("trust", origin.case_id, origin.runbook_sha256)).hexdigest()
    return _folder() / f"{name}.json"


def _folder() -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given) / "trust"
    import platformdirs

    return platformdirs.user_state_path("closeout") / "trust"
