"""The shipped runbook says what phase 168e says, word for word, and the reader has nothing to complain about."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from store.runbook.find import read_runbook, shipped_runbook_path
from store.runbook.model import Condition, ConditionKind, Effect, Signal, Signature, SourceKind, StepKind, Unit
from store.runbook.sample import matches_text

INBOX_FILES = ("app/api/inbox/conversations/route.ts", "app/api/inbox/counts/route.ts", "actions/lead-actions.ts")
PROCESSOR = "lib/response-timing/processor.ts"
SHIPPED = read_runbook(shipped_runbook_path())


def signal(name: str) -> Signal:
    """Return one of its signals."""
    return next(one for one in SHIPPED.signals if one.id == name)


def signature(name: str) -> Signature:
    """Return one of its signatures."""
    return next(one for one in SHIPPED.signatures if one.id == name)


def limits(name: str) -> list[tuple[str, str | None, int | None]]:
    """Return kind, operator and limit of a signal's conditions."""
    return [(str(one.kind), one.op, one.limit) for one in signal(name).conditions]


def condition(name: str, kind: ConditionKind) -> Condition:
    """Return a signal's condition of one kind."""
    return next(one for one in signal(name).conditions if one.kind is kind)


def test_it_has_neither_fault_nor_warning() -> None:
    assert SHIPPED.warnings == ()


def test_the_thresholds_are_those_of_the_phase() -> None:
    assert limits("webhook-60s") == [("count", ">", 50), ("trend", None, None)]
    assert limits("inbox-300s") == [("count", ">", 20), ("burst", ">=", 10)]
    assert limits("db-wait") == [("count", ">", 30)]
    assert limits("response-timing-500") == [("count", ">", 15)]
    assert limits("reversal-loop") == [("loop", ">=", 2)]
    assert limits("offload-health") == [("queue", None, None), ("ratio", ">", 10)]
    assert limits("cron-probes") == [("probe", None, None)]
    assert {one.window_ms for each in SHIPPED.signals for one in each.conditions} == {1_800_000}


def test_the_defaults_of_the_exact_meaning_are_written_out() -> None:
    trend = condition("webhook-60s", ConditionKind.TREND)
    assert (trend.rises, trend.floor, trend.z2_micro) == (2, 20, 5_410_000)
    loop = condition("reversal-loop", ConditionKind.LOOP)
    assert (loop.groups, loop.slice_ms) == (("webhook", "cron", "inbox"), 120_000)
    queue = condition("offload-health", ConditionKind.QUEUE)
    assert (queue.max_gap_ms, queue.min_snapshots, queue.min_growth) == (600_000, 4, 10)
    ratio = condition("offload-health", ConditionKind.RATIO)
    assert (ratio.of, ratio.min_failures, ratio.min_total, ratio.min_cover_percent) == ("attempts", 3, 5, 50)
    assert condition("inbox-300s", ConditionKind.BURST).slice_ms == 300_000


@pytest.mark.parametrize(
    ("name", "owner", "do", "files"),
    [
        (
            "webhook-60s",
            ("Phase 168 operator", "on-call backend"),
            "Revert latest webhook request-path changes in app/api/webhooks/email/route.ts",
            ("app/api/webhooks/email/route.ts",),
        ),
        (
            "inbox-300s",
            ("Phase 168 operator", "on-call backend"),
            f"Revert latest inbox query-path changes in {', '.join(INBOX_FILES)}",
            INBOX_FILES,
        ),
        (
            "db-wait",
            ("Phase 168 operator", "DB owner"),
            f"Revert latest transaction/batch envelope changes in {PROCESSOR} and related cron handlers",
            (PROCESSOR,),
        ),
        (
            "response-timing-500",
            ("Phase 168 operator",),
            "Revert latest response-timing cron change or move route back to last known good config",
            (),
        ),
        (
            "reversal-loop",
            ("Phase 168 operator", "incident commander"),
            "Trigger incident runbook, freeze non-essential deploys, and roll back latest shared-route change set",
            (),
        ),
        (
            "offload-health",
            ("Phase 168 operator", "Inngest owner"),
            "Disable newest offload toggle and revert most recent offload-related deployment slice",
            (),
        ),
    ],
)
def test_owners_and_rollback_scopes_are_word_for_word(
    name: str, owner: tuple[str, ...], do: str, files: tuple[str, ...]
) -> None:
    found = signal(name)
    assert (found.owner, found.rollback.do, found.rollback.files) == (owner, do, files)
    assert do in SHIPPED.text.replace("`", ""), "the table that people read says the same"


def test_the_desired_state_is_confirmed_after_the_webhook_rollback() -> None:
    assert signal("webhook-60s").rollback.confirm == ("INBOXXIA_EMAIL_SENT_ASYNC desired state",)


def test_the_500s_are_counted_by_row_and_the_page_says_why() -> None:
    rows = signature("response-timing-500")
    assert (rows.unit, rows.schedule) == (Unit.ROW, "*/5 * * * *")
    assert "at most 7 requests fit in 30" in " ".join(rows.guidance.split())
    by_request = SHIPPED.text.replace('unit = "row"', 'unit = "request"')
    from store.runbook.parse import parse_runbook

    assert any("at most 7 requests fit in 30m" in warning for warning in parse_runbook(by_request, "r").warnings)


def test_every_signature_that_a_deploy_should_cure_is_a_target() -> None:
    assert {one.id for one in SHIPPED.signatures if one.role == "target"} == {one.id for one in SHIPPED.signatures}
    assert {one.id: one.group for one in SHIPPED.signatures if one.group} == {
        "webhook-timeout": "webhook",
        "inbox-timeout": "inbox",
        "response-timing-500": "cron",
    }


@pytest.mark.parametrize(
    "text",
    [
        "Transaction API error: Transaction already closed: Could not perform operation.",
        "Transaction API error: Unable to start a transaction in the given time.",
        "A commit cannot be executed on an expired transaction. The timeout was 5000 ms.",
        "PrismaClientKnownRequestError: …\n  code: 'P2028',\n",
    ],
)
def test_every_text_of_an_expired_transaction_is_known(text: str) -> None:
    assert matches_text(signature("p2028"), text)


def test_a_full_pool_is_another_fault() -> None:
    text = "Timed out fetching a new connection from the connection pool. (code: P2024)"
    assert not matches_text(signature("p2028"), text)
    assert not matches_text(signature("query-wait-timeout"), text)


def test_the_sources_look_as_the_phase_did() -> None:
    kinds = {source.id: source for source in SHIPPED.sources}
    logs, offload = kinds["runtime-logs"], kinds["offload"]
    assert logs.command is not None
    for part in (
        "vercel logs",
        "--environment production",
        "--no-branch",
        '--since "$SINCE"',
        '--until "$UNTIL"',
        "--json",
    ):
        assert part in logs.command.text
    assert (logs.settle_ms, logs.every_ms, offload.every_ms) == (60_000, 300_000, 300_000)
    assert offload.queue is not None
    assert offload.ledger is not None
    assert offload.dispatch is not None
    assert (offload.queue.table, offload.queue.due) == ("WebhookEvent", "runAt")
    assert (offload.ledger.table, offload.ledger.run) == ("BackgroundFunctionRun", "runId")
    assert offload.dispatch.dispatched == ("ENQUEUED",)
    probes = kinds["cron-probes"]
    assert probes.kind is SourceKind.PROBES
    assert probes.side_effects
    assert probes.command is not None
    assert all(
        f"GET {{{{BASE_URL}}}}{route}" in probes.command.text for route in signal("cron-probes").conditions[0].routes
    )


def test_the_walk_holds_every_step_of_the_phase_and_ends_with_the_seal() -> None:
    steps = {step.id: step for step in SHIPPED.steps}
    assert list(steps)[-1] == "seal"
    assert {step.kind for step in SHIPPED.steps} == set(StepKind)
    assert [step.id for step in SHIPPED.steps if step.effect is Effect.CHANGES] == ["carry-out"]
    assert not steps["rehearse-alerts"].mandatory
    assert steps["decide"].second_person == ("rollback-db", "rollback-loop", "rollback-offload")
    scopes = {choice.scope for choice in steps["decide"].choices if choice.scope}
    assert scopes == {one.id for one in SHIPPED.signals} - {"cron-probes"}
    assert all(step.title.startswith(f"{number}. ") for number, step in enumerate(SHIPPED.steps, 1))


def test_the_names_of_the_packets_are_those_of_the_contract() -> None:
    for name in (
        "docs/planning/phase-168/artifacts/verification-<windowStartUtc>-<windowEndUtc>.md",
        "docs/planning/phase-168/artifacts/baseline-<windowStartUtc>-<windowEndUtc>.md",
        "artifacts/live-env-playwright/phase-168-{baseline|postfix}-<UTC>-*",
        "docs/planning/phase-168/artifacts/pre-post-delta-<windowStartUtc>-<windowEndUtc>.csv",
        "docs/planning/phase-168/artifacts/offload-monitoring-<UTC>.md",
    ):
        assert f"`{name}`" in SHIPPED.text


ROWS = [
    {
        "id": "a",
        "requestPath": "/api/webhooks/email?x=1",
        "message": "",
        "logs": [{"message": "Task timed out after 60 seconds"}],
    },
    {"id": "b", "requestPath": "app.example/api/webhooks/email", "message": "Task timed out after 60.06 seconds"},
    {"id": "b", "requestPath": "app.example/api/webhooks/email", "message": "Task timed out after 60.06 seconds"},
    {"id": "c", "requestPath": "/api/webhooks/email", "message": "Task timed out after 600 seconds"},
    {"id": "d", "requestPath": "/api/webhooks/email-status", "message": "Task timed out after 60 seconds"},
    {"id": "e", "requestPath": "/api/inbox/conversations", "message": "Task timed out after 300 seconds"},
    {"id": "f", "requestPath": "/api/inbox/counts", "message": "Error: query_wait_timeout"},
    {"id": "g", "requestPath": "/api/cron/response-timing", "responseStatusCode": 500, "message": "code: 'P2028'"},
    {"id": "g", "requestPath": "/api/cron/response-timing", "responseStatusCode": 500, "message": None},
]
COUNTS = {"webhook-timeout": 2, "inbox-timeout": 1, "query-wait-timeout": 1, "p2028": 1, "response-timing-500": 2}


@pytest.mark.skipif(shutil.which("jq") is None, reason="the checks are jq lines, and this machine has no jq")
@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("as_array", [False, True])
def test_the_check_below_a_signature_counts_by_hand_what_the_program_counts(
    name: str, as_array: bool, tmp_path: Path
) -> None:
    check = signature(name).check
    assert check is not None
    lines = json.dumps(ROWS) if as_array else "\n".join(json.dumps(row) for row in ROWS)
    (tmp_path / "runtime-logs.json").write_text(lines, encoding="utf-8")
    done = subprocess.run(["sh", "-c", check.text], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) == COUNTS[name]
