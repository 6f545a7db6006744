"""Signatures of a runbook as exact tests over one record. Matching never counts and never compares a count with a
limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from collectors.logs.record import FACTS, Facts, Form, LogRecord
from store.editions import signatures_of_stream
from store.runbook.model import Runbook, Signature


class Told(NamedTuple):
    """A message and the seconds of the time-outs that it tells."""

    text: str
    seconds: Sequence[int]


class Matcher:
    """One signature, ready to be asked about records."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.id = signature.id
        self.group = signature.group
        self.unit = signature.unit
        self.statuses = frozenset(signature.statuses)
        self._timeout = signature.timeout_s
        self._texts = signature.messages
        self._pattern = re.compile(signature.pattern) if signature.pattern is not None else None
        self._where = tuple((path.split("."), want) for path, want in signature.where)
        self.reads_text = bool(self._texts) or self._timeout is not None or self._pattern is not None

    def where_holds(self, record: LogRecord) -> bool:
        """Whether every field that the signature names has its value."""
        return not self._where or all(field_text(record.fields, path) == want for path, want in self._where)

    def texts(self, told: Sequence[Told]) -> tuple[str, ...] | None:
        """The messages that satisfy every text part at once; () when there is no text part, None when no message
        does.
        """
        if not self.reads_text:
            return ()
        return tuple([text for text, seconds in told if self.says(text, seconds)]) or None

    def says(self, text: str, seconds: Sequence[int] = ()) -> bool:
        """Whether a message that tells time-outs of so many seconds satisfies every text part."""
        if self._timeout is not None and self._timeout not in seconds:
            return False
        if self._texts:
            for part in self._texts:
                if part in text:
                    break
            else:
                return False
        return self._pattern is None or self._pattern.search(text) is not None


def field_text(fields: Mapping[str, object], path: Sequence[str]) -> str | None:
    """A field's value as text by its dotted path, or None."""
    return _plain(field_value(fields, path))


def field_value(fields: Mapping[str, object], path: Sequence[str]) -> object:
    """A field by its dotted path. A key that holds the dots itself is found, too, and a text that holds JSON is
    opened.
    """
    whole = ".".join(path)
    if whole in fields:
        return fields[whole]
    value: object = fields
    for key in path:
        if isinstance(value, str) and value[:1] == "{":
            value = _opened(value)
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


@lru_cache(maxsize=64)
def _opened(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _plain(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None or isinstance(value, dict | list) else str(value)


def matchers_of(runbook: Runbook, stream: str) -> tuple[Matcher, ...]:
    """The signatures that a stream is searched for: those that a condition reads from it, and those that no condition
    reads at all.
    """
    here = {id for id, _ in signatures_of_stream(runbook, stream)}
    judged = {id for source in runbook.sources for id, _ in signatures_of_stream(runbook, source.id)}
    return tuple(Matcher(s) for s in runbook.signatures if s.id in here or s.id not in judged)


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
