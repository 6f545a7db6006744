"""What was acknowledged is there: after kills, after power cuts, in copies, on a full disk, and with many hands on one file.

Sizes are moderate here. CLOSEOUT_FULL=1 runs the full ones (300 kills, 300 cuts, a minute of crowd), as does tests/bench/durability.py.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store.case import WRITER_PRAGMAS, Case
from tests.store.harness.crowd import run_crowd
from tests.store.harness.deeds import make_case
from tests.store.harness.filling import fill_limited
from tests.store.harness.killing import copy_while_writing, kill_writers
from tests.store.harness.power import DELETE_FULL, SHIPPED, WAL_NORMAL, cut_power

FULL = os.environ.get("CLOSEOUT_FULL") == "1"


@pytest.mark.timeout(600)
def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    found = kill_writers(tmp_path, 300 if FULL else 45)
    assert (found.lost, found.corrupt) == (0, 0)
    assert found.acknowledged > found.kills / 10
    assert found.journals > 0, "no kill came in the middle of a transaction: the harness has lost its teeth"


@pytest.mark.timeout(600)
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    found = cut_power(tmp_path, SHIPPED, 300 if FULL else 120)
    assert (found.lost, found.corrupt) == (0, 0)


@pytest.mark.parametrize("settings", [WAL_NORMAL, DELETE_FULL], ids=["wal-normal", "delete-full"])
def test_the_same_power_cuts_find_losses_under_weaker_settings(tmp_path: Path, settings: tuple[str, ...]) -> None:
    assert cut_power(tmp_path, settings, 60).lost > 0


def test_the_settings_that_were_cut_are_those_of_every_writer(tmp_path: Path) -> None:
    assert SHIPPED is WRITER_PRAGMAS
    with Case.open(make_case(tmp_path / "case.db"), write=True) as case:
        db = case.read()
        found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
        assert found == ["truncate", 2, 1]


@pytest.mark.timeout(600)
def test_no_copy_of_a_live_file_verifies_and_lacks_what_was_acknowledged(tmp_path: Path) -> None:
    found = copy_while_writing(tmp_path, 60)
    assert found.silent == 0
    assert found.complete > 0


def test_at_the_pace_of_collectors_most_copies_are_complete(tmp_path: Path) -> None:
    found = copy_while_writing(tmp_path, 20, pause_ms=100)
    assert found.silent == 0
    assert found.complete > 10


@pytest.mark.parametrize("room", [40_000, 300_000, 900_000])
def test_a_full_disk_is_named_loses_nothing_and_leaves_the_case_readable(tmp_path: Path, room: int) -> None:
    told = fill_limited(tmp_path, room)
    assert "EVIDENCE IS NOT BEING WRITTEN" in told["refusal"]
    assert told["lost"] == 0
    assert told["readable"]


@pytest.mark.timeout(300)
def test_three_writers_and_two_readers_meet_no_error_and_no_long_wait(tmp_path: Path) -> None:
    found = run_crowd(tmp_path, 60 if FULL else 6)
    assert found.errors == ()
    assert found.worst_write < 2000
    assert found.writes > (800 if FULL else 60)
