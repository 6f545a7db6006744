"""Make a queue's depth out of counts by status, whoever asked for them. Pure: no database, no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from collectors.offload.trouble import Trouble
from store.errors import BadInput
from store.instants import parse_instant
from store.runbook.model import QueueTable

DEFAULT_QUEUE = QueueTable(table="")


@dataclass(frozen=True, slots=True)
class StatusCount:
    """One row of a depth question's answer."""

    status: str
    count: int
    due: int | None = None
    oldest_due_ms: int | None = None


class Depth(NamedTuple):
    """What one look at the queue gave. `oldest_due_ms` is the instant since which the oldest due event has waited."""

    pending: int
    running: int
    failed: int
    succeeded: int | None
    pending_due: int | None
    oldest_due_ms: int | None
    rows: int
    note: str


def named_statuses(names: QueueTable) -> dict[str, tuple[str, ...]]:
    """The runbook's statuses by what they mean."""
    return {"pending": names.pending, "running": names.running, "failed": names.failed, "succeeded": names.succeeded}


def depth_of(counts: Iterable[StatusCount], names: QueueTable, *, complete: bool) -> Depth:
    """Add counts up by the runbook's statuses; `complete` when every status of the table was asked for.

    Raises:
        Trouble: a status differs from a named one by upper and lower case only, or none is named at all.
    """
    listed = list(counts)
    every = {status for statuses in named_statuses(names).values() for status in statuses}
    unnamed = {each.status: each.count for each in listed if each.status not in every}
    note = note_unnamed(unnamed, every, any_named=len(unnamed) < len(listed))
    pending = [each for each in listed if each.status in names.pending]
    oldest = [each.oldest_due_ms for each in pending if each.oldest_due_ms is not None]
    succeeded = [each.count for each in listed if each.status in names.succeeded]
    return Depth(
        pending=sum(each.count for each in pending),
        running=sum(each.count for each in listed if each.status in names.running),
        failed=sum(each.count for each in listed if each.status in names.failed),
        succeeded=sum(succeeded) if complete or succeeded else None,
        pending_due=None if any(each.due is None for each in pending) else sum(each.due or 0 for each in pending),
        oldest_due_ms=min(oldest, default=None),
        rows=len(listed),
        note=note,
    )


def note_unnamed(unnamed: Mapping[str, int], named: set[str], *, any_named: bool) -> str:
    """Say which statuses were not counted; refuse when they look like a mistake in the runbook.

    Raises:
        Trouble: they do.
    """
    if not unnamed:
        return ""
    shown = ", ".join(f"{status} ({count})" for status, count in sorted(unnamed.items())[:8])
    folded = {status.casefold() for status in named}
    if not any_named or any(status.casefold() in folded for status in unnamed):
        raise Trouble(f"the runbook does not name the statuses {shown}; name them as the database writes them")
    return f"statuses that the runbook does not name were not counted: {shown}"


def read_counts(records: Iterable[Mapping[str, Any]]) -> list[StatusCount]:
    """Read records with `status` and `count`, and if given `due` and `oldest_due`; upper and lower case do not matter.

    Raises:
        Trouble: a field is missing, or is no number or instant.
    """
    return [_read(number, {str(key).strip().casefold(): value for key, value in each.items()})
            for number, each in enumerate(records, 1)]  # fmt: skip


def _read(number: int, record: Mapping[str, Any]) -> StatusCount:
    missing = [name for name in ("status", "count") if record.get(name) is None]
    if missing:
        raise Trouble(
            f"row {number} of the answer has no {' and no '.join(missing)}; it needs columns status and count"
        )
    due = record.get("due")
    return StatusCount(
        str(record["status"]).strip(),
        _whole(number, "count", record["count"]),
        _whole(number, "due", due) if due not in (None, "") else None,
        _instant(number, record.get("oldest_due")),
    )


def _whole(number: int, name: str, value: Any) -> int:
    try:
        whole = int(str(value).strip())
    except ValueError:
        raise Trouble(f"row {number} of the answer: {name} is {value!r}, not a whole number") from None
    if whole < 0:
        raise Trouble(f"row {number} of the answer: {name} is below zero")
    return whole


def _instant(number: int, value: Any) -> int | None:
    """Columns without a zone hold UTC, as the collector's own questions read them."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    for spelling in (text, f"{text}Z", f"{text}:00"):
        try:
            return parse_instant(spelling)
        except BadInput:
            continue
    raise Trouble(f"row {number} of the answer: oldest_due is {text!r}, not an instant")
