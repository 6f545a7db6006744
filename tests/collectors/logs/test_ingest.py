"""Importing into a case: what is stored, what it covers, what it cannot prove, and that twice is once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from collectors.logs.ingest import import_log
from collectors.logs.keep import Asked, store_failed
from collectors.logs.redact import Redactor
from store.case import Case
from store.errors import BadInput
from store.judge import judge, question_at
from store.runbook.model import Runbook
from tests.collectors.logs.kit import (
    INBOX,
    MINUTE,
    SIGNATURES,
    T0,
    TIMEOUT_60,
    TIMING,
    WEBHOOK,
    drain_entry,
    export_csv,
    export_row,
    first_line_row,
    lines,
    load,
    open_case,
    query_row,
    request_id,
    rows,
    runbook,
    stream_line,
    trip,
    written,
)

WINDOW = {"since": T0, "until": T0 + 30 * MINUTE}


@pytest.fixture
def under() -> Runbook:
    return runbook()


@pytest.fixture
def case(tmp_path: Path, under: Runbook) -> Any:
    with open_case(tmp_path, under) as opened:
        yield opened


def state(case: Case, at_ms: int, condition: int = 0) -> tuple[str, str]:
    db = case.read()
    (signal,) = judge(db, question_at(db, as_of_ms=at_ms, live=False)).signals
    return signal.conditions[condition].state, signal.conditions[condition].reason


def test_matches_are_stored_with_both_times_route_status_request_line_and_text(
    tmp_path: Path, case: Case, under: Runbook
) -> None:
    got = load(
        case,
        under,
        written(tmp_path, lines([query_row(T0, "ok"), query_row(T0 + 5, "x", TIMEOUT_60, status=504)])),
        **WINDOW,
    )

    assert rows(
        case,
        'SELECT signature, "group", "key", at_ms, started_ms, route, status, request, certain, line FROM log_match',
    ) == [("webhook", "webhook", request_id(T0 + 5), T0 + 5 + MINUTE, T0 + 5, WEBHOOK, 504, request_id(T0 + 5), 1, 2)]
    assert json.loads(rows(case, "SELECT raw FROM log_match")[0][0])["responseStatusCode"] == 504
    assert (got.form, got.status, got.lines_read, got.matched, got.signatures[0][:3]) == (
        "vercel-query ndjson",
        "ok",
        2,
        1,
        ("webhook", 1, 1),
    )


def test_the_collection_says_what_was_asked_and_what_came(tmp_path: Path, case: Case, under: Runbook) -> None:
    load(case, under, written(tmp_path, "Vercel CLI 50.1.5\n" + lines([stream_line()]), "export.jsonl"), **WINDOW)

    assert rows(case, "SELECT stream, collector, from_ms, to_ms, source, tool_version, form FROM collection") == [
        ("runtime-logs", "logs", T0, T0 + 30 * MINUTE, "export.jsonl", "Vercel CLI 50.1.5", "vercel-stream ndjson")
    ]
    assert rows(
        case,
        "SELECT status, lines_read, matched, unreadable, banners, first_ms, last_ms, length(source_sha256) FROM collection_end",
    ) == [("ok", 2, 1, 0, 1, T0, T0, 64)]


def test_only_a_declared_window_is_covered(tmp_path: Path, case: Case, under: Runbook) -> None:
    log = written(tmp_path, lines([drain_entry()]))
    assert "no window was declared" in load(case, under, log).reason
    assert rows(case, "SELECT * FROM coverage") == []
    load(case, under, log, **WINDOW)
    assert rows(case, "SELECT from_ms, to_ms FROM coverage") == [(T0, T0 + 30 * MINUTE)]


def test_a_quiet_window_that_was_covered_is_ok_and_one_that_was_not_is_no_data(
    tmp_path: Path, case: Case, under: Runbook
) -> None:
    log = written(tmp_path, export_csv([export_row(T0 + MINUTE, path="/x", status=200)]))
    load(case, under, log)
    assert state(case, T0 + 30 * MINUTE)[0] == "no_data"
    load(case, under, log, **WINDOW)
    assert [state(case, T0 + 30 * MINUTE, n) for n in range(4)] == [("ok", "below")] * 4


def test_more_matches_than_the_limit_trip_even_without_a_window(tmp_path: Path, case: Case, under: Runbook) -> None:
    load(case, under, written(tmp_path, lines([drain_entry(T0 + n * 1000, number=n) for n in range(51)])))
    assert state(case, T0 + 30 * MINUTE) == ("tripped", "count_over")


@pytest.mark.parametrize("again", ["same", "shuffled", "overlap", "other form"])
def test_loading_it_again_in_any_way_changes_no_count(tmp_path: Path, case: Case, under: Runbook, again: str) -> None:
    export = [export_row(T0 + n * 1000, number=n % 40, status=(500, "")[n % 7 == 0]) for n in range(60)]
    first = load(case, under, written(tmp_path, export_csv(export)), **WINDOW)
    before = rows(case, 'SELECT DISTINCT signature, "key", certain FROM log_match ORDER BY 1, 2, 3')
    content = {
        "same": export_csv(export),
        "shuffled": export_csv(export[::-1]),
        "overlap": export_csv(export[20:]),
        "other form": json.dumps(export),
    }[again]
    second = load(case, under, written(tmp_path, content, "again"), **WINDOW)
    assert rows(case, 'SELECT DISTINCT signature, "key", certain FROM log_match ORDER BY 1, 2, 3') == before
    assert (second.collection == first.collection, second.known) == (
        (True, True) if again == "same" else (False, False)
    )


def test_identical_bytes_are_loaded_again_after_a_retraction_and_for_another_window(
    tmp_path: Path, case: Case, under: Runbook
) -> None:
    from store.evidence import Retraction

    log = written(tmp_path, lines([drain_entry()]))
    first = load(case, under, log, **WINDOW)
    assert load(case, under, log, since=T0 - 1, until=T0 + MINUTE).collection != first.collection
    with case.transaction("test") as tx:
        tx.add(Retraction(first.collection, "wrong project", T0, "me"))
    assert load(case, under, log, **WINDOW).collection not in (first.collection,)


def test_exact_twins_are_two_rows_and_stay_two(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    under = runbook(signatures=SIGNATURES.replace("status = [500]", 'status = [500]\nunit = "row"'))
    with open_case(tmp_path, under) as case:
        for name in ("a", "b"):
            load(
                case,
                under,
                written(
                    tmp_path, export_csv([export_row(), export_row(), export_row(T0 + 1)]) + "\n" * (name == "b"), name
                ),
            )
        assert rows(case, 'SELECT count(*), count(DISTINCT "key") FROM log_match') == [(6, 3)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lines([stream_line()]) + '{"cut', "1 unreadable: line 2 is cut off"),
        (
            lines([stream_line(), stream_line(rowId="", source="delimiter", message="limit")]),
            "the stream was cut by its limit: limit",
        ),
        (lines([query_row(), {"type": "deployment_error", "message": "never READY"}]), "deployment_error: never READY"),
        (
            lines([query_row(T0 + n, number=n) for n in range(100)]),
            "exactly 100 rows, the limit of the command: more may exist",
        ),
        ("Error: query_wait_timeout\n", "1 of 1 record without an instant: their matches cannot count"),
    ],
)
def test_what_is_not_whole_covers_nothing_and_says_why(
    tmp_path: Path, case: Case, under: Runbook, content: str, reason: str
) -> None:
    got = load(case, under, written(tmp_path, content), **WINDOW)
    assert (got.status, got.reason.split("; ")[0]) == ("truncated", reason)
    assert rows(case, "SELECT * FROM coverage") == []
    assert rows(case, "SELECT count(*) FROM log_match")[0][0] >= 1


def test_a_file_declared_as_truncated_covers_nothing(tmp_path: Path, case: Case, under: Runbook) -> None:
    got = load(case, under, written(tmp_path, lines([drain_entry()])), truncated=True, **WINDOW)
    assert (got.status, got.reason.split(";")[0]) == ("truncated", "declared as truncated")


def test_unreadable_lines_are_kept_with_their_number_and_masked(tmp_path: Path, case: Case, under: Runbook) -> None:
    load(case, under, written(tmp_path, lines([stream_line()]) + "who is user@example.com\n"))
    assert rows(case, "SELECT line, reason, sample FROM unreadable") == [(2, "is not a record", "who is [email]")]


def test_each_form_stores_what_it_cannot_prove(tmp_path: Path, case: Case, under: Runbook) -> None:
    def proofs(content: str, name: str) -> dict[str, tuple[int, str, int]]:
        got = load(case, under, written(tmp_path, content, name), **WINDOW)
        found = rows(
            case, "SELECT signature, can_prove, why, delay_ms FROM looked_for WHERE collection = ?", got.collection
        )
        return {signature: (can, why, delay) for signature, can, why, delay in found}

    assert proofs(lines([stream_line()]), "a")["timing"] == (0, "vercel-stream carries no statuses", 0)
    assert proofs(lines([stream_line(T0 + 1)]), "a2")["webhook"] == (1, "", 0)
    assert proofs(lines([first_line_row()]), "b1")["webhook"][0] == 0
    assert proofs(lines([first_line_row(T0 + 1)]), "b1b")["timing"] == (1, "", 0)
    assert proofs(lines([query_row()]), "b2")["webhook"] == (1, "", MINUTE)
    assert proofs(lines([drain_entry()]), "c")["webhook"] == (1, "", 0)
    assert proofs("2026-02-18T03:00:00Z query_wait_timeout\n", "e")["expired"] == (
        1,
        "this form carries no route; matched by message alone",
        0,
    )
    assert proofs("2026-02-18T03:00:00Z query_wait_timeout\n\n", "e2")["timing"][0] == 0


def test_what_a_form_cannot_prove_reads_no_data_and_never_ok(tmp_path: Path, case: Case, under: Runbook) -> None:
    load(case, under, written(tmp_path, lines([stream_line(path="/x")])), **WINDOW)
    assert state(case, T0 + 30 * MINUTE, 0) == ("ok", "below")
    assert state(case, T0 + 30 * MINUTE, 3) == ("no_data", "cannot_prove")


def test_a_sampled_source_cannot_prove_a_zero(tmp_path: Path) -> None:
    under = runbook()
    source = under.sources[0]
    sampled = under.__class__(
        **{f: getattr(under, f) for f in under.__slots__}
        | {"sources": (source.__class__(**{f: getattr(source, f) for f in source.__slots__} | {"sample_rate": 0.1}),)}
    )
    with open_case(tmp_path, under) as case:
        load(case, sampled, written(tmp_path, lines([drain_entry()])), **WINDOW)
        assert rows(case, "SELECT DISTINCT can_prove, why FROM looked_for") == [
            (0, "the source keeps only 0.1 of its records")
        ]


def test_unknown_statuses_stand_in_the_way_of_ok(tmp_path: Path, under: Runbook) -> None:
    with open_case(tmp_path, runbook(trips=trip(["timing"], over=2))) as case:
        log = [export_row(T0 + n, status="", number=n) for n in range(3)]
        load(case, case.runbook(), written(tmp_path, export_csv(log)), **WINDOW)
        assert state(case, T0 + 30 * MINUTE)[1] == "unknown_status"


def test_traffic_is_stored_per_minute_and_watched_route(tmp_path: Path, case: Case, under: Runbook) -> None:
    log = [
        drain_entry(T0, number=1),
        drain_entry(T0 + 5, number=1, requestId=request_id(T0, 1)),
        drain_entry(T0 + MINUTE, path=INBOX, number=2),
        drain_entry(path="/x", number=3),
    ]
    load(case, under, written(tmp_path, lines(log)))
    assert rows(case, "SELECT minute_ms, route, requests FROM traffic ORDER BY 1, 2") == [
        (T0, "*", 1),
        (T0, WEBHOOK, 1),
        (T0 + MINUTE, INBOX, 1),
    ]


def test_planted_secrets_are_nowhere_in_the_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRON_SECRET", "very-secret-value-1")
    under = runbook(secrets=["CRON_SECRET"])
    planted = {
        "mail": "lead.person@example.com",
        "bearer": "Bearer abcdefghijkl0123",
        "cookie": "sid=cookievalue123",
        "query": "/x?apikeyvalue=queryvalue123",
        "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "secret": "very-secret-value-1",
        "address": "203.0.113.77",
    }
    said = (
        f"{TIMEOUT_60} lead {planted['mail']} Authorization: {planted['bearer']} Cookie: {planted['cookie']}\n"
        f"GET {planted['query']} {planted['jwt']} {planted['secret']} {planted['address']}"
    )
    escaped = json.dumps(drain_entry(T0 + 1, said, number=1)).replace("@", "\\u0040").replace("/", "\\/")
    garbage = f"oops {said}".replace("\n", " ")
    content = (
        lines([drain_entry(T0, said, path="/api/webhooks/email"), stream_line(T0, said)])
        + escaped
        + "\n"
        + garbage
        + "\n"
    )
    content += lines([export_row(T0, said, path=WEBHOOK, requestQueryString="who=queryvalue123&x=1")])
    with open_case(tmp_path, under) as case:
        got = import_log(
            case, under, "runtime-logs", str(written(tmp_path, content)), since_ms=None, until_ms=None, now_ms=T0
        )
        assert got.matched == 4
        assert got.redactions >= 20
        stored = case.path.read_bytes()
    for value in (
        "lead.person",
        "abcdefghijkl0123",
        "cookievalue123",
        "queryvalue123",
        "eyJzdWIi",
        "very-secret-value-1",
        "203.0.113.77",
    ):
        assert value.encode() not in stored, value


def test_a_secret_in_a_path_or_an_id_is_in_no_key_and_no_row_of_traffic(tmp_path: Path) -> None:
    block = '\n```toml signature\nid = "{}"\nroute = "{}"\nstatus = [500]\nunit = "{}"\n```\n'
    crossing = block.format("one", "/u/*/*", "row") + block.format("two", "/*/*/a", "request")
    under = runbook(signatures=crossing)
    secret = ("lead.person@example.com", "sk_live_abcdefgh12345678")
    entries = [drain_entry(T0 + n, "x", f"/u/{text}/a", 500, requestId=text, id=text) for n, text in enumerate(secret)]
    with open_case(tmp_path, under) as case:
        load(case, under, written(tmp_path, lines(entries)), **WINDOW)
        assert rows(case, "SELECT signature, count(DISTINCT key) FROM log_match GROUP BY 1") == [("one", 2), ("two", 2)]
        assert sorted(r[0][-9:] for r in rows(case, "SELECT route FROM traffic")) == ["[email]/a", "[token]/a"]
        stored = case.path.read_bytes()
    assert not [text for text in secret if text.encode() in stored]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html>",
        os.urandom(3000),
        b"# A title\n\nSome prose.\n",
        b'{"a":1}\n{"a":2}\n',
        b"Vercel CLI 50.1.5\nwaiting for new logs...\n",
    ],
)
def test_what_is_no_log_is_refused_in_a_line_and_the_attempt_is_evidence(
    tmp_path: Path, case: Case, under: Runbook, content: bytes
) -> None:
    log = written(tmp_path, lines([stream_line(T0 + 1, "fine")]))
    load(case, under, log)
    with pytest.raises(BadInput) as refused:
        load(case, under, written(tmp_path, content))
    assert "\n" not in str(refused.value)
    assert "kept as collection:2" in refused.value.hint
    assert rows(case, "SELECT status, reason FROM collection_end WHERE collection = 2") == [
        ("failed", refused.value.message)
    ]
    assert rows(case, "SELECT count(*) FROM coverage WHERE collection = 2") == [(0,)]


def test_a_stream_that_is_no_log_and_a_window_that_ends_before_it_begins_are_refused(
    tmp_path: Path, case: Case, under: Runbook
) -> None:
    log = written(tmp_path, lines([drain_entry()]))
    with pytest.raises(BadInput, match="runtime-logs"):
        import_log(case, under, "other", str(log), since_ms=None, until_ms=None, now_ms=T0)
    with pytest.raises(BadInput, match="ends before it begins"):
        load(case, under, log, since=T0, until=T0)


def test_a_look_that_gave_nothing_is_evidence(case: Case) -> None:
    got = store_failed(
        case, Asked("runtime-logs", T0, T0 + 1, command="vercel logs --token abc"), "exit 1", T0, redactor=Redactor()
    )
    assert (got.status, got.ref) == ("failed", f"collection:{got.collection}")
    assert rows(
        case, "SELECT c.command, e.status, e.reason FROM collection c JOIN collection_end e ON e.collection = c.id"
    ) == [("vercel logs --token [masked]", "failed", "exit 1")]


def test_a_million_byte_message_is_searched_whole_and_kept_in_part(tmp_path: Path, case: Case, under: Runbook) -> None:
    load(case, under, written(tmp_path, lines([query_row(T0, "x" * 3_000_000 + TIMEOUT_60)])))
    ((raw, size),) = rows(case, "SELECT raw, length(raw) FROM log_match")
    assert size < 9000
    assert "characters cut" in raw


def test_records_of_the_far_future_are_kept_and_of_no_year_are_unreadable(
    tmp_path: Path, case: Case, under: Runbook
) -> None:
    got = load(
        case,
        under,
        written(tmp_path, lines([drain_entry(4_102_444_800_000), drain_entry(253_402_300_800_000, proxy={})])),
        **WINDOW,
    )
    assert (got.matched, got.unreadable) == (1, 1)
    assert "1 record outside the declared window" in got.reason


def test_a_row_unit_counts_rows_and_a_request_unit_requests(tmp_path: Path) -> None:
    export = [
        export_row(T0 + n % 3, type=("function", "middleware", "static")[n % 3], requestId=request_id(T0, n // 3))
        for n in range(12)
    ]
    for unit, expected in (("row", 12), ("request", 4)):
        under = runbook(
            signatures=SIGNATURES.replace("status = [500]", f'status = [500]\nunit = "{unit}"'),
            trips=trip(["timing"], over=20),
        )
        with open_case(tmp_path, under, f"{unit}.db") as case:
            got = load(case, under, written(tmp_path, export_csv(export)))
            assert [(s.rows, s.distinct) for s in got.signatures if s.signature == "timing"] == [(12, expected)]
            db = case.read()
            assert (
                judge(db, question_at(db, as_of_ms=T0 + 30 * MINUTE, live=False)).signals[0].conditions[0].value
                == expected
            )
            assert TIMING in rows(case, "SELECT DISTINCT route FROM log_match")[0]
