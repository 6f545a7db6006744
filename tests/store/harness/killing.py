"""kill -9 of a writer at random moments, and copies of a file that is being written."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import threading
from pathlib import Path
from typing import NamedTuple

from store.case import Case
from store.errors import CloseoutError, EvidenceBroken
from store.seal.delivery import check_copy
from tests.store.harness.deeds import make_case
from tests.store.harness.zygote import Zygote, read_acks

KILLS_PER_CASE = 15
COPIES_PER_CASE = 10


class Killed(NamedTuple):
    """What a run of kills found."""

    kills: int
    acknowledged: int
    lost: int
    corrupt: int
    journals: int
    unacknowledged: int


class Copied(NamedTuple):
    """What copies of a busy file were: complete, visibly broken, or silently short."""

    copies: int
    complete: int
    broken: int
    silent: int


def kill_writers(folder: Path, kills: int, *, seed: int = 1) -> Killed:
    """Kill a writer again and again; after each kill open, recover and verify the case."""
    rng, template = random.Random(seed), make_case(folder / "template.db")
    found = Killed(0, 0, 0, 0, 0, 0)
    with Zygote() as zygote:
        for number in range(kills):
            case, acks = folder / f"case-{number // KILLS_PER_CASE}.db", folder / f"acks-{number // KILLS_PER_CASE}"
            if not case.exists():
                shutil.copyfile(template, case)
            process = zygote.go(case, acks, rng.randrange(1 << 30))
            threading.Event().wait(rng.uniform(0, 0.12))
            os.kill(process, signal.SIGKILL)
            zygote.wait()
            journal = case.with_name(case.name + "-journal")
            found = found._replace(
                kills=found.kills + 1, journals=found.journals + (journal.exists() and journal.stat().st_size > 0)
            )
            found = _look(found, case, read_acks(acks))
    return found._replace(acknowledged=sum(len(read_acks(acks)) for acks in folder.glob("acks-*")))


def _look(found: Killed, path: Path, acks: dict[int, str]) -> Killed:
    try:
        with Case.open(path) as case:
            heads = dict(case.read().execute("SELECT seq, head FROM chain"))
        check_copy(path)
    except CloseoutError:
        return found._replace(corrupt=found.corrupt + 1)
    lost = sum(heads.get(seq) != head for seq, head in acks.items())
    more = max(heads) - max(acks, default=max(heads))
    return found._replace(lost=found.lost + lost, unacknowledged=found.unacknowledged + (more > 0))


def copy_while_writing(folder: Path, copies: int, *, pause_ms: int = 0, seed: int = 1) -> Copied:
    """Copy the file alone while a writer is at it; a copy that verifies must hold all that was acknowledged before it began."""
    template, found, rng = make_case(folder / "template.db"), Copied(0, 0, 0, 0), random.Random(seed)
    with Zygote() as zygote:
        while found.copies < copies:  # a new case now and then: a writer at full speed makes a file grow without end
            case, acks = folder / f"busy-{found.copies}.db", folder / f"acks-{found.copies}"
            shutil.copyfile(template, case)
            process = zygote.go(case, acks, rng.randrange(1 << 30), pause_ms=pause_ms)
            try:
                for _ in range(min(COPIES_PER_CASE, copies - found.copies)):
                    found = _copy(found, case, acks, rng)
            finally:
                os.kill(process, signal.SIGKILL)
                zygote.wait()
            case.unlink()
    return found


def _copy(found: Copied, case: Path, acks: Path, rng: random.Random) -> Copied:
    threading.Event().wait(rng.uniform(0, 0.03))
    known = max(read_acks(acks), default=0)
    copy = case.with_name("copy.db")
    shutil.copyfile(case, copy)
    try:
        return _judge_copy(found._replace(copies=found.copies + 1), copy, known)
    finally:
        copy.unlink()


def _judge_copy(found: Copied, copy: Path, known: int) -> Copied:
    try:
        contents = check_copy(copy)
    except (EvidenceBroken, sqlite3.Error, CloseoutError):
        return found._replace(broken=found.broken + 1)
    if contents.seq < known:
        return found._replace(silent=found.silent + 1)
    return found._replace(complete=found.complete + 1)
