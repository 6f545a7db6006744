"""A disk that fills up: a limit on the size of files in a process of its own, or a small file system where one can be mounted."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from store import journal
from store.case import Case
from store.errors import DiskFull
from tests.store.harness.deeds import do_something, make_case


def fill_limited(folder: Path, room: int) -> dict[str, Any]:
    """Write until files may not grow further; what happened, and what the case says afterwards."""
    case = make_case(folder / "full.db")
    words = [sys.executable, "-m", "tests.store.harness.filling", "limited", str(case), str(case.stat().st_size + room)]
    return _run(words)


def fill_mounted(folder: Path, size_kib: int) -> dict[str, Any]:
    """Write until a small tmpfs is full; needs the right to mount, in a namespace of its own."""
    words = [sys.executable, "-m", "tests.store.harness.filling", "mounted", str(folder), str(size_kib)]
    return _run(["unshare", "--mount", "--map-root-user", *words])


def _run(words: list[str]) -> dict[str, Any]:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True, cwd=Path(__file__).parents[3])
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _fill(path: Path) -> dict[str, Any]:
    rng, acked, told = random.Random(1), dict[int, str](), dict[str, Any]()
    with Case.open(path, write=True) as case:
        try:
            while len(acked) < 10_000:
                seq, head = do_something(case, rng)
                acked[seq] = head
        except DiskFull as error:
            told["refusal"] = error.message
        told["stopped"] = case.evidence_stopped()
        told["notes"] = _say_things(case, acked)
    told["acknowledged"] = len(acked)
    told["acks"] = acked
    return told


def _say_things(case: Case, acked: dict[int, str]) -> int:
    """How many notes can still be stored."""
    for number in range(20):
        try:
            with case.transaction("walk") as tx:
                tx.add(journal.Note(1, "kim", None, "the disk is full, and this was said"))
        except DiskFull:
            return number
        acked[tx.seq] = case.head().head
    return 20


def _look_again(path: Path, acked: dict[int, str]) -> dict[str, Any]:
    from store.seal.delivery import check_copy

    with Case.open(path) as case:
        heads = dict(case.read().execute("SELECT seq, head FROM chain").fetchall())
    check_copy(path)
    return {"lost": sum(heads.get(seq) != head for seq, head in acked.items()), "readable": True}


def main() -> None:
    """Fill one disk and tell what happened."""
    how, place, amount = sys.argv[1:]
    if how == "limited":
        path = Path(place)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(amount), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    else:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={amount}k", "tmpfs", place], check=True)
        path = make_case(Path(place) / "full.db")
    told = _fill(path)
    told |= _look_again(path, told.pop("acks"))
    print(json.dumps(told))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
