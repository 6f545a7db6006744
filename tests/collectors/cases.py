"""Builders for the collectors' tests: a case with a runbook, a clock that is set by hand, short looks into the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from store.begin import begin_case
from store.case import Case
from store.instants import parse_instant
from store.runbook.model import Runbook, Source
from store.runbook.parse import parse_runbook

T0 = parse_instant("2026-02-18T03:00:00Z")

HEAD = """# Under test

```toml runbook
id = "phase-168e"
phase = "168e"
needs = ["BASE_URL", "DATABASE_URL"]
secrets = ["CRON_SECRET"]
```

## Sources

"""

SIGNAL = """
## Signals

### Something

```toml signal
id = "something"
streams = ["%s"]
window = "%s"
owner = ["on-call"]
[[trip]]
%s
[rollback]
do = "Undo it."
```
"""


def runbook_of(sources: str, *, stream: str, trip: str, window: str = "30m") -> Runbook:
    """A runbook with the given source blocks and one signal over one stream."""
    return parse_runbook(HEAD + sources + SIGNAL % (stream, window, trip), "runbook.md")


def source_of(runbook: Runbook, id: str) -> Source:
    return next(source for source in runbook.sources if source.id == id)


def make_case(folder: Path, runbook: Runbook) -> Case:
    """An open, writable case that holds the runbook's edition."""
    path = folder / "case.db"
    begin_case(path, runbook, operator="me", clock=lambda: T0)
    return Case.open(path, write=True, clock=lambda: T0)


def rows(case: Case, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in case.read().execute(sql, parameters)]


def clock(start_ms: int, step_ms: int = 1) -> Callable[[], int]:
    """A clock that moves on by a step at every look."""
    now = [start_ms - step_ms]

    def tick() -> int:
        now[0] += step_ms
        return now[0]

    return tick


def bytes_of(case: Case) -> bytes:
    """Every stored byte, for searches after secrets."""
    return case.path.read_bytes()


Environ = Mapping[str, str]
