"""What the signatures say to a record. Most failures say the same words again and again, so answers are remembered.

An answer depends on nothing but the form, route, status and texts of a record, and on fields where a signature names
some; then nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from collectors.logs.match import Matcher, Told
from collectors.logs.record import Facts, Form, LogRecord
from collectors.logs.route import Routes
from collectors.logs.values import timeout_seconds

_REMEMBERED = 1_000
_LONGEST_TEXT = 1_000
_NONE: frozenset[int] = frozenset()


class Answer(NamedTuple):
    """The signatures that match, by index, with the texts that do and whether only the status is unknown; whether one
    is sure; the longest time-out told; time-outs of lengths that no signature on this route asks for; whether the
    status of the request matters.
    """

    found: tuple[tuple[int, tuple[str, ...], bool], ...]
    sure: bool
    longest_s: int | None
    others: frozenset[int]
    learns: bool


class Answers:
    """Asks the signatures of one stream.

    Args:
        matchers: the signatures.
        routes: their routes.
        facts: what each form can show.
    """

    def __init__(self, matchers: Sequence[Matcher], routes: Routes, facts: Mapping[Form, Facts]) -> None:
        self._matchers = matchers
        self._routes = routes
        self._facts = facts
        self._unrouted = tuple(i for i, m in enumerate(matchers) if not m.signature.routes)
        self._plain = not any(m.signature.where for m in matchers)
        self._known: dict[tuple[Form, str | None, int | None, tuple[str, ...]], Answer] = {}

    def of(self, record: LogRecord) -> Answer:
        """The answer for one record."""
        if not self._plain:
            return self._ask(record)
        key = (record.form, record.route, record.status, record.messages)
        answer = self._known.get(key)
        if answer is None:
            answer = self._ask(record)
            if sum(map(len, record.messages)) <= _LONGEST_TEXT:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[key] = answer
        return answer

    def _ask(self, record: LogRecord) -> Answer:
        told = [Told(text, timeout_seconds(text)) for text in record.messages]
        seconds = [n for _, numbers in told for n in numbers]
        watched: set[int | None] = set()
        found: list[tuple[int, tuple[str, ...], bool]] = []
        learns = False
        for index in self._on_route(record):
            matcher = self._matchers[index]
            watched.add(matcher.signature.timeout_s)
            unsure = bool(matcher.statuses) and record.status is None
            if matcher.statuses and not unsure:
                learns = True
                if record.status not in matcher.statuses:
                    continue
            if not matcher.where_holds(record) or (texts := matcher.texts(told)) is None:
                continue
            if not unsure or self._facts[record.form].statuses:
                found.append((index, texts or record.messages[:1] or ("",), unsure))
        others = _NONE
        if seconds and record.route is not None and watched - {None}:
            others = frozenset(seconds) - watched
        sure = False in [unsure for _, _, unsure in found]
        return Answer(tuple(found), sure, max(seconds, default=None), others, learns)

    def _on_route(self, record: LogRecord) -> Iterable[int]:
        """The signatures that a record may match by its route; forms without routes are judged by their message
        alone.
        """
        if record.route is not None:
            return self._routes.of(record.route).signatures
        return self._unrouted if self._facts[record.form].routes else range(len(self._matchers))
