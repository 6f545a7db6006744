"""What the views say at the edges: windows to the millisecond, coverage as union and intersection, order, duplicates, retraction, knowledge."""

import random
import sqlite3
from pathlib import Path

import pytest

from store.case import Case
from store.errors import BadInput
from store.judge import Trial, frontier_question, judge, question_at, view_texts
from store.schema.views import view_statements
from tests.store.world import (
    MINUTE,
    STREAMS,
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

OVER_50 = {"count": 'kind = "count"\nsignatures = ["alpha"]\nover = 50'}
T = at("03:30")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "case.db", runbook_text())


@pytest.fixture
def thirty(tmp_path: Path) -> World:
    return World(tmp_path / "case.db", runbook_text(OVER_50, window="30m"))


def failures(owner: str, number: int, first: int, step: int = 10_000, tag: str = "k") -> list[dict]:
    return [match(owner, f"{tag}{i}", first + i * step) for i in range(number)]


def whole(stream: str = "rt", name: str = "c", **more: int) -> dict:
    return collection(name, stream, at("00:00"), at("04:00"), **more)


def test_51_of_over_50_trips_and_50_is_watch(thirty: World, tmp_path: Path) -> None:
    fewer = thirty.copy(tmp_path / "fewer.db")
    thirty.load(whole(), *failures("c", 51, at("03:05")))
    fewer.load(whole(), *failures("c", 50, at("03:05")))
    assert thirty.states(T)["count"] == ("tripped", "count_over")
    assert fewer.states(T)["count"] == ("watch", "approaching")


def test_a_failure_at_the_windows_start_counts_and_one_at_its_end_does_not(thirty: World) -> None:
    thirty.load(
        whole(), match("c", "start", T - 30 * MINUTE), match("c", "end", T), match("c", "before", T - 30 * MINUTE - 1)
    )
    assert thirty.judge(T).signals[0].conditions[0].value == 1


@pytest.mark.parametrize(("number", "state"), [(39, "ok"), (40, "watch")])
def test_watch_begins_at_80_percent_in_whole_numbers(thirty: World, number: int, state: str) -> None:
    thirty.load(whole(), *failures("c", number, at("03:05")))
    assert thirty.states(T)["count"][0] == state


def test_a_hole_of_one_millisecond_makes_a_window_partial(thirty: World) -> None:
    hole = at("03:10")
    thirty.load(collection("a", "rt", at("00:00"), hole), collection("b", "rt", hole + 1, at("04:00")))
    condition = thirty.judge(T).signals[0].conditions[0]
    assert (condition.state, condition.reason, condition.covered_ms) == ("partial", "gap", 30 * MINUTE - 1)


def test_touching_collections_leave_no_hole(thirty: World) -> None:
    thirty.load(collection("a", "rt", at("00:00"), at("03:10")), collection("b", "rt", at("03:10"), at("04:00")))
    assert thirty.states(T)["count"] == ("ok", "below")


def test_overlapping_collections_do_not_pay_for_a_hole_elsewhere(thirty: World) -> None:
    thirty.load(
        collection("a", "rt", at("03:00"), at("03:20")),
        collection("b", "rt", at("03:00"), at("03:20")),
        collection("c", "rt", at("03:25"), T),
    )
    assert thirty.judge(T).signals[0].conditions[0].covered_ms == 25 * MINUTE


def test_settle_ends_coverage_before_the_moment_of_collection(tmp_path: Path) -> None:
    world = World(tmp_path / "case.db", runbook_text(OVER_50, window="30m", settle={"rt": "60s"}))
    world.load(collection("a", "rt", at("03:00"), T, collected=T + 59_999))
    assert world.judge(T).signals[0].conditions[0].covered_ms == 30 * MINUTE - 1
    world.load(collection("b", "rt", at("03:29"), T, collected=T + 60_000))
    assert world.states(T)["count"] == ("ok", "below")


@pytest.mark.parametrize(("age", "state"), [(5 * MINUTE, "partial"), (5 * MINUTE + 1, "stale")])
def test_a_frontier_older_than_stale_after_is_stale(thirty: World, age: int, state: str) -> None:
    thirty.load(collection("a", "rt", at("02:00"), T - age))
    assert thirty.states(T)["count"][0] == state


def test_failed_and_truncated_collections_cover_nothing_but_their_failures_count(thirty: World) -> None:
    thirty.load(whole(status="truncated"), *failures("c", 51, at("03:05")))
    condition = thirty.judge(T).signals[0].conditions[0]
    assert (condition.state, condition.coverage, condition.covered_ms) == ("tripped", "none", 0)


def test_never_collected_and_only_failed_are_told_apart(thirty: World) -> None:
    assert thirty.states(T)["count"] == ("no_data", "never_collected")
    thirty.load(whole(status="failed"))
    assert thirty.states(T)["count"] == ("no_data", "collector_failed")


def test_zero_failures_in_a_watched_window_is_ok(thirty: World) -> None:
    thirty.load(whole())
    assert thirty.states(T)["count"] == ("ok", "below")


def test_the_same_key_counts_once_at_its_earliest_time(thirty: World) -> None:
    thirty.load(
        whole(), match("c", "same", at("02:59")), match("c", "same", at("03:10")), match("c", "other", at("03:10"))
    )
    assert thirty.judge(T).signals[0].conditions[0].value == 1


def test_a_retracted_collection_takes_its_coverage_and_its_failures_with_it(thirty: World) -> None:
    thirty.load(whole(), *failures("c", 51, at("03:05")))
    thirty.load(retraction("c"))
    assert thirty.states(T)["count"] == ("no_data", "never_collected")


def test_an_earlier_knowledge_gives_the_earlier_answer(thirty: World) -> None:
    first = thirty.load(whole(name="a"), *failures("a", 40, at("03:05")))
    thirty.load(whole(name="b"), *failures("b", 20, at("03:20"), tag="late"))
    assert thirty.states(T, known=first)["count"] == ("watch", "approaching")
    assert thirty.states(T)["count"] == ("tripped", "count_over")


def test_a_retraction_that_was_not_known_yet_takes_nothing(thirty: World) -> None:
    first = thirty.load(whole(), *failures("c", 51, at("03:05")))
    thirty.load(retraction("c"))
    assert thirty.states(T, known=first)["count"] == ("tripped", "count_over")


def test_a_run_latches_its_trip_and_forgets_what_came_before_it(thirty: World) -> None:
    thirty.load(
        collection("c", "rt", at("00:00"), at("06:00")),
        *failures("c", 51, at("03:05")),
        *failures("c", 60, at("02:00"), tag="old"),
    )
    signal = thirty.judge(at("05:30"), scope=at("03:00")).signals[0]
    assert (signal.state, signal.now_state) == ("tripped", "ok")
    assert signal.first_trip_ms == at("03:05") + 50 * 10_000 + 1
    assert thirty.judge(at("05:30"), scope=at("04:00")).signals[0].state == "ok"


def test_a_run_shorter_than_the_window_is_window_short(thirty: World) -> None:
    thirty.load(collection("c", "rt", at("03:18"), at("03:28")))
    assert thirty.states(at("03:28"), scope=at("03:18"))["count"] == ("partial", "window_short")
    assert thirty.states(at("03:28"))["count"] == ("partial", "gap")


def test_every_stream_of_a_condition_must_be_watched(world: World) -> None:
    world.load(whole())
    assert world.states(T)["wide"] == ("no_data", "never_collected")
    world.load(whole("aux", "d"))
    assert world.states(T)["wide"] == ("ok", "below")


@pytest.mark.parametrize(("skew", "state"), [(5_000, ("ok", "below")), (5_001, ("partial", "clock_skew"))])
def test_streams_whose_clocks_differ_too_much_are_not_put_together(
    world: World, skew: int, state: tuple[str, str]
) -> None:
    world.load(whole(), whole("aux", "d", skew=skew))
    assert world.states(T)["wide"] == state


def test_a_burst_is_found_wherever_it_lies_and_not_across_its_slice(world: World) -> None:
    world.load(whole(), match("c", "a", at("03:25")), match("c", "b", at("03:26")), match("c", "c", at("03:27")))
    assert world.states(T)["burst"] == ("ok", "below")
    world.load(whole(name="d"), match("d", "d", at("03:27") - 1))
    assert world.states(T)["burst"] == ("tripped", "burst_over")


def test_a_loop_needs_two_slices_that_do_not_overlap(world: World) -> None:
    pairs = [(0, 20), (59, 70)]
    world.load(
        whole(),
        *[
            match("c", f"{s}{i}", at("03:25") + t * 1000, s)
            for i, pair in enumerate(pairs)
            for s, t in zip(("alpha", "beta"), pair, strict=True)
        ],
    )
    assert world.states(T)["loop"] == ("watch", "one_slice")
    world.load(whole(name="d"), match("d", "x", at("03:27"), "beta"), match("d", "y", at("03:27"), "alpha"))
    assert world.states(T)["loop"] == ("tripped", "loop")


def test_one_failure_that_carries_every_group_is_one_slice(world: World) -> None:
    world.load(whole(), match("c", "a", at("03:25"), group="web"), match("c", "a", at("03:25"), group="cron"))
    assert world.states(T)["loop"] == ("watch", "one_slice")


def test_a_trend_needs_two_rises_all_watched(world: World) -> None:
    tiles = [(at("03:00"), 2), (at("03:10"), 6), (at("03:20"), 14)]
    world.load(whole(), *[m for start, n in tiles for m in failures("c", n, start + 1000, 1000, tag=f"t{start}")])
    assert world.states(T)["trend"] == ("tripped", "trend_up")
    assert world.judge(T).signals[2].conditions[0].detail["counts"] == [2, 6, 14]
    world.load(retraction("c"))
    world.load(
        collection("d", "rt", at("03:00") + 1, at("04:00")),
        *[m for start, n in tiles for m in failures("d", n, start + 1000, 1000, tag=f"t{start}")],
    )
    assert world.states(T)["trend"] == ("partial", "gap")


def test_a_queue_that_only_grows_trips_and_one_drain_clears_it(world: World) -> None:
    world.load(whole("pg"), *[snapshot("c", at("03:20") + i * 2 * MINUTE, 1 + i) for i in range(6)])
    assert world.states(T + 1)["queue"] == ("tripped", "queue_growth")
    world.load(whole("pg", "d"), snapshot("d", at("03:29"), 1))
    assert world.states(T + 1)["queue"] == ("ok", "below")


def test_two_snapshots_alone_prove_nothing(world: World) -> None:
    world.load(whole("pg"), snapshot("c", at("03:20"), 1), snapshot("c", T, 400))
    assert world.states(T + 1)["queue"] == ("partial", "gap")


def test_a_queue_that_empties_by_failing_is_watched(world: World) -> None:
    world.load(whole("pg"), *[snapshot("c", at("03:20") + i * 2 * MINUTE, 20 - i, failed=i) for i in range(6)])
    assert world.states(T + 1)["queue"] == ("watch", "draining_by_failure")


@pytest.mark.parametrize(
    ("total", "bad", "state"),
    [
        (10, 2, ("watch", "approaching")),
        (10, 3, ("tripped", "ratio_over")),
        (3, 3, ("watch", "small_sample")),
        (4, 1, ("watch", "small_sample")),
        (0, 0, ("no_data", "zero_denominator")),
        (9, 0, ("ok", "below")),
    ],
)
def test_a_ratio_trips_over_its_percent_with_its_floors(
    world: World, total: int, bad: int, state: tuple[str, str]
) -> None:
    world.load(whole("pg"), run_count("c", at("03:25"), total, bad))
    assert world.states(T)["ratio"] == state


def test_a_minute_collected_twice_is_taken_from_the_later_collection(world: World) -> None:
    world.load(
        collection("a", "pg", at("03:00"), T, collected=T),
        collection("b", "pg", at("03:00"), T, collected=T + 1),
        run_count("b", at("03:25"), 10, 0),
        run_count("a", at("03:25"), 10, 9),
    )
    assert world.states(T)["ratio"] == ("ok", "below")


def test_a_cut_collection_never_overrules_a_sound_minute(world: World) -> None:
    world.load(
        collection("a", "pg", at("03:00"), T, collected=T),
        collection("b", "pg", at("03:00"), T, collected=T + 1, status="truncated"),
        run_count("a", at("03:25"), 10, 9),
        run_count("b", at("03:25"), 10, 0),
    )
    assert world.states(T)["ratio"] == ("tripped", "ratio_over")


def test_an_unexpected_probe_is_watched_and_a_later_success_does_not_erase_it(world: World) -> None:
    world.load(
        whole("routes"),
        probe("c", at("03:22"), "/a", 0),
        probe("c", at("03:23"), "/a", 200),
        probe("c", at("03:22"), "/b", 401),
    )
    assert world.states(T)["probe"] == ("watch", "probe_failed")
    assert world.judge(T).signals[7].conditions[0].detail == {"bad": ["/a"], "missing": []}


def test_a_body_that_says_failed_outweighs_a_status_of_200(world: World) -> None:
    world.load(
        whole("routes"), probe("c", at("03:22"), "/a", 200, outcome="failed"), probe("c", at("03:22"), "/b", 200)
    )
    assert world.states(T)["probe"] == ("watch", "probe_failed")


def test_a_route_that_nobody_probed_is_partial(world: World) -> None:
    world.load(whole("routes"), probe("c", at("03:22"), "/a", 200))
    assert world.states(T)["probe"] == ("partial", "routes_missing")


def test_a_level_trips_when_it_stays_beyond_its_limit(world: World) -> None:
    world.load(whole("gauges"), *[gauge("c", at("03:26") + i * MINUTE, 10.5) for i in range(4)])
    assert world.states(T)["level"] == ("tripped", "level_over")
    world.load(whole("gauges", "d"), gauge("d", at("03:28") + 1, 10))
    assert world.states(T)["level"] == ("watch", "approaching")


def test_live_questions_are_judged_at_the_frontier_and_turn_stale_by_themselves(thirty: World) -> None:
    thirty.load(collection("c", "rt", at("02:00"), T))
    assert thirty.states(T + 4 * MINUTE, live=True)["count"] == ("ok", "below")
    assert thirty.states(T + 4 * MINUTE)["count"] == ("partial", "gap")
    assert thirty.states(T + 5 * MINUTE + 1, live=True)["count"] == ("stale", "frontier_lag")


def test_live_trips_count_what_came_after_the_frontier(thirty: World) -> None:
    thirty.load(collection("c", "rt", at("02:00"), at("03:20")), *failures("c", 51, at("03:15")))
    assert thirty.states(at("03:24"), live=True)["count"] == ("tripped", "count_over")


def test_a_signature_that_was_not_looked_for_is_no_data(thirty: World) -> None:
    thirty.load({**whole(), "signatures": ["beta"]})
    assert thirty.states(T)["count"] == ("no_data", "not_looked_for")


def test_a_form_that_cannot_show_a_signature_is_no_data(thirty: World) -> None:
    sha256 = next(s.sha256 for s in thirty.runbook.signatures if s.id == "alpha")
    searched = {"signature": "alpha", "sha256": sha256, "can_prove": 0, "why": "no statuses", "delay_ms": 0}
    thirty.load({**whole(), "looked_for": [searched]})
    assert thirty.states(T)["count"] == ("no_data", "cannot_prove")


def test_a_delay_shortens_coverage_of_forms_that_stamp_the_start(thirty: World) -> None:
    sha256 = next(s.sha256 for s in thirty.runbook.signatures if s.id == "alpha")
    searched = {"signature": "alpha", "sha256": sha256, "can_prove": 1, "why": "", "delay_ms": 60_000}
    thirty.load({**collection("c", "rt", at("03:00"), at("04:00")), "looked_for": [searched]})
    assert thirty.judge(T).signals[0].conditions[0].covered_ms == 29 * MINUTE


def test_records_of_unknown_status_keep_a_count_from_being_ok(tmp_path: Path) -> None:
    world = World(tmp_path / "case.db", runbook_text({"count": 'kind = "count"\nsignatures = ["alpha"]\nover = 2'}))
    world.load(whole(), *[match("c", f"k{i}", at("03:25"), certain=0) for i in range(3)])
    assert world.states(T)["count"] == ("partial", "unknown_status")


def test_an_open_collection_counts_as_its_coverage_says(thirty: World) -> None:
    thirty.load(whole(status="open"))
    assert thirty.states(T)["count"] == ("ok", "below")


def test_a_trial_moves_a_limit_in_memory_only(thirty: World) -> None:
    thirty.load(whole(), *failures("c", 45, at("03:05")))
    with Case.open(thirty.path) as case:
        question = question_at(case.read(), as_of_ms=T, live=False)
        assert judge(case.read(), question, Trial(">", 40, ("count",))).worst == "tripped"
        assert judge(case.read(), question).worst == "watch"
        with pytest.raises(BadInput):
            judge(case.read(), question, Trial(">=", 40, ("count",)))


def test_questions_about_unknown_knowledge_are_refused(thirty: World) -> None:
    with Case.open(thirty.path) as case, pytest.raises(BadInput, match="transactions 1 to 1"):
        question_at(case.read(), as_of_ms=T, live=False, known_seq=9)


def test_a_plain_sqlite_reader_sees_the_same_states_at_the_end_of_the_evidence(world: World) -> None:
    world.load(
        whole(), whole("pg", "p"), whole("routes", "r"), whole("gauges", "g"), *failures("c", 7, at("03:52"), 1000),
        *[snapshot("p", at("03:40") + i * 2 * MINUTE, i * 3) for i in range(10)], run_count("p", at("03:55"), 8, 3),
        probe("r", at("03:59"), "/a", 200), gauge("g", at("03:59"), 12),
    )  # fmt: skip
    plain = sqlite3.connect(f"file:{world.path}?mode=ro", uri=True)
    stored = plain.execute(
        "SELECT signal, state, reason, now_state, first_trip_ms FROM signal_state ORDER BY position"
    ).fetchall()
    conditions = plain.execute(
        "SELECT state, reason, level, coverage, covered_ms FROM condition_state ORDER BY definition"
    ).fetchall()
    plain.close()
    with Case.open(world.path) as case:
        asked = judge(case.read(), frontier_question(case.read()))
    assert stored == [(s.id, s.state, s.reason, s.now_state, s.first_trip_ms) for s in asked.signals]
    assert conditions == [
        (c.state, c.reason, c.level, c.coverage, c.covered_ms) for s in asked.signals for c in s.conditions
    ]


def test_every_view_can_be_selected_from(world: World) -> None:
    with Case.open(world.path) as case:
        for name, _ in view_statements():
            case.read().execute(f'SELECT * FROM "{name}"').fetchall()


def test_no_view_holds_a_limit_or_reads_the_clock() -> None:
    for name, text in view_statements():
        for word in ("'now'", "CURRENT_TIMESTAMP", "unixepoch()", "1800000", "300000"):
            assert word not in text, (name, word)


@pytest.mark.parametrize("analyzed", [False, True])
def test_no_plan_scans_a_table_of_evidence(world: World, analyzed: bool) -> None:
    tables = {
        "log_match",
        "coverage",
        "collection",
        "collection_end",
        "looked_for",
        "snapshot",
        "run_count",
        "probe",
        "gauge",
        "traffic",
    }
    world.load(*[row for i in range(60) for stream in STREAMS for row in _busy(stream, i)])
    db = sqlite3.connect(world.path)
    if analyzed:
        db.execute("ANALYZE")
    db.execute("CREATE TEMP TABLE asked AS SELECT * FROM main.asked")
    for name, text in view_texts(db):
        aliases = _aliases(text, tables)
        for *_, step in db.execute(f"EXPLAIN QUERY PLAN {text}").fetchall():
            if step.startswith(("SCAN", "BLOOM FILTER ON")):
                scanned = step.split()[1] if step.startswith("SCAN") else step.split()[3]
                assert scanned not in aliases, (name, step)
        db.execute(f'CREATE TEMP TABLE "{name}" AS {text}')
    db.close()


def _busy(stream: str, number: int) -> list[dict]:
    name, moment = f"{stream}{number}", at("02:30") + number * MINUTE
    rows = {
        "rt": [match(name, f"k{number}-{i}", moment + i, ("alpha", "beta")[i % 2]) for i in range(5)],
        "aux": [match(name, f"x{number}", moment)],
        "pg": [snapshot(name, moment, number), run_count(name, moment, 5, 1)],
        "routes": [probe(name, moment, "/a", 200), probe(name, moment, "/b", 200)],
        "gauges": [gauge(name, moment, number)],
    }
    return [collection(name, stream, moment, moment + MINUTE), *rows[stream]]


def _aliases(text: str, tables: set[str]) -> set[str]:
    import re

    found = set(re.findall(r"\b(?:FROM|JOIN) (\w+) (\w+)", text))
    return {alias for table, alias in found if table in tables} | tables


def test_a_level_trips_exactly_when_it_has_lasted(world: World) -> None:
    readings = [gauge("c", at("03:27") + offset, 11) for offset in (0, 2 * MINUTE, 3 * MINUTE)]
    world.load(whole("gauges"), *readings[:2], gauge("c", at("03:30") - 1, 11))
    assert world.states(T + 1)["level"] == ("watch", "approaching")
    world.load(whole("gauges", "d"), {**readings[2], "collection": "d"})
    assert world.states(T + 1)["level"] == ("tripped", "level_over")
    assert world.judge(T + 1, scope=at("03:00")).signals[8].first_trip_ms == T + 1


@pytest.mark.parametrize(("age", "state"), [(4 * MINUTE, "tripped"), (4 * MINUTE + 1, "stale")])
def test_a_queue_whose_newest_reading_is_older_than_its_gap_is_stale(world: World, age: int, state: str) -> None:
    world.load(whole("pg"), *[snapshot("c", at("03:20") + i * 2 * MINUTE, 1 + i) for i in range(6)])
    assert world.states(T + age)["queue"][0] == state


@pytest.mark.parametrize(("depth", "state"), [(5, "tripped"), (4, "watch")])
def test_a_queue_trips_at_its_least_growth_and_not_one_below(world: World, depth: int, state: str) -> None:
    depths = [1, 1, 1, 1, 1, depth]
    world.load(whole("pg"), *[snapshot("c", at("03:20") + i * 2 * MINUTE, depths[i]) for i in range(6)])
    assert world.states(T + 1)["queue"][0] == state


@pytest.mark.parametrize(("newest", "state"), [(6, "tripped"), (5, "ok")])
def test_a_trend_trips_at_the_very_edge_of_significance(tmp_path: Path, newest: int, state: str) -> None:
    body = 'kind = "trend"\nsignatures = ["alpha"]\nrises = 1\nfloor = 5\nz2 = 2'
    world = World(tmp_path / "case.db", runbook_text({"trend": body}))
    world.load(
        whole(), *failures("c", 2, at("03:10"), 1000, tag="a"), *failures("c", newest, at("03:20"), 1000, tag="b")
    )
    assert world.states(T)["trend"][0] == state


def test_a_live_question_is_still_fresh_at_exactly_stale_after(thirty: World) -> None:
    thirty.load(collection("c", "rt", at("02:00"), T))
    assert thirty.states(T + 5 * MINUTE, live=True)["count"] == ("ok", "below")


@pytest.mark.parametrize(("number", "state"), [(2, "watch"), (3, "tripped")])
def test_a_loop_trips_at_as_many_slices_as_its_limit_says(tmp_path: Path, number: int, state: str) -> None:
    body = 'kind = "loop"\ngroups = ["web", "cron"]\nslice = "1m"\nat_least = 3'
    world = World(tmp_path / "case.db", runbook_text({"loop": body}))
    moments = [at("03:22") + i * 2 * MINUTE for i in range(number)]
    world.load(whole(), *[match("c", f"{s}{m}", m, s) for m in moments for s in ("alpha", "beta")])
    assert world.states(T)["loop"][0] == state
    latched = world.judge(T, scope=at("03:00")).signals[0].first_trip_ms
    assert latched == (moments[-1] + 1 if state == "tripped" else None)


@pytest.mark.parametrize(("covered", "state"), [(5 * MINUTE, "tripped"), (5 * MINUTE - 1, "partial")])
def test_a_ratio_needs_half_of_its_window_watched(world: World, covered: int, state: str) -> None:
    world.load(collection("c", "pg", T - covered, T), run_count("c", at("03:26"), 10, 9))
    assert world.states(T)["ratio"][0] == state


@pytest.mark.parametrize("status", ["failed", "truncated"])
def test_what_a_collection_watched_before_it_ended_badly_counts_for_nothing(thirty: World, status: str) -> None:
    span = ["2026-02-18T00:00:00Z", "2026-02-18T04:00:00Z", "2026-02-18T04:00:00Z"]
    thirty.load({**whole(status=status), "coverage": [span]})
    assert thirty.states(T)["count"] == ("no_data", "collector_failed")


def test_a_retraction_in_the_newest_transaction_is_known(thirty: World) -> None:
    thirty.load(whole(name="a"))
    last = thirty.load(retraction("a"), whole(name="b", status="failed"))
    assert thirty.states(T, known=last)["count"] == ("no_data", "collector_failed")
    assert thirty.states(T, known=last - 1)["count"] == ("ok", "below")


def _quiet(times: list[int], *, limit: int, slice_ms: int, start: int) -> bool:
    """Whether fewer than 80 percent of the limit lie in every slice of the window that begins here; any at all for a limit of one."""
    inside = [at for at in times if at >= start]
    most = max((sum(at <= other < at + slice_ms for other in inside) for at in inside), default=0)
    return most == 0 or most * 100 < limit * 80


@pytest.mark.parametrize("seed", range(12))
def test_earliest_ok_is_the_first_instant_without_a_crowd_if_nothing_more_happens(tmp_path: Path, seed: int) -> None:
    """Counted anew for every instant at which a failure leaves the window: that is all that can make it quiet."""
    rng = random.Random(seed)
    limit, span = rng.choice([1, 4, 9]), rng.choice([2 * MINUTE, 10 * MINUTE])
    kind = 'kind = "burst"\nslice = "2m"' if span == 2 * MINUTE else 'kind = "count"'
    world = World(tmp_path / "c.db", runbook_text({"s": f'{kind}\nsignatures = ["alpha"]\nat_least = {limit}'}))
    times = sorted(T - 1 - rng.randrange(10 * 60) * 1000 for _ in range(rng.randrange(1, 30)))
    world.load(whole(), *(match("c", f"k{i}", instant) for i, instant in enumerate(times)))
    leaving = [T, *(instant + 10 * MINUTE + 1 for instant in times)]
    wanted = min(now for now in leaving if _quiet(times, limit=limit, slice_ms=span, start=now - 10 * MINUTE))
    (signal,) = world.judge(T).signals
    assert signal.earliest_ok_ms == wanted
