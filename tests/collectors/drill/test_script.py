"""The story of a scenario: exact where a limit depends on it, the same in every play."""

from __future__ import annotations

from collections import Counter

from collectors.drill.scenario import shipped_scenario
from collectors.drill.script import LiveTime, depth_at, history, live, runs_at, sample_instants
from store.instants import MINUTE_MS, parse_instant

BEGIN = parse_instant("2026-02-18T03:00:00Z")
LIVE = LiveTime(BEGIN, live_ms=BEGIN)
BURST = shipped_scenario("webhook-burst")


def test_a_burst_is_exactly_one_more_than_its_limit_within_half_an_hour() -> None:
    past = [one for one in history(BURST, BEGIN) if one.fault]
    coming = [one for one in live(BURST, LIVE) if one.fault]
    assert len(past) + len(coming) == 51
    assert coming[-1].ended_ms - past[0].ended_ms < 30 * MINUTE_MS
    assert [one.crosses for one in coming] == [False] * 10 + [True]


def test_a_request_that_timed_out_began_its_seconds_before() -> None:
    for one in live(shipped_scenario("inbox-burst"), LIVE):
        if one.fault:
            assert (one.ended_ms - one.started_ms, one.status) == (300_000, 504)
            assert one.lines[-1][1] == "Vercel Runtime Timeout Error: Task timed out after 300 seconds"


def test_the_same_story_is_told_in_every_play() -> None:
    assert history(BURST, BEGIN) == history(BURST, BEGIN)
    assert len({one.id for one in history(BURST, BEGIN)}) == len(history(BURST, BEGIN))


def test_a_quicker_play_shortens_only_what_is_still_to_come() -> None:
    slow, quick = LIVE, LiveTime(BEGIN, 8, BEGIN)
    assert (slow.at(-60_000), quick.at(-60_000)) == (BEGIN - 60_000, BEGIN - 60_000)
    assert (slow.at(40_000), quick.at(40_000)) == (BEGIN + 40_000, BEGIN + 5_000)


def test_ordinary_traffic_goes_on_all_the_time_and_crons_keep_their_pace() -> None:
    past = history(shipped_scenario("quiet-day"), BEGIN)
    minutes = Counter(one.ended_ms // MINUTE_MS for one in past if one.route == "/api/webhooks/email" and not one.fault)
    assert len(minutes) >= 169
    crons = [one.started_ms for one in past if one.route == "/api/cron/response-timing"]
    assert {later - earlier for earlier, later in zip(crons, crons[1:], strict=False)} == {5 * MINUTE_MS}


def test_a_quiet_queue_goes_up_and_down_and_a_scripted_one_follows_its_line() -> None:
    quiet, filling = shipped_scenario("quiet-day"), shipped_scenario("offload-not-draining")
    time = LIVE
    depths = [depth_at(quiet, time, at).pending for at in sample_instants(quiet, BEGIN)]
    assert any(later < earlier for earlier, later in zip(depths, depths[1:], strict=False))
    tail = [depth_at(filling, time, at).pending for at in sample_instants(filling, BEGIN) if at >= BEGIN - 1_794_000]
    assert tail == sorted(tail)
    assert depth_at(filling, time, BEGIN).pending == 31
    assert depth_at(filling, time, BEGIN + 30_000).pending == 37


def test_a_story_that_stands_still_does_not_move_and_goes_on_without_a_drop() -> None:
    filling = shipped_scenario("offload-not-draining")
    still, late = LiveTime(BEGIN, 8), LiveTime(BEGIN, 8, BEGIN + 9_000)
    assert {depth_at(filling, still, BEGIN + at).pending for at in range(0, 60_000, 1000)} == {31}
    assert not [one for one in live(BURST, still) if one.fault and one.ended_ms < BEGIN + 3_600_000]
    grown = [depth_at(filling, late, BEGIN + at).pending for at in range(9_000, 20_000, 500)]
    assert grown == sorted(grown)
    assert (grown[0] >= 31, grown[-1]) == (True, 44)


def test_a_ledger_that_is_empty_still_dispatches() -> None:
    runs = runs_at(shipped_scenario("ledger-empty"), LiveTime(BEGIN), BEGIN - 20 * MINUTE_MS)
    assert (runs.per_minute, runs.dispatched) == (0, 2)
