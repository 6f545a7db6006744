"""The fast way finds exactly what the ordinary reader finds, whatever a JSON writer's spelling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.logs import blocks as blocks_module
from collectors.logs import parallel
from collectors.logs.fast_form import fast_lines
from collectors.logs.gather import Gather
from collectors.logs.match import Matcher
from collectors.logs.reader import items_of
from collectors.logs.redact import Redactor
from collectors.logs.sniff import Layout
from store.runbook.model import Signature, Unit
from tests.collectors.logs.kit import (
    T0,
    TIMEOUT_60,
    TIMEOUT_300,
    TIMING,
    WEBHOOK,
    drain_entry,
    gathered,
    lines,
    signature,
    stream_line,
    written,
)

SIGNATURES = [
    signature("webhook", routes=(WEBHOOK,), timeout_s=60, unit=Unit.ROW),
    signature("expired", routes=("/api/inbox/**", TIMING), messages=("P2028", "Transaction API error:")),
    signature("timing", routes=(TIMING,), statuses=(500, 502)),
    signature("pattern", pattern=r"code: '(?:P20|E)\d\d'", unit=Unit.MESSAGE),
    signature("both", statuses=(503,), messages=("query_wait_timeout",)),
]

WITHOUT_LITERAL = [
    *SIGNATURES[:3],
    signature("any case", pattern=r"(?i)TRANSACTION api ERROR"),
    signature("letters", messages=("漢", "é –")),
    signature("short", routes=(TIMING,), messages=("P2",), unit=Unit.MESSAGE),
]


def slowly(data: bytes, signatures: list[Signature] = SIGNATURES) -> Gather:
    gather = Gather([Matcher(s) for s in signatures], Redactor(), placed_ms=T0)
    for item in items_of(Layout.LINES, [data]):
        gather.take(item)
    gather.settle()
    return gather


def told(gather: Gather) -> tuple[Any, ...]:
    return (
        gather.records, gather.matched, gather.unread, gather.banners, gather.first_ms, gather.last_ms, gather.rows, gather.unsure,
        gather.other_timeouts, gather.cut, gather.outside, dict(gather.forms), list(gather.traffic.cells()), gather.unreadable,
        [(*found,) for found in gather.spool], gather.textless,
    )  # fmt: skip


def spelled(value: Any, choose: Any) -> str:
    """A value as some JSON writer could write it: any character escaped or not, any blanks between tokens."""
    if isinstance(value, dict):
        inside = ",".join(
            f"{blank(choose)}{spelled(k, choose)}{blank(choose)}:{blank(choose)}{spelled(v, choose)}"
            for k, v in value.items()
        )
        return "{" + inside + "}"
    if isinstance(value, str):
        return '"' + "".join(letter(c, choose(0, 9)) for c in value) + '"'
    return json.dumps(value)


def blank(choose: Any) -> str:
    return ("", "", "", " ", "\t")[choose(0, 4)]


def letter(c: str, way: int) -> str:
    if way == 0 and ord(c) < 0x10000:
        return f"\\u{ord(c):04x}"
    if way == 1 and ord(c) < 0x10000:
        return f"\\u{ord(c):04X}"
    if c == "/" and way < 5:
        return "\\/"
    return json.dumps(c, ensure_ascii=way < 8)[1:-1]


MESSAGES = st.sampled_from(
    [
        TIMEOUT_60, TIMEOUT_300, "Task timed out after \x1b[31m60\x1b[0m seconds", "Ta\x1b[1msk timed\x1b[0m out after 60 seconds", "\x1b[32minfo\x1b[39m fine",
        "code: 'P2028'", "P20\x9b1m28", "Transaction API error: x", "query_wait_timeout", "P202 8", "\\u0050\\u00322028",
        "naïve – 漢 \U0001f600", "", "Task timed out",
        "\\\\u001b[31mP2028",
    ]
)  # fmt: skip
PATHS = st.sampled_from(
    [
        WEBHOOK,
        f"{WEBHOOK}?a=1",
        "/api/inbox/counts",
        f"//api//cron/response-timing#{0}",
        TIMING,
        "/x/1",
        "https://h/x",
        "",
        None,
        "*",
        f"{TIMING} ",
        f"{TIMING} ?a=1",
        f" {TIMING}",
    ]
)
STATUSES = st.sampled_from([200, 500, 503, 504, -1, 0, None, 500.0, "500"])
AT = st.integers(T0, T0 + 120_000) | st.sampled_from([0, -1, None, str(T0), 1.5])


@st.composite
def drain_lines(draw: Any) -> dict[str, Any]:
    path, status = draw(PATHS), draw(STATUSES)
    entry = drain_entry(draw(AT), draw(MESSAGES), number=draw(st.integers(0, 3)), path=path, status=status)
    entry["requestId"] = draw(
        st.sampled_from(
            [
                entry["requestId"],
                f"iad1::{entry['requestId']}",
                "",
                "-",
                None,
                "short",
                " spaced-request-id ",
                "iad1::sfo1::-",
                17,
            ]
        )
    )
    entry["proxy"] = draw(
        st.sampled_from(
            [
                None,
                {"path": path, "statusCode": status, "timestamp": T0},
                {"path": "/y"},
                {"timestamp": 0},
                {"statusCode": -1, "vercelId": "iad1::abcdefghijkl"},
                "x",
            ]
        )
    )
    return entry | draw(
        st.sampled_from(
            [
                {},
                {},
                {},
                {"rows": None},
                {"requestPath": "/z"},
                {"id": None},
                {"id": ""},
                {"message": None},
                {"message": ["P2028"]},
                {"rowId": ""},
                {"rowId": "7"},
                {"type": "deployment_error"},
                {"timestampInMs": T0 + 1},
                {"requestQueryString": "a=b"},
                {"rows": [{"a": 1}]},
                {"events": []},
                {"TimeUTC": "2026-02-18 03:00:00"},
                {"error": {"message": "x"}},
                {"statusCode": 500},
            ]
        )
    )


@st.composite
def stream_lines(draw: Any) -> dict[str, Any]:
    line = stream_line(
        draw(AT),
        draw(MESSAGES),
        draw(PATHS),
        responseStatusCode=draw(STATUSES),
        messageTruncated=draw(st.sampled_from([False, True, None])),
    )
    line["rowId"] = draw(st.sampled_from([line["rowId"], "unique", ""]))
    return line | draw(
        st.sampled_from(
            [
                {},
                {},
                {},
                {"requestId": "r"},
                {"source": "delimiter"},
                {"TimeUTC": None},
                {"proxy": None},
                {"proxy": {"path": "/p"}},
                {"proxy": {}},
                {"type": "deployment_error"},
                {"rows": [{"a": 1}]},
                {"rowId": None},
                {"events": []},
                {"timestamp": 5},
                {"requestQueryString": "a=b"},
                {"deploymentDomain": "x"},
                {"error": {"message": "x"}},
            ]
        )
    )


ODD = [
    "",
    "   ",
    "oops",
    "[]",
    '{"a":',
    '{"a":1}{"b":2}',
    '{"id":\n"x"}',
    '{"id":{"a":1}\n,"b":2}',
    '{"id":\n{"a":1}}',
    "42",
    '{"message":"P2028"}',
    "\x00\x00",
    "waiting for new logs...",
]


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    st.data(),
    st.sampled_from([drain_lines, stream_lines]),
    st.sampled_from([SIGNATURES, WITHOUT_LITERAL]),
    st.sampled_from([64, 300, 1024, 256 * 1024]),
    st.booleans(),
    st.booleans(),
)
def test_for_any_writers_spelling_fast_and_ordinary_reading_agree(
    tmp_path: Path, data: st.DataObject, form: Any, signatures: list[Signature], size: int, search: bool, newline: bool
) -> None:
    def choose(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    random = data.draw(st.randoms(use_true_random=False))
    records = data.draw(st.lists(form(), min_size=1, max_size=8))
    texts = [
        spelled(record, random.randint) if choose(0, 1) else json.dumps(record, ensure_ascii=False)
        for record in records
    ]
    for odd in data.draw(st.lists(st.sampled_from(ODD), max_size=2)):
        texts.insert(choose(0, len(texts)), odd)
    # Two records on one line and one over two lines make up for each other in number.
    for at in data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=2)):
        texts[at : at + 2] = ["".join(texts[at : at + 2])]
    for at in data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=2)):
        texts[at] = texts[at].replace(",", ",\n", 1)
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    content = (end.join(texts) + (end if newline else "")).encode("utf-8", "replace")
    gather = Gather([Matcher(s) for s in signatures], Redactor(), placed_ms=T0)
    first = json.dumps(drain_entry() if form is drain_lines else stream_line()).encode()
    fast = fast_lines(first, gather, search=search)
    assert fast is not None
    for block in blocks_of_lines(content, size):
        fast.block(bytearray(block), len(block))
    gather.settle()
    assert told(gather) == told(slowly(content, signatures))


def blocks_of_lines(content: bytes, size: int) -> list[bytes]:
    blocks, at = [], 0
    while at < len(content):
        end = content.find(b"\n", min(at + size, len(content)) - 1) + 1 or len(content)
        blocks.append(content[at:end])
        at = end
    return blocks


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("form", [drain_entry, stream_line])
@pytest.mark.parametrize("layout", ["{0}{0}\n{1}\n{0}\n\n", "{0}{1}\n\n", "{1}{0}\n{1}\n\n", "{0}{2}\n,{3}\n{1}\n"])
def test_as_many_records_as_lines_does_not_mean_one_on_each(form: Any, search: bool, layout: str) -> None:
    fine, failed = (json.dumps(form(T0, message, WEBHOOK)) for message in ("fine", TIMEOUT_60))
    half, rest = json.dumps(form(T0, "fine", WEBHOOK) | {"first": {}}).rsplit(", ", 1)
    content = layout.format(fine, failed, half, rest).encode()
    gather = Gather([Matcher(s) for s in SIGNATURES], Redactor(), placed_ms=T0)
    fast = fast_lines(fine.encode(), gather, search=search)
    assert fast is not None
    fast.block(bytearray(content), len(content))
    gather.settle()
    assert told(gather) == told(slowly(content))


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("form", [drain_entry, stream_line])
def test_whole_files_are_read_the_same_at_any_buffer_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any, search: bool
) -> None:
    records = [
        form(T0 + n * 37, (TIMEOUT_60, "fine", "P2028", "x" * 5000)[n % 4], (WEBHOOK, TIMING, "/x")[n % 3])
        for n in range(9000)
    ]
    text = lines(records).encode()
    data = text[: len(text) // 2].rpartition(b"\n")[0] + b'\n{"broken\n' + text[-(len(text) // 3) :]
    log = written(tmp_path, data)
    monkeypatch.setattr(blocks_module, "BUFFER", 8192)
    fast, slow = gathered(log, SIGNATURES, search=search), slowly(data)
    assert told(fast) == told(slow)
    fast.spool.close()
    slow.spool.close()


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("form", [drain_entry, stream_line])
def test_two_processes_find_what_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any, fails: bool
) -> None:
    records = [
        form(
            T0 + n * 37,
            (TIMEOUT_60, "fine", "P2028", "Task timed out after 9 s")[n % 4],
            (WEBHOOK, TIMING, "/x")[n % 3],
        )
        | (
            {"statusCode": (500, 200, None)[n % 11 % 3], "proxy": None, "requestId": f"request-{n // 5:07d}"}
            if form is drain_entry
            else {}
        )
        for n in range(15_000)
    ]
    records += records[-3000:]  # repeats, and requests on both sides of the cut
    data = lines(records).encode() + b"oops\n" + lines(records[:5]).encode().rstrip(b"\n")
    log = written(tmp_path, data)
    monkeypatch.setattr("collectors.logs.gather.TEXT_LIMIT", 2_500)
    alone = gathered(log, SIGNATURES, window=(T0, T0 + 200_000))
    assert alone.textless
    monkeypatch.setattr(parallel, "worth_two", lambda opened: True)
    monkeypatch.setattr("collectors.logs.scan.worth_two", lambda opened: True)
    if fails:
        monkeypatch.setattr(parallel, "write_share", None)
    both = gathered(log, SIGNATURES, window=(T0, T0 + 200_000))
    assert told(both) == told(alone)
    alone.spool.close()
    both.spool.close()


def test_a_line_that_no_memory_should_hold_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "LONGEST", 1 << 21)
    monkeypatch.setattr("collectors.logs.objects.LONGEST", 1 << 21)
    normal = lines([stream_line(T0 + n) for n in range(5000)])
    data = (normal + json.dumps(stream_line(message="x" * (1 << 22))) + "\n" + lines([stream_line(T0 - 1)])).encode()
    found = gathered(written(tmp_path, data), SIGNATURES)
    assert (found.records, found.unread, found.first_ms) == (5001, 1, T0 - 1)
    assert found.unreadable[0][:2] == (5001, "is longer than 32 MiB")
    found.spool.close()


@pytest.mark.parametrize(
    "one",
    [
        signature(where=(("a", "b"),)),
        signature(routes=("/x",)),
    ],
)
def test_a_signature_that_needs_more_than_texts_and_statuses_is_left_to_the_ordinary_reader(one: Signature) -> None:
    gather = Gather([Matcher(one)], Redactor(), placed_ms=T0)
    assert fast_lines(json.dumps(drain_entry()).encode(), gather) is None


def test_logs_of_other_or_mixed_forms_are_left_to_the_ordinary_reader() -> None:
    gather = Gather([Matcher(s) for s in SIGNATURES], Redactor(), placed_ms=T0)
    assert fast_lines(lines([drain_entry(), stream_line()]).encode(), gather) is None
    assert fast_lines(b"{}", gather) is None
