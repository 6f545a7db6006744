"""The rows that evidence is made of. Field names are the column names of the tables in schema/tables.sql, in any order.

Rows are appended through `store.case.Transaction.add` and `add_all`, which number them and seal them; nothing is ever changed.
Times are epoch milliseconds UTC. Text that came from outside must already be redacted when a row is made.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class CollectionStatus(StrEnum):
    """How one run of a collector ended; no end at all means it was lost."""

    OK = "ok"
    FAILED = "failed"
    TRUNCATED = "truncated"


class Collection(NamedTuple):
    """One run of one collector over one stream: what was asked. Written before anything was seen."""

    stream: str
    collector: str
    from_ms: int | None
    to_ms: int | None
    collected_ms: int
    skew_ms: int = 0
    name: str = ""
    form: str = ""
    source: str = ""
    command: str = ""
    tool_version: str = ""
    edition: int | None = None


class Coverage(NamedTuple):
    """Time that was watched without a break, as known at one commit: [from, to), seen by `collected`."""

    collection: int
    stream: str
    from_ms: int
    to_ms: int
    collected_ms: int


class CollectionEnd(NamedTuple):
    """How a collection ended and what it amounts to."""

    collection: int
    status: str
    reason: str
    ended_ms: int
    lines_read: int = 0
    matched: int = 0
    unreadable: int = 0
    banners: int = 0
    redactions: int = 0
    omitted: int = 0
    bytes_read: int = 0
    source_sha256: str = ""
    first_ms: int | None = None
    last_ms: int | None = None
    exit_code: int | None = None


class LookedFor(NamedTuple):
    """A signature that a collection searched for, and whether its form could have shown it.

    `delay_ms`: coverage of this signature begins that long after the coverage's `from` (forms that stamp the start of a request).
    """

    collection: int
    signature: str
    sha256: str
    can_prove: int = 1
    why: str = ""
    delay_ms: int = 0


class LogMatch(NamedTuple):
    """One log record that one signature matched in one collection.

    `key` is its identity within the stream for the signature's unit; `at_ms` the failure time, `started_ms` the request's start.
    `certain` is 0 when the record would count if the status, which the source left blank, were one of the signature's.
    """

    collection: int
    stream: str
    signature: str
    group: str | None
    key: str
    at_ms: int
    started_ms: int | None = None
    route: str | None = None
    status: int | None = None
    request: str | None = None
    certain: int = 1
    line: int | None = None
    raw: str = ""


class Unreadable(NamedTuple):
    """A line that is no record, kept with its place (1-based line, redacted beginning of its text)."""

    collection: int
    line: int
    reason: str
    sample: str


class Traffic(NamedTuple):
    """Requests in one minute on one watched route; the route `*` holds those on no watched route."""

    collection: int
    stream: str
    minute_ms: int
    route: str
    requests: int


class Gauge(NamedTuple):
    """One reading of a named series: decimal text as read, and the same in millionths for comparison."""

    collection: int
    stream: str
    at_ms: int
    series: str
    value: str
    value_micro: int


class Snapshot(NamedTuple):
    """Queue depth per status at one instant."""

    collection: int
    stream: str
    at_ms: int
    pending: int
    running: int
    failed: int
    succeeded: int | None = None
    pending_due: int | None = None
    oldest_due_ms: int | None = None


class RunCount(NamedTuple):
    """One minute of the ledger: finished runs and failures, by attempts or by runs."""

    collection: int
    stream: str
    minute_ms: int
    of: str
    total: int
    failures: int
    running: int | None = None


class Probe(NamedTuple):
    """One HTTP attempt. `status_text` is `000` and `status` is None where there was no answer."""

    collection: int
    stream: str
    at_ms: int
    route: str
    status_text: str
    status: int | None
    outcome: str
    method: str = "GET"
    url: str = ""
    attempt: int = 1
    secret_sent: int = 0
    reason: str = ""
    request: str | None = None
    resolve_us: int | None = None
    connect_us: int | None = None
    tls_us: int | None = None
    first_byte_us: int | None = None
    total_us: int | None = None
    body_size: int | None = None
    body_sha256: str | None = None
    body: str | None = None
    headers: str | None = None


class Artifact(NamedTuple):
    """A file as evidence. Its bytes are in `sqlar` under the same name, or `path` says where a large one lies."""

    collection: int | None
    name: str
    role: str
    media_type: str
    size: int
    sha256: str
    captured_ms: int
    from_ms: int | None = None
    to_ms: int | None = None
    path: str | None = None
    redaction: str = ""


class Retraction(NamedTuple):
    """Withdraws a wrong collection; its rows stay and no longer count."""

    collection: int
    reason: str
    at_ms: int
    operator: str


EvidenceRow = (
    Collection
    | Coverage
    | CollectionEnd
    | LookedFor
    | LogMatch
    | Unreadable
    | Traffic
    | Gauge
    | Snapshot
    | RunCount
    | Probe
    | Artifact
    | Retraction
)
