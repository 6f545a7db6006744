"""The layout is told by content; what is no log is refused in one line."""

from __future__ import annotations

import json
import os

import pytest

from collectors.logs.sniff import HEAD, Layout, Sniffed, sniff
from store.errors import BadInput
from tests.collectors.logs.kit import T0, drain_entry, export_csv, export_row, lines, query_row, stream_line

STREAM = lines([stream_line(T0 + n) for n in range(3)])


def layout(text: str | bytes) -> Sniffed:
    return sniff(text.encode() if isinstance(text, str) else text, "the file", whole=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STREAM, Layout.LINES),
        ("Vercel CLI 50.1.5\nFetching deployment…\n\nwaiting for new logs...\n" + STREAM, Layout.LINES),
        ("some noise\n" + STREAM, Layout.LINES),
        (STREAM[30:], Layout.LINES),
        (lines([query_row()]), Layout.LINES),
        (lines([stream_line(timestampInMs=None), stream_line()]), Layout.LINES),
        (json.dumps([drain_entry()]), Layout.DOCUMENT),
        (json.dumps([drain_entry()], indent=2), Layout.DOCUMENT),
        (json.dumps(drain_entry(), indent=2), Layout.DOCUMENT),
        ("Vercel CLI 50.1.5\n" + json.dumps([export_row()], indent=1), Layout.DOCUMENT),
        (export_csv([export_row()]), Layout.TABLE),
        (export_csv([export_row()]).replace('","', '", "'), Layout.TABLE),
        (export_csv([export_row(), export_row(message="two\nlines")], end="\r"), Layout.TABLE),
        (STREAM.replace("\n", "\r"), Layout.DOCUMENT),
        ("2026-02-18T03:00:00Z ERROR x\r2026-02-18T03:00:00Z ERROR y\r", Layout.TIMED_TEXT),
        (json.dumps([drain_entry()] * 3)[30:], Layout.DOCUMENT),
        (json.dumps([drain_entry()] * 3, indent=2)[30:], Layout.DOCUMENT),
        (json.dumps({"rows": [query_row()] * 3})[30:], Layout.DOCUMENT),
        (json.dumps([stream_line()])[30:], Layout.DOCUMENT),
        ('2026-02-18T03:00:00Z "x": ' + json.dumps([drain_entry()] * 3)[30:], Layout.TIMED_TEXT),
        ('He said "so }, {" and left\n', Layout.TEXT),
        ("Vercel CLI 50.1.5\n" + export_csv([export_row()], delimiter=";"), Layout.TABLE),
        ("2026-02-18T03:00:00Z ERROR x\n  at y\n", Layout.TIMED_TEXT),
        ("Error [DriverAdapterError]: query_wait_timeout\n", Layout.TEXT),
        (
            '{"message":"a","error_code":"P2028"}\nError one\nError two\nError three\nError four\nError five\n',
            Layout.TEXT,
        ),
    ],
)
def test_the_layout_is_told_by_content(text: str, expected: Layout) -> None:
    assert layout(text).layout is expected


def test_one_line_longer_than_the_head_is_still_json_lines() -> None:
    head = json.dumps(stream_line(message="x" * HEAD * 2)).encode()[:HEAD]
    assert sniff(head, "the file", whole=False).layout is Layout.LINES


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (" \n\n\0", "is empty"),
        ("<!DOCTYPE html><html>Log in</html>", "is a web page"),
        ("\n<HTML>", "is a web page"),
        (os.urandom(4096), "is binary data"),
        (b"\x00\x01\x02\x03" * 500, "is binary data"),
        ("[]", "holds no record"),
        ('{"a":1}\n{"a":2}\n', "JSON of no known log form"),
        ('[{"a":1}]', "JSON of no known log form"),
        ("Vercel CLI 50.1.5\nError: No deployment found\n", "holds no record: the command said: No deployment found"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(content: str | bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        layout(content)
    assert "\n" not in str(refused.value)


def test_prose_is_not_surely_a_log() -> None:
    assert not layout("# Title\n\nSome prose.\n").sure
    assert layout("START RequestId: 1 Version: 2\n").sure
