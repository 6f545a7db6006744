"""JSON text: broken records cost only themselves, whatever the layout."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.logs.objects import (
    HEAD,
    NotJsonError,
    Parsed,
    decode,
    document_items,
    document_parts,
    line_items,
    lines_of,
    nesting,
    opens_document,
)
from collectors.logs.record import Banner, LogRecord, SourceFault, Unread
from tests.collectors.logs.kit import T0, drain_entry, stream_line

ENTRIES = [drain_entry(T0 + n, number=n) for n in range(4)]


def values(text: str, size: int = 7) -> list[Any]:
    data = text.encode()
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    return [found.value if isinstance(found, Parsed) else found for found in document_parts(blocks)]


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


LAYOUTS = {
    "compact": json.dumps(ENTRIES),
    "pretty": json.dumps(ENTRIES, indent=2),
    "one a line": "[\n" + ",\n".join(map(json.dumps, ENTRIES)) + "\n]\n",
    "arrays in an array": json.dumps([ENTRIES[:2], ENTRIES[2:]]),
}
CUT = "the array is cut off"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [7, 100_000])
def test_an_array_that_is_cut_between_two_records_is_told(layout: str, size: int) -> None:
    text = LAYOUTS[layout]
    whole = text.rstrip("]\n ")
    last = text[: text.rindex('{"id"' if '{"id"' in text else "  {")].rstrip()
    for cut, count in ((whole, 4), (last, 3), (last.rstrip(", \n"), 3), (last + "\n\0\0", 3)):
        found = values(cut, size)
        assert found[:-1] == ENTRIES[:count]
        assert found[-1] == Unread(cut.count("\n") + 1, CUT, b"")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_array_that_is_whole_is_told_nothing_of(layout: str) -> None:
    assert values(LAYOUTS[layout]) == ENTRIES
    assert values(LAYOUTS[layout] + "\n" + LAYOUTS[layout]) == ENTRIES * 2


def test_objects_with_a_comma_behind_the_last_are_cut_off() -> None:
    assert values(",\n".join(json.dumps(entry, indent=1) for entry in ENTRIES) + ",\n")[-1].reason == CUT


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_array_whose_beginning_is_lost_between_two_records_is_told(layout: str) -> None:
    text = LAYOUTS[layout]
    for start in (
        text.index("{"),
        text.index(json.dumps(ENTRIES[1])[:9]) if layout != "pretty" else text.index("\n  {", 9),
    ):
        found = [value for value in values(text[start:]) if isinstance(value, Unread)]
        assert {unread.reason for unread in found} == {"ends an array whose beginning is missing"}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_wrapper_that_is_cut_gives_its_whole_records_and_is_told(indent: int | None) -> None:
    for wrapper in ({"rows": ENTRIES}, {"data": {"logs": ENTRIES}}):
        text = json.dumps(wrapper, indent=indent)
        for cut in (text.rstrip("]} \n"), text[: text.rindex('"environment"')]):
            found = values(cut)
            assert [value for value in found if isinstance(value, dict)][:3] == ENTRIES[:3]
            assert found[0].reason == "is cut off in the middle"


def test_of_a_record_whose_beginning_is_lost_the_rest_is_told_once_and_the_others_are_read() -> None:
    for indent in (None, 2):
        text = json.dumps(ENTRIES, indent=indent)
        broken, *others, _ = values(text[text.index('"source"') :])
        assert broken.reason == "is not JSON"
        assert [value for value in others if value in ENTRIES] == ENTRIES[1:]


def test_the_tools_own_lines_around_a_document_are_passed_over_and_its_complaints_told() -> None:
    text = 'Vercel CLI 50.1.5\nFetching deployment "x"\nError: gone\n[debug] [x]\n' + json.dumps(ENTRIES, indent=2)
    found = list(document_items([text.encode(), b"\nwaiting for new logs...\n"]))
    assert found[:4] == [
        Banner(1, b"Vercel CLI 50.1.5"),
        Banner(2, b'Fetching deployment "x"'),
        SourceFault(3, True, "the command said: gone"),
        Banner(4, b"[debug] [x]"),
    ]
    assert [type(item) for item in found[4:]] == [LogRecord] * 4 + [Banner]


def test_what_the_tool_says_before_a_document_is_its_own_and_no_record() -> None:
    banner, fault, *entries = values("Vercel CLI 50.1.5\nError: gone\n" + json.dumps(ENTRIES))
    assert (banner, fault) == (Banner(1, b"Vercel CLI 50.1.5"), SourceFault(2, True, "the command said: gone"))
    assert entries == ENTRIES


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
    found = list(document_parts([text]))
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


def test_lines_may_end_with_returns_alone() -> None:
    for blocks in (
        [b"a\rb\r\rc\r"],
        [b"a", b"\r", b"b", b"\r", b"\rc", b"\r"],
        [b"a\rb\r\n\rc"],
        [b"a\rb\r", b"\n\rc"],
    ):
        assert list(lines_of(blocks)) == [(1, b"a"), (2, b"b"), (3, b""), (4, b"c")]
    assert list(lines_of([b"a\r"])) == [(1, b"a")]


def test_a_return_in_the_midst_of_a_line_is_no_line_end_where_lines_end_with_line_feeds() -> None:
    assert list(lines_of([b"a\nb\rc\n", b"d\r", b"e\r", b"\nf"])) == [(1, b"a"), (2, b"b\rc"), (3, b"d\re"), (4, b"f")]
    long = b"x" * HEAD + b"\r"
    assert list(lines_of([long, b"\ny"])) == [(1, long[:-1]), (2, b"y")]


def test_a_document_may_have_returns_for_line_ends() -> None:
    text = json.dumps(ENTRIES, indent=1).replace("\n", "\r")
    assert values(text) == ENTRIES
    assert [found.line for found in document_parts([text.encode()])][:2] == [
        2,
        2 + json.dumps(ENTRIES[0], indent=1).count("\n") + 1,
    ]


def test_brackets_in_strings_do_not_nest() -> None:
    assert nesting(b'{"a": "}]", "b": [') == 2
    assert nesting(b'"x\\"]"}]') == -2


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
