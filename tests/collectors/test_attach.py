"""Files taken in by hand: whole, hashed, bounded, and never with a secret in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors import attach
from collectors.attach import attach_files, folder_beside, store_bytes
from store.case import Case
from store.errors import BadInput
from store.evidence import Artifact
from tests.collectors.cases import T0, clock, make_case, rows, runbook_of

PROBES = '```toml source\nid = "probes"\nkind = "probes"\norigin = "BASE_URL"\nroutes = ["/"]\n```\n'


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    (tmp_path / "case").mkdir()
    runbook = runbook_of(PROBES, stream="probes", trip='kind = "probe"\nroutes = ["/"]')
    with make_case(tmp_path / "case", runbook) as case:
        yield case


def test_a_file_is_kept_whole_with_its_hash_role_and_window(case: Case, tmp_path: Path) -> None:
    picture = tmp_path / "in box.png"
    picture.write_bytes(b"\x89PNG picture")
    (attached,) = attach_files(case, [picture], role="baseline", window=(T0, T0 + 60_000), now_ms=clock(T0))
    (stored,) = rows(case, "SELECT a.*, s.data FROM artifact AS a JOIN sqlar AS s USING (name) WHERE role = 'baseline'")
    names = [each[1] for each in rows(case, "PRAGMA table_info(artifact)")]
    row = dict(zip([*names, "data"], stored, strict=True))
    assert (row["name"], row["role"], row["media_type"]) == ("attachments/in-box.png", "baseline", "image/png")
    assert (row["from_ms"], row["to_ms"], row["captured_ms"]) == (T0, T0 + 60_000, T0)
    assert row["data"] == picture.read_bytes()
    assert row["sha256"] == attached.sha256 == hashlib.sha256(picture.read_bytes()).hexdigest()
    assert attached.ref == f"artifact:{row['id']}"
    assert row["redaction"] == "none: attached as it was given"


def test_a_large_file_is_named_with_size_and_hash_and_stays_where_it_is(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attach, "KEEP_INSIDE", 10)
    large = tmp_path / "trace.zip"
    large.write_bytes(b"x" * 11)
    (attached,) = attach_files(case, [large], role="trace", window=None, now_ms=clock(T0))
    assert not attached.inside
    assert rows(case, "SELECT path, size, sha256 FROM artifact WHERE role = 'trace'") == [
        (str(large), 11, hashlib.sha256(b"x" * 11).hexdigest())
    ]
    assert rows(case, "SELECT count(*) FROM sqlar WHERE name LIKE 'attach%'") == [(0,)]


def test_the_same_bytes_again_are_the_same_artifact_and_others_get_a_name_of_their_own(
    case: Case, tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("one")
    (first,) = attach_files(case, [note], role="note", window=None, now_ms=clock(T0))
    (again,) = attach_files(case, [note], role="note", window=None, now_ms=clock(T0))
    assert (again.id, again.again) == (first.id, True)
    note.write_text("two")
    (other,) = attach_files(case, [note], role="note", window=None, now_ms=clock(T0))
    assert other.name == f"attachments/note-{other.sha256[:12]}.txt"


@pytest.mark.parametrize("name", ["../../x", "..", "-rf", "a\\b", "ünï cödé", "a" * 200 + ".log", ".env"])
def test_names_inside_the_case_are_always_plain(case: Case, tmp_path: Path, name: str) -> None:
    place = tmp_path / "given"
    place.mkdir()
    path = place / name.replace("/", "_")
    if path.is_dir():
        path = place / "..."
    path.write_text("x")
    (attached,) = attach_files(case, [path], role="r", window=None, now_ms=clock(T0))
    assert attached.name.startswith("attachments/")
    assert set(attached.name.removeprefix("attachments/")) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    )
    assert ".." not in attached.name


def test_a_file_that_holds_a_secret_is_refused(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "_BLOCK", 7)  # so that the secret lies across two reads
    leak = tmp_path / "leak.har"
    leak.write_text("header: Bearer s3cret-value-here")
    with pytest.raises(BadInput, match="holds the value of CRON_SECRET"):
        attach_files(
            case, [leak], role="har", window=None, now_ms=clock(T0), secrets={"CRON_SECRET": "s3cret-value-here\n"}
        )
    assert rows(case, "SELECT count(*) FROM artifact WHERE role <> 'verifier'") == [(0,)]


def test_what_is_no_readable_file_is_told_before_anything_is_stored(case: Case, tmp_path: Path) -> None:
    good, pipe = tmp_path / "good", tmp_path / "pipe"
    good.write_text("x")
    os.mkfifo(pipe)
    for bad in (tmp_path / "none", tmp_path, pipe):
        with pytest.raises(BadInput):
            attach_files(case, [good, bad], role="r", window=None, now_ms=clock(T0))
    assert rows(case, "SELECT count(*) FROM artifact WHERE role <> 'verifier'") == [(0,)]


def test_an_empty_file_is_a_file(case: Case, tmp_path: Path) -> None:
    empty = tmp_path / "empty.log"
    empty.touch()
    assert attach_files(case, [empty], role="r", window=None, now_ms=clock(T0))[0].size == 0


def test_large_bytes_of_our_own_lie_beside_the_case(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "KEEP_INSIDE", 3)
    about = Artifact(None, "artifacts/a/trace.zip", "browser", "application/zip", 0, "", T0)
    with case.transaction("test") as tx:
        stored = store_bytes(tx, about, b"four", folder_beside(case))
    assert stored.path == "case-files/trace.zip"
    assert (case.path.parent / str(stored.path)).read_bytes() == b"four"


def test_the_same_bytes_with_another_role_or_window_are_another_artifact(case: Case, tmp_path: Path) -> None:
    paper = tmp_path / "counts.md"
    paper.write_text("12 of > 50")
    window = (T0, T0 + 60_000)
    asked: list[tuple[str, tuple[int, int] | None]] = [("attachment", None), ("baseline", None), ("baseline", window)]
    made = [attach_files(case, [paper], role=r, window=w, now_ms=clock(T0))[0] for r, w in [*asked, *asked]]
    assert [one.again for one in made] == [False] * 3 + [True] * 3
    assert [one.ref for one in made[:3]] == [one.ref for one in made[3:]]
    assert len({one.name for one in made}) == 3


def test_a_name_of_any_length_can_be_taken_out_again(case: Case, tmp_path: Path) -> None:
    for content in ("one", "other"):
        (tmp_path / content).mkdir()
        long = tmp_path / content / ("n" * 246 + ".har.json")
        long.write_text(content)
        (attached,) = attach_files(case, [long], role="trace", window=None, now_ms=clock(T0))
        assert len(attached.name.rpartition("/")[2]) < 240
        assert attached.name.endswith(".json")
