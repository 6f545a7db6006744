"""What `--help` and `status` cost, as multiples of a bare interpreter (limits: 6 and 8).

python -m tests.bench startup [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.store.world import World, at, collection, match, runbook_text

LIMITS = {"closeout --help": 6.0, "closeout status": 8.0, "closeout status --json": 8.0}


def main() -> int:
    """Print a line per command; 1 if a limit is exceeded."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "case.db", runbook_text())
        world.load(
            collection("c", "rt", at("03:00"), at("03:30")), *[match("c", f"k{i}", at("03:20") + i) for i in range(50)]
        )
        status = [sys.executable, "-m", "tui", "status", str(world.path), "--as-of", "2026-02-18T03:30:00Z"]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import click": [sys.executable, "-c", "import click"],
            "closeout --help": [sys.executable, "-m", "tui", "--help"],
            "closeout status": status,
            "closeout status --json": [*status, "--json"],
        }
        spent = _measure(commands, rounds)
    bare = spent["python -c pass"]
    exceeded = 0
    for name, seconds in spent.items():
        limit = LIMITS.get(name)
        exceeded |= limit is not None and seconds / bare > limit
        print(
            f"{name:<24} {seconds * 1000:6.1f} ms cpu  {seconds / bare:5.2f} x"
            + (f"  (limit {limit:g})" if limit else "")
        )
    return int(exceeded)


def _measure(commands: dict[str, list[str]], rounds: int) -> dict[str, float]:
    spent: dict[str, list[float]] = {name: [] for name in commands}
    nowhere = os.open(os.devnull, os.O_RDWR)
    for _ in range(rounds + 1):
        for name, command in commands.items():
            pid = os.fork()
            if not pid:
                os.dup2(nowhere, 1)
                os.dup2(nowhere, 2)
                os.execv(command[0], command)  # noqa: S606 a list of ours
            _, _, usage = os.wait4(pid, 0)
            spent[name].append(usage.ru_utime + usage.ru_stime)
    return {name: statistics.median(values[1:]) for name, values in spent.items()}


if __name__ == "__main__":
    sys.exit(main())
