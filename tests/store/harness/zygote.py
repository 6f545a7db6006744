"""A process that forks writers on demand, so that hundreds can be killed without starting Python hundreds of times.

    go CASE ACKS SEED PAUSE_MS\\n   forks a writer; answers `PID\\n`
    wait\\n                         waits for it; answers `ended\\n`

A writer stores one transaction after another and notes each in ACKS after COMMIT returned, with one write that a kill cannot take back.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from store.case import Case
from tests.store.harness.deeds import do_something


class Zygote:
    """The forking process, as seen from a test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.harness.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def go(self, case: Path, acks: Path, seed: int, *, pause_ms: int = 0) -> int:
        """Start a writer; returns its process id."""
        return int(self._ask(f"go {case} {acks} {seed} {pause_ms}"))

    def wait(self) -> None:
        """Wait until the writer has ended."""
        assert self._ask("wait") == "ended"

    def _ask(self, line: str) -> str:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


def read_acks(acks: Path) -> dict[int, str]:
    """What was acknowledged: head by transaction."""
    if not acks.exists():
        return {}
    rows = (line.split() for line in acks.read_text().splitlines())
    return {int(seq): head for seq, head in rows}


def _write(case_path: str, acks: str, seed: int, pause_ms: int) -> None:
    rng = random.Random(seed)
    descriptor = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Case.open(case_path, write=True) as case:
        while True:
            seq, head = do_something(case, rng)
            os.write(descriptor, f"{seq} {head}\n".encode())
            if pause_ms:
                time.sleep(pause_ms / 1000)


def main() -> None:
    """Fork writers until the input ends."""
    child = 0
    for line in sys.stdin:
        if line.startswith("go "):
            _, case, acks, seed, pause = line.split()
            child = os.fork()
            if child == 0:
                try:
                    _write(case, acks, int(seed), int(pause))
                finally:
                    os._exit(1)
            print(child, flush=True)
        else:
            os.waitpid(child, 0)
            print("ended", flush=True)


if __name__ == "__main__":
    main()
