"""Answers of a depth question that was run elsewhere, as tools really print them."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.offload.pasted import import_query_output, looks_like_answer
from collectors.schedule import CollectedTick
from store.case import Case
from store.errors import BadInput
from store.evidence import Retraction
from tests.collectors.cases import T0, clock, make_case, rows
from tests.collectors.offload.offload_world import LEDGER, QUEUE, offload_runbook

CSV = "status,count\nPENDING,3\nRUNNING,1\nFAILED,2\nSUCCEEDED,40\n"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with make_case(tmp_path, offload_runbook()) as case:
        yield case


def pasted(case: Case, text: str | bytes, *, until_ms: int | None = T0, since_ms: int | None = None) -> CollectedTick:
    path = case.path.with_name("answer.txt")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_query_output(
        case, offload_runbook(), "offload", path, since_ms=since_ms, until_ms=until_ms, now_ms=clock(T0 + 60_000)
    )


def depth(case: Case) -> tuple[object, ...]:
    return rows(case, "SELECT pending, running, failed, succeeded FROM snapshot ORDER BY id DESC LIMIT 1")[0]


@pytest.mark.parametrize(
    "text",
    [
        CSV,
        CSV.replace("\n", "\r\n").encode("utf-8-sig"),
        CSV.encode("utf-16"),
        CSV.replace("status,count", "Status,COUNT"),
        CSV.replace(",", "\t"),
        CSV.replace(",", ";"),
        '"status","count"\n"PENDING","3"\n"RUNNING","1"\n"FAILED","2"\n"SUCCEEDED","40"\n(4 rows)\n',
        "  status   | count\n-----------+------\n PENDING   |  3\n RUNNING   |  1\n FAILED    |  2\n SUCCEEDED | 40\n(4 rows)\n\nTime: 3.1 ms\n",
        json.dumps([{"status": "PENDING", "count": 3}, {"status": "RUNNING", "count": "1"}, {"status": "FAILED", "count": 2},
                    {"status": "SUCCEEDED", "count": 40}]),
        json.dumps({"rows": [{"status": "PENDING", "count": 3}, {"status": "RUNNING", "count": 1},
                             {"status": "FAILED", "count": 2}, {"status": "SUCCEEDED", "count": 40}]}),
        "\n".join(json.dumps({"status": status, "count": count})
                  for status, count in (("PENDING", 3), ("RUNNING", 1), ("FAILED", 2), ("SUCCEEDED", 40))),
    ],
)  # fmt: skip
def test_every_usual_way_of_printing_is_read(case: Case, text: str | bytes) -> None:
    tick = pasted(case, text)
    assert not tick.failed, tick.reason
    assert depth(case) == (3, 1, 2, 40)


def test_it_is_an_instant_whose_question_is_kept(case: Case) -> None:
    tick = pasted(case, CSV)
    stored = rows(case, "SELECT form, from_ms, to_ms, collected_ms FROM collection")
    assert stored == [("pasted", T0, T0, T0 + 60_000)]
    assert rows(case, "SELECT from_ms, to_ms FROM coverage") == [(T0, T0)]
    assert "WebhookEvent" in rows(case, "SELECT command FROM collection")[0][0]
    assert tick.collections[0].what == "pasted"


def test_the_answer_may_say_itself_when_it_was_given(case: Case) -> None:
    pasted(
        case, "at,status,count,oldest_due\n2026-02-18T02:55:00+00:00,PENDING,2,2026-02-18 02:50:00.5\n", until_ms=None
    )
    assert rows(case, "SELECT at_ms, oldest_due_ms FROM snapshot") == [(T0 - 300_000, T0 - 599_500)]


def test_without_an_instant_nothing_is_stored(case: Case) -> None:
    with pytest.raises(BadInput, match="when was the question run"):
        pasted(case, CSV, until_ms=None)
    assert rows(case, "SELECT count(*) FROM collection") == [(0,)]
    pasted(case, CSV, until_ms=None, since_ms=T0 - 1)
    assert rows(case, "SELECT at_ms FROM snapshot") == [(T0 - 1,)]


def test_an_answer_from_standard_input_is_read(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV.encode())))
    import_query_output(case, offload_runbook(), "offload", "-", since_ms=None, until_ms=T0, now_ms=clock(T0))
    assert depth(case) == (3, 1, 2, 40)


def test_the_same_bytes_again_are_the_first_load_unless_that_was_withdrawn(case: Case) -> None:
    first = pasted(case, CSV)
    assert pasted(case, CSV) == first
    with case.transaction("test") as tx:
        tx.add(Retraction(first.collections[0].id, "wrong project", T0, "me"))
    assert pasted(case, CSV) != first
    assert rows(case, "SELECT count(*) FROM snapshot") == [(2,)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("status,count\n", "no rows"),
        ("[]", "no rows"),
        ("", "no rows"),
        ("state,number\nPENDING,3\n", "no header with the columns status and count"),
        ("status,count\nPENDING,many\n", "not a whole number"),
        ("status,count\nPENDING\n", "more or fewer columns"),
        ("status,count\npending,3\n", "does not name the statuses pending (3)"),
        ('[{"status": "PENDING"}]', "no count"),
        ("[1, 2]", "not a list of objects"),
    ],
)
def test_an_answer_that_proves_nothing_is_a_failed_look_and_no_zero(case: Case, text: str, told: str) -> None:
    tick = pasted(case, text)
    assert told in tick.reason
    assert rows(case, "SELECT count(*) FROM snapshot") == [(0,)]
    assert rows(case, "SELECT status FROM collection_end") == [("failed",)]


@pytest.mark.parametrize(
    ("text", "told"), [(b"\xff\xfe\x00", "not text"), (b"\x80\x81", "not text"), (b"{not json", "not JSON")]
)
def test_what_cannot_be_read_is_refused_whole(case: Case, text: bytes, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        pasted(case, text)
    assert rows(case, "SELECT count(*) FROM collection") == [(0,)]


def test_only_streams_with_a_queue_take_an_answer(case: Case, tmp_path: Path) -> None:
    answer = tmp_path / "a.csv"
    answer.write_text(CSV)
    for runbook, stream, told in (
        (offload_runbook(QUEUE), "other", "other is no offload stream"),
        (offload_runbook(LEDGER), "offload", "has no queue"),
    ):
        with pytest.raises(BadInput, match=told):
            import_query_output(case, runbook, stream, answer, since_ms=None, until_ms=T0, now_ms=clock(T0))
    with pytest.raises(BadInput, match="cannot be read"):
        import_query_output(
            case, offload_runbook(), "offload", tmp_path / "none", since_ms=None, until_ms=T0, now_ms=clock(T0)
        )


def test_an_answer_is_told_from_a_log_by_its_columns() -> None:
    assert looks_like_answer(CSV.encode())
    assert looks_like_answer(b'[{"status": "PENDING", "count": 3}]')
    assert not looks_like_answer(b"TimeUTC,requestPath,responseStatusCode\n2026-02-18 03:00:00,/x,500\n")
    assert not looks_like_answer(b'{"timestamp": 1, "message": "x"}\n')
    assert not looks_like_answer(b"")
