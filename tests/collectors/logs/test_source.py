"""Bytes of a log: hashed as they lie, unpacked, in UTF-8; nothing waits forever, nothing that cannot be a log is opened."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.logs import source
from collectors.logs.source import LogSource, encoding_of, open_log
from store.errors import BadInput
from tests.collectors.logs.kit import written

zstandard = pytest.importorskip("zstandard")

TEXT = "".join(f"line {number} – naïve\n" for number in range(20_000)).encode()


def read(path: Path) -> tuple[bytes, LogSource]:
    with open_log(str(path)) as opened:
        return b"".join(opened.blocks()), opened


@pytest.mark.parametrize(
    ("packed", "packing", "encoding"),
    [
        (TEXT, "", ""),
        (b"\xef\xbb\xbf" + TEXT, "", ""),
        (gzip.compress(TEXT), "gzip", ""),
        (gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]), "gzip", ""),
        (gzip.compress(TEXT) + b"\0" * 512, "gzip", ""),
        (zstandard.compress(TEXT), "zstd", ""),
        (zstandard.compress(TEXT[:500]) + zstandard.compress(TEXT[500:]), "zstd", ""),
        (TEXT.decode().encode("utf-16"), "", "utf-16"),
        (TEXT.decode().encode("utf-16-le"), "", "utf-16-le"),
        (TEXT.decode().encode("utf-16-be"), "", "utf-16-be"),
        (TEXT.decode().encode("utf-32"), "", "utf-32"),
        (gzip.compress(TEXT.decode().encode("utf-16")), "gzip", "utf-16"),
    ],
)
def test_the_text_is_the_same_however_it_is_packed(tmp_path: Path, packed: bytes, packing: str, encoding: str) -> None:
    text, opened = read(written(tmp_path, packed))
    assert text == TEXT
    assert (opened.packing, opened.encoding, opened.cut_off) == (packing, encoding, "")
    assert opened.sha256 == hashlib.sha256(packed).hexdigest()
    assert opened.bytes_read == len(packed)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_cut_file_gives_what_is_left_and_says_so(tmp_path: Path, pack: object) -> None:
    random = os.urandom(200_000).hex().encode()
    text, opened = read(written(tmp_path, pack(random)[:100_000]))  # type: ignore[operator]
    assert random.startswith(text)
    assert text
    assert "is cut off" in opened.cut_off


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[-5] ^= 0xFF
    assert "is damaged" in read(written(tmp_path, bytes(packed)))[1].cut_off


def test_a_small_file_that_inflates_without_end_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    packed = gzip.compress(b"\0" * 50_000_000)
    with open_log(str(written(tmp_path, packed))) as opened:
        assert max(len(block) for block in opened.blocks()) <= 1024 * 1024


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04....", "a zip archive"),
        (b"SQLite format 3\x00....", "an SQLite database"),
        (b"\x89PNG....", "a PNG image"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x7fELF....", "a program"),
        (b"BZh91AY", "a bzip2 archive"),
    ],
)
def test_files_of_other_kinds_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(written(tmp_path, content))


def test_folders_devices_and_missing_files_are_refused(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path, "is a folder"),
        (Path("/dev/null"), "is a device"),
        (tmp_path / "x", "there is no file"),
    ):
        with pytest.raises(BadInput, match=said):
            open_log(str(path))
    with pytest.raises(BadInput, match="not a file name"):
        open_log("a\0b")


def test_a_pipe_on_which_nothing_comes_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writer, b"beginning\n")
    try:
        with (
            open_log(str(tmp_path / "pipe"), stall_s=0.05) as opened,
            pytest.raises(BadInput, match="nothing came from"),
        ):
            list(opened.blocks())
    finally:
        os.close(writer)


def test_what_was_read_of_standard_input_before_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with written(tmp_path, b"rest\n").open("rb") as rest:
        monkeypatch.setattr(source.sys, "stdin", type("Stdin", (), {"buffer": rest}))
        with open_log("-", already_read=b"first\n") as opened:
            assert b"".join(opened.blocks()) == b"first\nrest\n"
            assert opened.sha256 == hashlib.sha256(b"first\nrest\n").hexdigest()


def test_nothing_of_a_pipe_is_lost_between_two_readers() -> None:
    program = (
        "import sys; from collectors.logs.source import open_log; head = sys.stdin.buffer.read(70_000);"
        "opened = open_log('-', already_read=head); sys.stdout.buffer.write(b''.join(opened.blocks()))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin
        for start in range(0, len(TEXT), 5_003):  # odd pieces, so that a buffer is left half full
            reader.stdin.write(TEXT[start : start + 5_003])
            reader.stdin.flush()
        text, _ = reader.communicate()
    assert text == TEXT


def test_progress_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with open_log(str(written(tmp_path, TEXT)), progress=lambda done, size: told.append((done, size))) as opened:
        list(opened.blocks())
    assert told[-1] == (len(TEXT), len(TEXT))
    assert told == sorted(told)


def test_utf8_is_never_taken_for_anything_else() -> None:
    for sample in (b"", b"a\0", TEXT, b"\0" * 100, b'{"a":"\xc3\xa9"}'):
        assert encoding_of(sample) == ""


def test_without_the_extra_package_zstd_names_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    with pytest.raises(BadInput, match="closeout\\[fast\\]"):
        read(written(tmp_path, zstandard.compress(TEXT)))
