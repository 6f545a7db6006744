"""What the verdict rests on: coverage to the millisecond, failures counted once, traffic as exposure, one text of each signature."""

from __future__ import annotations

import pytest

from store import evidence
from store.instants import MINUTE_MS
from store.verdict import Verdict
from tests.store.verdict_world import BASELINE, POSTFIX, World, at, count, improved_world, row, rule, runbook_text

TARGET = 'role = "target"'
CONFIRMED = ("confirmed", "all_targets_improved")


def only(verdict: Verdict) -> str:
    """The class of the only signature."""
    (signature,) = verdict.signatures
    return signature.verdict_class


# Coverage -----------------------------------------------------------------------------------------------------------------------


def half_watched(**late: object) -> World:
    """A world like the improved one whose postfix window is watched by one collection with something odd about it."""
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}))
    before = world.collect("logs", BASELINE)
    world.fail(before, "target", 60, BASELINE[0])
    world.traffic(before, BASELINE, 100)
    after = world.collect("logs", POSTFIX, **late)  # type: ignore[arg-type]
    world.traffic(after, POSTFIX, 100)
    return world


def test_a_window_watched_to_the_millisecond_is_covered() -> None:
    assert rule(half_watched().judge()) == CONFIRMED


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "failed"},
        {"status": "truncated"},
        {"can_prove": 0},
        {"delay_ms": 1},
        {"looks": ()},
        {"collected": POSTFIX[1] - 1},
    ],
    ids=["failed", "truncated", "cannot prove", "begins late", "not looked for", "collected early"],
)
def test_what_could_not_be_seen_is_never_confirmed(odd: dict[str, object]) -> None:
    verdict = half_watched(**odd).judge()
    assert only(verdict) == "unknown"
    assert rule(verdict)[0] == "inconclusive"
    assert verdict.next.action in ("restore_collection_and_reverify", "collect_matched_window")


def test_a_collection_that_is_still_open_covers_what_it_says() -> None:
    assert rule(half_watched(status=None).judge()) == CONFIRMED


def test_a_settle_time_shortens_what_is_covered() -> None:
    world = improved_world(settle="60s")
    assert only(world.judge()) == "unknown"
    for span in (BASELINE, POSTFIX):
        again = world.collect("logs", span, collected=span[1] + 60_000)
        world.traffic(again, span, 100)
    assert rule(world.judge()) == CONFIRMED


def test_the_longest_settle_time_among_the_conditions_of_a_signature_holds() -> None:
    slow = 'window = "30m"\n[[trip]]\nkind = "count"\nsignatures = ["target"]\nover = 9\nsettle = "60s"'
    signals = {"one": ("logs", count("target")), "slow": ("logs", slow), "other": ("logs", count("guard"))}
    world = World(runbook_text({"target": TARGET, "guard": ""}, signals))
    for span in (BASELINE, POSTFIX):
        world.collect("logs", span, collected=span[1] + 59_999)
    verdict = world.judge()
    assert row(verdict, "target").postfix.covered_ms == 1_799_999
    assert row(verdict, "guard").postfix.covered


def test_a_growing_capture_covers_as_far_as_it_grew_and_settled() -> None:
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}, settle="60s"))
    for span in (BASELINE, POSTFIX):
        collection = world.collect("logs", (span[0], span[0] + 1), status=None)
        for to, collected in ((900_000, 900_000), (1_860_000, 1_860_000), (1_800_000, 1_830_000)):
            world.add(evidence.Coverage(collection, "logs", span[0], span[0] + to, span[0] + collected))
        world.traffic(collection, span, 10)
    compared = row(world.judge(), "target")
    assert compared.baseline.covered
    assert compared.postfix.covered
    assert compared.traffic_known


@pytest.mark.parametrize("side", [0, 1])
def test_a_gap_of_one_millisecond_is_a_gap(side: int) -> None:
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}))
    for number, span in enumerate((BASELINE, POSTFIX)):
        middle = span[0] + 600_000
        gap = 1 if number == side else 0
        first, second = world.collect("logs", (span[0], middle)), world.collect("logs", (middle + gap, span[1]))
        world.traffic(first, (span[0], middle), 100)
        world.traffic(second, (middle, span[1]), 100)
        world.fail(first, "target", 0 if number else 60, span[0], minutes=10)
    verdict = world.judge()
    assert only(verdict) == "unknown"
    counted = row(verdict, "target")
    assert (counted.baseline, counted.postfix)[side].covered_ms == 1_799_999
    third = world.collect("logs", ((BASELINE, POSTFIX)[side][0] + 599_000, (BASELINE, POSTFIX)[side][0] + 601_000))
    world.traffic(third, (0, 0), 0)
    assert only(world.judge()) == "improved"


def test_a_signature_on_two_streams_needs_both() -> None:
    signals = {"one": ("a", count("target")), "two": ("b", count("target"))}
    world = World(runbook_text({"target": TARGET}, signals))
    for span, number in ((BASELINE, 60), (POSTFIX, 2)):
        collection = world.collect("a", span)
        world.fail(collection, "target", number, span[0])
        world.traffic(collection, span, 100)
    assert only(world.judge()) == "unknown"
    for span in (BASELINE, POSTFIX):
        world.traffic(world.collect("b", span), span, 50)
    verdict = world.judge()
    assert rule(verdict) == CONFIRMED
    assert row(verdict, "target").postfix.requests == 150 * 30


def test_a_retracted_collection_takes_its_failures_and_its_coverage_along() -> None:
    world = improved_world()
    wrong = world.collect("logs", POSTFIX)
    world.fail(wrong, "target", 70, POSTFIX[0])
    assert rule(world.judge()) == ("inconclusive", "no_significant_change")
    world.retract(wrong)
    assert rule(world.judge()) == CONFIRMED
    world.retract(2)
    assert rule(world.judge()) == ("inconclusive", "coverage")


# Failures -----------------------------------------------------------------------------------------------------------------------


def test_a_failure_seen_twice_counts_once_at_its_earliest_time() -> None:
    world = improved_world(before=0, after=0)
    again = world.collect("logs", (BASELINE[0] - 60_000, POSTFIX[1]))
    for collection, instant in ((1, at("03:10")), (again, at("03:09")), (again, at("03:09:30"))):
        world.match(collection, "target", instant, key="same")
    world.match(1, "target", at("03:00:10"), key="older")
    world.match(again, "target", at("02:59:50"), key="older")
    world.match(1, "target", at("03:29:50"), key="later")
    world.match(2, "target", at("04:00:10"), key="later")
    counted = row(world.judge(), "target")
    assert (counted.baseline.count, counted.postfix.count) == (2, 0)


def test_the_same_key_on_another_stream_is_another_failure() -> None:
    signals = {"one": ("a", count("target")), "two": ("b", count("target"))}
    world = World(runbook_text({"target": TARGET}, signals))
    for stream in ("a", "b"):
        world.match(world.collect(stream, BASELINE), "target", at("03:10"), key="same")
    assert row(world.judge(), "target").baseline.count == 2


def test_bad_minutes_are_distinct_minutes_of_the_clock() -> None:
    world = improved_world(before=0, after=0)
    for text in ("03:10:00.000", "03:10:59.999", "03:11:00.000", "03:12:30.000"):
        world.match(1, "target", at(text))
    counted = row(world.judge(), "target").baseline
    assert (counted.count, counted.bad_minutes) == (4, 3)


def test_records_of_unknown_status_count_where_they_speak_against_the_claim() -> None:
    world = improved_world(before=30, after=0)
    assert rule(world.judge()) == CONFIRMED
    for minute in range(25):
        world.match(2, "target", POSTFIX[0] + minute * MINUTE_MS, certain=0)
    verdict = world.judge()
    counted = row(verdict, "target")
    assert (counted.postfix.count, counted.postfix.unsure, counted.postfix.bad_minutes) == (0, 25, 0)
    assert counted.verdict_class == "unresolved"
    assert counted.rr_high is not None
    assert counted.rr_high > 1
    for minute in range(25):
        world.match(1, "target", BASELINE[0] + minute * MINUTE_MS, certain=0)
    assert only(world.judge()) == "unresolved"


def test_records_of_unknown_status_in_the_baseline_speak_against_a_regression() -> None:
    world = improved_world(before=0, after=9)
    assert rule(world.judge()) == ("rejected", "regression")
    for minute in range(9):
        world.match(1, "target", BASELINE[0] + minute * MINUTE_MS, certain=0)
    assert only(world.judge()) != "regressed"


# Traffic ------------------------------------------------------------------------------------------------------------------------


def with_traffic(
    before: int | None, after: int | None, *, counts: tuple[int, int] = (60, 2), route: str = "/", more: str = TARGET
) -> World:
    """One target with so many requests a minute on a route in each window; None: nobody counted."""
    world = World(runbook_text({"target": more}, {"one": ("logs", count("target"))}))
    for span, number, per_minute in zip((BASELINE, POSTFIX), counts, (before, after), strict=True):
        collection = world.collect("logs", span)
        world.fail(collection, "target", number, span[0])
        if per_minute is not None:
            world.traffic(collection, span, per_minute, route)
    return world


def test_an_outage_is_no_improvement() -> None:
    verdict = with_traffic(100, 0, counts=(60, 0)).judge()
    assert only(verdict) == "not_exercised"
    assert rule(verdict) == ("inconclusive", "no_significant_change")
    assert row(verdict, "target").postfix.requests == 0


def test_half_the_failures_on_half_the_requests_is_no_improvement() -> None:
    verdict = with_traffic(100, 20, counts=(60, 12)).judge()
    assert only(verdict) == "unresolved"
    assert row(verdict, "target").rr == pytest.approx(1.0)


def test_as_many_failures_on_many_more_requests_is_one() -> None:
    verdict = with_traffic(20, 100, counts=(30, 29)).judge()
    assert rule(verdict) == CONFIRMED
    assert row(verdict, "target").rr == pytest.approx(29 / 30 / 5)


@pytest.mark.parametrize(("before", "after"), [(None, 100), (100, None), (None, None)])
def test_unknown_traffic_is_said_and_never_confirmed(before: int | None, after: int | None) -> None:
    verdict = with_traffic(before, after).judge()
    assert rule(verdict) == ("partially_confirmed", "traffic_unknown")
    compared = row(verdict, "target")
    assert not compared.traffic_known
    assert compared.p_improved == pytest.approx(4.2370620900733513e-16)
    assert [item.text for item in verdict.watch_items] == ["target: traffic_unknown"]


def test_no_traffic_at_all_after_is_no_improvement_even_where_it_was_unknown_before() -> None:
    assert only(with_traffic(None, 0, counts=(60, 0)).judge()) == "not_exercised"


def test_failures_where_no_request_was_counted_mean_that_the_traffic_is_unknown() -> None:
    world = with_traffic(100, 100, route="/elsewhere", more=f'{TARGET}\nroute = "/api/x"')
    verdict = world.judge()
    assert row(verdict, "target").baseline.requests is None
    assert rule(verdict) == ("partially_confirmed", "traffic_unknown")


def test_unknown_traffic_of_a_guard_does_not_matter() -> None:
    signals = {"one": ("logs", count("target")), "two": ("other", count("guard"))}
    world = World(runbook_text({"target": TARGET, "guard": ""}, signals))
    for span, number in ((BASELINE, 60), (POSTFIX, 2)):
        collection = world.collect("logs", span)
        world.fail(collection, "target", number, span[0])
        world.traffic(collection, span, 100)
        world.fail(world.collect("other", span), "guard", 3, span[0])
    assert rule(world.judge()) == CONFIRMED


def test_traffic_of_part_of_a_window_is_unknown() -> None:
    world = with_traffic(None, 100)
    half = (BASELINE[0], BASELINE[0] + 900_000)
    world.traffic(world.collect("logs", half), half, 100)
    assert rule(world.judge()) == ("partially_confirmed", "traffic_unknown")
    rest = (half[1], BASELINE[1])
    world.traffic(world.collect("logs", rest), rest, 100)
    assert rule(world.judge()) == CONFIRMED


@pytest.mark.parametrize("status", ["failed", "truncated"])
def test_traffic_of_a_collection_that_did_not_end_well_is_unknown(status: str) -> None:
    world = with_traffic(100, None)
    world.traffic(world.collect("logs", POSTFIX, status=status), POSTFIX, 100)
    assert rule(world.judge()) == ("partially_confirmed", "traffic_unknown")


def test_the_collection_that_was_collected_last_counts_and_overlaps_count_once() -> None:
    world = with_traffic(100, 100)
    again = world.collect("logs", (BASELINE[0], BASELINE[1]), collected=BASELINE[1] + 1)
    world.traffic(again, BASELINE, 110)
    assert row(world.judge(), "target").baseline.requests == 110 * 30
    older = world.collect("logs", (BASELINE[0], BASELINE[1]), collected=BASELINE[1] - 1)
    world.traffic(older, BASELINE, 500)
    assert row(world.judge(), "target").baseline.requests == 110 * 30


def test_pieces_of_a_minute_add_up_and_overlapping_pieces_do_not() -> None:
    world = with_traffic(None, 100)
    cut = BASELINE[0] + 90_000
    for span, in_minute in (((BASELINE[0], cut), 40), ((cut, BASELINE[1]), 60)):
        collection = world.collect("logs", span)
        world.traffic(collection, (span[0], BASELINE[1]) if span[0] == cut else (span[0], BASELINE[0] + 60_000), 100)
        world.add(evidence.Traffic(collection, "logs", BASELINE[0] + 60_000, "/", in_minute))
    assert row(world.judge(), "target").baseline.requests == 100 * 30
    middle = (cut - 10_000, cut + 10_000)
    world.add(evidence.Traffic(world.collect("logs", middle), "logs", BASELINE[0] + 60_000, "/", 30))
    assert row(world.judge(), "target").baseline.requests == 100 * 29 + 60


def test_rows_of_one_collection_add_up() -> None:
    world = with_traffic(100, 100)
    world.traffic(1, BASELINE, 5)
    assert row(world.judge(), "target").baseline.requests == 105 * 30


def test_windows_that_begin_within_a_minute_are_compared_by_rate() -> None:
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}))
    before, after = (at("03:00"), at("03:10")), (at("04:00:40"), at("04:10:40"))
    for span, number in ((before, 30), (after, 30)):
        collection = world.collect("logs", (span[0] - 60_000, span[1] + 60_000))
        world.fail(collection, "target", number, span[0], minutes=9)
        world.traffic(collection, (span[0] - 60_000, span[1] + 60_000), 100)
    compared = row(world.judge(before, after), "target")
    assert (compared.baseline.requests, compared.postfix.requests) == (1000, 900)
    assert compared.rr == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("/api/x", ["/api/x", "/api/x/"], ["/api/xy", "/api", "/api/x/y", "*", "/API/x"]),
        ("/", ["/"], ["/a", "*"]),
        ("/api/*/x", ["/api/a/x", "/api/*/x"], ["/api/x", "/api/a/b/x", "/api//x", "/api/a/x/y"]),
        ("/*/*/c", ["/a/b/c"], ["/a/c", "/a/b/b/c"]),
        ("/api/**", ["/api/a", "/api/a/b", "/api/", "/api/**", "/api/x/*"], ["/api", "/apis/a", "*"]),
        ("/api/*/y/**", ["/api/a/y/z", "/api/a/y/z/z"], ["/api/y/z", "/api/a/b/y/z"]),
        ("/api/*", ["/api/a", "/api/*"], ["/api/**", "/api/a/b", "/api/"]),
        ("/api/[id]", ["/api/[id]"], ["/api/i", "/api/d"]),
    ],
)
def test_a_route_of_the_traffic_belongs_to_whole_path_patterns(
    pattern: str, inside: list[str], outside: list[str]
) -> None:
    for route in (*inside, *outside):
        compared = row(with_traffic(10, 10, counts=(0, 0), route=route, more=f'route = "{pattern}"').judge(), "target")
        assert compared.postfix.requests == (300 if route in inside else 0), route


def test_overlapping_patterns_of_one_signature_count_a_request_once() -> None:
    more = f'{TARGET}\nroutes = ["/api/x", "/api/**", "/api/*"]'
    assert row(with_traffic(10, 10, route="/api/x", more=more).judge(), "target").postfix.requests == 300


def test_a_signature_without_routes_takes_all_traffic_of_its_streams_and_no_other() -> None:
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}, streams=["other"]))
    for span in (BASELINE, POSTFIX):
        collection = world.collect("logs", span)
        for route in ("/a", "/b/*", "*"):
            world.traffic(collection, span, 10, route)
        world.traffic(world.collect("other", span), span, 1000)
    assert row(world.judge(), "target").baseline.requests == 900


def test_numbers_beyond_all_reason_break_nothing() -> None:
    world = with_traffic(1 << 61, 1 << 61)
    assert rule(world.judge()) == CONFIRMED


# One text of each signature -----------------------------------------------------------------------------------------------------


def test_windows_searched_for_different_texts_are_not_compared() -> None:
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}))
    for span, texts in ((BASELINE, {"target": "an older text"}), (POSTFIX, {})):
        collection = world.collect("logs", span, texts=texts)
        world.fail(collection, "target", 0 if texts == {} else 60, span[0])
        world.traffic(collection, span, 100)
    assert rule(world.judge()) == ("inconclusive", "signature_set_differs")
    again = world.collect("logs", BASELINE)
    world.traffic(again, BASELINE, 100)
    assert rule(world.judge()) == CONFIRMED


def test_an_adopted_edition_with_another_text_needs_the_windows_to_be_searched_again() -> None:
    world = improved_world()
    world.adopt(runbook_text({"target": f'{TARGET}\nroute = "/"'}, {"one": ("logs", count("target"))}))
    verdict = world.judge()
    assert rule(verdict) == ("inconclusive", "coverage")
    assert verdict.matched
    for span in (BASELINE, POSTFIX):
        world.traffic(world.collect("logs", span), span, 100)
    assert rule(world.judge()) == CONFIRMED


def test_an_adopted_edition_with_another_limit_only_may_be_compared() -> None:
    world = improved_world()
    world.adopt(runbook_text({"target": TARGET}, {"one": ("logs", count("target", over=500))}))
    assert rule(world.judge()) == CONFIRMED


def test_a_signature_that_only_one_window_was_searched_for_makes_the_sets_differ() -> None:
    world = improved_world()
    world.adopt(runbook_text({"target": TARGET, "guard": ""}, {"one": ("logs", count("target", "guard"))}))
    world.collect("logs", POSTFIX)
    assert rule(world.judge()) == ("inconclusive", "signature_set_differs")


def test_a_window_in_which_nobody_looked_is_a_gap_and_no_other_set() -> None:
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}))
    world.fail(world.collect("logs", POSTFIX), "target", 3, POSTFIX[0])
    verdict = world.judge()
    assert verdict.matched
    assert rule(verdict) == ("inconclusive", "baseline_empty")
