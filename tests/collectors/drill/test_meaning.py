"""Faults of meaning: each mistake in a copy of a small runbook is one sentence that names the line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from collectors.drill.meaning import meaning_faults
from store.errors import BadInput
from store.runbook.find import read_runbook, shipped_runbook_path
from store.runbook.parse import parse_runbook
from tests.collectors.drill.runbooks import COUNT, JSONL, SIGNATURE, SOURCE, line_of, runbook_of

SEED_FILES = (
    "app/api/webhooks/email/route.ts", "app/api/inbox/conversations/route.ts", "app/api/inbox/counts/route.ts",
    "actions/lead-actions.ts", "lib/response-timing/processor.ts", "app/api/cron/response-timing/route.ts",
)  # fmt: skip
DECIDE = '### Decide\n\n```toml step\nid = "decide"\nkind = "decide"\n%s\nneeds = []\n[[choice]]\nid = "hold"\nlabel = "Hold"\n```\n'


def told(text: str, repository: Path | None = None) -> list[str]:
    return [fault.told("mine.md") for fault in meaning_faults(parse_runbook(text, "mine.md"), repository)]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in SEED_FILES:
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("export {}\n")
    return tmp_path / "shop"


def test_a_sound_runbook_has_none(repository: Path) -> None:
    assert told(runbook_of(rollback='do = "Revert."\nfiles = ["actions/lead-actions.ts"]'), repository) == []


def test_the_shipped_runbook_has_none_in_a_repository_with_its_routes(repository: Path) -> None:
    runbook = read_runbook(shipped_runbook_path())
    assert meaning_faults(runbook, repository) == ()
    (repository / "app/api/webhooks/email/route.ts").unlink()
    (fault,) = [fault for fault in meaning_faults(runbook, repository) if "webhooks/email/route.ts" in fault.why]
    assert "app/api/webhooks/email/route.ts" in runbook.text.split("\n")[fault.line - 1]


def test_a_limit_that_its_schedule_never_reaches() -> None:
    text = runbook_of(signatures=(SIGNATURE + 'schedule = "*/5 * * * *"\n',))
    (fault,) = told(text)
    assert fault.startswith(f"mine.md:{line_of(text, '[[trip]]')}: orders-slow: at most 3 requests fit in 10m")
    assert "this can never trip" in fault


@pytest.mark.parametrize(
    ("trip", "words"),
    [
        ('kind = "ratio"\nstreams = ["pg"]\nover_percent = 100', "no share is over 100 percent: this can never trip"),
        ('kind = "loop"\ngroups = ["orders"]\nslice = "5m"\nat_least = 3', "at most 2 slices of 5m fit in 10m"),
        ('kind = "queue"\nstreams = ["pg"]', '"pg" has no every'),
    ],
)
def test_a_limit_that_arithmetic_never_reaches(trip: str, words: str) -> None:
    pg = '```toml source\nid = "pg"\nkind = "offload"\naddress = "DB"\n[queue]\ntable = "q"\n[ledger]\ntable = "l"\n```\n'
    step = '### Snap\n\n```toml step\nid = "snap"\nkind = "snapshot"\nfeeds = ["pg"]\nneeds = []\n```\n'
    text = runbook_of(trip, head='needs = ["DB"]\n', more=pg + step)
    faults = [fault for fault in told(text) if words in fault]
    assert faults and faults[0].startswith(f"mine.md:{line_of(text, '[[trip]]')}: orders-slow: ")


@pytest.mark.parametrize(
    ("signature", "source", "words"),
    [
        ('id = "slow"\nstatus = [500]\n', JSONL.replace('status = "http.status"\n', ""), "names no status in [fields]"),
        ('id = "slow"\nroute = "/a"\nwhere = { "http.path" = "/b" }\n', JSONL, "its parts contradict each other"),
        ('id = "slow"\nwhere = { "http.path" = "/b" }\nroute = "/a"\nsample = "x"\n', JSONL, "its own sample does not match"),
        ('id = "slow"\npattern = "a+b"\n', SOURCE, "it has a pattern and no sample"),
    ],
)  # fmt: skip
def test_a_signature_that_no_record_can_match(signature: str, source: str, words: str) -> None:
    text = runbook_of(signatures=(signature,), source=source)
    (fault,) = told(text)
    assert fault.startswith(f"mine.md:{line_of(text, '```toml signature')}: slow: no record can match it: in app ")
    assert words in fault


def test_a_live_form_that_never_carries_the_status_that_is_asked_for() -> None:
    (fault,) = told(runbook_of(signatures=('id = "slow"\nstatus = [500]\n',), command="vercel logs --follow --json"))
    assert "carries no statuses" in fault


def test_a_rollback_scope_that_names_no_file(repository: Path) -> None:
    scope = 'do = "Revert."\nfiles = [\n  "actions/lead-actions.ts",\n  "app/api/inbox/conversation/route.ts",\n]'
    text = runbook_of(rollback=scope)
    (fault,) = told(text, repository)
    line = line_of(text, "app/api/inbox/conversation/")
    assert fault == (
        f'mine.md:{line}: orders-slow: the rollback scope names "app/api/inbox/conversation/route.ts", '
        "which is no file of shop, did you mean app/api/inbox/conversations/route.ts?"
    )


def test_folders_patterns_and_what_git_knows_are_files(repository: Path) -> None:
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    (repository / ".gitignore").write_text("built\n")
    (repository / "built").write_text("")
    scope = 'do = "Revert."\nfiles = ["app/api/inbox/", "app/**/route.ts", "./actions"%s]'
    assert told(runbook_of(rollback=scope % ""), repository) == []
    assert "built" in told(runbook_of(rollback=scope % ', "built"'), repository)[0]


def test_the_undo_command_is_looked_up_too(repository: Path) -> None:
    undo = "```sh\ngit log -n 5 -- app/api lib/gone.ts $MORE\n```\n"
    text = runbook_of(head='needs = ["MORE"]\n').replace("### Look", undo + "\n### Look")
    (fault,) = told(text, repository)
    assert fault.startswith(f"mine.md:{line_of(text, 'git log')}: ") and '"lib/gone.ts"' in fault


def test_a_source_that_nobody_collects() -> None:
    other = f"```toml source\n{SOURCE.replace('app', 'edge')}```\n"
    text = runbook_of(COUNT, 'kind = "count"\nstreams = ["edge"]\nsignatures = ["slow"]\nover = 3', more=other)
    (fault,) = told(text)
    line = text[: text.index('id = "edge"')].count("\n")
    assert fault.startswith(f"mine.md:{line}: edge: orders-slow needs it, and nobody collects it")


def test_a_signal_that_no_decision_looks_at() -> None:
    text = runbook_of(more=DECIDE % "")
    (fault,) = told(text)
    assert fault.startswith(f"mine.md:{line_of(text, '```toml signal')}: orders-slow: no decide step cites it")
    assert told(runbook_of(more=DECIDE % 'cites = ["orders-slow"]')) == []


def test_a_repository_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no folder"):
        told(runbook_of(), tmp_path / "gone")
