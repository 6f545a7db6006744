"""The walk ends with the seal: its step, and attempts whose process is gone, are settled in the transaction that seals."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from store.case import Case
from store.errors import Refused
from store.seal.seal import seal_case
from store.verify.verify import verify_case
from store.walk import act
from store.walk.session import this_process
from store.walk.walk import Walk
from tests.store import world
from tests.store.seal.handing import open_case
from tests.store.seal.test_seal import at_end

TEXT = world.runbook_text() + '\n### The end\n\n```toml step\nid = "end"\nkind = "seal"\neffect = "reads"\n```\n'


def sealing_case(path: Path, *deeds: str) -> Path:
    """A case whose last step is the seal, walked up to it; `deeds` are done to the seal step."""
    made = world.World(path, TEXT)
    with Case.open(path, write=True, clock=at_end) as case:
        walk = Walk(case, this_process("kim"))
        act.finish(walk, "look")
        for deed in deeds:
            getattr(act, deed)(walk, "end", **({} if deed == "start" else {"reason": "for the test"}))
    assert made.runbook.steps[-1].kind == "seal"
    return path


@pytest.mark.parametrize(
    "deeds", [(), ("start",), ("start", "hold"), ("hold",), ("fail",), ("skip",), ("start", "fail")]
)
def test_the_step_that_seals_is_passed_by_the_seal_itself(tmp_path: Path, deeds: tuple[str, ...]) -> None:
    out = tmp_path / "out.db"
    done = seal_case(sealing_case(tmp_path / "case.db", *deeds), out, operator="ann", clock=at_end)
    with Case.open(out) as case:
        events = (
            case.read().execute("SELECT kind, reason, seq FROM step_event WHERE step = 'end' ORDER BY id").fetchall()
        )
        end = Walk(case, this_process("kim")).read().step("end")
    assert (end.state, end.open) == ("passed", False)
    assert events[-1] == ("passed", "sealed into out.db", done.receipt.seq)
    assert [kind for kind, _, _ in events].count("started") == 1 + (deeds == ("start", "fail")), "one per attempt"
    assert [gap.text for gap in done.gaps if gap.kind == "step" and gap.text.startswith("end ")] == []
    assert verify_case(out).exit_code == 21


def test_an_attempt_whose_process_is_gone_is_lost_in_the_sealed_case_too(tmp_path: Path) -> None:
    case, out = open_case(tmp_path / "case.db"), tmp_path / "out.db"
    with Case.open(case, write=True, clock=at_end) as opened:
        gone = this_process("kim")._replace(pid=2**22 + 1, process_start="long ago")
        act.start(Walk(opened, gone), "look")
    done = seal_case(case, out, operator="ann", override="nobody comes back", clock=at_end)
    assert [gap.text for gap in done.gaps if gap.kind == "step" and "look lost" in gap.text]
    with contextlib.closing(sqlite3.connect(out)) as db:
        kinds = [kind for (kind,) in db.execute("SELECT kind FROM step_event WHERE step = 'look' ORDER BY id")]
    assert kinds == ["started", "lost"]


def test_a_seal_that_is_refused_leaves_the_step_as_it_was(tmp_path: Path) -> None:
    world.World(tmp_path / "case.db", TEXT)
    before = (tmp_path / "case.db").read_bytes()
    with pytest.raises(Refused, match="1 mandatory steps are open: look"):
        seal_case(tmp_path / "case.db", tmp_path / "out.db", operator="kim")
    assert (tmp_path / "case.db").read_bytes() == before
