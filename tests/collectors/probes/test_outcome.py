"""What an answer means: replies as real routes write them, each with its word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.probes.outcome import UNANSWERED, Judged, judge, request_id, with_streak
from store.runbook.model import PROBE_OUTCOMES


def outcome(status: int, body: Any = "", *, secret: bool = True, expect: tuple[int, ...] = (200, 401, 403)) -> str:
    text = body if isinstance(body, str) else json.dumps(body)
    return judge(status, text.encode(), secret_sent=secret, expect=expect).outcome


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (202, {"success": True, "mode": "dispatch-only", "dispatch": {"dispatchKey": "k"}}, "dispatched"),
        (202, "", "dispatched"),
        (200, {"success": True, "mode": "dispatch-duplicate-suppressed"}, "duplicate"),
        (200, {"success": True, "skipped": True, "reason": "locked"}, "locked"),
        (200, {"success": False, "skipped": True, "reason": "locked"}, "locked"),
        (200, {"status": "LOCKED"}, "locked"),
        (409, "another run holds the lock", "locked"),
        (423, {"error": "Locked"}, "locked"),
        (503, {"mode": "dispatch-misconfigured"}, "not_configured"),
        (503, {"mode": "dispatch-failed", "success": False}, "failed"),
        (503, "Cron endpoint not configured", "not_configured"),
        (500, {"error": "CRON_SECRET not configured"}, "not_configured"),
        (200, {"health": "healthy"}, "ok"),
        (200, {"health": "degraded"}, "degraded"),
        (503, {"health": "circuit_broken"}, "degraded"),
        (200, {"success": True, "mode": "inline-emergency-fallback"}, "degraded"),
        (200, {"success": False, "errors": ["one", "two"]}, "failed"),
        (200, {"ok": False}, "failed"),
        (200, "<html>signed in</html>", "ok"),
        (200, "[1, 2]", "ok"),
        (200, "{not json", "ok"),
        (204, "", "ok"),
        (308, "", "redirect"),
        (404, "", "failed"),
        (409, "duplicate key", "failed"),
        (429, "", "failed"),
        (500, {"success": False}, "failed"),
        (401, {"success": False, "error": "Unauthorized"}, "misconfigured"),
        (403, "", "misconfigured"),
    ],
)
def test_replies_of_real_routes(status: int, body: Any, word: str) -> None:
    assert outcome(status, body) == word


def test_401_without_the_secret_is_what_a_guarded_route_says() -> None:
    assert outcome(401, secret=False) == "unauthorized"


def test_a_status_that_the_runbook_expects_is_fine() -> None:
    assert outcome(404, expect=(404,)) == "ok"


def test_an_answer_and_no_answer_never_share_a_word() -> None:
    assert not set(UNANSWERED) & set(PROBE_OUTCOMES)


def test_the_runbooks_patterns_come_first() -> None:
    judged = judge(200, b"already running", secret_sent=False, expect=(), patterns=[("locked", "already running")])
    assert judged == Judged("locked", "the body matches the runbook's pattern for locked")


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ([], "locked"),
        (["locked"], "locked"),
        (["locked", "locked"], "stuck"),
        (["stuck", "locked"], "stuck"),
        (["locked", "ok"], "locked"),
        (["ok", "locked"], "locked"),
    ],
)
def test_a_lock_met_three_times_in_a_row_is_stuck(before: list[str], word: str) -> None:
    assert with_streak(Judged("locked"), before).outcome == word
    assert with_streak(Judged("ok"), before).outcome == "ok"


def test_the_platforms_id_is_its_last_part() -> None:
    assert request_id({"x-vercel-id": "yul1::iad1::ssl4g-1771394968133-a"}) == "ssl4g-1771394968133-a"
    assert request_id({"x-request-id": " r-7 "}) == "r-7"
    assert request_id({"x-vercel-id": "", "cf-ray": "8f-AMS"}) == "8f-AMS"
    assert request_id({}) is None
