"""One answer everywhere: the command line, the desk and Datasette say the same of the same evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from store.review.serve import case_datasette
from store.seal.seal import seal_case
from tests.store.review.conftest import close
from tests.store.review.worlds import seed_case
from tests.store.world import MINUTE, World, at, collection, gauge, match, probe, run_count, runbook_text, snapshot
from tui.cli import main
from tui.desk.reader import CaseReader


def quiet(path: Path) -> Path:
    world = World(path, runbook_text())
    world.load(
        *[
            collection(f"c{stream}", stream, at("00:00"), at("04:00"))
            for stream in ("rt", "aux", "pg", "routes", "gauges")
        ]
    )
    return path


def busy(path: Path) -> Path:
    world = World(path, runbook_text())
    world.load(
        *[
            collection(f"c{stream}", stream, at("00:00"), at("04:00"))
            for stream in ("rt", "aux", "pg", "routes", "gauges")
        ],
        *[match("crt", f"k{i}", at("03:52") + i * 20_000, ("alpha", "beta")[i % 2]) for i in range(20)],
        *[snapshot("cpg", at("03:44") + i * 2 * MINUTE, i) for i in range(8)],
        run_count("cpg", at("03:55"), 10, 3),
        probe("croutes", at("03:58"), "/a", 0),
        *[gauge("cgauges", at("03:55") + i * MINUTE, 12) for i in range(5)],
    )
    return path


def broken(path: Path) -> Path:
    world = World(path, runbook_text())
    world.load(
        collection("a", "rt", at("03:00"), at("03:40"), status="failed"),
        collection("b", "pg", at("03:00"), at("03:40")),
    )
    return path


@pytest.mark.parametrize("make", [quiet, busy, broken, seed_case])
async def test_status_the_desk_and_datasette_agree_on_every_signal(
    make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    out = tmp_path / "sealed.db"
    seal_case(make(tmp_path / "case.db"), out, operator="kim", override="for the comparison", key=None)
    main(["status", str(out), "--json"])
    told = [(s["id"], s["state"], s["reason"], s["now_state"]) for s in json.loads(capsys.readouterr().out)["signals"]]

    reader = CaseReader(out)
    shown = [(s.id, s.state, s.reason, s.now_state) for s in reader.read().judgement.signals]
    reader.close()

    datasette = case_datasette(out, sealed=True)
    answer = await datasette.client.get("/sealed/signal_state.json?_shape=array&_sort=position")
    close(datasette)
    published = [(row["signal"], row["state"], row["reason"], row["now_state"]) for row in answer.json()]

    assert told == shown == published
