"""CSV: line breaks in fields, foreign delimiters, broken rows that cost only themselves."""

from __future__ import annotations

import pytest

from collectors.logs.objects import lines_of
from collectors.logs.record import Banner, Unread
from collectors.logs.table import Row, generation, header_of, is_export_header, table_rows
from tests.collectors.logs.kit import EXPORT_COLUMNS, T0, export_csv, export_row

ROWS = [export_row(T0 + n, f"Error: {n}\n    at x, y\n    at z" if n % 2 else "", number=n) for n in range(5)]


def read(text: str) -> list[Row | Unread | Banner]:
    return list(table_rows(lines_of([text.encode()])))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoted", [True, False])
def test_rows_are_read_in_every_dialect(delimiter: str, end: str, quoted: bool) -> None:
    found = read(export_csv(ROWS, end=end, delimiter=delimiter, quoted=quoted))
    assert [row.values for row in found if isinstance(row, Row)] == [
        {k: str(v) for k, v in row.items()} for row in ROWS
    ]
    assert len(found) == len(ROWS)


def test_a_row_knows_the_physical_line_on_which_it_begins() -> None:
    text = export_csv(ROWS)
    assert [row.line for row in read(text)] == [2, 3, 6, 7, 10]


def test_a_stray_quote_costs_its_row_and_no_other() -> None:
    text = export_csv(ROWS).split("\n")
    text[1] = text[1].replace('"500"', '"5"00"')
    found = read("\n".join(text))
    assert [type(row) for row in found] == [Unread, Row, Row, Row, Row]


def test_a_quote_that_never_closes_costs_its_row_and_no_other() -> None:
    text = export_csv(ROWS).split("\n")
    text[1] = text[1].replace('"500"', '"500')
    assert [type(row) for row in read("\n".join(text))] == [Unread, Row, Row, Row, Row]


def test_a_cut_tail_is_unreadable() -> None:
    text = export_csv(ROWS[:2])
    found = read(text[: text.rindex("at z")])
    assert [type(row) for row in found[:2]] == [Row, Unread]
    assert {type(row) for row in found[2:]} <= {Unread, Banner}


def test_files_put_together_repeat_their_header() -> None:
    assert [type(row) for row in read(export_csv(ROWS[:1]) + export_csv(ROWS[2:3]))] == [Row, Banner, Row]


def test_empty_lines_are_passed_over_and_short_rows_are_not() -> None:
    found = read(export_csv(ROWS[:1]) + "\n1,2,3\n")
    assert [type(row) for row in found] == [Row, Banner, Unread]
    assert found[2] == Unread(4, "has 3 of 28 columns", b"1,2,3")


def test_a_field_may_be_larger_than_a_mebibyte() -> None:
    (row,) = read(export_csv([export_row(message="x" * 2_000_000 + "\nP2028")]))
    assert isinstance(row, Row)
    assert row.values["message"].endswith("P2028")


def test_the_header_tells_the_delimiter_and_the_generation() -> None:
    assert header_of(b'"TimeUTC";"timestampInMs"\r\n') == (";", ["TimeUTC", "timestampInMs"])
    assert is_export_header(EXPORT_COLUMNS)
    assert not is_export_header(["a", "b"])
    assert generation(EXPORT_COLUMNS) == "2026"
    assert generation([*EXPORT_COLUMNS, "workflowRunId"]) == "2026-workflow"
    assert generation(["timestampInMs", "lambdaDurationInMs"]) == "2023"


def test_blanks_behind_the_delimiters_are_no_part_of_names_and_values() -> None:
    (row,) = read('"ts", "msg", "code"\n"1", "two, and\nthree", 5\n')
    assert isinstance(row, Row)
    assert row.values == {"ts": "1", "msg": "two, and\nthree", "code": "5"}
    assert header_of(b'"TimeUTC" , "timestampInMs";') == (",", ["TimeUTC", "timestampInMs;"])
    spaced = export_csv(ROWS).replace('","', '", "')
    assert is_export_header(header_of(spaced.encode().split(b"\n")[0])[1])
    assert [row.values["message"] for row in read(spaced) if isinstance(row, Row)] == [row["message"] for row in ROWS]


def test_an_export_is_told_by_few_of_its_columns() -> None:
    assert is_export_header(["TimeUTC", "timestampInMs", "requestId", "level"])
    assert not is_export_header(["TimeUTC", "message", "level"])


def test_rows_may_end_with_returns_alone() -> None:
    found = read(export_csv(ROWS, end="\r"))
    assert [row.values["timestampInMs"] for row in found if isinstance(row, Row)] == [str(T0 + n) for n in range(5)]
    assert len(found) == 5


def test_no_text_is_no_rows() -> None:
    assert read("") == []
    assert read("a,b\n") == []
