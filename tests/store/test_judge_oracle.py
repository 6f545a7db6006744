"""The views agree with the plainest reading of the rules on random evidence, whatever its order, and hold what they promise."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.status import status_json
from tests.store.oracle import Oracle
from tests.store.world import (
    MINUTE,
    START,
    World,
    collection,
    gauge,
    match,
    probe,
    retraction,
    run_count,
    runbook_text,
    snapshot,
)

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SPAN = 40 * MINUTE
NUMBER = itertools.count()

# Instants sit on a coarse grid, sometimes one millisecond beside it: that is where windows err.
instants = st.builds(
    lambda half, off: START + half * 30_000 + off, st.integers(0, 80), st.sampled_from([0, 0, 0, -1, 1])
)
skews = st.sampled_from([0, 0, 0, 4_000, 6_000])


@st.composite
def batches(draw: st.DrawFn, stream: str, name: str) -> dict[str, Any]:
    a, b = sorted((draw(instants), draw(instants)))
    late = draw(st.sampled_from([0, 0, 60_000, 400_000]))
    status = draw(st.sampled_from(["ok", "ok", "ok", "ok", "failed", "truncated"]))
    whole = draw(st.booleans())
    start, end = (START - 60 * MINUTE, START + SPAN) if whole else (a, max(b, a + 1))
    return collection(name, stream, start, end, collected=end + late, status=status, skew=draw(skews))


@st.composite
def worlds(draw: st.DrawFn) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    owners: dict[str, list[str]] = {}
    for stream in ("rt", "rt", "aux", "pg", "pg", "routes", "gauges"):
        if draw(st.integers(0, 5)) == 0:
            continue
        name = f"c{len(records)}"
        records.append(draw(batches(stream, name)))
        owners.setdefault(stream, []).append(name)
    rows = draw(st.lists(st.tuples(instants, st.integers(0, 11), st.integers(0, 3)), max_size=40))
    for moment, number, choice in rows:
        records += _row(owners, moment, number, choice)
    if draw(st.integers(0, 4)) == 0 and records:
        records.append(retraction(draw(st.sampled_from([r["id"] for r in records if r["record"] == "collection"]))))
    return records


def _row(owners: dict[str, list[str]], moment: int, number: int, choice: int) -> Iterator[dict[str, Any]]:
    def owner(stream: str) -> str | None:
        return owners[stream][number % len(owners[stream])] if stream in owners else None

    minute = moment - moment % MINUTE
    made = {
        "rt": lambda o: match(o, f"k{number}-{choice}", moment, ("alpha", "beta")[number % 2]),
        "aux": lambda o: match(o, f"k{number}", moment),
        "pg": lambda o: (
            snapshot(o, moment, number * 2, failed=choice)
            if choice < 2
            else run_count(o, minute, number, min(number, choice))
        ),
        "routes": lambda o: probe(o, moment, ("/a", "/b")[number % 2], (200, 401, 0, 500)[choice]),
        "gauges": lambda o: gauge(o, moment, number * 2),
    }
    for stream, make in made.items():
        name = owner(stream)
        if name is not None and (stream != "aux" or number < 4):
            yield make(name)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world") / "template.db", runbook_text(settle={"rt": "30s"}))


def fresh(template: World) -> World:
    return template.copy(template.path.with_name(f"w{next(NUMBER)}.db"))


def loaded(template: World, records: list[dict[str, Any]]) -> World:
    world = fresh(template)
    if records:
        world.load(*records)
    return world


asked = st.builds(
    lambda m, off: START + m * MINUTE + off, st.integers(5, 45), st.sampled_from([0, 0, 1, 29_999, 30_000])
)
scopes = st.one_of(st.none(), st.builds(lambda m: START + m * MINUTE, st.integers(0, 30)))


@SETTINGS
@given(records=worlds(), instant=asked, scope=scopes)
def test_every_signal_says_what_the_plain_reading_says(
    template: World, records: list[dict[str, Any]], instant: int, scope: int | None
) -> None:
    world = loaded(template, records)
    for signal, spoken in zip(world.runbook.signals, world.judge(instant, scope=scope).signals, strict=True):
        oracle = Oracle(world.runbook, signal.conditions[0], records)
        assert (signal.id, spoken.now_state, spoken.now_reason) == (signal.id, *oracle.now(instant, scope))
    world.path.unlink()


@settings(SETTINGS, max_examples=40)
@given(records=worlds(), instant=asked, scope=st.builds(lambda m: START + m * MINUTE, st.integers(0, 20)))
def test_the_run_latch_finds_the_first_trip_of_the_run(
    template: World, records: list[dict[str, Any]], instant: int, scope: int
) -> None:
    world = loaded(template, records)
    for signal, spoken in zip(world.runbook.signals, world.judge(instant, scope=scope).signals, strict=True):
        if signal.id == "probe":
            continue
        oracle = Oracle(world.runbook, signal.conditions[0], records)
        assert (signal.id, spoken.first_trip_ms) == (signal.id, oracle.first_trip(instant, scope))
        assert (spoken.state == "tripped") == (spoken.first_trip_ms is not None)
    world.path.unlink()


@settings(SETTINGS, max_examples=25)
@given(records=worlds(), instant=asked, scope=scopes, seed=st.integers(0, 999))
def test_order_duplication_and_splitting_change_no_answer(
    template: World, records: list[dict[str, Any]], instant: int, scope: int | None, seed: int
) -> None:
    rng = random.Random(seed)
    shuffled = [*records]
    rng.shuffle(shuffled)
    one, other = loaded(template, records), fresh(template)
    head = [r for r in shuffled if r["record"] == "collection"]
    rest = [r for r in shuffled if r["record"] not in ("collection", "retraction")]
    gone = {r["collection"] for r in records if r["record"] == "retraction"}
    for r in head:  # each collection as a file of its own, then again under another id
        for name in (r["id"], f"again-{r['id']}"):
            own = [{**row, "collection": name} for row in rest if row["collection"] == r["id"]]
            withdrawn = [retraction(name)] if r["id"] in gone else []
            other.load({**r, "id": name}, *own, *withdrawn)
    answers = [status_json(world.judge(instant, scope=scope)) for world in (one, other)]
    for answer in answers:
        answer["known_seq"], answer["case"] = 0, ""
    assert json.dumps(answers[0]) == json.dumps(answers[1])
    one.path.unlink()
    other.path.unlink()


@settings(SETTINGS, max_examples=25)
@given(records=worlds(), more=worlds(), instant=asked)
def test_more_evidence_never_takes_back_a_trip_of_count_burst_or_loop(
    template: World, records: list[dict[str, Any]], more: list[dict[str, Any]], instant: int
) -> None:
    kept = [r for r in records if r["record"] != "retraction"]
    world = loaded(template, kept)
    before = world.states(instant)
    added = [
        {**r, **({"id": f"m-{r['id']}"} if r["record"] == "collection" else {"collection": f"m-{r['collection']}"})}
        for r in more
        if r["record"] != "retraction"
    ]
    # a failure seen again earlier is the same failure at its earliest time, so the added ones get keys of their own
    added = [{**r, "key": f"m-{r['key']}"} if "key" in r else r for r in added]
    if added:
        world.load(*added)
    after = world.states(instant)
    for name in ("count", "burst", "loop", "wide"):
        if before[name][0] == "tripped":
            assert after[name][0] == "tripped"
    world.path.unlink()


@settings(SETTINGS, max_examples=25)
@given(records=worlds(), instant=asked, scope=scopes)
def test_ok_is_never_said_of_a_window_that_was_not_wholly_watched(
    template: World, records: list[dict[str, Any]], instant: int, scope: int | None
) -> None:
    world = loaded(template, records)
    for signal in world.judge(instant, scope=scope).signals:
        for condition in signal.conditions:
            if condition.state in ("ok", "watch"):
                assert condition.coverage == "full"
                assert condition.kind == "probe" or condition.covered_ms == condition.want_ms
    world.path.unlink()


@settings(SETTINGS, max_examples=25)
@given(records=worlds(), instant=asked)
def test_a_live_question_is_never_kinder_than_the_frontier_and_keeps_trips_at_the_clock(
    template: World, records: list[dict[str, Any]], instant: int
) -> None:
    world = loaded(template, records)
    exact, live = world.states(instant), world.states(instant, live=True)
    for name, (state, _) in exact.items():
        if state == "tripped":
            assert live[name][0] == "tripped"
        if state in ("no_data", "stale") and live[name][0] != "tripped":
            assert live[name][0] == state
    world.path.unlink()
