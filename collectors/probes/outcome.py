"""Say what an answer means, from status and body: the words that status, screen and packets use. Pure; contacts nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

UNANSWERED = ("timeout", "refused", "resolve", "tls", "reset", "protocol", "forbidden")
"""Outcomes beside those of `store.runbook.model.PROBE_OUTCOMES`: there was no whole answer, or no request."""

STUCK_AFTER = 3

_MODES = {
    "dispatch-only": "dispatched",
    "dispatch-duplicate-suppressed": "duplicate",
    "dispatch-misconfigured": "not_configured",
    "dispatch-failed": "failed",
    "inline-emergency-fallback": "degraded",
}
_HEALTH = {"degraded": "degraded", "unhealthy": "degraded", "circuit_broken": "degraded"}
_NOT_CONFIGURED = re.compile(r"not[ _-]configured|misconfigured|missing (?:secret|configuration)", re.IGNORECASE)


class Judged(NamedTuple):
    """An outcome and why, in a few words."""

    outcome: str
    reason: str = ""


def judge(
    status: int,
    body: bytes,
    *,
    location: str = "",
    secret_sent: bool,
    expect: Sequence[int],
    patterns: Sequence[tuple[str, str]] = (),
) -> Judged:
    """The outcome of an answer that came whole."""
    text = body.decode("utf-8", "replace")
    for outcome, pattern in patterns:
        if re.search(pattern, text):
            return Judged(outcome, f"the body matches the runbook's pattern for {outcome}")
    if status in (401, 403):
        return _unauthorized(status, secret_sent=secret_sent)
    if 300 <= status < 400:
        return Judged("redirect", f"{status} to {location or 'nowhere'}: the route was not reached")
    said = _by_body(_object(text))
    if said is not None and (status < 400 or said.outcome in ("not_configured", "locked", "degraded")):
        return said
    if status in (409, 423) and "lock" in text.lower():
        return Judged("locked", f"{status}: another run holds the lock")
    if status in (500, 501, 503) and _NOT_CONFIGURED.search(text):
        return Judged("not_configured", f"{status}: the route says it is not configured")
    if 200 <= status < 300:
        return Judged("dispatched", "202: accepted, not done") if status == 202 else Judged("ok")
    return (
        Judged("ok", f"{status} is expected") if status in expect else Judged("failed", f"the route answered {status}")
    )


def with_streak(judged: Judged, before: Sequence[str]) -> Judged:
    """A lock that is met again and again is no other run: `before` holds the route's earlier outcomes, newest first."""
    earlier = list(before[: STUCK_AFTER - 1])
    if (
        judged.outcome == "locked"
        and len(earlier) == STUCK_AFTER - 1
        and all(each in ("locked", "stuck") for each in earlier)
    ):
        return Judged("stuck", f"locked {STUCK_AFTER} times in a row: the lock may be orphaned")
    return judged


def request_id(headers: dict[str, str]) -> str | None:
    """The platform's own id of this request, which joins it to log rows: of a Vercel id the part after the last `::`."""
    for name in ("x-vercel-id", "x-request-id", "x-amzn-requestid", "fly-request-id", "cf-ray", "x-correlation-id"):
        if headers.get(name):
            return headers[name].rsplit("::", 1)[-1].strip() or None
    return None


def _unauthorized(status: int, *, secret_sent: bool) -> Judged:
    if secret_sent:
        return Judged(
            "misconfigured", f"{status} although the secret was sent: the probe is misconfigured, not the route down"
        )
    return Judged("unauthorized", f"{status} without the secret")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _by_body(body: dict[str, Any]) -> Judged | None:
    """What the body says of itself; a mode is more exact than success, a lock more than both."""
    if body.get("skipped") is True and "lock" in str(body.get("reason", "")).lower():
        return Judged("locked", "skipped: another run holds the lock")
    if str(body.get("status", "")).lower() == "locked":
        return Judged("locked", "the route says it is locked")
    mode = str(body.get("mode", ""))
    if mode in _MODES:
        return Judged(_MODES[mode], f"mode {mode}")
    if body.get("success") is False or body.get("ok") is False:
        errors = body.get("errors") or body.get("error") or body.get("message") or ""
        text = json.dumps(errors, ensure_ascii=False) if not isinstance(errors, str) else errors
        return Judged("failed", f"success is false: {text[:200]}" if text else "success is false")
    health = str(body.get("health", "")).lower()
    return Judged(_HEALTH[health], f"health {health}") if health in _HEALTH else None
