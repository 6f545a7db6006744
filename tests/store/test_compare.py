"""Two cases side by side: how they are related, and numbers only where both watched equally."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.begin import begin_case
from store.case import Case
from store.compare import Comparison, compare_cases, comparison_json
from store.errors import BadInput
from store.journal import Note, Window
from store.runbook.parse import parse_runbook
from store.seal.seal import copy_case, seal_case
from tests.store import world
from tests.store.seal.handing import COUNTED, FROM, TO, counted_case, make_evidence, settled_case


def compared(a: Path, b: Path, **windows: str) -> Comparison:
    with Case.open(a, clock=lambda: TO) as one, Case.open(b, clock=lambda: TO) as other:
        return compare_cases(one, other, **windows)


def say(path: Path, operator: str, *texts: str) -> None:
    with Case.open(path, write=True, clock=lambda: TO + world.MINUTE) as case:
        for text in texts:
            with case.transaction("walk") as tx:
                tx.add(Note(TO, operator, None, text))


def name_window(path: Path, name: str, start: int, end: int) -> None:
    with Case.open(path, write=True) as case, case.transaction("walk") as tx:
        tx.add(Window(name, start, end, TO, "kim"))


def test_the_same_file_further_on_and_branches_are_told_apart(tmp_path: Path) -> None:
    a, b = settled_case(tmp_path / "a.db"), tmp_path / "b.db"
    copy_case(a, b, operator="ann", to="kim", clock=lambda: TO)
    assert compared(a, b).relation.kind == "same"
    say(b, "kim", "one", "two")
    found = compared(a, b).relation
    assert (found.kind, found.only_a, found.only_b) == ("further", 0, 2)
    assert "B is 2 transactions further on" in found.text
    say(a, "ann", "me too")
    found = compared(a, b).relation
    assert (found.kind, found.only_a, found.only_b) == ("branches", 1, 2)
    assert "by ann" in found.text
    assert "by kim" in found.text
    assert "neither contains the other" in found.text


def test_a_case_that_continues_another_is_known_in_both_orders(tmp_path: Path) -> None:
    seal_case(settled_case(tmp_path / "case.db"), tmp_path / "a.db", operator="kim", clock=lambda: TO)
    begin_case(tmp_path / "b.db", parse_runbook(world.runbook_text(), "runbook.md"), after=tmp_path / "a.db")
    assert compared(tmp_path / "a.db", tmp_path / "b.db").relation.text.startswith("B continues A")
    assert compared(tmp_path / "b.db", tmp_path / "a.db").relation.text.startswith("A continues B")
    other = settled_case(tmp_path / "c.db")
    world.World(tmp_path / "d.db", world.runbook_text())
    assert compared(other, tmp_path / "d.db").relation.kind == "unrelated"


def test_signatures_are_compared_on_windows_that_both_watched(tmp_path: Path) -> None:
    counted_case(tmp_path / "a.db")
    counted_case(tmp_path / "b.db").load(
        world.collection("b2", "rt", FROM, TO), world.match("b2", "extra", FROM + 20 * world.MINUTE)
    )
    told = comparison_json(compared(tmp_path / "a.db", tmp_path / "b.db"))
    assert [window["name"] for window in told["windows"]] == ["baseline", "postfix"]
    counts = [{one["id"]: one for one in window["signatures"]}["alpha"] for window in told["windows"]]
    assert all(one["comparable"] for one in counts)
    assert [(one["a"]["count"], one["b"]["count"]) for one in counts] == [(4, 4), (0, 1)]
    assert told["windows"][0]["signals"] == [{"id": "count", "a": "ok", "b": "ok"}]


def test_a_window_that_one_side_did_not_watch_shows_no_number(tmp_path: Path) -> None:
    counted_case(tmp_path / "a.db")
    made = world.World(tmp_path / "b.db", COUNTED)
    made.load(world.collection("b1", "rt", FROM, FROM + 5 * world.MINUTE), world.match("b1", "k", FROM + world.MINUTE))
    name_window(tmp_path / "b.db", "baseline", FROM, FROM + 10 * world.MINUTE)
    told = comparison_json(compared(tmp_path / "a.db", tmp_path / "b.db"))
    alpha = {one["id"]: one for one in told["windows"][0]["signatures"]}["alpha"]
    assert (alpha["comparable"], alpha["a"], alpha["b"]) == (False, None, None)
    assert alpha["why"] == "B watched 5m of it"


def test_windows_of_different_lengths_are_not_compared(tmp_path: Path) -> None:
    a, b = settled_case(tmp_path / "a.db"), settled_case(tmp_path / "b.db")
    name_window(b, "postfix", FROM, FROM + world.MINUTE)
    pair = {pair.name: pair for pair in compared(a, b).pairs}["postfix"]
    assert pair.why == "A's is 10m long, B's 1m"
    assert pair.counts == ()


def test_a_signature_whose_text_differs_is_not_compared(tmp_path: Path) -> None:
    a, b = settled_case(tmp_path / "a.db"), tmp_path / "b.db"
    make_evidence(world.World(b, world.runbook_text().replace('message = ["alpha"]', 'message = ["alpha", "omega"]')))
    counts = {count.signature: count.why for count in compared(a, b).pairs[0].counts}
    assert counts["alpha"] == "the two runbooks describe it differently"


@pytest.mark.parametrize(
    ("asked", "name"),
    [({"window_a": "baseline"}, "baseline"), ({"window_a": "postfix", "window_b": "baseline"}, "postfix and baseline")],
)
def test_windows_can_be_named(tmp_path: Path, asked: dict[str, str], name: str) -> None:
    a, b = settled_case(tmp_path / "a.db"), settled_case(tmp_path / "b.db")
    assert [pair.name for pair in compared(a, b, **asked).pairs] == [name]
    with pytest.raises(BadInput, match="there is no window 'never'"):
        compared(a, b, window_a="never")


def test_without_named_windows_the_last_stretch_of_each_is_compared(tmp_path: Path) -> None:
    for name in ("a.db", "b.db"):
        world.World(tmp_path / name, world.runbook_text()).load(world.collection("b1", "rt", FROM, TO))
    (pair,) = compared(tmp_path / "a.db", tmp_path / "b.db").pairs
    assert pair.name == "last 10m"
    assert pair.a == (TO - 10 * world.MINUTE, TO)


def test_what_is_drawn_is_what_was_counted(tmp_path: Path) -> None:
    a, b = counted_case(tmp_path / "a.db"), counted_case(tmp_path / "b.db")
    late = TO - 6 * world.MINUTE
    a.load(
        world.collection("again", "rt", FROM, TO),
        world.match("again", "k4", late),  # seen before: a second sighting
        *(world.match("again", f"more{n}", late + n) for n in range(7)),
    )
    for pair in compared(a.path, b.path).pairs:
        (count,) = (one for one in pair.counts if one.signature == "alpha")
        assert count.a is not None
        assert count.b is not None
        assert (sum(count.cells_a), sum(count.cells_b)) == (count.a.count, count.b.count)
        assert len(count.cells_a) == len(count.cells_b) == 10, "a minute to a cell"
    assert max(count.cells_a) == 7
