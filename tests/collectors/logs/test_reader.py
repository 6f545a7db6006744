"""The one way in for tests and tools: the records of a file, whatever its form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from collectors.logs.reader import read_items, read_records
from collectors.logs.record import Form, Unread
from collectors.logs.source import open_log
from store.errors import BadInput
from tests.collectors.logs.kit import T0, drain_entry, export_csv, export_row, lines, query_row, stream_line, written

FORMS = {
    Form.STREAM: lines([stream_line(T0 + n) for n in range(3)]),
    Form.QUERY: lines([query_row(T0 + n) for n in range(3)]),
    Form.DRAIN: json.dumps([drain_entry(T0 + n) for n in range(3)], indent=2),
    Form.EXPORT: export_csv([export_row(T0 + n) for n in range(3)]),
    Form.TEXT: "".join(f"2026-02-18T03:00:00.00{n}Z ERROR x\n" for n in range(3)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["plain", "crlf", "mark", "packed", "no end"])
def test_every_form_is_read_in_every_wrapping(tmp_path: Path, form: Form, way: str) -> None:
    text = FORMS[form].encode()
    content = {
        "plain": text,
        "crlf": text.replace(b"\n", b"\r\n"),
        "mark": b"\xef\xbb\xbf" + text,
        "packed": gzip.compress(text),
        "no end": text.rstrip(b"\n"),
    }[way]
    found = list(read_records(str(written(tmp_path, content))))
    assert [(record.form, record.at_ms) for record in found] == [(form, T0 + n) for n in range(3)]


def test_a_file_that_was_cut_while_packed_says_so_at_its_end(tmp_path: Path) -> None:
    packed = gzip.compress(
        b"".join(json.dumps(stream_line(T0 + n, f"{n:x}" * 50)).encode() + b"\n" for n in range(500))
    )
    with open_log(str(written(tmp_path, packed[:-200]))) as opened:
        *_, last = read_items(opened)[1]
    assert isinstance(last, Unread)
    assert last.reason == "the gzip file is cut off"


def test_a_file_whose_packing_is_damaged_from_the_start_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"x" * 100))
    packed[-6] ^= 0xFF
    with pytest.raises(BadInput, match=r"nothing of .* can be read: the gzip file is damaged"):
        list(read_records(str(written(tmp_path, bytes(packed)))))
