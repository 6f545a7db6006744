"""A whole drill of the shipped runbook without a screen: its steps, its limits, and the stamps that remember it."""

from __future__ import annotations

import os

import pytest

from collectors.browser.find import BrowserMissing, find_browser, require_driver
from collectors.drill.scenario import shipped_scenario
from store.stamps import stamps_for
from tests.collectors.drill.staging import shipped, start_stage
from tui.rehearsal import Asked, Report, rehearse, report_json

pytestmark = pytest.mark.timeout(180)

RUN_BY_A_MACHINE = {"confirm-deployment", "capture-logs", "queue-t0", "probe-crons", "queue-t30"}


@pytest.fixture
def report() -> Report:
    start_stage().close()  # skips where there is no server
    asked = Asked(shipped(), (shipped_scenario("ledger-empty"),), whole=True)
    return rehearse(asked, os.environ, lambda line: None)


def test_steps_leave_what_they_promise_limits_hold_and_both_are_remembered(report: Report) -> None:
    assert report.exit_code == 0, report_json(report)
    passed = {step.id for step in report.steps if step.state == "passed"}
    assert passed >= {*RUN_BY_A_MACHINE, "the packet", "the seal", "the check"}
    assert ("browser-capture" in passed) == has_browser()
    assert {one.signal for one in report.boundary} == {signal.id for signal in shipped().signals}
    stamps = stamps_for(shipped())
    assert not stamps.trouble
    for name in RUN_BY_A_MACHINE:
        stamp = stamps.steps[name]
        assert stamp is not None
        assert stamp.passed
    assert stamps.steps["hand-off"] is None, "a person does it"
    assert all(stamp is not None and stamp.passed for stamp in stamps.signals.values())


def has_browser() -> bool:
    try:
        require_driver()
        find_browser(os.environ)
    except BrowserMissing:
        return False
    return True
