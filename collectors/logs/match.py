"""Signatures of a runbook as exact tests over one record. Matching never counts and never compares a count with a
limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

from collectors.logs.record import FACTS, Facts, Form, LogRecord
from collectors.logs.route import route_test
from collectors.logs.values import timeout_seconds
from store.runbook.model import ConditionKind, Runbook, Signature, SourceKind


class Fit(IntEnum):
    """How a record fits a signature; UNSURE is everything but the status, which the record leaves blank."""

    NO = 0
    UNSURE = 1
    YES = 2


class Matcher:
    """One signature, ready to be asked about records."""

    def __init__(self, signature: Signature, facts: Mapping[Form, Facts] = FACTS) -> None:
        self.signature = signature
        self.id = signature.id
        self.group = signature.group
        self.unit = signature.unit
        self.statuses = frozenset(signature.statuses)
        self._facts = facts
        self._routed = bool(signature.routes)
        self._route = route_test(signature.routes)
        self._timeout = signature.timeout_s
        self._texts = signature.messages
        self._pattern = re.compile(signature.pattern) if signature.pattern is not None else None
        self._where = tuple((path.split("."), want) for path, want in signature.where)
        self.reads_text = bool(self._texts) or self._timeout is not None or self._pattern is not None

    def on_route(self, record: LogRecord) -> bool:
        """Whether the record lies on a route of the signature; text forms without a route are judged by their message
        alone.
        """
        if not self._routed:
            return True
        if record.route is None:
            return not self._facts[record.form].routes
        return self._route(record.route)

    def where_holds(self, record: LogRecord) -> bool:
        """Whether every field that the signature names has its value."""
        return all(field_text(record.fields, path) == want for path, want in self._where)

    def fit(self, record: LogRecord) -> Fit:
        """How the record fits the whole signature."""
        if not self.on_route(record) or not self.where_holds(record) or self.texts(record) is None:
            return Fit.NO
        if self.statuses and record.status not in self.statuses:
            return Fit.UNSURE if record.status is None else Fit.NO
        return Fit.YES

    def texts(self, record: LogRecord) -> tuple[str, ...] | None:
        """The messages that satisfy every text part at once; () when there is no text part, None when no message
        does.
        """
        if not self.reads_text:
            return ()
        return tuple(text for text in record.messages if self._says(text)) or None

    def _says(self, text: str) -> bool:
        if self._texts and not any(part in text for part in self._texts):
            return False
        if self._timeout is not None and self._timeout not in timeout_seconds(text):
            return False
        return self._pattern is None or self._pattern.search(text) is not None


def field_text(fields: Mapping[str, object], path: Sequence[str]) -> str | None:
    """A field's value as text by its dotted path; a key that holds the dots itself is found, too."""
    whole = ".".join(path)
    if whole in fields:
        return _plain(fields[whole])
    value: object = fields
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return _plain(value)


def _plain(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None or isinstance(value, dict | list) else str(value)


def matchers_of(runbook: Runbook, stream: str, facts: Mapping[Form, Facts] = FACTS) -> tuple[Matcher, ...]:
    """The signatures that a stream is searched for: those that a condition reads from it, and those that no condition
    reads at all.
    """
    streams: dict[str, set[str]] = {}
    for condition in (c for signal in runbook.signals for c in signal.conditions):
        named = set(condition.signatures)
        if condition.kind is ConditionKind.LOOP:
            named |= {s.id for s in runbook.signatures if s.group in condition.groups}
        for signature in named:
            streams.setdefault(signature, set()).update(use.stream for use in condition.streams)
    logs = {source.id for source in runbook.sources if source.kind is SourceKind.LOGS}
    return tuple(Matcher(s, facts) for s in runbook.signatures if stream in streams.get(s.id, logs | {stream}))


def why_not_provable(signature: Signature, forms: Iterable[Form], facts: Mapping[Form, Facts] = FACTS) -> str:
    """Why a log in these forms cannot show that a signature did not occur; empty when it can."""
    reads_text = bool(signature.messages or signature.pattern or signature.timeout_s)
    for form in forms:
        shown = facts[form]
        if signature.statuses and not shown.statuses:
            return f"{form} carries no statuses"
        if reads_text and shown.why_no_message:
            return shown.why_no_message
        if signature.where and form in (Form.TEXT, Form.PRETTY):
            return f"{form} carries no fields"
    return ""
