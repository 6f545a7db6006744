"""One state everywhere: the command line, Datasette, the pages, the static page and the packet agree on every signal of ten cases."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from store.case import Case
from store.instants import format_instant
from store.journal import Scope
from store.judge import frontier_question
from store.packet.make import make_packet, packet_files
from store.review.serve import case_datasette
from tests.store.review.conftest import close
from tests.store.review.worlds import hostile_case, seed_case
from tests.store.world import (
    MINUTE,
    World,
    at,
    collection,
    gauge,
    match,
    probe,
    retraction,
    run_count,
    runbook_text,
    snapshot,
)
from tui.cli import main

SINCE, UNTIL = at("03:00"), at("03:10")


def looked(name: str = "c", stream: str = "rt", **more: Any) -> dict[str, Any]:
    """A collection of the whole window."""
    return collection(name, stream, SINCE, UNTIL, **more)


def many(count: int, step_ms: int = 1000, owner: str = "c") -> list[dict[str, Any]]:
    return [match(owner, f"k{n}", SINCE + n * step_ms) for n in range(count)]


RECORDS: dict[str, list[dict[str, Any]]] = {
    "empty": [],
    "quiet": [looked()],
    "tripped": [looked(), *many(9)],
    "close": [looked(), *many(5, 90_000)],
    "gap": [collection("c", "rt", SINCE, UNTIL - 3 * MINUTE, collected=UNTIL), *many(2)],
    "failed": [looked(status="failed"), looked("t", status="truncated"), *many(7, owner="t")],
    "withdrawn": [looked(), *many(9), retraction("c")],
    "queue and gauge": [
        looked("q", "pg"),
        *(snapshot("q", SINCE + n * 3 * MINUTE, 2 + 3 * n, failed=n) for n in range(4)),
        *(run_count("q", SINCE + n * MINUTE, 4, n % 3) for n in range(10)),
        looked("g", "gauges"),
        *(gauge("g", SINCE + n * MINUTE, 8 + n) for n in range(10)),
        looked("p", "routes"),
        probe("p", SINCE + MINUTE, "/a", 200),
        probe("p", SINCE + 2 * MINUTE, "/b", 0),
    ],
}


@pytest.fixture(scope="module")
def plain_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world") / "plain.db", runbook_text())


@pytest.fixture(params=[*RECORDS, "latched", "seed", "hostile"])
def case_file(request: pytest.FixtureRequest, plain_world: World, tmp_path: Path) -> Path:
    name = str(request.param)
    path = tmp_path / "case.db"
    if name in ("seed", "hostile"):
        return seed_case(path) if name == "seed" else hostile_case(path)
    world = plain_world.copy(path)
    records = RECORDS.get(name, [looked(), *many(9), looked("later")])
    if records:
        world.load(*records)
    if name == "latched":
        with Case.open(path, write=True) as case, case.transaction("x") as tx:
            tx.add(Scope(SINCE, "for the test", None, UNTIL))
    return path


async def test_every_way_of_looking_gives_the_same_states(case_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Case.open(case_file) as case:
        db = case.read()
        files = {file.path.name: file.data.decode("utf-8", "replace") for file in packet_files(db, make_packet(db))}
        instant = format_instant(frontier_question(db).as_of_ms)
    main(["status", str(case_file), "--as-of", instant, "--json"])
    status = json.loads(capsys.readouterr().out)
    expected = {signal["id"]: signal["state"] for signal in status["signals"]}
    reasons = {signal["id"]: signal["reason"] for signal in status["signals"]}
    datasette = case_datasette(case_file, sealed=False)
    try:
        served = (await datasette.client.get("/case/-/status.json")).json()
        rows = (await datasette.client.get("/case/signal_state.json?_shape=array")).json()
        page = (await datasette.client.get("/case/-/case")).text
    finally:
        close(datasette)
    (summary,) = [json.loads(text) for name, text in files.items() if re.fullmatch(r"closeout-.*\.json", name)]
    (packet,) = [text for name, text in files.items() if re.fullmatch(r"closeout-.*\.md", name)]

    assert served == status
    assert {row["signal"]: (row["state"], row["reason"]) for row in rows} == {
        n: (s, reasons[n]) for n, s in expected.items()
    }
    assert {key: summary[key] for key in status} == status
    for shown in (page, files["closeout.html"]):
        assert re.findall(r'class="card (\w+)" id="signal-', shown) == list(expected.values())
    table = packet.split("## Monitoring thresholds")[1].split("## Rollback")[0]
    assert re.findall(r"\| \*\*(\w+)\*\* (\w+) \|", table) == [
        (state, reasons[name]) for name, state in expected.items()
    ]
