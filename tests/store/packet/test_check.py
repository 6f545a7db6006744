"""`packet --check`: each file and each citation holds, or it is said which does not and why."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from store.case import Case
from store.errors import BadInput
from store.evidence import Collection, CollectionEnd, Coverage, Retraction
from store.packet.check import PacketCheck, check_packet
from store.packet.make import write_packet
from store.walk import act, decisions, remarks
from tests.store.review.worlds import BASELINE, SNAPSHOT, hostile_case, seed_case, walk_on

THRESHOLDS = ["collection:1", "collection:2", "snapshot:1", "probe:6"]
"""What the decision on the thresholds cites."""
PAPERS = ["artifact:4", "artifact:5", "artifact:6", "artifact:7"]
"""What the decision to close cites beside a probe."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a case and its packet."""
    folder = tmp_path_factory.mktemp("made")
    with Case.open(seed_case(folder / "seed.db")) as case:
        write_packet(case.read(), folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "packet"))


def check(folder: Path) -> PacketCheck:
    with Case.open(folder / "seed.db") as case:
        return check_packet(case.read(), folder)


def a_file(folder: Path, pattern: str) -> Path:
    return next(folder.glob(f"docs/planning/phase-168/artifacts/{pattern}"))


def test_a_fresh_packet_holds_in_every_part(folder: Path) -> None:
    found = check(folder)
    assert found.exit_code == 0
    assert found.same_head
    assert [citation.ref for citation in found.citations] == [*THRESHOLDS, *PAPERS, "probe:6"]
    assert {citation.state for citation in found.citations} == {"holds"}
    assert found.citations[0].file.endswith("baseline-2026-02-18T02-18-40Z-2026-02-18T02-28-40Z.md")
    assert (found.citations[0].from_ms, found.citations[0].to_ms) == BASELINE


def test_a_changed_file_is_named_and_what_it_shows_no_longer_holds(folder: Path) -> None:
    path = a_file(folder, "baseline-*.md")
    path.write_text(path.read_text().replace("21", "12"))
    found = check(folder)
    assert found.exit_code == 20
    assert [finding.path for finding in found.files if finding.state == "changed"] == [str(path.relative_to(folder))]
    assert (found.citations[0].state, found.citations[0].why) == ("changed", "the file that shows it")


def mend_index(folder: Path, path: Path) -> None:
    """What someone does who edits a file of a packet and knows of the index."""
    index, name = a_file(folder, "SHA256SUMS"), str(path.relative_to(folder))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = [f"{digest}  {name}" if line.endswith(f"  {name}") else line for line in index.read_text().splitlines()]
    index.write_text("\n".join(lines) + "\n")


def test_an_edited_document_is_told_though_the_index_was_mended(folder: Path) -> None:
    path = a_file(folder, "verification-*.md")
    path.write_text(path.read_text().replace("2", "3"))
    mend_index(folder, path)
    found = check(folder)
    assert [finding.state for finding in found.files if finding.path == str(path.relative_to(folder))] == ["differs"]
    assert found.exit_code == 12
    assert "differs" in {citation.state for citation in found.citations}


def test_an_edited_artifact_is_changed_though_the_index_was_mended(folder: Path) -> None:
    path = next(file for file in (folder / "artifacts").rglob("*.py"))
    path.write_text("print('verified')")
    mend_index(folder, path)
    found = check(folder)
    assert [finding.state for finding in found.files if finding.path == str(path.relative_to(folder))] == ["changed"]
    assert found.exit_code == 20


def test_a_file_that_was_taken_out_with_its_line_of_the_index_is_missing(folder: Path) -> None:
    path, index = a_file(folder, "pre-post-delta-*.csv"), a_file(folder, "SHA256SUMS")
    path.unlink()
    index.write_text(
        "".join(line for line in index.read_text().splitlines(True) if str(path.relative_to(folder)) not in line)
    )
    found = check(folder)
    assert [finding.path for finding in found.files if finding.state == "missing"] == [str(path.relative_to(folder))]
    assert found.exit_code == 20


def test_a_missing_file_is_named(folder: Path) -> None:
    a_file(folder, "offload-monitoring-*.md").unlink()
    found = check(folder)
    assert found.exit_code == 20
    assert [(c.ref, c.state) for c in found.citations if c.state != "holds"] == [
        ("snapshot:1", "missing"),
        ("probe:6", "missing"),
        ("probe:6", "missing"),
    ]


def test_a_row_that_is_not_what_it_was_is_named(folder: Path) -> None:
    path = a_file(folder, "closeout-*.json")
    summary = json.loads(path.read_text())
    summary["decisions"][0]["citations"][1]["row_sha256"] = "0" * 64
    summary["decisions"][0]["citations"][2]["from"] = "2026-02-18T03:00:00.000Z"
    summary["decisions"][0]["citations"][3]["ref"] = "probe:99"
    path.write_text(json.dumps(summary))
    found = check(folder)
    assert [citation.state for citation in found.citations[:4]] == ["holds", "changed", "changed", "missing"]
    assert found.exit_code == 20


def test_withdrawn_evidence_is_said_and_a_later_packet_is_told_from_this_one(folder: Path) -> None:
    with Case.open(folder / "seed.db", write=True) as case, case.transaction("retract") as tx:
        tx.add(Retraction(1, "wrong project", SNAPSHOT, "kim"))
    found = check(folder)
    assert (found.citations[0].state, found.citations[0].why) == ("withdrawn", "wrong project")
    assert not found.same_head
    assert found.exit_code == 12


def test_a_collection_that_did_not_watch_all_it_was_asked_for_is_said(folder: Path) -> None:
    start, end = BASELINE
    with Case.open(folder / "seed.db", write=True) as case:
        with case.transaction("x") as tx:
            short = tx.add(Collection("runtime-logs", "logs", start, end, end))
            tx.add(Coverage(short, "runtime-logs", start, start + 240_000, end))
            tx.add(Coverage(short, "runtime-logs", start + 120_000, start + 300_000, end))
            tx.add(CollectionEnd(short, "ok", "", end))
            cut = tx.add(Collection("runtime-logs", "logs", start, end, end))
            tx.add(CollectionEnd(cut, "truncated", "the limit was reached", end))
        act.reopen(walk_on(case), "decide", reason="again")
        refs = [f"collection:{short}", f"collection:{cut}"]
        decisions.record_decision(
            walk_on(case), "decide", "hold", refs=refs, reason="look again", override="for the test"
        )
        write_packet(case.read(), folder)
    found = check(folder)
    assert [(c.state, c.why) for c in found.citations[-2:]] == [
        ("not covered", "5m of 10m were watched"),
        ("not covered", "the collection ended truncated: it covers nothing"),
    ]
    assert found.exit_code == 12


def test_a_decision_that_the_packet_leaves_out_is_said(folder: Path) -> None:
    path = a_file(folder, "closeout-*.json")
    summary = json.loads(path.read_text())
    summary["decisions"] = []
    path.write_text(json.dumps(summary))
    found = check(folder)
    assert found.undocumented == ("decision:1", "decision:2")
    assert found.exit_code == 20


def test_the_case_that_went_on_is_told_from_the_packet(folder: Path) -> None:
    with Case.open(folder / "seed.db", write=True) as case:
        remarks.add_note(case, "kim", "later")
    found = check(folder)
    assert not found.same_head
    assert found.exit_code == 0


def test_no_packet_another_cases_packet_and_a_bad_index_are_refused(folder: Path, tmp_path: Path) -> None:
    with Case.open(folder / "seed.db") as case:
        with pytest.raises(BadInput, match="there is no packet"):
            check_packet(case.read(), tmp_path)
        index = a_file(folder, "SHA256SUMS")
        kept = index.read_text()
        for line in ("x", f"{'0' * 64}  ../../etc/passwd", f"{'0' * 64}  /etc/passwd"):
            index.write_text(line)
            with pytest.raises(BadInput, match="no line of an index"):
                check_packet(case.read(), folder)
        index.write_text(kept)
    other = hostile_case(tmp_path / "other.db")
    with Case.open(other) as case:
        write_packet(case.read(), tmp_path)
        shutil.copytree(
            tmp_path / "docs/planning/phase-hostile", folder / "docs/planning/phase-168", dirs_exist_ok=True
        )
    with pytest.raises(BadInput):
        check(folder)
