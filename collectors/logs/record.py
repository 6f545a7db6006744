"""One log record in one shape, whatever form it came in, and what each form can and cannot show.

Nothing here reads files or judges; a record keeps its own bytes so that evidence can show what was really there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

ALL_PARTS = frozenset({"message", "route", "status"})
"""What a signature may need of a record."""


class Form(StrEnum):
    """The forms in which logs reach people; the name is stored with the evidence."""

    STREAM = "vercel-stream"
    QUERY_FIRST = "vercel-query-first-line"
    QUERY_LINES = "vercel-query-lines"
    QUERY = "vercel-query"
    DRAIN = "vercel-drain"
    EXPORT = "vercel-export"
    REQUESTS = "vercel-request-logs"
    PRETTY = "vercel-pretty"
    TEXT = "text"
    GENERIC = "fields"


def form_named(name: str) -> Form | None:
    """The form whose name a collection's form begins with."""
    return max((form for form in Form if name.startswith(form)), key=len, default=None)


class LogRecord(msgspec.Struct, frozen=True, gc=False):
    """One record, normalised.

    `at_ms` is the record's own stamp. `failed_ms` is when it failed as far as the record says: its stamp for a
    message, start plus duration for a request; `starts` says that the stamp is the start of a request, so that a
    time-out text adds its seconds. `identity` is what the platform or the content says this record is; with
    `ordinal`, equal identities within one load are numbered. `carries` are the parts for which the record had a field,
    be it empty.
    """

    line: int
    form: Form
    raw: bytes
    at_ms: int | None = None
    failed_ms: int | None = None
    started_ms: int | None = None
    route: str | None = None
    status: int | None = None
    request: str | None = None
    messages: tuple[str, ...] = ()
    identity: str = ""
    ordinal: bool = False
    starts: bool = False
    is_request: bool = False
    cut: bool = False
    fields: Mapping[str, object] = {}
    series: str | None = None
    value: object = None
    carries: frozenset[str] = ALL_PARTS


class Unread(NamedTuple):
    """A line or record that could not be read, with its 1-based line and the beginning of its text."""

    line: int
    reason: str
    sample: bytes


class Banner(NamedTuple):
    """A line that the tool prints around the records, or an empty one."""

    line: int
    text: bytes = b""


class SourceFault(NamedTuple):
    """The source itself said that something is missing: a limit was hit, or it failed."""

    line: int
    failed: bool
    reason: str


class Page(NamedTuple):
    """The end of a page of records, and whether it says that more exist; only the last page of a log counts."""

    line: int
    more: bool


Item = LogRecord | Unread | Banner | SourceFault | Page


class Facts(NamedTuple):
    """What a form can show. `why_…` is said of a signature that the form cannot prove absent."""

    statuses: bool = True
    routes: bool = True
    why_no_message: str = ""
    starts: bool = False
    requests: bool = True


_NO_TEXT = "the early query form prints only the first line of each request"

FACTS: Mapping[Form, Facts] = {
    Form.STREAM: Facts(statuses=False, requests=False),
    Form.QUERY_FIRST: Facts(why_no_message=_NO_TEXT, starts=True),
    Form.QUERY_LINES: Facts(starts=True),
    Form.QUERY: Facts(starts=True),
    Form.DRAIN: Facts(),
    Form.EXPORT: Facts(),
    Form.REQUESTS: Facts(starts=True),
    Form.PRETTY: Facts(requests=False),
    Form.TEXT: Facts(statuses=False, routes=False, requests=False),
    Form.GENERIC: Facts(),
}
