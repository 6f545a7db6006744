"""A packet: the contract's names, what its documents say, and the same bytes for the same case."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from store.begin import begin_case
from store.case import Case
from store.packet.make import make_packet, packet_files, write_packet
from store.packet.names import PacketNames, name_instant, safe_path
from store.runbook.parse import parse_runbook
from tests.store.review.worlds import SHIPPED, SLOT, add_file, png, seed_case

HOME = "docs/planning/phase-168/artifacts"
BASELINE_MD = f"{HOME}/baseline-2026-02-18T02-18-40Z-2026-02-18T02-28-40Z.md"
VERIFICATION_MD = f"{HOME}/verification-2026-02-18T03-18-40Z-2026-02-18T03-28-40Z.md"
DELTA_CSV = f"{HOME}/pre-post-delta-2026-02-18T03-18-40Z-2026-02-18T03-28-40Z.csv"
OFFLOAD_MD = f"{HOME}/offload-monitoring-2026-02-18T03-30-38Z.md"


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed_case(tmp_path_factory.mktemp("packet") / "seed.db")


def packed(path: Path) -> dict[str, bytes]:
    with Case.open(path) as case:
        db = case.read()
        return {str(file.path): file.data for file in packet_files(db, make_packet(db))}


@pytest.fixture(scope="module")
def files(seed: Path) -> dict[str, bytes]:
    return packed(seed)


def closeout(files: dict[str, bytes]) -> str:
    (name,) = [name for name in files if name.startswith(f"{HOME}/closeout-") and name.endswith(".md")]
    return files[name].decode()


def test_the_files_have_the_names_of_the_contract(files: dict[str, bytes]) -> None:
    for name in (BASELINE_MD, VERIFICATION_MD, DELTA_CSV, OFFLOAD_MD, f"{HOME}/closeout.html", f"{HOME}/SHA256SUMS"):
        assert name in files, name
    browser = [name for name in files if name.startswith("artifacts/live-env-playwright/")]
    assert sorted(browser) == [
        "artifacts/live-env-playwright/phase-168-postfix-2026-02-18T03-29-00Z-console.json",
        "artifacts/live-env-playwright/phase-168-postfix-2026-02-18T03-29-00Z-inbox.png",
    ]


def test_the_index_holds_every_other_file(files: dict[str, bytes]) -> None:
    index = dict(line.split("  ", 1)[::-1] for line in files[f"{HOME}/SHA256SUMS"].decode().splitlines())
    assert index == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items() if not name.endswith("SHA256SUMS")
    }
    for name, digest in index.items():
        if "closeout-" not in name:
            assert f"| `{name}` | `{digest}` |" in closeout(files)


def test_it_says_what_the_authors_of_the_phase_had_to_infer(files: dict[str, bytes]) -> None:
    packet = closeout(files)
    for said in (
        "**partially_confirmed**",
        "close_with_watch_items",
        "watched 10m of 30m",
        "**Override:** thirty minutes were not watched",
        "read-ledger failed by kim: the ledger is empty: no run was recorded",
        f"{SLOT} did not answer: no answer within 20 s (probe:6)",
        "`INBOXXIA_EMAIL_SENT_ASYNC`".strip("`"),
        "| Is it partially confirmed? | **yes** |",
        "Shortest postfix window that could confirm",
    ):
        assert said in packet, said
    offload = files[OFFLOAD_MD].decode()
    assert "**Empty.** The ledger was looked at (collection:3 (ok)) and held no finished run." in offload
    assert f"| `probe:6` | 2026-02-18T03:30:08.000Z | {SLOT} | 000 | timeout |" in offload
    assert "| offload | 2026-02-18T03:30:38.000Z |" in offload
    assert "dpl_old (before the mark deploy)" in files[BASELINE_MD].decode()
    assert "dpl_new (mark deploy)" in files[VERIFICATION_MD].decode()


def test_every_threshold_decision_cites_files_and_windows(files: dict[str, bytes]) -> None:
    packet = closeout(files)
    with_window = "2026-02-18T02:18:40.000Z to 2026-02-18T02:28:40.000Z"
    assert f"| go-on at decide | `collection:1` | `{Path(BASELINE_MD).name}` | {with_window} | `" in packet
    assert f"| go-on at decide | `collection:2` | `{Path(VERIFICATION_MD).name}` |" in packet
    assert f"| go-on at decide | `probe:6` | `{Path(OFFLOAD_MD).name}` | 2026-02-18T03:30:08.000Z | `" in packet


def test_every_document_names_the_head_and_its_window(files: dict[str, bytes], seed: Path) -> None:
    with Case.open(seed) as case:
        head = case.head()
    for name in (BASELINE_MD, VERIFICATION_MD, OFFLOAD_MD, f"{HOME}/closeout.html", DELTA_CSV):
        assert f"{head.seq} {head.head}" in files[name].decode(), name
    assert "- From (UTC, included): 2026-02-18T03:18:40.000Z" in files[VERIFICATION_MD].decode()


def test_the_comparison_table_has_a_row_per_signature(files: dict[str, bytes]) -> None:
    rows = list(csv.DictReader(io.StringIO(files[DELTA_CSV].decode(), newline="")))
    webhook = next(row for row in rows if row["signature"] == "webhook-timeout")
    assert [row["signature"] for row in rows] == [
        "webhook-timeout",
        "inbox-timeout",
        "p2028",
        "query-wait-timeout",
        "response-timing-500",
    ]
    assert (webhook["baseline_count"], webhook["postfix_count"], webhook["delta"]) == ("21", "1", "-20")
    assert (webhook["class"], webhook["verdict"], webhook["baseline_requests"]) == (
        "improved",
        "partially_confirmed",
        "",
    )
    assert (webhook["baseline_from"], webhook["postfix_to"]) == ("2026-02-18T02:18:40.000Z", "2026-02-18T03:28:40.000Z")


def test_the_same_case_gives_the_same_bytes_anywhere(seed: Path, files: dict[str, bytes], tmp_path: Path) -> None:
    elsewhere = Path(shutil.copyfile(seed, tmp_path / "other name.db"))
    assert packed(elsewhere) == files
    script = "import sys; from tui.cli import main; sys.exit(main(sys.argv[1:]))"
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-c", script, "packet", str(seed), "--out", str(out), "--json"]
    environment = {**os.environ, "TZ": "Asia/Tokyo", "LANG": "C", "PYTHONHASHSEED": "7", "USER": "someone-else"}
    told = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
    assert {file["path"]: file["sha256"] for file in told["files"]} == {
        n: hashlib.sha256(d).hexdigest() for n, d in files.items()
    }
    written = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert written == files


def test_an_empty_case_has_a_packet_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    begin_case(path, parse_runbook(SHIPPED.read_text("utf-8"), "runbook.md"))
    files = packed(path)
    assert not [name for name in files if "baseline-" in name or "verification-" in name or name.endswith(".csv")]
    packet = closeout(files)
    assert "No verdict yet: it needs the windows baseline and postfix" in packet
    assert "No decision was taken." in packet
    assert "**no_data** never_collected" in packet


def test_attached_pictures_get_the_contracts_name_and_no_file_escapes(seed: Path, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(seed, tmp_path / "seed.db"))
    with Case.open(path, write=True) as case:
        add_file(case, "attachments/Screen Shot.png", png(), "image/png")
        add_file(case, "attachments/screen shot.png", png(red=1), "image/png")
        add_file(case, "page.html", b"<script>1</script>", "text/html", role="note")
    names = [name for name in packed(path) if name.startswith("artifacts/")]
    assert "artifacts/live-env-playwright/phase-168-postfix-2026-02-18T03-30-38Z-Screen-Shot.png" in names
    assert len([name for name in names if "creen-" in name.lower()]) == 2, (
        "two names that differ in case only stay two files"
    )
    assert "artifacts/page.html.txt" in names, "what a browser would run is shown as text"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("a/../b", "a/b"),
        ("..", "x"),
        ("a b;rm -rf", "a-b-rm--rf"),
        (".hidden", "hidden"),
        ("\x00", "x"),
        ("a" * 400 + ".png", "a" * 116 + ".png"),
        ("ab/" * 300 + "b.png", "ab/b.png"),
        ("a." + "b" * 300, "a." + "b" * 118),
    ],
)
def test_no_name_of_a_case_leads_outside_the_packet(name: str, path: str) -> None:
    assert str(safe_path(name)) == path


def test_instants_in_names_have_no_colons() -> None:
    assert name_instant(1771384238000) == "2026-02-18T03-10-38Z"
    assert name_instant(1771384238007) == "2026-02-18T03-10-38-007Z"
    assert str(PacketNames("168 e", 0).folder) == "docs/planning/phase-168-e/artifacts"


def test_a_file_that_is_there_is_replaced_as_a_whole(seed: Path, tmp_path: Path) -> None:
    with Case.open(seed) as case:
        _, first = write_packet(case.read(), tmp_path)
        (tmp_path / first[0].path).write_text("torn")
        _, second = write_packet(case.read(), tmp_path)
    assert first == second
    assert all((tmp_path / file.path).read_bytes() == file.data for file in second)
    assert not list(tmp_path.rglob(".closeout-*"))


def test_names_too_long_for_a_file_system_are_shortened_and_stay_apart(seed: Path, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(seed, tmp_path / "seed.db"))
    with Case.open(path, write=True) as case:
        for end in "xy":
            add_file(case, "a" * 300 + end + ".png", png(), "image/png")
            add_file(case, "deep/" * 500 + end * 300 + ".html", b"x", "text/html", role="note")
        write_packet(case.read(), tmp_path / "out")
    written = [file.relative_to(tmp_path / "out") for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert len([file for file in written if "aaa" in file.name]) == 2
    assert len([file for file in written if file.parent.name == "deep"]) == 2
    assert max(len(file.name) for file in written) < 255


def test_no_name_of_a_hostile_file_takes_the_place_of_another(seed: Path, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(seed, tmp_path / "seed.db"))
    names = [
        "x",
        "x/y",
        "x/y/z",
        "X",
        "x-11",
        "x-12",
        "artifacts",
        "artifacts/live-env-playwright",
        "docs/planning/phase-168/artifacts/SHA256SUMS",
    ]
    with Case.open(path, write=True) as case:
        for name in names:
            add_file(case, name, name.encode(), "text/plain", role="note")
        _, files = write_packet(case.read(), tmp_path / "out")
    assert len({str(file.path).casefold() for file in files}) == len(files)
    written = [file.read_bytes() for file in (tmp_path / "out" / "artifacts").rglob("*") if file.is_file()]
    assert [(name, written.count(name.encode())) for name in names] == [(name, 1) for name in names]
