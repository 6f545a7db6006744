"""Edges of the verdict's evidence: each of these is one comparison that must not slip by one."""

from __future__ import annotations

import pytest

from store import evidence
from store.instants import MINUTE_MS
from tests.store.verdict_world import BASELINE, POSTFIX, Span, World, at, count, improved_world, row, rule, runbook_text

TARGET = 'role = "target"'
CONFIRMED = ("confirmed", "all_targets_improved")


def targets(*names: str, role: str = "target") -> str:
    """A runbook that counts so many signatures of one role on one stream."""
    return runbook_text(dict.fromkeys(names, f'role = "{role}"'), {"one": ("logs", count(*names))})


def filled(text: str, numbers: dict[str, tuple[int, int]], per_minute: tuple[int, int] = (10, 10)) -> World:
    """Both windows watched, with failures and traffic."""
    world = World(text)
    for side, span in enumerate((BASELINE, POSTFIX)):
        collection = world.collect("logs", span)
        world.traffic(collection, span, per_minute[side])
        for name, pair in numbers.items():
            world.fail(collection, name, pair[side], span[0])
    return world


# Families of tests --------------------------------------------------------------------------------------------------------------


def test_two_targets_that_each_stand_alone_do_not_stand_together() -> None:
    alone = filled(targets("a"), {"a": (5, 0)})
    assert rule(alone.judge()) == CONFIRMED
    together = filled(targets("a", "b"), {"a": (5, 0), "b": (5, 0)})
    assert [s.verdict_class for s in together.judge().signatures] == ["unresolved", "unresolved"]
    assert [s.holm_improved for s in together.judge().signatures] == pytest.approx([0.0625, 0.0625])


def test_two_guards_that_each_stand_alone_do_not_stand_together() -> None:
    alone = filled(targets("a", role="guard"), {"a": (0, 5)})
    assert rule(alone.judge()) == ("rejected", "regression")
    assert row(alone.judge(), "a").holm_regressed == pytest.approx(0.03125)
    assert rule(filled(targets("a", role="guard"), {"a": (0, 4)}).judge()) == ("inconclusive", "no_targets")
    together = filled(targets("a", "b", role="guard"), {"a": (0, 5), "b": (0, 5)}).judge()
    assert [s.verdict_class for s in together.signatures] == ["no_regression_seen", "no_regression_seen"]


def test_a_target_that_was_not_covered_takes_no_place_in_the_family() -> None:
    text = runbook_text({"a": TARGET, "b": TARGET}, {"one": ("logs", count("a")), "two": ("other", count("b"))})
    compared = row(filled(text, {"a": (5, 0)}).judge(), "a")
    assert (compared.verdict_class, compared.holm_rank, compared.holm_size) == ("improved", 1, 1)


# Windows ------------------------------------------------------------------------------------------------------------------------


def test_a_postfix_window_that_ends_where_the_baseline_begins_does_not_overlap() -> None:
    before: Span = (2 * BASELINE[0] - BASELINE[1], BASELINE[0])
    assert improved_world().judge(postfix=before).unmatched is None
    assert improved_world().judge(postfix=(before[0] + 1, before[1] + 1)).unmatched == "windows_overlap"


@pytest.mark.parametrize("side", [0, 1])
def test_a_collection_that_only_touches_a_window_has_not_looked_into_it(side: int) -> None:
    world = improved_world()
    start, end = (BASELINE, POSTFIX)[side]
    for span in ((start - MINUTE_MS, start), (end, end + MINUTE_MS)):
        world.collect("logs", span, texts={"target": "older"})
    assert rule(world.judge()) == CONFIRMED


def half_searched() -> World:
    """A postfix window that was searched for the text of now, and a baseline that nobody looked into yet."""
    world = World(targets("target"))
    world.traffic(world.collect("logs", POSTFIX), POSTFIX, 10)
    return world


@pytest.mark.parametrize(("shift", "reason"), [(0, "baseline_empty"), (1, "signature_set_differs")])
@pytest.mark.parametrize("status", ["failed", "ok"])
def test_another_text_counts_from_the_first_millisecond_inside(shift: int, reason: str, status: str) -> None:
    world = half_searched()
    span = (BASELINE[0] - MINUTE_MS, BASELINE[0] + shift)
    world.collect("logs", span, status=status, texts={"target": "older"})
    assert rule(world.judge()) == ("inconclusive", reason)
    other = half_searched()
    span = (BASELINE[1] - shift, BASELINE[1] + MINUTE_MS)
    other.collect("logs", span, status=status, texts={"target": "older"})
    assert rule(other.judge()) == ("inconclusive", reason)


def test_a_capture_without_declared_ends_has_looked_where_it_covers() -> None:
    world = half_searched()
    collection = world.add(evidence.Collection("logs", "live", None, None, BASELINE[1]))
    world.add(evidence.Coverage(collection, "logs", *BASELINE, BASELINE[1]), together=True)
    world.add(evidence.LookedFor(collection, "target", "older"), together=True)
    assert rule(world.judge()) == ("inconclusive", "signature_set_differs")


def test_a_withdrawn_search_for_another_text_was_none() -> None:
    world = half_searched()
    world.retract(world.collect("logs", BASELINE, texts={"target": "older"}))
    assert rule(world.judge()) == ("inconclusive", "baseline_empty")


def test_another_stream_is_no_search_of_this_one() -> None:
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}, streams=["other"]))
    for span, number in ((BASELINE, 60), (POSTFIX, 2)):
        collection = world.collect("logs", span)
        world.fail(collection, "target", number, span[0])
        world.traffic(collection, span, 100)
    world.collect("other", POSTFIX, texts={"target": "older"})
    assert rule(world.judge()) == CONFIRMED


# Failures -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sightings", "minute"),
    [
        ((("03:09", 1), ("03:12", 1)), "03:09"),
        ((("03:12", 1), ("03:09", 1)), "03:09"),
        ((("03:09", 0), ("03:12", 1)), "03:12"),
        ((("03:12", 0), ("03:09", 1)), "03:09"),
    ],
)
def test_a_failure_lies_in_the_minute_of_its_earliest_sure_sighting(
    sightings: tuple[tuple[str, int], ...], minute: str
) -> None:
    world = improved_world(before=0, after=0)
    for instant, certain in sightings:
        world.match(1, "target", at(instant), key="same", certain=certain)
    # Another failure of that very minute adds no bad minute; one of another minute would.
    world.match(1, "target", at(minute) + 30_000)
    found = row(world.judge(), "target").baseline
    assert (found.count, found.unsure, found.bad_minutes) == (2, 0, 1)


@pytest.mark.parametrize("order", [("04:09", "04:12"), ("04:12", "04:09")])
def test_an_unsure_failure_lies_in_the_minute_of_its_earliest_sighting(order: tuple[str, str]) -> None:
    world = improved_world(before=10, after=0)
    for instant in order:
        world.match(2, "target", at(instant), key="same", certain=0)
    world.match(2, "target", at("04:09:30"), certain=0)
    assert row(world.judge(), "target").p_improved_minutes == pytest.approx(sum((1, 11)) / 2**11)


def test_unsure_records_of_one_minute_are_one_unsure_minute() -> None:
    world = improved_world(before=10, after=0)
    for second in range(5):
        world.match(2, "target", POSTFIX[0] + second * 1000, certain=0)
    compared = row(world.judge(), "target")
    assert compared.p_improved_minutes == pytest.approx(sum((1, 11)) / 2**11)
    assert compared.p_improved == pytest.approx(0.15087890625)


def test_an_earlier_sighting_that_was_withdrawn_was_none() -> None:
    world = improved_world(before=0, after=0)
    wrong = world.collect("logs", (BASELINE[0] - MINUTE_MS, BASELINE[0]))
    other = world.collect("logs", (BASELINE[0] - MINUTE_MS, BASELINE[0]))
    world.match(wrong, "target", BASELINE[0] - 1, key="same")
    world.match(1, "target", BASELINE[0] + 1, key="same")
    assert row(world.judge(), "target").baseline.count == 0
    world.retract(wrong)
    assert row(world.judge(), "target").baseline.count == 1
    world.match(other, "target", BASELINE[0] - 1, key="same")
    assert row(world.judge(), "target").baseline.count == 0


@pytest.mark.parametrize(("earlier", "later", "counted"), [(0, 1, 1), (0, 0, 0), (1, 0, 0), (1, 1, 0)])
def test_an_earlier_unsure_sighting_does_not_take_a_sure_failure_away(earlier: int, later: int, counted: int) -> None:
    world = improved_world(before=0, after=0)
    world.match(1, "target", BASELINE[0] - 1, key="same", certain=earlier)
    world.match(1, "target", BASELINE[0] + 1, key="same", certain=later)
    found = row(world.judge(), "target").baseline
    assert (found.count, found.unsure) == (counted, 0)


def test_a_collection_that_ended_badly_stops_covering_with_its_end() -> None:
    world = World(targets("target"))
    before = world.collect("logs", BASELINE)
    world.fail(before, "target", 60, BASELINE[0])
    world.traffic(before, BASELINE, 10)
    live = world.collect("logs", POSTFIX, status=None)
    world.traffic(live, POSTFIX, 10)
    open_still = world.seq
    world.add(evidence.CollectionEnd(live, "truncated", "", POSTFIX[1]))
    assert rule(world.judge(known=open_still)) == CONFIRMED
    assert rule(world.judge()) == ("inconclusive", "coverage")


# Traffic ------------------------------------------------------------------------------------------------------------------------


def test_several_signatures_of_a_stream_do_not_multiply_its_requests() -> None:
    world = filled(targets("a", "b", "c"), {"a": (1, 1)})
    assert {s.baseline.requests for s in world.judge().signatures} == {300}


def test_traffic_is_known_only_as_far_as_all_of_it_has_settled() -> None:
    slow = 'window = "30m"\n[[trip]]\nkind = "count"\nsignatures = ["target"]\nover = 9\nsettle = "60s"'
    signals = {"slow": ("logs", slow), "other": ("logs", count("guard"))}
    world = World(runbook_text({"target": TARGET, "guard": TARGET}, signals))
    for span in (BASELINE, POSTFIX):
        world.traffic(world.collect("logs", span), span, 10)
    assert [s.traffic_known for s in world.judge().signatures] == [False, False]


def test_a_growing_capture_counts_its_requests_as_far_as_it_grew() -> None:
    world = World(targets("target"))
    for span in (BASELINE, POSTFIX):
        collection = world.collect("logs", (span[0], span[0] + 1), status=None)
        for to in (900_000, 1_800_000):
            world.add(evidence.Coverage(collection, "logs", span[0], span[0] + to, span[0] + to))
        world.traffic(collection, span, 10)
    assert row(world.judge(), "target").postfix.requests == 300


@pytest.mark.parametrize(("minute", "counts"), [(-1, False), (0, True), (29, True), (30, False)])
def test_a_row_of_traffic_beside_the_capture_is_no_counting_of_it(minute: int, counts: bool) -> None:
    world = World(targets("target"))
    for span in (BASELINE, POSTFIX):
        collection = world.collect("logs", span)
        world.add(evidence.Traffic(collection, "logs", span[0] + minute * MINUTE_MS, "/", 7))
    compared = row(world.judge(), "target")
    assert compared.traffic_known is counts
    assert compared.postfix.requests == (7 if counts else None)


def pieces_of_a_minute(*pieces: tuple[int, int, int], collected: tuple[int, ...] = ()) -> int:
    """Requests of the second minute of the baseline, told by collections (from, to, requests); all other minutes are empty."""
    world = World(targets("target"))
    world.traffic(world.collect("logs", POSTFIX), POSTFIX, 10)
    minute = BASELINE[0] + MINUTE_MS
    for span in ((BASELINE[0], minute), (minute + MINUTE_MS, BASELINE[1])):
        world.traffic(world.collect("logs", span), span, 0)
    for number, (start, end, requests) in enumerate(pieces):
        when = collected[number] if collected else 0
        collection = world.collect("logs", (minute + start, minute + end), collected=BASELINE[1] + when)
        world.add(evidence.Traffic(collection, "logs", minute, "/", requests))
    found = row(world.judge(), "target").baseline.requests
    assert found is not None
    return found


def test_the_whole_minute_beats_its_pieces_and_pieces_add_up_unless_they_overlap() -> None:
    assert pieces_of_a_minute((0, 60_000, 50)) == 50
    assert pieces_of_a_minute((0, 60_000, 50), (10_000, 60_000, 80)) == 50
    assert pieces_of_a_minute((10_000, 60_000, 80), (-5_000, 65_000, 50)) == 50
    assert pieces_of_a_minute((0, 20_000, 30), (20_000, 60_000, 40)) == 70
    assert pieces_of_a_minute((0, 20_001, 30), (20_000, 60_000, 40)) == 40
    assert pieces_of_a_minute((0, 20_000, 30), (20_000, 60_000, 40), (60_000, 90_000, 5), (-30_000, 0, 5)) == 70


def test_of_several_that_saw_the_same_part_the_one_collected_last_counts() -> None:
    assert pieces_of_a_minute((0, 60_000, 80), (0, 60_000, 50), collected=(1, 2)) == 50
    assert pieces_of_a_minute((0, 60_000, 50), (0, 60_000, 80), collected=(2, 1)) == 50
    assert pieces_of_a_minute((0, 60_000, 50), (0, 60_000, 80)) == 80
    assert pieces_of_a_minute((0, 60_000, 80), (0, 60_000, 50)) == 80
    assert pieces_of_a_minute((0, 20_000, 30), (0, 20_000, 30), (20_000, 60_000, 40)) == 70


def test_failures_without_requests_in_one_window_make_the_traffic_of_both_doubtful() -> None:
    world = filled(targets("target"), {"target": (60, 0)}, per_minute=(0, 10))
    verdict = world.judge()
    assert (row(verdict, "target").baseline.requests, row(verdict, "target").postfix.requests) == (None, None)
    assert rule(verdict) == ("partially_confirmed", "traffic_unknown")


def test_no_request_at_all_in_either_window_exercises_nothing() -> None:
    compared = row(filled(targets("target"), {}, per_minute=(0, 0)).judge(), "target")
    assert (compared.verdict_class, compared.p_improved, compared.p_regressed) == ("not_exercised", 1.0, 1.0)
