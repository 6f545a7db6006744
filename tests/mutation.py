"""Flip every comparison of the judging views, one at a time, and see whether the random evidence of the oracle tests notices.

    python -m tests.mutation [--worlds 60] [--seed 1]

Each mutant is one view text with one change: `>` for `>=` and the reverse, `<` for `<=`, a millisecond more, a sum for a union. It is
killed when some answer differs from that of the unchanged views, which tests/store/test_judge_oracle.py holds against the plain reading.
Survivors are printed with their line; look at each: it is either a hole in the tests or a comparison that makes no difference.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from store import judge as judging
from store.case import Case
from store.judge import Question, judge, view_texts
from store.status import status_json
from tests.store.world import (
    MINUTE,
    START,
    World,
    collection,
    gauge,
    match,
    probe,
    retraction,
    run_count,
    runbook_text,
    snapshot,
)

_FLIPS = (
    (" >= ", " > "),
    (" > ", " >= "),
    (" <= ", " < "),
    (" < ", " <= "),
    (" + 1 ", " + 2 "),
    (" + 1)", " + 2)"),
    (" + 1\n", " + 2\n"),
)
_SPECIAL = (
    ("reached IS NULL OR from_ms > reached", "1"),
    ("max(t.from_ms", "min(t.from_ms"),
    ("min(c.to_ms, c.collected_ms", "max(c.to_ms, c.collected_ms"),
)


class Asked:
    """A case file, the questions put to it, and the unchanged answers."""

    def __init__(self, path: Path, instants: list[tuple[int, int | None, bool]]) -> None:
        self.case = Case.open(path)
        self.questions = [Question(t, self.case.head().seq, scope, live, 1) for t, scope, live in instants]
        self.answers = [self.ask(question) for question in self.questions]

    def ask(self, question: Question) -> str:
        """The whole answer as text; a mutant that does not run at all answers with its error."""
        try:
            return json.dumps(status_json(judge(self.case.read(), question)))
        except sqlite3.Error as error:
            return f"{type(error).__name__}: {error}"

    def notices(self) -> bool:
        """Whether some answer is another one now."""
        return any(self.ask(question) != answer for question, answer in zip(self.questions, self.answers, strict=True))


def main() -> int:
    """Print the survivors and the score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        template = World(Path(folder) / "template.db", runbook_text(settle={"rt": "30s"}))
        worlds = [_world(template, rng, number) for number in range(asked.worlds)]
        texts = view_texts(worlds[0].case.read())
        killed, survivors = 0, []
        for name, line, mutant in mutants(texts):
            with patch.object(judging, "view_texts", lambda _db, changed=mutant: changed):
                if any(world.notices() for world in worlds):
                    killed += 1
                else:
                    survivors.append((name, line))
                    print(f"survives  {name}: {line}", flush=True)
    print(f"{killed} killed, {len(survivors)} survived")
    return 0


def mutants(texts: list[tuple[str, str]]) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Every change of one place in one view: its name, the changed line, all texts."""
    for index, (name, text) in enumerate(texts):
        code = "\n".join(re.sub(r"--.*", "", line) for line in text.split("\n"))
        for old, new in (*_FLIPS, *_SPECIAL):
            for place in re.finditer(re.escape(old), code):
                changed = code[: place.start()] + new + code[place.end() :]
                number = code[: place.start()].count("\n")
                line = changed.split("\n")[number].strip()
                yield name, line[:150], [*texts[:index], (name, changed), *texts[index + 1 :]]


def _world(template: World, rng: random.Random, number: int) -> Asked:
    world = template.copy(template.path.with_name(f"{number}.db"))
    records = _records(rng)
    world.load(*records)
    moments = [rng.choice(_instants(records)) + rng.choice((0, 0, 1)) for _ in range(2)]
    questions = [
        (max(t, START + 5 * MINUTE), scope, live)
        for t in moments
        for scope, live in ((None, False), (START + rng.randrange(10) * MINUTE, False))
    ]
    return Asked(world.path, [*questions, (moments[0], None, True)])


def _instants(records: list[dict[str, Any]]) -> list[int]:
    base = [START + m * MINUTE for m in range(8, 42)]
    return base + [START + rng_ms for rng_ms in (600_000, 600_001, 1_200_000)] if records else base


def _records(rng: random.Random) -> list[dict[str, Any]]:
    def moment() -> int:
        return START + rng.randrange(80) * 30_000 + rng.choice((0, 0, 0, -1, 1))

    records: list[dict[str, Any]] = []
    owners: dict[str, list[str]] = {}
    for stream in ("rt", "rt", "aux", "pg", "pg", "routes", "gauges"):
        name = f"c{len(records)}"
        start, end = sorted((moment(), moment() + 1))
        if rng.random() < 0.6:
            start, end = START - 60 * MINUTE, START + rng.choice((20, 30, 40)) * MINUTE
        late, status = rng.choice((0, 0, 60_000, 400_000)), rng.choice(("ok",) * 8 + ("failed", "truncated"))
        records.append(
            collection(
                name, stream, start, end, collected=end + late, status=status, skew=rng.choice((0, 0, 0, 5_000, 5_001))
            )
        )
        owners.setdefault(stream, []).append(name)
    for _ in range(rng.randrange(10, 90)):
        records.append(_row(rng, owners, moment()))
    growing, depth = START + rng.randrange(10) * MINUTE, rng.randrange(3)
    for _ in range(rng.randrange(12)):
        growing += rng.choice((60_000, 120_000, 240_000, 240_001))
        depth += rng.choice((0, 0, 1, 1, 2, -1)) if depth else 1
        records.append(snapshot(owners["pg"][0], growing, depth, failed=rng.randrange(3)))
    if rng.random() < 0.2:
        records.append(retraction(records[rng.randrange(7)]["id"]))
    return records


def _row(rng: random.Random, owners: dict[str, list[str]], at: int) -> dict[str, Any]:
    stream = rng.choice(("rt", "rt", "rt", "aux", "pg", "routes", "gauges"))
    owner = rng.choice(owners[stream])
    if stream in ("rt", "aux"):
        return match(owner, f"k{rng.randrange(60)}", at, rng.choice(("alpha", "beta")), certain=int(rng.random() > 0.1))
    if stream == "pg":
        total = rng.randrange(12)
        return run_count(owner, at - at % MINUTE, total, min(total, rng.randrange(4)))
    if stream == "routes":
        return probe(owner, at, rng.choice(("/a", "/b")), rng.choice((200, 200, 401, 0, 500)))
    return gauge(owner, at, rng.choice((9, 10, 10.5, 11)))


if __name__ == "__main__":
    sys.exit(main())
