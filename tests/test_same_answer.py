"""One answer everywhere: the command line, the desk, Datasette, the pages, the static page and the packet say the same of every signal.

Fourteen sealed cases, each at the instant at which its evidence ends, so that every way of looking is asked the very same question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.case import Case
from store.instants import format_instant
from store.journal import Scope
from store.judge import frontier_question
from store.packet.make import make_packet, packet_files
from store.review.serve import case_datasette
from store.seal.seal import seal_case
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
from tui.desk.board import board_rows
from tui.desk.glyphs import UNICODE
from tui.desk.reader import CaseReader
from tui.desk.snapshot import Frame

SINCE, UNTIL = at("03:00"), at("03:10")
STREAMS = ("rt", "aux", "pg", "routes", "gauges")


def looked(name: str = "c", stream: str = "rt", **more: Any) -> dict[str, Any]:
    """A collection of the whole window."""
    return collection(name, stream, SINCE, UNTIL, **more)


def everywhere() -> list[dict[str, Any]]:
    """Every stream was watched for four hours."""
    return [collection(f"c{stream}", stream, at("00:00"), at("04:00")) for stream in STREAMS]


def many(count: int, step_ms: int = 1000, owner: str = "c") -> list[dict[str, Any]]:
    return [match(owner, f"k{n}", SINCE + n * step_ms) for n in range(count)]


RECORDS: dict[str, list[dict[str, Any]]] = {
    "empty": [],
    "quiet": everywhere(),
    "busy": [
        *everywhere(),
        *[match("crt", f"k{i}", at("03:52") + i * 20_000, ("alpha", "beta")[i % 2]) for i in range(20)],
        *[snapshot("cpg", at("03:44") + i * 2 * MINUTE, i) for i in range(8)],
        run_count("cpg", at("03:55"), 10, 3),
        probe("croutes", at("03:58"), "/a", 0),
        *[gauge("cgauges", at("03:55") + i * MINUTE, 12) for i in range(5)],
    ],
    "one stream": [looked()],
    "tripped": [looked(), *many(9)],
    "close to it": [looked(), *many(5, 90_000)],
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
    "unequal ends": [
        collection("a", "rt", SINCE, UNTIL),
        *many(6, owner="a"),
        collection("b", "pg", SINCE, at("03:40")),
    ],
    "latched": [looked(), *many(9), looked("later")],
}


@pytest.fixture(scope="module")
def plain_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world") / "plain.db", runbook_text())


@pytest.fixture(params=[*RECORDS, "seed", "hostile"])
def case_file(request: pytest.FixtureRequest, plain_world: World, tmp_path: Path) -> Path:
    """A sealed case."""
    made: dict[str, Callable[[Path], Path]] = {"seed": seed_case, "hostile": hostile_case}
    name, path = str(request.param), tmp_path / "open.db"
    if name in made:
        made[name](path)
    else:
        world = plain_world.copy(path)
        if RECORDS[name]:
            world.load(*RECORDS[name])
    if name == "latched":
        with Case.open(path, write=True) as case, case.transaction("x") as tx:
            tx.add(Scope(SINCE, "for the test", None, UNTIL))
    seal_case(path, tmp_path / "case.db", operator="kim", override="for the comparison")
    return tmp_path / "case.db"


def on_the_desk(path: Path) -> tuple[list[tuple[str, str, str]], dict[str, str]]:
    """What the desk judges, and the state that its board shows in words beside each signal."""
    reader = CaseReader(path)
    try:
        picture = reader.read()
    finally:
        reader.close()
    judged = picture.judgement
    shown: dict[str, str] = {}
    states = {signal.id: signal.state for signal in judged.signals}
    for row in board_rows(Frame(picture, judged.question.as_of_ms, UNICODE), 160):
        words = [text.strip() for text, _ in row.spans]
        shown[row.key] = next((word for word in words if word in set(states.values())), "")
    return [(signal.id, signal.state, signal.reason) for signal in judged.signals], shown


async def served(path: Path) -> tuple[Any, list[Any], str]:
    """The state, the rows of the view and the front page, as Datasette serves them."""
    datasette = case_datasette(path, sealed=True)
    try:
        status = (await datasette.client.get("/case/-/status.json")).json()
        rows = (await datasette.client.get("/case/signal_state.json?_shape=array&_sort=position")).json()
        return status, rows, (await datasette.client.get("/case/-/case")).text
    finally:
        close(datasette)


async def test_every_way_of_looking_gives_the_same_states(case_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["status", str(case_file), "--json"])
    status = json.loads(capsys.readouterr().out)
    expected = [(signal["id"], signal["state"], signal["reason"]) for signal in status["signals"]]
    states = [state for _, state, _ in expected]
    with Case.open(case_file) as case:
        db = case.read()
        files = {file.path.name: file.data.decode("utf-8", "replace") for file in packet_files(db, make_packet(db))}
        assert status["as_of"] == format_instant(frontier_question(db).as_of_ms)

    judged, shown = on_the_desk(case_file)
    assert judged == expected
    assert list(shown.items()) == [(name, state) for name, state, _ in expected]

    answer, rows, page = await served(case_file)
    assert answer == status
    assert [(row["signal"], row["state"], row["reason"]) for row in rows] == expected
    for each in (page, files["closeout.html"]):
        assert re.findall(r'class="card (\w+)" id="signal-', each) == states

    (summary,) = [json.loads(text) for name, text in files.items() if re.fullmatch(r"closeout-.*\.json", name)]
    assert {key: summary[key] for key in status} == status
    (packet,) = [text for name, text in files.items() if re.fullmatch(r"closeout-.*\.md", name)]
    table = packet.split("## Monitoring thresholds")[1].split("## Rollback")[0]
    assert re.findall(r"\| \*\*(\w+)\*\* (\w+) \|", table) == [(state, reason) for _, state, reason in expected]


def test_the_cases_are_different_and_show_every_state(plain_world: World, tmp_path: Path) -> None:
    seen = set()
    for number, records in enumerate(RECORDS.values()):
        world = plain_world.copy(tmp_path / f"{number}.db")
        if records:
            world.load(*records)
        with Case.open(world.path) as case:
            instant = frontier_question(case.read()).as_of_ms
        seen.add(tuple(sorted(world.states(instant).items())))
    states = {state for one in seen for _, (state, _) in one}
    assert len(seen) >= 10
    assert states >= {"tripped", "no_data", "partial", "watch", "ok"}
