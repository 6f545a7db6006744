"""Three writers and two readers on one case, each a process of its own, at the pace of real collectors."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from store.case import Case, now_ms
from store.errors import CloseoutError
from store.judge import judge, question_at
from tests.store.harness.deeds import do_something, make_case

WRITES_A_SECOND = 5
READS_A_SECOND = 4


class Crowd(NamedTuple):
    """What the crowd saw. Times are milliseconds; `errors` is what a user would have read."""

    writes: int
    reads: int
    median_write: float
    worst_write: float
    worst_read: float
    errors: tuple[str, ...]


def run_crowd(folder: Path, seconds: float) -> Crowd:
    """Let three writers, a screen that judges and a scanning reader work on one case for that long."""
    case = make_case(folder / "crowd.db")
    roles = ("write", "write", "write", "judge", "scan")
    processes = [_start(role, case, seconds, number) for number, role in enumerate(roles)]
    told = [json.loads(process.communicate(timeout=seconds + 60)[0]) for process in processes]
    writes = sorted(ms for role, one in zip(roles, told, strict=True) if role == "write" for ms in one["ms"])
    reads = [ms for role, one in zip(roles, told, strict=True) if role != "write" for ms in one["ms"]]
    errors = tuple(error for one in told for error in one["errors"])
    return Crowd(len(writes), len(reads), writes[len(writes) // 2], writes[-1], max(reads), errors)


def _start(role: str, case: Path, seconds: float, number: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.store.harness.crowd", role, str(case), str(seconds), str(number)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])


def _work(role: str, path: str, seconds: float, number: int) -> dict[str, list[object]]:
    rng, taken, errors = random.Random(number), list[object](), list[object]()
    every = 1 / (WRITES_A_SECOND if role == "write" else READS_A_SECOND)
    end = time.monotonic() + seconds
    with Case.open(path, write=role == "write") as case:
        while (began := time.monotonic()) < end:
            try:
                if role == "write":
                    do_something(case, rng)
                else:
                    _look(case, role)
            except CloseoutError as error:
                errors.append(str(error))
            taken.append((time.monotonic() - began) * 1000)
            time.sleep(max(0.0, every - (time.monotonic() - began)))
    return {"ms": taken, "errors": errors}


def _look(case: Case, role: str) -> None:
    db = case.read()
    if role == "judge":
        judge(db, question_at(db, as_of_ms=now_ms(), live=True))
    else:
        db.execute("SELECT count(*), sum(length(raw)) FROM log_match").fetchone()


if __name__ == "__main__":
    print(json.dumps(_work(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))))
