"""How a collection of logs ended, in one sentence: what is missing makes it truncated, what is worth knowing is said
beside it.
"""

from __future__ import annotations

from typing import NamedTuple

from collectors.logs.gather import Gather
from collectors.logs.match import why_not_provable
from collectors.logs.record import FACTS, Form
from store.errors import BadInput
from store.evidence import CollectionStatus
from store.instants import format_duration
from store.runbook.model import Signature, Source

USUAL_LIMITS = frozenset({100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000})
"""Row counts at which the query form is taken for cut: its output has no mark for "more"."""

LONGEST_REASON = 1_500
_PAGED = (Form.QUERY, Form.QUERY_FIRST, Form.QUERY_LINES)
_QUIET_MS = 5 * 60_000


class Ending(NamedTuple):
    """Status and reason of a collection."""

    status: CollectionStatus
    reason: str


_NEVER_PRINTED = "nothing was printed, now or before: it is not known that a failure would have been"


class Prospect(NamedTuple):
    """Whether a collection could have shown a signature, and how long after its start it begins to."""

    can_prove: bool
    why: str
    delay_ms: int


def refuse_no_log(gather: Gather, name: str, *, sure: bool) -> None:
    """Refuse a file in which no record was found.

    Raises:
        BadInput: it holds nothing that a log would hold.
    """
    if gather.records == 0:
        failed = next((fault.reason for fault in gather.faults if fault.failed), None)
        if failed:
            raise BadInput(f"{name} holds no record: {failed}", "mend the cause and capture it again")
        if gather.unread:
            line, reason, _ = gather.unreadable[0]
            raise BadInput(f"{name} is not a log: no record in {gather.unread} lines; line {line} {reason}")
        raise BadInput(f"{name} holds no record", "an export without a record proves nothing; capture it again")
    if not sure and not any(gather.rows):
        raise BadInput(f"{name} is not a log: no line carries an instant and none matches a signature")


def conclude(
    gather: Gather, *, truncated: bool = False, limit: int | None = None, until_ms: int | None = None, lack: str = ""
) -> Ending:
    """How a collection ended by what was gathered.

    Args:
        gather: what one pass showed.
        truncated: whoever brings the log in says that it was cut.
        limit: the row limit that the command was given.
        until_ms: the declared end, to say how long before it the log ends.
        lack: something else that is missing.
    """
    lacks = [*filter(None, [lack]), *_lacks(gather, truncated=truncated, limit=limit)]
    status = CollectionStatus.TRUNCATED if lacks else CollectionStatus.OK
    reason = "; ".join([*lacks, *_notes(gather, until_ms)])
    return Ending(status, reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…")


def _lacks(gather: Gather, *, truncated: bool, limit: int | None) -> list[str]:
    lacks = ["declared as truncated"] if truncated else []
    lacks += dict.fromkeys(fault.reason for fault in gather.faults)
    if gather.unread:
        line, reason, _ = gather.unreadable[0]
        lacks.append(f"{gather.unread} unreadable: line {line} {reason}" + (" and more" if gather.unread > 1 else ""))
    if gather.more_rows:
        lacks.append("the last page says that more rows exist")
    if gather.window and _of_another_time(gather, *gather.window):
        lacks.append("every record lies on one side of the declared window: it is the log of another time")
    paged = any(gather.forms[form] for form in _PAGED)
    if gather.records == limit or (limit is None and paged and gather.records in USUAL_LIMITS):
        lacks.append(f"exactly {gather.records} rows, the limit of the command: more may exist")
    if gather.omitted:
        lacks.append(f"{gather.omitted} beyond the first {gather.spool.count} matches were counted but not kept")
    if gather.timeless:
        lacks.append(
            f"{gather.timeless} of {_count(gather.records, 'record')} without an instant: their matches cannot count"
        )
    return lacks


def _of_another_time(gather: Gather, since_ms: int, until_ms: int) -> bool:
    """Whether all records are earlier than the window, or all later. A log that spans it tells of it without a record."""
    first, last = gather.first_ms, gather.last_ms
    return first is not None and last is not None and (last < since_ms or first >= until_ms)


def _notes(gather: Gather, until_ms: int | None) -> list[str]:
    notes = []
    if gather.outside:
        notes.append(f"{_count(gather.outside, 'record')} outside the declared window")
    if until_ms is not None and gather.last_ms is not None and until_ms - gather.last_ms > _QUIET_MS:
        notes.append(f"the last record is {format_duration(until_ms - gather.last_ms)} before the end of the window")
    if sum(gather.unsure):
        notes.append(f"{_count(sum(gather.unsure), 'possible match', 'es')} of unknown status")
    for seconds, count in sorted(gather.other_timeouts.items()):
        notes.append(f"{_count(count, 'time-out')} after {seconds} s on watched routes match no signature")
    if gather.cut:
        notes.append(f"{_count(gather.cut, 'message')} cut short by the platform")
    if gather.textless:
        notes.append(
            f"of {_count(gather.textless, 'matching record')} beyond the first {gather.texts} the text is not kept"
        )
    if gather.traffic.approximate:
        notes.append("the traffic counts are upper bounds")
    return notes


def _count(count: int, noun: str, plural: str = "s") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{plural}"


def prospect(signature: Signature, gather: Gather, source: Source, *, whole: bool = True) -> Prospect:
    """Whether what was gathered could have shown a signature.

    Args:
        signature: what was looked for.
        gather: what was found so far.
        source: the stream.
        whole: all of the log was read; else more fields may come with the records that follow.
    """
    forms = [form for form, count in gather.forms.items() if count] or [f for f in [gather.announced] if f is not None]
    why = why_not_provable(signature, forms, gather.facts)
    if not why and whole:
        why = _never_told(signature, gather) if gather.records else "" if forms else _NEVER_PRINTED
    if not why and source.sample_rate is not None and source.sample_rate < 1:
        why = f"the source keeps only {source.sample_rate:g} of its records"
    if not why and gather.timeless:
        why = "the records carry no instant"
    can_prove = not why
    if can_prove and signature.routes and any(not gather.facts[form].routes for form in forms):
        why = "this form carries no route; matched by message alone"
    starts = any(FACTS[form].starts for form in forms)
    return Prospect(can_prove, why, 1000 * signature.timeout_s if starts and signature.timeout_s else 0)


def _never_told(signature: Signature, gather: Gather) -> str:
    """Why a log whose records all leave a field out cannot show a signature that needs it."""
    needs = {
        "message": bool(signature.messages or signature.pattern or signature.timeout_s),
        "route": bool(signature.routes) and all(gather.facts[form].routes for form in gather.forms),
        "status": bool(signature.statuses),
    }
    return next(
        (f"no record carries a {part}" for part, needed in needs.items() if needed and part in gather.lacking), ""
    )
