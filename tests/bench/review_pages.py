"""The page of a case with 1e6 matches against the same page of a case with 1e3, and the size of the static page.

    python -m tests.bench review_pages [--small 1000] [--large 1000000] [--rounds 7] [--near]

Both cases hold the same matches within reach of the conditions; the rest is older, unless --near puts it right before the window, where
the trend has to read it. Asked through Datasette's in-process client, in turns, so that both meet the same machine. The page may cost
three times as much at most; the static page stays below 300 kB.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from store.begin import begin_case
from store.case import Case
from store.editions import signatures_of_stream
from store.evidence import Collection, CollectionEnd, Coverage, LogMatch, LookedFor
from store.instants import parse_instant
from store.review.facts import read_case
from store.review.serve import case_datasette
from store.review.static import static_page
from store.runbook.find import read_runbook, shipped_runbook_path

T = parse_instant("2026-02-18T03:30:00Z")
WINDOW, REACH, DAY = 1_800_000, 4 * 3_600_000, 86_400_000
STREAM = "runtime-logs"
IN_WINDOW = 300
MOST_TIMES, MOST_BYTES = 3.0, 300_000
PAGES = ("/-/case", "/-/signal/webhook-60s", "/-/timeline", "/signal_state", "/log_match")


def main() -> int:
    """Print a line per page; 1 if the front page costs too much or the static page is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--near", action="store_true", help="history right before the window")
    asked = parser.parse_args()
    quiet = WINDOW if asked.near else REACH
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.db", Path(folder) / "large.db"
        _make(small, asked.small, quiet)
        _make(large, asked.large, quiet)
        ratios = asyncio.run(_measure(small, large, asked.rounds))
        with Case.open(large) as case:
            size = len(static_page(case.read(), read_case(case.read())).encode())
    print(f"static page {size} bytes, at most {MOST_BYTES}")
    return int(ratios["/-/case"] > MOST_TIMES or size > MOST_BYTES)


def _make(path: Path, matches: int, quiet: int) -> None:
    runbook = read_runbook(shipped_runbook_path())
    begin_case(path, runbook, clock=lambda: T)
    chance = random.Random(7)
    with Case.open(path, write=True) as case, case.transaction("bench") as tx:
        owner = tx.add(Collection(STREAM, "bench", T - DAY, T, T + 60_000))
        tx.add(Coverage(owner, STREAM, T - DAY, T, T + 60_000))
        tx.add_all(LookedFor(owner, name, sha256) for name, sha256 in signatures_of_stream(runbook, STREAM))
        tx.add_all(_match(owner, n, chance, runbook.signatures, quiet) for n in range(matches))
        tx.add(CollectionEnd(owner, "ok", "", T + 60_000, matched=matches))


def _match(owner: int, number: int, chance: random.Random, signatures: Any, quiet: int) -> LogMatch:
    inside = number < IN_WINDOW
    instant = T - 1 - chance.randrange(WINDOW) if inside else T - quiet - 1 - chance.randrange(DAY - quiet - 1)
    signature = signatures[number % len(signatures)]
    return LogMatch(owner, STREAM, signature.id, signature.group, f"k{number}", instant, route="/api/x", raw="x" * 80)


async def _measure(small: Path, large: Path, rounds: int) -> dict[str, float]:
    served = {path.stem: case_datasette(path, sealed=False) for path in (small, large)}
    ratios: dict[str, float] = {}
    for page in PAGES:
        taken: dict[str, list[float]] = {name: [] for name in served}
        for _ in range(rounds + 1):
            for name, datasette in served.items():
                start = time.perf_counter()
                response = await datasette.client.get(f"/{name}{page}")
                taken[name].append(time.perf_counter() - start)
                if response.status_code != 200:
                    raise SystemExit(f"{name}{page}: {response.status_code}")
        one, other = (statistics.median(taken[name][1:]) * 1000 for name in ("small", "large"))
        ratios[page] = other / one
        print(f"{page:<24} small {one:7.1f} ms   large {other:7.1f} ms   {other / one:5.2f}x")
    return ratios


if __name__ == "__main__":
    sys.exit(main())
