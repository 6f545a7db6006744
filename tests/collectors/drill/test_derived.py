"""Scenarios made from a runbook: exactly one fault more than the limit, as the runbook itself writes it."""

from __future__ import annotations

from collectors.drill.derived import derived_scenarios
from collectors.drill.scenario import ANY, Expected
from collectors.drill.script import LiveTime, history, live
from store.instants import MINUTE_MS, parse_instant
from tests.collectors.drill.staging import shipped, shipped_with

BEGIN = parse_instant("2026-02-18T03:00:00Z")


def test_every_signal_that_counts_faults_of_the_log_gets_a_burst() -> None:
    made = {one.name: one for one in derived_scenarios(shipped(), ())}
    assert set(made) == {"own-webhook-60s", "own-inbox-300s", "own-db-wait", "own-response-timing-500"}
    webhook = made["own-webhook-60s"]
    assert webhook.expect == (("webhook-60s", Expected("tripped", "count_over")),)
    assert webhook.otherwise == ANY
    (faults,) = webhook.faults
    assert (faults.count, faults.seconds, faults.crosses) == (51, 60, True)
    (cluster,) = made["own-response-timing-500"].faults
    assert (cluster.count, cluster.status, cluster.route) == (16, 500, "/api/cron/response-timing")


def test_a_signal_that_has_a_scenario_gets_no_other() -> None:
    known = ("webhook-60s", "inbox-300s", "db-wait", "response-timing-500")
    assert derived_scenarios(shipped(), known) == ()


def test_what_does_not_fit_into_half_a_minute_lies_in_the_past_and_all_of_it_in_one_window() -> None:
    many = shipped_with("over = 50\n", "over = 200\n")
    scenario = next(one for one in derived_scenarios(many, ()) if one.name == "own-webhook-60s")
    past = [one for one in history(scenario, BEGIN) if one.fault]
    coming = [one for one in live(scenario, LiveTime(BEGIN, 1, BEGIN)) if one.fault]
    assert len(past) + len(coming) == 201
    assert coming[-1].ended_ms - past[0].ended_ms < 30 * MINUTE_MS


def test_a_log_that_the_staged_world_does_not_have_gets_none() -> None:
    assert derived_scenarios(shipped_with("vercel logs --project", "kubectl logs --project"), ()) == ()
