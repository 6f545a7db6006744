"""The doctor: one line for each fact, with what to do about it, and never a value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collectors import doctor
from collectors.doctor import Fact, Level, doctor_facts, first_program
from collectors.postgres_server import binaries
from store.runbook.model import Runbook
from tests.collectors.cases import T0, clock, runbook_of
from tests.collectors.conftest import Database
from tests.collectors.offload.offload_world import (
    DISPATCH,
    LEDGER,
    QUEUE,
    QUEUE_TRIP,
    SOURCE,
    TABLES,
    offload_runbook,
    server_ms,
)

SECRET = "s3cret-value-of-mine"


def facts_of(runbook: Runbook | None, environ: dict[str, str], *, contact: bool = False, now: int = T0) -> list[Fact]:
    return doctor_facts(runbook, {"PATH": os.environ["PATH"], **environ}, clock(now), contact=contact)


def lines(facts: list[Fact], topic: str) -> list[str]:
    return [f"{fact.level}: {fact.text}" for fact in facts if fact.topic == topic]


def test_versions_are_told_and_all_is_well_here() -> None:
    facts = facts_of(None, {})
    assert {"python", "sqlite", "installation", "textual", "httpx", "psycopg", "drill", "browser"} <= {
        each.topic for each in facts
    }
    assert lines(facts, "installation") == ["ok: tui, store and collectors belong together"]
    assert lines(facts, "sqlite")[0].startswith("ok: SQLite 3.")


def test_what_is_missing_has_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_package_here")
    monkeypatch.setattr(binaries, "_from_distribution", lambda place: iter(()))
    monkeypatch.setattr(doctor, "_REQUIRED", ("no-such-distribution",))
    facts = doctor_facts(None, {"PATH": str(tmp_path), "CLOSEOUT_CHROMIUM": "/none"}, clock(T0), contact=False)
    missing = [fact for fact in facts if fact.level == Level.MISSING]
    assert {fact.topic for fact in missing} == {"drill", "browser", "no-such-distribution"}
    assert all(fact.remedy for fact in missing)


def test_variables_are_told_set_or_not_and_never_shown() -> None:
    runbook = offload_runbook()
    facts = facts_of(runbook, {"BASE_URL": f"https://{SECRET}.example", "CRON_SECRET": SECRET + "\n"})
    assert lines(facts, "BASE_URL") == ["ok: BASE_URL is set"]
    assert lines(facts, "DATABASE_URL") == ["missing: DATABASE_URL is not set"]
    assert lines(facts, "CRON_SECRET")[0].startswith("warn: CRON_SECRET is set, with white space")
    assert SECRET not in str(facts)


def test_every_line_is_one_line(database: Database) -> None:
    database.run(*TABLES)
    facts = facts_of(offload_runbook(), {"DATABASE_URL": database.address()}, contact=True, now=server_ms(database))
    assert not [fact for fact in facts if "\n" in fact.text or "\n" in fact.remedy]
    assert not [fact for fact in facts if fact.level != Level.OK and not fact.remedy]


def test_a_database_is_not_asked_before_the_case_is_trusted() -> None:
    facts = facts_of(offload_runbook(), {"DATABASE_URL": "postgresql://u@127.0.0.1:1/x"})
    assert lines(facts, "offload") == ["warn: its database was not asked"]


def test_a_reading_role_is_well_and_a_mighty_one_is_warned_of(database: Database) -> None:
    database.run(*TABLES, "CREATE ROLE reading LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reading")
    now = server_ms(database)
    try:
        environ = {"DATABASE_URL": database.address("reading") + "&pgbouncer=true"}
        facts = facts_of(offload_runbook(QUEUE + LEDGER + DISPATCH), environ, contact=True, now=now)
        told = lines(facts, "offload")
        assert not [line for line in told if not line.startswith("ok: ")]
        assert any("as role reading over a local socket" in line for line in told)
        assert any("its clock is" in line for line in told)
        assert "ok: parameters of other libraries are ignored: pgbouncer" in told
        assert "ok: the role may read WebhookEvent, hides no row of it and cannot change it" in told
        assert "ok: a look at the queue answers" in told
        facts = facts_of(offload_runbook(), {"DATABASE_URL": database.address()}, contact=True, now=now)
        told = lines(facts, "offload")
        assert "warn: role postgres is a superuser" in told
        assert "warn: the role could INSERT, UPDATE, DELETE on WebhookEvent; we never do" in told
    finally:
        database.run("DROP OWNED BY reading", "DROP ROLE reading")


def test_what_a_look_would_meet_is_told_before_the_incident(database: Database) -> None:
    database.run(*TABLES, 'DROP TABLE "BackgroundFunctionRun"')
    facts = facts_of(offload_runbook(), {"DATABASE_URL": database.address()}, contact=True, now=T0)
    told = lines(facts, "offload")
    assert "warn: there is no table BackgroundFunctionRun" in told
    assert "warn: a look at the ledger gives nothing: there is no table BackgroundFunctionRun" in told
    clocks = [fact for fact in facts if "its clock is" in fact.text]
    assert [(fact.level, fact.remedy) for fact in clocks] == [(Level.WARN, "set this machine's clock by NTP")]


def test_a_database_out_of_reach_is_one_line() -> None:
    environ = {"DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:1/x?sslmode=disable"}
    facts = facts_of(offload_runbook(), environ, contact=True)
    assert [line.split(":")[1].strip() for line in lines(facts, "offload")] == ["DATABASE_URL"]
    assert "nothing listens" in lines(facts, "offload")[0]
    assert SECRET not in str(facts)


def test_tools_of_log_sources_and_requests_of_probes_are_looked_at() -> None:
    sources = SOURCE.format(QUEUE) + (
        '```toml source\nid = "logs"\nkind = "logs"\n```\n\n```sh\nno-such-tool logs --json\n```\n\n'
        '### Probes\n\n```toml source\nid = "probes"\nkind = "probes"\norigin = "BASE_URL"\nroutes = ["/a"]\n```\n\n'
        "```http\nGET {{BASE_URL}}/a\n###\nGET {{BASE_URL}}/b\n```\n"
    )
    runbook = runbook_of(sources, stream="offload", trip=QUEUE_TRIP)
    facts = facts_of(runbook, {"BASE_URL": "https://app.example"})
    assert lines(facts, "logs") == ["missing: no-such-tool is not on the PATH"]
    assert lines(facts, "probes") == [
        "warn: 1 of 2 requests would not be sent: its path is not among the source's routes"
    ]
    assert lines(facts_of(runbook, {}), "probes")[0].startswith("missing: BASE_URL is not set")


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("vercel logs --json", "vercel"),
        ("# comment\nFOO=1 BAR='a b' kubectl logs \\\n  -f x | jq .", "kubectl"),
        ('"$TOOL" logs', None),
        ("set -e\ngcloud logging read", "gcloud"),
        ("echo 'unclosed", None),
        ("", None),
    ],
)
def test_the_program_of_a_command(command: str, program: str | None) -> None:
    assert first_program(command) == program
