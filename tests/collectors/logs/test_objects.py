"""JSON text: broken records cost only themselves, whatever the layout."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.logs.objects import NotJsonError, Parsed, decode, document_records, line_items, lines_of, opens_document
from collectors.logs.record import Banner, LogRecord, Unread
from tests.collectors.logs.kit import T0, drain_entry, stream_line

ENTRIES = [drain_entry(T0 + n, number=n) for n in range(4)]


def values(text: str, size: int = 7) -> list[Any]:
    data = text.encode()
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    return [found.value if isinstance(found, Parsed) else found for found in document_records(blocks)]


@pytest.mark.parametrize("indent", [None, 0, 1, 2, "\t"])
def test_arrays_are_read_however_they_are_laid_out(indent: Any) -> None:
    assert values(json.dumps(ENTRIES, indent=indent)) == ENTRIES


def test_objects_one_after_the_other_are_read() -> None:
    assert values("".join(json.dumps(entry) for entry in ENTRIES)) == ENTRIES
    assert values("\n".join(json.dumps(entry, indent=2) for entry in ENTRIES)) == ENTRIES


@pytest.mark.parametrize("indent", [None, 2])
def test_a_cut_array_gives_its_whole_records_and_one_unreadable(indent: Any) -> None:
    text = json.dumps(ENTRIES, indent=indent)
    found = values(text[: text.rindex('"environment"')])
    assert found[:-1] == ENTRIES[:-1]
    assert isinstance(found[-1], Unread)
    assert found[-1].reason == "is cut off in the middle"


def test_a_stray_quote_in_a_pretty_printed_array_costs_one_record_and_tells_its_line() -> None:
    text = json.dumps(ENTRIES, indent=2).replace(f'"timestamp": {T0 + 1},', f'"timestamp": {T0 + 1}",', 1)
    found = values(text)
    assert [value for value in found if not isinstance(value, Unread)] == [ENTRIES[0], *ENTRIES[2:]]
    (bad,) = (value for value in found if isinstance(value, Unread))
    assert text.splitlines()[bad.line - 1] == "  {"


def test_text_between_the_records_is_told_with_its_line() -> None:
    found = values("[\n" + json.dumps(ENTRIES[0]) + ",\noops\n" + json.dumps(ENTRIES[1]) + "\n]\ntail")
    assert found == [ENTRIES[0], Unread(3, "is not JSON", b"oops"), ENTRIES[1], Unread(6, "is not JSON", b"tail")]


def test_the_line_of_each_record_is_where_it_begins() -> None:
    text = json.dumps(ENTRIES, indent=1).encode()
    found = list(document_records([text]))
    assert [text.split(b"\n")[f.line - 1].strip() for f in found] == [b"{"] * 4


VALUES = st.text(max_size=8) | st.integers() | st.none() | st.lists(st.text(max_size=3), max_size=2)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=4), st.integers(1, 40))
def test_any_array_of_objects_is_read_at_any_block_size(objects: list[dict[str, Any]], size: int) -> None:
    for text in (json.dumps(objects), json.dumps(objects, indent=1, ensure_ascii=False)):
        assert values(text, size) == objects


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":NaN}', None),
        (b'{"a":"\\ud83d"}', {"a": "\ud83d"}),
        (b'{"a":"tab\there"}', {"a": "tab\there"}),
        (b'{"a":"\xff"}', {"a": "\ufffd"}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":1e400}', None),
    ],
)
def test_what_real_writers_produce_is_read(text: bytes, value: Any) -> None:
    assert decode(text) == value or value is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":', "is cut off"),
        (b'{"a":"b', "is cut off"),
        (b"{x}", "is not JSON"),
        (b'{"a":' + b"[" * 200_000, "is nested too deeply"),
    ],
)
def test_what_is_no_json_says_why(text: bytes, reason: str) -> None:
    with pytest.raises(NotJsonError, match=reason):
        decode(text)


def test_lines_are_numbered_whatever_the_blocks_and_line_ends() -> None:
    assert list(lines_of([b"a\r", b"\nb", b"c\n", b"", b"\nd"])) == [(1, b"a"), (2, b"bc"), (3, b""), (4, b"d")]
    assert list(lines_of([])) == []


def test_a_line_may_hold_an_array_or_several_objects() -> None:
    one, two = json.dumps(stream_line(T0)), json.dumps(stream_line(T0 + 1))
    for text in (f"[{one},{two}]", f"{one}{two}", f" {one}  {two}\r", f"{one},{two},"):
        assert [type(item) for item in line_items(4, text.encode())] == [LogRecord, LogRecord]
    assert [type(item) for item in line_items(4, f"{one},".encode())] == [LogRecord]
    for bad in (f"{one}{two[:-3]}", f"{one} and more", f"oops {one}"):
        assert [type(item) for item in line_items(4, bad.encode())] == [Unread]


def test_holes_and_marks_in_a_file_are_passed_over() -> None:
    line = json.dumps(stream_line()).encode()
    assert isinstance(next(line_items(1, b"\0\0\0" + line + b"\0")), LogRecord)
    assert isinstance(next(line_items(1, b"\xef\xbb\xbf" + line)), LogRecord)
    assert isinstance(next(line_items(1, b"\0\0")), Banner)


@pytest.mark.parametrize(
    ("head", "document"),
    [
        (b"[\n {", True),
        (b'[{"a":1}]', True),
        (b'[{"a":1}]\n[{"a":2}]\n', False),
        (b'{"a":1}\n{"a":2}\n', False),
        (b'{\n "a":1\n}\n{', True),
        (b'{ "a": 1,\n  "b": 2 }', True),
        (b'{"a":"cut\n{"a":2}\n', True),
        (b"text", False),
        (b"", False),
    ],
)
def test_a_document_is_told_from_lines(head: bytes, document: bool) -> None:
    assert opens_document(head) is document
