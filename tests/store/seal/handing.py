"""Cases to hand over: settled ones, open ones, drills, and keys to sign with."""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from store.begin import begin_case
from store.case import Case
from store.journal import Window
from store.runbook.parse import parse_runbook
from store.walk import act
from store.walk.session import this_process
from store.walk.walk import Walk
from tests.store import world
from tests.store.harness.deeds import kept_folder

COUNTED = world.runbook_text({"count": 'kind = "count"\nsignatures = ["alpha"]\nover = 50'})
FROM, TO = world.START, world.START + 30 * world.MINUTE


def settled_case(path: Path) -> Path:
    """A case whose one mandatory step was passed, with evidence in two named windows of equal length."""
    shutil.copyfile(_settled(), path)
    return path


@lru_cache(maxsize=1)
def _settled() -> Path:
    path = kept_folder() / "settled.db"
    made = world.World(path, world.runbook_text())
    make_evidence(made)
    with Case.open(path, write=True, clock=lambda: TO + world.MINUTE) as case:
        walk = Walk(case, this_process("kim"))
        act.start(walk, "look")
        act.finish(walk, "look")
    return path


def counted_case(path: Path) -> world.World:
    """A case with one signal over one stream, so that its windows are wholly watched."""
    made = world.World(path, COUNTED)
    make_evidence(made)
    return made


def make_evidence(made: world.World) -> None:
    """Half an hour of logs with five matches, and two windows of ten minutes."""
    made.load(
        world.collection("b1", "rt", FROM, TO),
        *(world.match("b1", f"k{n}", FROM + n * 3 * world.MINUTE) for n in range(5)),
    )
    with Case.open(made.path, write=True, clock=lambda: TO) as case, case.transaction("walk") as tx:
        tx.add(Window("baseline", FROM, FROM + 10 * world.MINUTE, TO, "kim"))
        tx.add(Window("postfix", FROM + 15 * world.MINUTE, FROM + 25 * world.MINUTE, TO, "kim"))


def open_case(path: Path) -> Path:
    """A case in which nobody did anything yet."""
    world.World(path, world.runbook_text())
    return path


def drill_case(path: Path) -> Path:
    """A rehearsal."""
    begin_case(path, parse_runbook(world.runbook_text(), "runbook.md"), drill=True, operator="kim", clock=lambda: FROM)
    return path


def make_key(folder: Path, name: str = "key") -> Path:
    """An SSH key without a passphrase."""
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True, timeout=30)
    return key


def signers(folder: Path, *keys: Path) -> Path:
    """A list of who may sign."""
    path = folder / "signers"
    path.write_text("".join(f"{key.name}@example.org {key.with_suffix('.pub').read_text()}" for key in keys))
    return path
