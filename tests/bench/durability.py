"""Kills, power cuts, copies, a full disk and a crowd, at full size: what is lost, and under which settings.

    python -m tests.bench durability [--kills 300] [--cuts 300] [--copies 60] [--seconds 60]

The settings that ship must lose nothing; WAL with NORMAL and DELETE with FULL are cut by the same harness and must lose something, or it
has no teeth. A small file system is mounted where that is allowed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.store.harness.crowd import run_crowd
from tests.store.harness.filling import fill_limited, fill_mounted
from tests.store.harness.killing import copy_while_writing, kill_writers
from tests.store.harness.power import DELETE_FULL, SHIPPED, WAL_NORMAL, cut_power

LONGEST_MS = 2000


def main() -> int:
    """Print a line per harness; 1 if one finds a loss, or a weak setting none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--cuts", type=int, default=300)
    parser.add_argument("--copies", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return int(not all([*power(Path(folder), asked.cuts), *others(Path(folder), asked)]))


def power(folder: Path, cuts: int) -> list[bool]:
    """Cut the power under the shipped and two weaker settings."""
    fine: list[bool] = []
    for name, settings in (("shipped", SHIPPED), ("wal normal", WAL_NORMAL), ("delete full", DELETE_FULL)):
        found = cut_power(new(folder, f"power {name}"), settings, cuts)
        tell(f"power cut, {name}", found._asdict())
        fine.append((found.lost, found.corrupt) == (0, 0) if settings is SHIPPED else found.lost > 0)
    return fine


def others(folder: Path, asked: argparse.Namespace) -> list[bool]:
    """Kills, copies, full disks, a crowd."""
    killed = kill_writers(new(folder, "kill"), asked.kills)
    tell("kill -9", killed._asdict())
    fine = [(killed.lost, killed.corrupt) == (0, 0)]
    for pause in (0, 200):
        copied = copy_while_writing(new(folder, f"copy {pause}"), asked.copies, pause_ms=pause)
        tell(f"copies, a pause of {pause} ms between transactions", copied._asdict())
        fine.append(copied.silent == 0)
    full = {"file size limit": lambda: fill_limited(new(folder, "limit"), 900_000)}
    full["tmpfs of 4 MiB"] = lambda: fill_mounted(new(folder, "mount"), 4096)
    for name, fill in full.items():
        try:
            told = fill()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"full disk, {name}: not possible here: {error}")
            continue
        tell(f"full disk, {name}", told)
        fine.append(told["lost"] == 0 and told["readable"])
    crowd = run_crowd(new(folder, "crowd"), asked.seconds)
    tell("three writers and two readers", crowd._asdict())
    return [*fine, not crowd.errors and crowd.worst_write < LONGEST_MS]


def new(folder: Path, name: str) -> Path:
    """A folder of its own."""
    path = folder / name.replace(" ", "-")
    path.mkdir()
    return path


def tell(name: str, found: dict[str, Any]) -> None:
    """Print one line."""
    print(json.dumps({"what": name, **found}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
