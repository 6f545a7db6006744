"""A process is known by machine, boot, number and start time together; what cannot be seen is never called dead."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from store.walk import session
from store.walk.session import Life, alive, life_of, open_session, process_start, this_process, this_terminal
from tests.store.walk.builders import WalkWorld


def child() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_this_process_lives() -> None:
    me = this_process("kim")
    assert (me.operator, me.pid, life_of(me)) == ("kim", os.getpid(), Life.ALIVE)


def test_a_killed_process_is_dead_even_while_nobody_has_waited_for_it() -> None:
    other = child()
    person = this_process("kim")._replace(pid=other.pid, process_start=process_start(other.pid))
    assert alive(person)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert life_of(person) is Life.DEAD, "a zombie does no work"
    other.communicate()
    assert life_of(person) is Life.DEAD


def test_the_number_of_a_process_alone_proves_nothing() -> None:
    me = this_process("kim")
    assert life_of(me._replace(process_start="1")) is Life.DEAD


def test_another_boot_is_dead_and_another_machine_is_elsewhere() -> None:
    me = this_process("kim")
    boot, _, room = me.boot.partition(" ")
    assert life_of(me._replace(boot=f"other {room}")) is Life.DEAD
    assert life_of(me._replace(boot=f"{boot} pid:[1]")) is Life.ELSEWHERE
    assert life_of(me._replace(host="elsewhere")) is Life.ELSEWHERE


def test_without_a_terminal_nothing_stands_for_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_terminal", lambda: "")
    person = this_terminal("kim")
    assert (person.pid, person.process_start, life_of(person)) == (0, "", Life.ALIVE)
    assert life_of(person._replace(boot="another")) is Life.DEAD


def test_a_terminal_is_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_terminal", lambda: "/dev/pts/9")
    monkeypatch.setattr(os, "getsid", lambda _: os.getppid())
    person = this_terminal("kim")
    assert (person.terminal, person.pid) == ("/dev/pts/9", os.getppid())
    assert person.place == f"/dev/pts/9 on {person.host}"


def test_the_account_is_not_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert this_process().os_user != "somebody-else"
    assert this_process().operator == "somebody-else", "the operator is who they say they are"


def test_a_session_is_stored_once(world: WalkWorld) -> None:
    case = world.walk().case
    me = this_process("kim")
    with case.transaction("test") as tx:
        first = open_session(tx, me, now_ms=world.now)
        assert open_session(tx, me, now_ms=world.now + 1) == first
        assert open_session(tx, me._replace(operator="sam"), now_ms=world.now) != first
