"""Scenario files: those that are shipped, and what is said of one that is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest

from collectors.drill.scenario import (
    Expected,
    parse_scenario,
    read_scenario,
    scenario_names,
    scenario_told,
    shipped_scenario,
)
from store.errors import BadInput
from tests.collectors.drill.staging import ROOT, shipped

WHOLE = """
title = "T"
shows = "S"
signals = ["webhook-60s"]

[expect]
otherwise = "ok"

[expect.signals]
webhook-60s = "tripped count_over"

[[fault]]
kind = "timeout"
route = "/api/webhooks/email"
count = 3
from = "-10m"
to = "20s"
"""


def test_every_kind_of_incident_is_shipped() -> None:
    assert scenario_names() == (
        "quiet-day", "collector-dies", "fix-half-works", "fix-makes-it-worse", "fix-works", "inbox-burst", "ledger-empty",
        "log-truncated", "offload-not-draining", "pool-exhaustion", "response-timing-cluster", "reversal-loop", "webhook-burst",
    )  # fmt: skip


@pytest.mark.parametrize("name", scenario_names())
def test_each_shipped_scenario_says_what_it_shows_and_speaks_of_signals_of_the_shipped_runbook(name: str) -> None:
    scenario = shipped_scenario(name)
    assert scenario.shows.endswith(".")
    assert "drill" not in scenario.title.casefold()
    known = {signal.id for signal in shipped().signals}
    assert known >= {*scenario.signals, *(signal for signal, _ in scenario.expect)}
    assert scenario.history_ms >= 90 * 60_000


def test_a_scenario_is_read_whole() -> None:
    scenario = parse_scenario(WHOLE, "some-incident.toml")
    assert scenario.name == "some-incident"
    assert scenario.expected("webhook-60s") == Expected("tripped", "count_over")
    assert scenario.expected("anything-else") == Expected("ok")
    assert (scenario.faults[0].from_ms, scenario.faults[0].to_ms) == (-600_000, 20_000)
    assert scenario.last_live_ms == 20_000


@pytest.mark.parametrize("name", scenario_names())
def test_a_scenario_is_the_same_after_it_was_told_to_another_process(name: str) -> None:
    scenario = shipped_scenario(name)
    assert scenario_told(json.loads(json.dumps(asdict(scenario)))) == scenario


WRONG = {
    "no TOML": ("title =", "some.toml: "),
    "a missing key": (WHOLE.replace('title = "T"\n', ""), "some.toml: title: is missing"),
    "an unknown key": (f'colour = "red"\n{WHOLE}', "some.toml: colour: is no key of a scenario"),
    "an unknown key inside": (WHOLE + "colour = 1\n", "some.toml: fault 1: colour: is no key of a scenario"),
    "another kind": (
        WHOLE.replace('"timeout"', '"time-out"'),
        "fault 1: kind: 'time-out' is none of .*did you mean timeout",
    ),
    "no duration": (WHOLE.replace('"-10m"', '"soon"'), "fault 1: from: 'soon' is not a duration"),
    "a bare number": (WHOLE.replace('"-10m"', "-600"), "fault 1: from: must be a text such as"),
    "no count": (WHOLE.replace("count = 3", "count = 0"), "fault 1: count: must be a whole number from 1 on"),
    "a stretch backwards": (WHOLE.replace('to = "20s"', 'to = "-20m"'), "fault 1: to: must lie after `from`"),
    "another state": (WHOLE.replace("tripped count_over", "broken"), "expect.signals.webhook-60s: 'broken' is none of"),
    "another verdict": (WHOLE.replace("[expect]", '[expect]\nverdict = "good"'), "expect.verdict: 'good' is none of"),
    "too little history": (f'history = "-20m"\n{WHOLE}', "history: must be ninety minutes or more"),
    "a crossing in the past": (
        WHOLE + "crosses = true\n",
        "fault 1: crosses: a limit is crossed while somebody watches",
    ),
    "no list": (WHOLE.replace('["webhook-60s"]', '"webhook-60s"'), "signals: must name the signals"),
    "depths out of order": (
        WHOLE + '[[depth]]\nat = "1m"\npending = 3\n[[depth]]\nat = "0s"\npending = 1\n',
        "depth: must be in the order of time",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_told_with_file_and_key(name: str) -> None:
    text, said = WRONG[name]
    with pytest.raises(BadInput) as told:
        parse_scenario(text, "some.toml")
    assert re.search(said, str(told.value)), str(told.value)


def test_a_name_that_is_not_known_is_told_with_the_nearest_one() -> None:
    with pytest.raises(BadInput, match="did you mean webhook-burst"):
        shipped_scenario("webhook-bursts")


def test_a_scenario_of_ones_own_is_read_from_its_file() -> None:
    path = ROOT / "collectors" / "drill" / "scenarios" / "quiet-day.toml"
    assert read_scenario(path) == shipped_scenario("quiet-day")
    with pytest.raises(BadInput, match="cannot be read as a scenario"):
        read_scenario(path.with_name("none.toml"))
