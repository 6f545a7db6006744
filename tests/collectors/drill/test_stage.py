"""The staged world: a real database, real routes, a real log; alone with itself, and gone when its owner is, however that ends."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from collectors.drill import leash
from collectors.drill.leash import MARK, PREFIX
from collectors.drill.scenario import shipped_scenario
from collectors.drill.stage import Stage, Staged
from collectors.postgres_server.binaries import find_binaries
from store.trust import FOLDER_VARIABLE
from tests.collectors.drill.staging import ROOT, marked, shipped, start_stage, wait_for

AS_ROOT = os.geteuid() == 0


def get(staged: Staged, path: str, *, secret: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection(staged.base_url.removeprefix("http://"), timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {secret}"} if secret else {})
    answer = connection.getresponse()
    told = answer.status, answer.read().decode()
    connection.close()
    return told


@pytest.fixture(scope="module")
def quiet(stage: Stage) -> Staged:
    return stage.open("quiet-day", shipped(), os.environ)


def test_the_routes_answer_as_the_seeds_routes_do(quiet: Staged) -> None:
    secret = quiet.environ["CRON_SECRET"]
    assert get(quiet, "/api/cron/response-timing")[0] == 401
    assert get(quiet, "/api/cron/response-timing", secret="wrong")[0] == 401
    assert get(quiet, "/api/cron/response-timing", secret=secret) == (
        200, '{"success": true, "health": "healthy", "processed": 3}',
    )  # fmt: skip
    assert get(quiet, "/api/cron/background-jobs", secret=secret)[0] == 202
    locked = json.loads(get(quiet, "/api/cron/followups", secret=secret)[1])
    assert locked == {"success": True, "skipped": True, "reason": "locked"}
    assert "locked" not in get(quiet, "/api/cron/followups", secret=secret)[1], "locked again and again would be stuck"


def test_pages_are_marked_and_say_nothing_back(quiet: Staged) -> None:
    status, page = get(quiet, "/?view=inbox%3Cscript%3E")
    assert status == 200
    assert "DRILL" in page
    assert "<h1>inbox3Cscript3E</h1>" in page


def test_the_tables_are_those_that_the_runbook_names(quiet: Staged) -> None:
    with psycopg.connect(quiet.database) as connection:
        events = connection.execute('SELECT status::text, count(*) FROM "WebhookEvent" GROUP BY 1').fetchall()
        runs = connection.execute(
            """SELECT count(*), max("finishedAt") FROM "BackgroundFunctionRun" WHERE status = 'SUCCEEDED'"""
        ).fetchone()
        sent = connection.execute('SELECT DISTINCT status FROM "BackgroundDispatchWindow"').fetchall()
    assert {status for status, _ in events} == {"PENDING", "SUCCEEDED"}
    assert runs is not None
    assert runs[0] > 600
    assert sent == [("ENQUEUED",)]


def test_the_environment_means_staged_things_only(quiet: Staged, stage: Stage) -> None:
    environ = quiet.environ
    assert environ["BASE_URL"].startswith("http://127.0.0.1:")
    assert "host=" in environ["DATABASE_URL"]
    assert environ[MARK] == str(stage.folder)
    assert environ[FOLDER_VARIABLE].startswith(str(stage.folder)), (
        "what is allowed in a drill is not remembered outside"
    )
    assert environ["PATH"].startswith(str(quiet.folder / "bin"))
    assert environ["VERCEL_PROJECT"] == "staged"


def test_the_script_begins_when_it_is_let_go_and_the_world_writes_down_what_happened(stage: Stage) -> None:
    staged = stage.open("webhook-burst", shipped(), os.environ, quicker=80)
    assert staged.journal() == []
    stage.go(staged)
    assert wait_for(lambda: len(staged.journal()) == 11, 10)
    crossing = staged.journal()[-1]
    assert (crossing.crosses, crossing.route, crossing.fault) == (True, "/api/webhooks/email", "timeout")
    kept = [json.loads(line) for line in (staged.folder / "requests.ndjson").read_text().splitlines()]
    assert [one["end"] for one in kept if one["end"] == crossing.at_ms]
    stage.shut(staged)


def test_a_queue_is_worked_on_second_by_second(stage: Stage) -> None:
    staged = stage.open("quiet-day", shipped(), os.environ)
    with psycopg.connect(staged.database, autocommit=True) as connection:

        def done() -> int:
            row = connection.execute("""SELECT count(*) FROM "WebhookEvent" WHERE status = 'SUCCEEDED'""").fetchone()
            return int(row[0]) if row else 0

        before = done()
        assert wait_for(lambda: done() > before, 8)
    stage.shut(staged)


def test_two_stages_at_once_do_not_meet(stage: Stage, quiet: Staged) -> None:
    with start_stage() as other:
        theirs = other.open("quiet-day", shipped(), os.environ)
        assert theirs.base_url != quiet.base_url
        assert theirs.database != quiet.database
        assert other.folder != stage.folder
        assert get(theirs, "/api/cron/response-timing", secret=quiet.environ["CRON_SECRET"])[0] == 401
    assert not other.folder.exists()
    assert get(quiet, "/")[0] == 200


def test_closing_leaves_nothing_behind() -> None:
    with start_stage() as own:
        folder = own.folder
        staged = own.open("quiet-day", shipped(), os.environ)
        socket = Path(staged.database.partition("host=")[2].replace("%2F", "/"))
        assert len(marked(folder)) >= 2
    assert not folder.exists()
    assert not socket.exists()
    assert marked(folder) == []
    own.close()


OWNER = """
import os, subprocess, sys
from collectors.drill.stage import Stage
from store.runbook.find import read_runbook
stage = Stage.start(os.environ)
staged = stage.open("quiet-day", read_runbook("runbook.md"), os.environ)
captured = subprocess.Popen(["sleep", "600"], env=dict(staged.environ), start_new_session=True)
print(stage.pid, stage.folder, captured.pid, flush=True)
sys.stdin.read()
"""


def start_owner() -> tuple[subprocess.Popen[str], int, Path, int]:
    """Another process that owns a stage and has started a capture in it: the stage's leash, its folder, the capture."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip
    assert owner.stdout is not None
    words = owner.stdout.readline().split()
    assert len(words) == 3, "it did not start"
    return owner, int(words[0]), Path(words[1]), int(words[2])


def test_kill_minus_nine_of_the_owner_takes_everything_along_within_five_seconds() -> None:
    owner, _, folder, capture = start_owner()
    try:
        assert capture in marked(folder)
        os.kill(owner.pid, signal.SIGKILL)
        assert wait_for(lambda: not folder.exists() and not marked(folder), 5), marked(folder)
    finally:
        owner.kill()
        owner.communicate()


def test_a_killed_leash_ends_the_world_and_the_next_stage_sweeps_the_rest() -> None:
    owner, held, folder, capture = start_owner()
    try:
        os.kill(held, signal.SIGKILL)
        assert wait_for(lambda: marked(folder) == [capture], 8), marked(folder)
        assert folder.exists()
        with start_stage():
            assert not folder.exists()
            assert wait_for(lambda: not marked(folder), 2)
    finally:
        owner.kill()
        owner.communicate()


def test_a_sweep_never_touches_a_world_that_goes_on(stage: Stage, quiet: Staged) -> None:
    leash._sweep(stage.folder.parent)
    assert quiet.folder.exists()
    assert get(quiet, "/")[0] == 200


def test_a_folder_of_another_kind_is_not_swept(tmp_path: Path) -> None:
    fresh = tmp_path / f"{PREFIX}fresh"
    fresh.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(fresh)
    leash._sweep(tmp_path)
    assert fresh.exists(), "its owner may be about to lock it"


def test_staging_changes_no_user_and_no_mode_of_anything_that_was_there() -> None:
    found = find_binaries(os.environ)
    watched = [found.folder, *found.folder.parents, Path("/tmp"), Path.home(), ROOT, *ROOT.parents]
    users = Path("/etc/passwd")

    def state() -> tuple[list[tuple[Path, int, int]], bytes]:
        modes = [(path, path.stat().st_mode, path.stat().st_uid) for path in watched]
        return modes, hashlib.sha256(users.read_bytes()).digest()

    before = state()
    with start_stage() as own:
        own.open("quiet-day", shipped(), os.environ)
    assert state() == before


def test_an_ordinary_user_can_stage(tmp_path: Path) -> None:
    if not AS_ROOT or not Path("/usr/bin/python3").exists():
        with start_stage() as own:
            assert own.running()
        return
    # The leash needs nothing but the standard library; the world needs packages that another user may not reach here.
    nobody = pwd.getpwnam("nobody")
    script = tmp_path / "collectors"
    script.mkdir()
    tmp_path.chmod(0o755)
    source = Path(leash.__file__).read_text()
    (tmp_path / "pretend.py").write_text("import sys; print('{\"ready\": true}', flush=True); sys.stdin.read()")
    for path in (tmp_path, *tmp_path.parents):
        if not path.stat().st_mode & 0o001:
            return  # the tests' own folder is closed to others
    process = subprocess.Popen(
        ["/usr/bin/python3", "-I", "-c", f"{source}", "pretend", str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[],
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == {"ready": True}
    process.communicate()
    assert process.returncode == 0


def test_a_runbook_of_another_house_gets_the_tables_that_it_names(stage: Stage) -> None:
    text = (ROOT / "runbook.md").read_text("utf-8")
    for old, new in (("WebhookEvent", "jobs.queue_items"), ('"PENDING"', '"waiting"'), ('"createdAt"', '"born_at"')):
        text = text.replace(old, new)
    from store.runbook.parse import parse_runbook

    staged = stage.open(shipped_scenario("quiet-day"), parse_runbook(text, "other.md"), os.environ)
    with psycopg.connect(staged.database) as connection:
        row = connection.execute("""SELECT count(*) FROM jobs.queue_items WHERE status = 'waiting'""").fetchone()
    assert row is not None
    assert row[0] > 0
    stage.shut(staged)
