"""A runbook with every kind of step, a case that holds it, people at terminals, and a clock that is set by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from store.case import Case
from store.walk.session import Life, Who
from store.walk.states import WalkState
from store.walk.walk import Walk
from tests.store.world import MINUTE, SIGNALS, START, World, collection, match, runbook_text

STEPS = """
## Steps

### Look

Is it up? `ls -l`

```toml step
id = "look"
kind = "check"
effect = "reads"
needs = []
```

```sh
curl --fail "$HOST/health" -H "Authorization: $TOKEN"
```

### Capture

```toml step
id = "capture"
kind = "capture"
effect = "reads"
needs = ["look"]
feeds = ["rt"]
for = "10m"
```

### Count by hand

```toml step
id = "count-it"
kind = "check"
effect = "reads"
needs = ["capture"]
cites = ["count"]
```

### Take a picture

```toml step
id = "picture"
kind = "manual"
effect = "reads"
needs = ["look"]
mandatory = false
```

### Choose

```toml step
id = "choose"
kind = "decide"
effect = "reads"
needs = ["count-it"]
cites = ["count", "queue"]
max_age = "10m"
second_person = ["undo-queue"]

[[choice]]
id = "hold"
label = "Hold and look again"
next = "capture"

[[choice]]
id = "undo-count"
label = "Undo the change"
scope = "count"
next = "carry-out"

[[choice]]
id = "undo-queue"
label = "Stop the workers"
scope = "queue"
next = "carry-out"

[[choice]]
id = "close"
label = "Close"
next = "pack"
```

### Carry it out

```toml step
id = "carry-out"
kind = "manual"
effect = "changes"
needs = ["choose"]
cites = ["count"]
mandatory = false
```

### Pack

```toml step
id = "pack"
kind = "manual"
effect = "reads"
needs = ["choose"]
```

### Seal

```toml step
id = "seal"
kind = "seal"
effect = "reads"
needs = ["pack"]
```
"""
HERE = "desk-1"
BOOT = "boot-1"


def walk_text(steps: str = STEPS) -> str:
    """The runbook of these tests."""
    base = runbook_text({"count": SIGNALS["count"][1]}).split("## Steps")[0]
    queue = (
        '### queue\n\n```toml signal\nid = "queue"\nstreams = ["pg"]\nwindow = "10m"\nowner = ["queue owner"]\n\n'
        f'[[trip]]\n{SIGNALS["queue"][1]}\n\n[rollback]\ndo = "Stop the workers."\nfiles = ["workers.py"]\nconfirm = ["nothing runs"]\n```\n\n'
        '```sh\nworkers stop --at "$HOST" --token "$TOKEN"\n```\n'
    )
    head = 'id = "world"\nneeds = ["HOST"]\nsecrets = ["TOKEN"]'
    return base.replace('id = "world"', head) + queue + steps


def who(operator: str, *, pid: int = 100, terminal: str = "pts/1", os_user: str = "ops", host: str = HERE) -> Who:
    """A person at a terminal of the test's machine."""
    return Who(operator, os_user, host, terminal, pid, f"started-{pid}", BOOT)


class WalkWorld:
    """A case under walk. Processes in `dead` are gone, hosts in `far` are out of sight."""

    def __init__(self, path: Path, world: World) -> None:
        self.world = world
        self.path = path
        self.now = START + 60 * MINUTE
        self.monotonic = 5_000_000
        self.dead: set[int] = set()
        self.far: set[str] = set()
        self.environ: dict[str, str] = {"HOST": "https://shop.example", "TOKEN": "open-sesame"}
        self._open: list[Case] = []

    def walk(self, operator: str = "kim", **at: Any) -> Walk:
        """The case in somebody's hands."""
        case = Case.open(self.path, write=True, clock=lambda: self.now)
        self._open.append(case)
        person = who(operator, **at)
        return Walk(
            case,
            person,
            monotonic=lambda: self.monotonic,
            life=self.life,
            runbook=self.world.runbook,
            environ=self.environ,
        )

    def life(self, person: Who) -> Life:
        """Whether a process of the test still lives."""
        if person.host in self.far:
            return Life.ELSEWHERE
        return Life.DEAD if person.pid in self.dead else Life.ALIVE

    def pass_time(self, ms: int) -> None:
        """Let time go by on both clocks."""
        self.now += ms
        self.monotonic += ms

    def watch(self, *, minutes: int = 10, matches: int = 0, name: str = "look") -> None:
        """Evidence: the log was watched until now, with so many failures; the queue was not looked at."""
        start = self.now - minutes * MINUTE
        found = [match(name, f"{name}-{n}", start + MINUTE + n * 1000) for n in range(matches)]
        self.world.load(collection(name, "rt", start, self.now), *found)

    def close(self) -> None:
        """Close every hand on the case."""
        for case in self._open:
            case.close()


def states(walk: WalkState) -> dict[str, str]:
    """State of each step by its id."""
    return {step.id: step.state for step in walk.steps}
