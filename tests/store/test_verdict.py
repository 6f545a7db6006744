"""The verdict: probabilities exact to scipy, every rule in its order, and nothing that is missing turns into confirmed."""

from __future__ import annotations

import random
import sqlite3

import pytest
from scipy.stats import beta, binomtest

from store.schema.views import view_statements
from tests.store.verdict_world import BASELINE, POSTFIX, World, at, count, improved_world, row, rule, runbook_text

VIEWS = {name: statement.split(" AS\n", 1)[1] for name, statement in view_statements()}


def test_two_targets_clearly_down_are_confirmed_with_the_published_numbers() -> None:
    text = runbook_text(
        {"webhook": 'role = "target"', "inbox": 'role = "target"'},
        {"one": ("a", count("webhook")), "two": ("b", count("inbox"))},
    )
    world = World(text)
    for stream, name, counts in (("a", "webhook", ((60, 22), (2, 2))), ("b", "inbox", ((30, 14), (0, 1)))):
        for span, (number, minutes) in zip((BASELINE, POSTFIX), counts, strict=True):
            collection = world.collect(stream, span)
            world.fail(collection, name, number, span[0], minutes=minutes)
            world.traffic(collection, span, 100)
    verdict = world.judge()
    assert rule(verdict) == ("confirmed", "all_targets_improved")
    webhook, inbox = row(verdict, "webhook"), row(verdict, "inbox")
    assert webhook.p_improved == pytest.approx(4.2370620900733513e-16, rel=1e-9)
    assert (webhook.rr, webhook.rr_low, webhook.rr_high) == pytest.approx(
        (0.03333333333333333, 0.005795176987510876, 0.10875031262904877), rel=1e-9
    )
    assert (inbox.p_improved, inbox.rr_low, inbox.rr_high) == pytest.approx(
        (9.313225746154785e-10, 0.0, 0.10501371035275762), rel=1e-9
    )
    assert (webhook.holm_rank, inbox.holm_rank, inbox.holm_size) == (1, 2, 2)
    assert (webhook.baseline.bad_minutes, webhook.postfix.bad_minutes) == (22, 2)
    assert verdict.next.action == "close_phase"
    assert verdict.exit_code == 0


# Probabilities ------------------------------------------------------------------------------------------------------------------


def computed(
    draws: list[tuple[int, int, int, int]],
) -> tuple[dict[tuple[int, str], float], dict[int, tuple[float, float]]]:
    """What the case's own view texts say of draws (n, hits, exposure before, exposure after)."""
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TEMP TABLE verdict_chance AS {VIEWS['verdict_chance']}")
    db.execute(
        "CREATE TEMP TABLE verdict_test (signature, test, b_exposure REAL, p_exposure REAL, hits INTEGER, n INTEGER)"
    )
    for number, (n, hits, before, after) in enumerate(draws):
        for test in ("improved", "regressed"):
            db.execute(
                "INSERT INTO temp.verdict_test VALUES (?, ?, ?, ?, ?, ?)", (number, test, before, after, hits, n)
            )
    tails = {(number, test): p for number, test, p in db.execute(VIEWS["verdict_tail"])}
    return tails, {number: (low, high) for number, low, high in db.execute(VIEWS["verdict_interval"])}


def random_draws(seed: int, number: int) -> list[tuple[int, int, int, int]]:
    """Draws up to n = 20000, near and far from what is likely, at both ends, with equal and unequal exposure."""
    chance = random.Random(seed)
    draws = []
    for _ in range(number):
        n = chance.choice([chance.randint(1, 30), chance.randint(1, 500), chance.randint(1, 20_000)])
        before, after = chance.choice([(1, 1), (chance.randint(1, 10**6), chance.randint(1, 10**6))])
        likely = round(n * after / (before + after) + chance.gauss(0, n**0.5 / 2 + 1))
        draws.append((n, chance.choice([chance.randint(0, n), min(n, max(0, likely)), 0, n]), before, after))
    return draws


@pytest.mark.parametrize("seed", range(4))
def test_tails_and_intervals_agree_with_scipy_over_random_draws(seed: int) -> None:
    draws = random_draws(seed, 60)
    tails, bounds = computed(draws)
    for number, (n, hits, before, after) in enumerate(draws):
        for test, alternative in (("improved", "less"), ("regressed", "greater")):
            expected = binomtest(hits, n, after / (before + after), alternative=alternative).pvalue
            assert tails[number, test] == pytest.approx(expected, rel=1e-7, abs=1e-9), (n, hits, before, after)
        interval = binomtest(hits, n, 0.5).proportion_ci(0.90, "exact")
        low, high = bounds[number]
        assert (low or 0.0, 1.0 if high is None else high) == pytest.approx((interval.low, interval.high), abs=1e-9)
        if hits > 0:
            assert low == pytest.approx(beta.ppf(0.05, hits, n - hits + 1), rel=1e-9)
        if hits < n:
            assert high == pytest.approx(beta.ppf(0.95, hits + 1, n - hits), rel=1e-9)


def test_small_probabilities_keep_their_digits() -> None:
    draws = [(40, 0, 1, 1), (400, 3, 1, 1), (1000, 1000, 1, 1), (900, 0, 1, 1)]
    tails, _ = computed(draws)
    assert tails[0, "improved"] == pytest.approx(0.5**40, rel=1e-12)
    assert tails[1, "improved"] == pytest.approx(binomtest(3, 400, 0.5, alternative="less").pvalue, rel=1e-10)
    assert tails[2, "regressed"] == pytest.approx(0.5**1000, rel=1e-10)
    assert tails[3, "improved"] == pytest.approx(0.5**900, rel=1e-10)


def test_without_a_failure_both_tails_are_one_and_there_are_no_bounds() -> None:
    tails, bounds = computed([(0, 0, 1, 1)])
    assert tails == {(0, "improved"): 1.0, (0, "regressed"): 1.0}
    assert bounds == {}


@pytest.mark.parametrize(("before", "after"), [(0, 5), (5, 0)])
def test_an_exposure_of_zero_on_one_side_divides_nothing_by_zero(before: int, after: int) -> None:
    tails, _ = computed([(8, 8 if after else 0, before, after)])
    assert tails == {(0, "improved"): 1.0, (0, "regressed"): 1.0}


def test_the_interval_agrees_with_the_one_sided_test() -> None:
    for before in range(1, 40):
        for after in range(before + 1):
            tails, bounds = computed([(before + after, after, 1, 1)])
            _, high = bounds[0]
            assert (high is not None and high < 0.5) == (tails[0, "improved"] < 0.05), (before, after)


@pytest.mark.parametrize(("targets", "smallest"), [(1, 5), (3, 6), (6, 7), (10, 8)])
def test_the_smallest_drop_to_zero_that_counts_grows_with_the_number_of_targets(targets: int, smallest: int) -> None:
    for number, counts in ((smallest, True), (smallest - 1, False)):
        names = [f"t{i}" for i in range(targets)]
        text = runbook_text(dict.fromkeys(names, 'role = "target"'), {"all": ("logs", count(*names))})
        world = World(text)
        for span in (BASELINE, POSTFIX):
            collection = world.collect("logs", span)
            world.traffic(collection, span, 10)
            for name in names:
                world.fail(collection, name, 1 if name != "t0" else number if span == BASELINE else 0, span[0])
        assert (row(world.judge(), "t0").verdict_class == "improved") is counts, number


# Rules --------------------------------------------------------------------------------------------------------------------------


def two_windows(signatures: dict[str, str], counts: dict[str, tuple[int, int]], minutes: int = 30) -> World:
    """Signatures on one stream, each with its failures before and after, all watched, with traffic."""
    world = World(runbook_text(signatures, {"all": ("logs", count(*signatures))}))
    for side, span in enumerate((BASELINE, POSTFIX)):
        collection = world.collect("logs", span)
        world.traffic(collection, span, 100)
        for name, numbers in counts.items():
            world.fail(collection, name, numbers[side], span[0], minutes=minutes)
    return world


TARGET = 'role = "target"'


@pytest.mark.parametrize(
    ("signatures", "counts", "expected", "classes"),
    [
        ({"t": TARGET}, {"t": (5, 0)}, ("confirmed", "all_targets_improved"), ["improved"]),
        ({"t": TARGET}, {"t": (4, 0)}, ("inconclusive", "no_significant_change"), ["unresolved"]),
        ({"t": TARGET}, {"t": (0, 0)}, ("inconclusive", "baseline_empty"), ["not_exercised"]),
        ({"t": TARGET}, {"t": (0, 3)}, ("inconclusive", "baseline_empty"), ["not_exercised"]),
        ({"t": TARGET}, {"t": (0, 8)}, ("rejected", "regression"), ["regressed"]),
        ({"t": TARGET}, {"t": (2, 60)}, ("rejected", "regression"), ["regressed"]),
        ({"g": ""}, {"g": (60, 2)}, ("inconclusive", "no_targets"), ["no_regression_seen"]),
        (
            {"t": TARGET, "g": ""},
            {"t": (60, 2), "g": (3, 4)},
            ("confirmed", "all_targets_improved"),
            ["improved", "no_regression_seen"],
        ),
        (
            {"t": TARGET, "g": ""},
            {"t": (60, 2), "g": (0, 0)},
            ("confirmed", "all_targets_improved"),
            ["improved", "not_exercised"],
        ),
        ({"t": TARGET, "g": ""}, {"t": (60, 2), "g": (0, 9)}, ("rejected", "regression"), ["improved", "regressed"]),
        (
            {"t": TARGET, "u": TARGET},
            {"t": (60, 2), "u": (9, 8)},
            ("partially_confirmed", "unresolved_signature"),
            ["improved", "unresolved"],
        ),
        (
            {"t": TARGET, "u": TARGET},
            {"t": (60, 2), "u": (0, 0)},
            ("partially_confirmed", "unresolved_signature"),
            ["improved", "not_exercised"],
        ),
    ],
)
def test_the_first_rule_that_holds_decides(
    signatures: dict[str, str], counts: dict[str, tuple[int, int]], expected: tuple[str, str], classes: list[str]
) -> None:
    verdict = two_windows(signatures, counts).judge()
    assert rule(verdict) == expected
    assert [s.verdict_class for s in verdict.signatures] == classes


def test_one_burst_minute_before_and_none_after_is_one_observation() -> None:
    world = two_windows({"t": TARGET}, {"t": (40, 0)}, minutes=1)
    verdict = world.judge()
    assert rule(verdict) == ("inconclusive", "no_significant_change")
    assert row(verdict, "t").p_improved == pytest.approx(0.5**40)
    assert row(verdict, "t").p_improved_minutes == pytest.approx(0.5)


def test_one_burst_minute_after_is_no_regression_either() -> None:
    verdict = two_windows({"t": TARGET, "g": ""}, {"t": (60, 2), "g": (0, 40)}, minutes=30).judge()
    assert rule(verdict) == ("rejected", "regression")
    world = two_windows({"g": ""}, {"g": (0, 40)}, minutes=1)
    assert row(world.judge(), "g").verdict_class == "no_regression_seen"


def test_a_failure_at_the_start_of_a_window_counts_and_one_at_its_end_does_not() -> None:
    world = improved_world(before=0, after=0)
    for span in (BASELINE, POSTFIX):
        collection = world.collect("logs", (span[0] - 60_000, span[1] + 60_000))
        for edge in (span[0] - 1, span[0], span[1] - 1, span[1]):
            world.match(collection, "target", edge)
    counted = row(world.judge(), "target")
    assert (counted.baseline.count, counted.postfix.count) == (2, 2)


@pytest.mark.parametrize(
    ("postfix", "reason"),
    [
        ((POSTFIX[0], POSTFIX[1] + 1), "unmatched_length"),
        ((POSTFIX[0] + 1, POSTFIX[1]), "unmatched_length"),
        ((BASELINE[1] - 1, BASELINE[1] - 1 + 1_800_000), "windows_overlap"),
        (BASELINE, "windows_overlap"),
    ],
)
def test_windows_that_do_not_match_compare_nothing(postfix: tuple[int, int], reason: str) -> None:
    world = improved_world()
    world.collect("logs", (BASELINE[1], POSTFIX[1] + 60_000))
    verdict = world.judge(postfix=postfix)
    assert rule(verdict) == ("inconclusive", reason)
    assert not verdict.matched
    compared = row(verdict, "target")
    assert (compared.verdict_class, compared.p_improved, compared.rr_high) == ("unknown", None, None)


def test_windows_that_touch_do_not_overlap() -> None:
    world = World(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}))
    after = (BASELINE[1], BASELINE[1] + 1_800_000)
    for span, number in ((BASELINE, 60), (after, 2)):
        collection = world.collect("logs", span)
        world.fail(collection, "target", number, span[0])
        world.traffic(collection, span, 100)
    assert rule(world.judge(postfix=after)) == ("confirmed", "all_targets_improved")


def test_a_trip_rejects_even_where_the_windows_do_not_match() -> None:
    world = World(runbook_text({"t": TARGET}, {"one": ("logs", count("t", over=50))}))
    world.fail(world.collect("logs", (POSTFIX[0], POSTFIX[0] + 600_000)), "t", 51, POSTFIX[0], minutes=10)
    verdict = world.judge(postfix=(POSTFIX[0], POSTFIX[1] + 60_000))
    assert rule(verdict) == ("rejected", "signal_tripped")
    assert verdict.next.action == "rollback_scope"
    assert verdict.exit_code == 10


def test_a_trip_inside_the_postfix_window_stays_although_it_was_over_at_the_end() -> None:
    world = World(runbook_text({"t": TARGET}, {"one": ("logs", count("t", over=20, window="5m"))}))
    for span in (BASELINE, POSTFIX):
        world.collect("logs", span)
    world.fail(2, "t", 21, POSTFIX[0], minutes=2)
    verdict = world.judge()
    assert (verdict.judgement.signals[0].now_state, verdict.judgement.signals[0].state) == ("ok", "tripped")
    assert rule(verdict) == ("rejected", "signal_tripped")


def test_trips_before_the_postfix_window_never_enter() -> None:
    world = World(runbook_text({"t": TARGET}, {"one": ("logs", count("t", over=50))}))
    for span, number in ((BASELINE, 60), (POSTFIX, 2)):
        collection = world.collect("logs", span)
        world.fail(collection, "t", number, span[0])
        world.traffic(collection, span, 100)
    assert rule(world.judge()) == ("confirmed", "all_targets_improved")


def test_a_signal_that_is_not_ok_leaves_it_partial() -> None:
    world = World(runbook_text({"t": TARGET}, {"one": ("logs", count("t", over=20))}))
    for span, number in ((BASELINE, 60), (POSTFIX, 16)):
        collection = world.collect("logs", span)
        world.fail(collection, "t", number, span[0])
        world.traffic(collection, span, 100)
    verdict = world.judge()
    assert rule(verdict) == ("partially_confirmed", "signal_not_ok")
    assert [item.text for item in verdict.watch_items] == ["one: approaching"]
    assert verdict.watch_items[0].owner == ("owner of one",)
    assert verdict.next.action == "close_with_watch_items"
    assert verdict.exit_code == 11


def test_knowledge_is_an_axis_of_its_own() -> None:
    world = improved_world()
    known = world.seq
    world.retract(2)
    assert rule(world.judge(known=known)) == ("confirmed", "all_targets_improved")
    assert rule(world.judge()) == ("inconclusive", "coverage")


def test_a_signature_that_is_judged_nowhere_is_unknown_if_it_is_a_target_and_left_out_if_not() -> None:
    world = two_windows({"t": TARGET}, {"t": (60, 2)})
    signatures = {"t": TARGET, "lost": TARGET, "idle": ""}
    world.adopt(runbook_text(signatures, {"all": ("logs", count("t"))}))
    verdict = world.judge()
    assert {s.id: s.verdict_class for s in verdict.signatures} == {"t": "improved", "lost": "unknown"}
    assert rule(verdict) == ("partially_confirmed", "unresolved_signature")


def test_the_attempt_is_counted_by_earlier_recorded_postfix_windows() -> None:
    world = improved_world(before=4, after=0)
    world.window("postfix", POSTFIX)
    assert (world.judge().next.action, world.judge().next.attempt) == ("collect_matched_window", 1)
    world.window("postfix", (at("03:40"), at("03:50")))
    world.window("postfix", POSTFIX)
    assert (world.judge().next.action, world.judge().next.attempt) == ("escalate_to_owner", 2)
    assert world.judge(attempt=1).next.action == "collect_matched_window"
