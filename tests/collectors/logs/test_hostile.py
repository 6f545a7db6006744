"""Logs as they come through other hands: packed, wrapped, re-encoded, renamed, broken. What is in them is read all the same, or told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.logs.conclude import conclude
from collectors.logs.reader import read_items
from collectors.logs.record import Form, Item, LogRecord, Unread
from collectors.logs.sniff import Layout
from collectors.logs.source import open_log
from store.errors import BadInput
from store.evidence import CollectionStatus
from tests.collectors.logs.kit import (
    T0,
    TIMEOUT_60,
    WEBHOOK,
    drain_entry,
    export_csv,
    export_row,
    gathered,
    lines,
    query_row,
    signature,
    stream_line,
    written,
)

zstandard = pytest.importorskip("zstandard")

DRAIN = [drain_entry(T0 + n, number=n) for n in range(3)]
EXPORT = [
    export_row(T0, number=1),
    export_row(T0 + 5, 'first\nsecond "quoted", with a comma\r\nTask timed out after 60 seconds', number=5),
]
SKIPPED = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


def read(tmp_path: Path, data: bytes | str) -> tuple[Layout, list[Item]]:
    with open_log(str(written(tmp_path, data))) as source:
        sniffed, items = read_items(source)
        return sniffed.layout, list(items)


def told(items: list[Item]) -> list[tuple[Any, ...]]:
    return [(r.at_ms, r.route, r.status, r.request, r.messages) for r in items if isinstance(r, LogRecord)]


def pack_zstd(data: bytes) -> bytes:
    packed: bytes = zstandard.ZstdCompressor().compress(data)
    return packed


PLAIN = lines(DRAIN).encode()
WAYS: dict[str, Callable[[], bytes]] = {
    "a byte order mark and other line ends": lambda: b"\xef\xbb\xbf" + PLAIN.replace(b"\n", b"\r\n"),
    "a pretty array with colours": lambda: (
        b"\xef\xbb\xbf"
        + json.dumps([d | {"message": f"\x1b[31m{d['message']}\x1b[0m"} for d in DRAIN], indent=2)
        .replace("\n", "\r\n")
        .encode()
    ),
    "an array a line": lambda: b"".join(json.dumps([entry]).encode() + b"\n" for entry in DRAIN),
    "one line without an end": lambda: json.dumps(DRAIN).encode(),
    "objects one after the other": lambda: b"".join(json.dumps(entry).encode() for entry in DRAIN),
    "a wrapper": lambda: json.dumps({"logs": DRAIN, "pagination": {"next": None}}, indent=4).encode(),
    "a wrapper in a wrapper": lambda: json.dumps({"data": {"entries": DRAIN}}).encode(),
    "two bytes a character": lambda: PLAIN.decode().encode("utf-16"),
    "two bytes, the other way round, unmarked": lambda: PLAIN.decode().encode("utf-16-be"),
    "four bytes a character": lambda: PLAIN.decode().encode("utf-32"),
    "two bytes a character, packed": lambda: gzip.compress(PLAIN.decode().encode("utf-16")),
    "zeros between the lines": lambda: b"\0" + PLAIN.replace(b"\n", b"\n\0\0"),
    "packed members one after the other": lambda: b"".join(gzip.compress(line + b"\n") for line in PLAIN.splitlines()),
    "packed members with padding": lambda: gzip.compress(PLAIN) + b"\0" * 512,
    "frames one after the other": lambda: b"".join(pack_zstd(line + b"\n") for line in PLAIN.splitlines()),
    "frames to be skipped": lambda: SKIPPED + pack_zstd(PLAIN) + SKIPPED,
    "banners around a pretty array": lambda: (
        b"Vercel CLI 50.1.5\nFetching deployment ...\n"
        + json.dumps(DRAIN, indent=2).encode()
        + b"\nwaiting for new logs...\n"
    ),
    "returns for line ends": lambda: PLAIN.replace(b"\n", b"\r"),
    "a pretty array with returns for line ends": lambda: json.dumps(DRAIN, indent=2).replace("\n", "\r").encode(),
    "banners around": lambda: b"Vercel CLI 50.1.5\nFetching deployment...\n" + PLAIN + b"waiting for new logs...\n",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_records_are_read_however_they_are_wrapped(tmp_path: Path, way: str) -> None:
    _, items = read(tmp_path, WAYS[way]())
    assert told(items) == told(read(tmp_path, PLAIN)[1])
    assert not [item for item in items if isinstance(item, Unread)]


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (lambda: gzip.compress(PLAIN * 400)[:-20], "the gzip file is cut off"),
        (lambda: pack_zstd(PLAIN * 400)[:-20], "the zstd file is cut off"),
        (lambda: gzip.compress(PLAIN) + b"more", "the gzip file is damaged"),
        (lambda: pack_zstd(PLAIN) + b"more", "the zstd file is damaged"),
    ],
)
def test_a_packed_file_that_is_cut_or_damaged_says_so_after_what_could_be_read(
    tmp_path: Path, packed: Callable[[], bytes], why: str
) -> None:
    _, items = read(tmp_path, packed())
    assert told(items)[:3] == told(read(tmp_path, PLAIN)[1])
    last = items[-1]
    assert isinstance(last, Unread)
    assert last.reason.startswith(why)


@pytest.mark.parametrize(
    "table",
    [
        export_csv(EXPORT),
        "\ufeff" + export_csv(EXPORT, end="\r\n", quoted=False),
        export_csv(EXPORT, end="\r"),
        export_csv(EXPORT).replace('","', '", "'),
        export_csv(EXPORT, delimiter=";"),
        export_csv(EXPORT, delimiter="\t"),
        export_csv([dict(reversed(row.items())) for row in EXPORT]),
        export_csv(EXPORT).replace(*(export_csv(EXPORT).split("\n")[0].lower(),) * 2),
        export_csv(EXPORT).split("\n")[0].upper() + export_csv(EXPORT)[len(export_csv(EXPORT).split("\n")[0]) :],
        export_csv(EXPORT).replace('\n"2026', '\n\n"2026'),
        export_csv(EXPORT) + export_csv(EXPORT).split("\n")[0] + "\n",
    ],
)
def test_a_table_is_read_with_any_delimiter_order_and_case_of_its_columns(tmp_path: Path, table: str) -> None:
    layout, items = read(tmp_path, table)
    assert layout is Layout.TABLE
    first, second = told(items)
    assert first[:3] == (T0, "/api/cron/response-timing", 500)
    assert second[0] == T0 + 5
    assert "Task timed out after 60 seconds" in second[4][0]
    assert not [item for item in items if isinstance(item, Unread)]


def test_a_row_that_is_short_or_leaves_a_quote_open_is_told_with_its_line(tmp_path: Path) -> None:
    table = export_csv(EXPORT[:1]) + '"2026-02-18 03:00:00","1771"\n' + '"2026-02-18 03:00:00","17713836'
    _, items = read(tmp_path, table)
    assert [(i.line, i.reason) for i in items if isinstance(i, Unread)] == [
        (3, "has 2 of 28 columns"),
        (4, "opens a quote that does not close in this row"),
    ]


def entry(**fields: Any) -> str:
    return json.dumps({"id": "1", "projectId": "p", "timestamp": T0, "message": "m", "path": "/x"} | fields) + "\n"


@pytest.mark.parametrize(
    "stamp",
    [T0, str(T0), float(T0), T0 // 1000, str(T0 // 1000), T0 / 1000, "2026-02-18T03:00:00Z", "2026-02-18T05:00:00.000+02:00"],
)  # fmt: skip
def test_an_instant_may_be_in_milliseconds_or_seconds_or_a_text_with_an_offset(tmp_path: Path, stamp: object) -> None:
    assert told(read(tmp_path, entry(timestamp=stamp))[1])[0][0] == T0


@pytest.mark.parametrize("stamp", [-5, 10**30, True, None, "", "soon", "2026-02-18T03:00:00", T0 * 1000])
def test_a_record_without_an_instant_that_can_be_told_is_counted_and_not_guessed(tmp_path: Path, stamp: object) -> None:
    _, items = read(tmp_path, entry() + entry(timestamp=stamp, proxy={"path": "/x"}))
    (unread,) = [item for item in items if isinstance(item, Unread)]
    assert (unread.line, unread.reason) == (2, "carries no usable time")


@pytest.mark.parametrize("status", [-1, 0, "-1", "---", "", None, "000", True, 99_999, "5xx", [500]])
def test_every_spelling_of_no_status_is_none(tmp_path: Path, status: object) -> None:
    found = told(read(tmp_path, entry(statusCode=status, proxy={"statusCode": status, "path": "/x"}))[1])
    assert found[0][2] is None


def test_of_a_key_that_is_there_twice_the_last_one_counts_as_everywhere(tmp_path: Path) -> None:
    twice = f'{{"id":"1","projectId":"p","timestamp":5,"timestamp":{T0},"path":"/a","path":"/b","statusCode":200,"statusCode":500}}\n'
    assert told(read(tmp_path, twice)[1])[0][:3] == (T0, "/b", 500)


def test_a_deep_or_endless_text_is_told_and_costs_nothing_else(tmp_path: Path) -> None:
    _, items = read(tmp_path, lines(DRAIN) + "[" * 100_000 + "\n" + lines([stream_line(T0 + 9)]))
    assert len(told(items)) == 4
    assert [item.line for item in items if isinstance(item, Unread)] == [4]


@pytest.mark.parametrize(
    "data", [gzip.compress(gzip.compress(PLAIN)), b"PK\x03\x04" + PLAIN, b"\x89PNG" + PLAIN, b'{"a":1}\n{"a":2}\n']
)
def test_what_is_no_log_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadInput):
        read(tmp_path, data)


def test_a_page_in_a_page_names_its_requests_and_that_more_exist(tmp_path: Path) -> None:
    page = {"rows": [{"requestId": "r1", "timestamp": "2026-02-18T03:00:00Z", "requestPath": WEBHOOK, "statusCode": 504,
                      "logs": [{"message": TIMEOUT_60}], "events": []}], "hasMoreRows": True}  # fmt: skip
    _, items = read(tmp_path, json.dumps(page, indent=1) + json.dumps(query_row(T0 + 1)))
    assert [row[3] for row in told(items)] == ["r1", query_row(T0 + 1)["id"]]


CUTTABLE = [
    export_row(T0 + n, 'boom {"a": [1, 2}, {"x" ] }, {id: 5}\n  at "z"\nTask timed out after 60 seconds', number=n)
    for n in range(3)
]
SHORT = [{key: value for key, value in row.items() if value != ""} for row in CUTTABLE]


@pytest.mark.parametrize("side", ["beginning", "end"])
@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SHORT),
        json.dumps(SHORT, separators=(",", ":")),
        json.dumps({"rows": SHORT}),
        "[\n" + ",\n".join(map(json.dumps, SHORT)) + "\n]",
    ],
)
def test_of_a_document_that_lost_its_beginning_or_end_the_whole_records_are_read_and_the_loss_is_told(
    tmp_path: Path, text: str, side: str
) -> None:
    for at in range(1, len(text), 7):
        part = text[at:] if side == "beginning" else text[:at]
        spaces = (",", ":") if ", " not in text.partition("boom")[0] else (", ", ": ")
        whole = sum(json.dumps(row, separators=spaces) in part for row in SHORT)
        try:
            _, items = read(tmp_path, part)
        except BadInput:
            assert whole == 0, part
            continue
        assert len([i for i in items if isinstance(i, LogRecord) and i.form is Form.EXPORT]) == whole, part
        assert any(isinstance(i, Unread) or (isinstance(i, LogRecord) and i.at_ms is None) for i in items), part


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-18T03:00:00.000Z capture started\n"
        + "".join(f"Feb 18 12:05:0{n} app POST {WEBHOOK} Task timed out after 60 seconds\n" for n in range(10)),
        "2026-02-18T03:00:00.000Z capture started\n"
        + "".join(f"2026-02-18 12:05:0{n} POST {WEBHOOK} Task timed out after 60 seconds\n" for n in range(10)),
        f"2026-02-18 12:05:00 ERROR POST {WEBHOOK} Task timed out after 60 seconds; issued 2026-02-18T03:01:00Z\n",
    ],
)
def test_a_log_in_local_time_is_never_ok(tmp_path: Path, text: str) -> None:
    found = gathered(written(tmp_path, text), [signature(routes=(WEBHOOK,), timeout_s=60)])
    assert found.timeless == text.count("Task timed out")
    assert conclude(found).status is CollectionStatus.TRUNCATED


def test_exports_between_lines_of_text_are_counted_with_their_own_instants(tmp_path: Path) -> None:
    text = "".join(
        f"2026-02-18T03:{n:02}:00.000Z INFO fine\n"
        + (json.dumps(export_row(T0 + n, TIMEOUT_60, WEBHOOK, number=n)) + "\n" if n % 6 == 0 else "")
        for n in range(30)
    )
    found = gathered(written(tmp_path, text), [signature(routes=(WEBHOOK,), timeout_s=60)])
    assert (found.rows, found.timeless, found.unread) == ([5], 0, 0)


def test_lines_that_end_with_returns_are_counted_one_by_one(tmp_path: Path) -> None:
    text = "".join(f"2026-02-18T03:00:0{n}.000Z Task timed out after 60 seconds\r" for n in range(3))
    found = gathered(written(tmp_path, text), [signature(timeout_s=60)])
    assert (found.records, found.rows) == (3, [3])


def test_json_lines_with_lines_of_text_between_are_not_whole(tmp_path: Path) -> None:
    text = lines(DRAIN[:2]) + "2026-02-18T03:00:00Z something else\n" + lines(DRAIN[2:])
    _, items = read(tmp_path, text)
    assert told(items) == told(read(tmp_path, PLAIN)[1])
    assert [item.line for item in items if isinstance(item, Unread)] == [3]
