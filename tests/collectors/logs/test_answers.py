"""What the signatures say to a record, remembered or not, is the same."""

from __future__ import annotations

from pathlib import Path

from collectors.logs import answers, gather
from collectors.logs.answers import Answers
from collectors.logs.conclude import conclude
from collectors.logs.match import Matcher
from collectors.logs.record import FACTS, Form, LogRecord
from collectors.logs.route import Routes
from store.runbook.model import Signature
from tests.collectors.logs.kit import (
    T0,
    TIMEOUT_60,
    TIMING,
    WEBHOOK,
    gathered,
    lines,
    signature,
    stream_line,
    written,
)

BOTH = [
    signature("webhook", routes=(WEBHOOK,), timeout_s=60),
    signature("timing", routes=(TIMING,), statuses=(500,)),
    signature("anywhere", messages=("boom",)),
]


def asking(signatures: list[Signature]) -> Answers:
    matchers = [Matcher(s) for s in signatures]
    return Answers(matchers, Routes(m.signature.routes for m in matchers), FACTS)


def record(*messages: str, route: str | None = WEBHOOK, status: int | None = 504, form: Form = Form.DRAIN) -> LogRecord:
    return LogRecord(1, form, b"{}", T0, T0, None, route, status, "r1", messages)


def test_an_answer_names_the_signatures_and_the_texts_that_match() -> None:
    answer = asking(BOTH).of(record("fine", TIMEOUT_60, "boom"))
    assert answer.found == ((0, (TIMEOUT_60,), False), (2, ("boom",), False))
    assert (answer.sure, answer.longest_s, answer.others, answer.learns) == (True, 60, frozenset(), False)


def test_a_blank_status_leaves_the_answer_unsure_where_the_form_has_statuses() -> None:
    ask = asking(BOTH)
    assert ask.of(record(route=TIMING, status=None)).found == ((1, ("",), True),)
    assert ask.of(record(route=TIMING, status=None, form=Form.STREAM)).found == ()
    assert not ask.of(record(route=TIMING, status=None)).sure


def test_the_status_of_a_request_matters_where_a_signature_asks_for_one() -> None:
    ask = asking(BOTH)
    assert ask.of(record(route=TIMING, status=200)).learns
    assert not ask.of(record(route=WEBHOOK, status=200)).learns


def test_time_outs_of_other_lengths_are_told_on_watched_routes_only() -> None:
    ask = asking(BOTH)
    assert ask.of(record("Task timed out after 800 seconds")).others == {800}
    assert ask.of(record("Task timed out after 800 seconds", route="/other")).others == frozenset()


def test_the_second_answer_is_the_first_one_remembered_unless_fields_are_asked_for() -> None:
    ask = asking(BOTH)
    assert ask.of(record("boom")) is ask.of(record("boom"))
    assert ask.of(record("boom" * 1000)) is not ask.of(record("boom" * 1000))
    fields = asking([*BOTH, signature("job", where=(("job", "Sync"),))])
    assert fields.of(record("boom")) is not fields.of(record("boom"))


def test_no_more_than_so_many_answers_are_remembered() -> None:
    ask = asking(BOTH)
    first = ask.of(record("boom"))
    for number in range(answers._REMEMBERED):
        ask.of(record(f"boom {number}"))
    assert ask.of(record("boom")) is not first
    assert ask.of(record("boom")) == first


def test_texts_are_kept_for_so_many_records_and_matches_for_all(tmp_path: Path) -> None:
    log = written(tmp_path, lines([stream_line(T0 + n) for n in range(gather.TEXT_LIMIT + 5)]))
    found = gathered(log, BOTH)
    texts = [bool(match.raw) for match in found.spool]
    assert (texts.count(True), texts.index(False), len(texts)) == (
        gather.TEXT_LIMIT,
        gather.TEXT_LIMIT,
        gather.TEXT_LIMIT + 5,
    )
    assert found.textless == 5
    assert conclude(found).reason == "of 5 matching records beyond the first 10000 the text is not kept"
    assert conclude(found).status == "ok"
    found.spool.close()
