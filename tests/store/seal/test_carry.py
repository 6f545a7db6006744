"""What the next case takes over, and what it refuses to build on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collectors.records.carry import carry_window, told
from store.begin import begin_case
from store.case import Case
from store.errors import BadInput, EvidenceBroken, Refused
from store.journal import CarriedItem, Note
from store.raw import file_sha256
from store.runbook.parse import parse_runbook
from store.seal.carry import open_items, read_predecessor
from store.seal.remarks import add_remark, read_remarks, remarks_path
from store.seal.seal import seal_case
from store.verdict import judge_verdict, verdict_question
from tests.store import world
from tests.store.seal.handing import COUNTED, FROM, TO, counted_case, drill_case, open_case, settled_case
from tests.store.verify.tampering import tampering

RUNBOOK = parse_runbook(world.runbook_text(), "runbook.md")


def sealed(folder: Path) -> Path:
    seal_case(
        settled_case(folder / "case.db"), folder / "before.db", operator="kim", clock=lambda: TO + 2 * world.MINUTE
    )
    return folder / "before.db"


def next_case(folder: Path, after: Path) -> Path:
    begin_case(folder / "next.db", RUNBOOK, after=after, operator="ann", clock=lambda: TO + world.MINUTE)
    return folder / "next.db"


def test_the_next_case_names_the_one_before_by_bytes_and_head(tmp_path: Path) -> None:
    before = sealed(tmp_path)
    with Case.open(next_case(tmp_path, before)) as case, Case.open(before) as earlier:
        entry = earlier.head()
        row = (
            case.read()
            .execute("SELECT predecessor_name, predecessor_sha256, predecessor_head FROM case_info")
            .fetchone()
        )
        assert row == ("before.db", file_sha256(before), f"{entry.seq} {entry.head}")


def test_what_was_open_or_unknown_comes_first_with_where_it_is_from(tmp_path: Path) -> None:
    before = sealed(tmp_path)
    with Case.open(next_case(tmp_path, before)) as case, Case.open(before) as earlier:
        items, entry = open_items(case.read()), earlier.head()
    assert {item.signal for item in items} >= {"queue", "ratio", "probe", "level", "wide"}
    assert all(item.origin.startswith(f"before.db {entry.seq}:{entry.head} ") for item in items)
    assert items[0].ref == "carried_item:1"


def test_an_item_is_settled_by_a_note_that_cites_it_and_otherwise_carried_on(tmp_path: Path) -> None:
    path = next_case(tmp_path, sealed(tmp_path))
    with Case.open(path, write=True) as case:
        items = open_items(case.read())
        with case.transaction("walk") as tx:
            tx.add(Note(TO, "ann", None, "the queue drained", None, items[0].ref))
            tx.add(Note(TO, "ann", None, "unrelated", None, "carried_item:99 log_match:1"))
        assert open_items(case.read()) == items[1:]
    carried = read_predecessor(path, drill=False).items
    assert {item.origin for item in items[1:]} <= {item.origin for item in carried}
    assert CarriedItem(*items[0][1:]) not in carried


def test_a_number_is_not_taken_for_the_beginning_of_another(tmp_path: Path) -> None:
    path = next_case(tmp_path, sealed(tmp_path))
    with Case.open(path, write=True) as case, case.transaction("walk") as tx:
        tx.add_all([CarriedItem("watch", None, f"item {n}", "x") for n in range(12)])
        tx.add(Note(TO, "ann", None, "ten is done", None, "carried_item:10"))
    with Case.open(path) as case:
        refs = {item.ref for item in open_items(case.read())}
    assert "carried_item:1" in refs
    assert "carried_item:10" not in refs


def test_nothing_is_built_on_a_case_that_does_not_verify(tmp_path: Path) -> None:
    before = sealed(tmp_path)
    before.chmod(0o600)
    with tampering(before) as db:
        db.execute("UPDATE log_match SET at_ms = at_ms + 1 WHERE id = 1")
    with pytest.raises(EvidenceBroken):
        next_case(tmp_path, before)
    assert not (tmp_path / "next.db").exists()


def test_a_drill_and_a_real_case_do_not_continue_each_other(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="a drill: a real case cannot continue it"):
        next_case(tmp_path, drill_case(tmp_path / "drill.db"))
    with pytest.raises(Refused, match="a real case: a drill cannot continue it"):
        begin_case(tmp_path / "next.db", RUNBOOK, after=open_case(tmp_path / "real.db"), drill=True)


# A window of the case before as baseline -----------------------------------------------------------------------------------------


def test_a_window_of_the_case_before_serves_as_baseline(tmp_path: Path) -> None:
    counted_case(tmp_path / "before.db")
    runbook = parse_runbook(COUNTED, "runbook.md")
    begin_case(tmp_path / "next.db", runbook, after=tmp_path / "before.db")
    start, end = FROM, FROM + 10 * world.MINUTE
    with Case.open(tmp_path / "next.db", write=True) as case, Case.open(tmp_path / "before.db") as earlier:
        carried = carry_window(earlier, case, runbook, "baseline", operator="ann")
        assert (carried.from_ms, carried.to_ms, carried.collections, carried.unknown_streams) == (start, end, 1, ())
        assert "1 collections of the case before" in told(carried)
        counts = [
            {
                one.id: one
                for one in judge_verdict(db, verdict_question(db, (start, end), (end, 2 * end - start))).signatures
            }
            for db in (case.read(), earlier.read())
        ]
        assert counts[0]["alpha"].baseline == counts[1]["alpha"].baseline
        assert (counts[0]["alpha"].baseline.count, counts[0]["alpha"].baseline.covered) == (4, True)
        assert case.read().execute('SELECT name, from_ms, to_ms FROM "window"').fetchall() == [("baseline", start, end)]
        (source,) = case.read().execute("SELECT source FROM collection").fetchone()
    assert source.startswith("before.db ")


def test_streams_and_signatures_that_the_new_runbook_lacks_are_left_out_and_told(tmp_path: Path) -> None:
    before = sealed(tmp_path)
    renamed = world.runbook_text({"c": 'kind = "count"\nstreams = ["aux"]\nsignatures = ["beta"]\nover = 5'}).replace(
        '"rt"', '"other"'
    )
    runbook = parse_runbook(renamed, "runbook.md")
    begin_case(tmp_path / "next.db", runbook, after=before)
    with Case.open(tmp_path / "next.db", write=True) as case, Case.open(before) as earlier:
        with pytest.raises(Refused, match="no evidence of the window postfix"):
            carry_window(earlier, case, runbook, "postfix", operator="ann")
        with pytest.raises(BadInput, match="there is no window 'never'"):
            carry_window(earlier, case, runbook, "never", operator="ann")


# Remarks --------------------------------------------------------------------------------------------------------------------------


def test_a_reviewers_remarks_lie_beside_a_sealed_file_and_name_its_head(tmp_path: Path) -> None:
    before = sealed(tmp_path)
    data = before.read_bytes()
    with Case.open(before, clock=lambda: TO) as case:
        entry = case.head()
        add_remark(case, "rev", "why was the queue\nnot watched?")
        add_remark(case, "rev", "second")
        remarks = read_remarks(case)
    assert [(one.text, one.fits) for one in remarks] == [("why was the queue\nnot watched?", True), ("second", True)]
    assert json.loads(remarks_path(before).read_text().splitlines()[0])["head"] == f"{entry.seq}:{entry.head}"
    assert before.read_bytes() == data


def test_a_remark_about_another_state_says_so(tmp_path: Path) -> None:
    path = open_case(tmp_path / "case.db")
    with Case.open(path) as case:
        assert read_remarks(case) == ()
        add_remark(case, "rev", "early")
    with Case.open(path, write=True) as case:
        with case.transaction("walk") as tx:
            tx.add(Note(1, "kim", None, "later"))
        assert [one.fits for one in read_remarks(case)] == [False]
        with pytest.raises(BadInput, match="is empty"):
            add_remark(case, "rev", "  ")
        remarks_path(path).write_text("hello\n")
        with pytest.raises(BadInput, match="remarks:1 is no remark"):
            read_remarks(case)


def test_what_was_found_out_after_the_postfix_window_is_carried_too(tmp_path: Path) -> None:
    made = counted_case(tmp_path / "case.db")
    late = [world.match("late", f"late{n}", TO + world.MINUTE + n) for n in range(51)]
    made.load(world.collection("late", "rt", TO, TO + 5 * world.MINUTE), *late)
    before = read_predecessor(made.path, drill=False)
    texts = [item.text for item in before.items if item.signal == "count"]
    assert texts[-1] == "count was tripped (count_over): 51 of > 50"
    assert len(texts) == len(set(texts))
