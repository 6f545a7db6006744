"""A case with every kind of condition, once exceeded and once fine: what the board must be able to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.store import world
from tests.tui.desk.desk_world import MINUTE, NOW, make_case

_BODIES = {
    "count": ("rt", 'kind = "count"\nsignatures = ["alpha"]\nover = 50'),
    "burst": ("rt", 'kind = "burst"\nsignatures = ["alpha"]\nslice = "5m"\nat_least = 10'),
    "trend": ("rt", 'kind = "trend"\nsignatures = ["alpha"]'),
    "loop": ("rt", 'kind = "loop"\ngroups = ["web", "cron"]'),
    "queue": ("off", 'kind = "queue"'),
    "ratio": ("off", 'kind = "ratio"\nof = "runs"\nover_percent = 10'),
    "probe": ("pr", 'kind = "probe"\nroutes = ["/api/cron/a", "/api/cron/b"]'),
    "level": ("g", 'kind = "level"\nseries = "depth"\nover = 100\nfor = "5m"'),
}


def kinds_case(path: Path, *, bad: bool) -> Path:
    """A case in which every kind of condition is exceeded, or every one is fine."""
    return make_case(path, text=_text(), evidence=world.lines(_evidence(bad=bad)).decode(), scope_minutes=190)


def _text() -> str:
    parts = ['# Every kind\n\n```toml runbook\nid = "kinds"\n```\n\n## Sources\n']
    parts += [
        f'### {name}\n\n```toml source\nid = "{name}"\nkind = "records"\n```\n' for name in ("rt", "off", "pr", "g")
    ]
    parts.append("## Signatures\n")
    for name, group in (("alpha", "web"), ("beta", "cron")):
        parts.append(f'### {name}\n\n```toml signature\nid = "{name}"\nmessage = ["{name}"]\ngroup = "{group}"\n```\n')
    parts.append("## Signals\n")
    for kind, (stream, body) in _BODIES.items():
        parts.append(
            f'### Something of the kind {kind}\n\n```toml signal\nid = "{kind}"\nstreams = ["{stream}"]\nwindow = "30m"\nowner = ["on-call"]\n\n'
            f'[[trip]]\n{body}\n\n[rollback]\ndo = "Undo what the {kind} is about."\n```\n'
        )
    parts.append('## Steps\n\n### Look\n\n```toml step\nid = "look"\nkind = "manual"\neffect = "reads"\n')
    parts.append(f"cites = [{', '.join(f'{chr(34)}{kind}{chr(34)}' for kind in _BODIES)}]\n```\n")
    return "\n".join(parts[:-1]) + parts[-1]


def _evidence(*, bad: bool) -> list[dict[str, Any]]:
    start, end = NOW - 200 * MINUTE, NOW - 5_000
    rows = [
        world.collection(name, stream, start, end)
        for name, stream in (("l", "rt"), ("q", "off"), ("r", "off"), ("p", "pr"), ("d", "g"))
    ]
    for tile, count in enumerate((20, 30, 60) if bad else (9, 7, 3)):
        began = end - (3 - tile) * 30 * MINUTE + 1000
        rows += [world.match("l", f"a{tile}-{n}", began + n * 20_000) for n in range(count)]
    for n in range(3 if bad else 0):
        rows.append(world.match("l", f"b{n}", end - 25 * MINUTE + n * 5 * MINUTE, "beta", group="cron"))
    for n in range(14):
        depth = 40 + 12 * n if bad else 60 - 3 * n
        rows.append(world.snapshot("q", end - (39 - 3 * n) * MINUTE, depth, running=2, failed=n if bad else 0))
    for n in range(30):
        rows.append(world.run_count("r", (end - (30 - n) * MINUTE) // MINUTE * MINUTE, 20, 3 if bad and n > 8 else 0))
        rows.append(world.gauge("d", end - (29 - n) * MINUTE, (140.5 + n) if bad and n > 12 else 12 + n % 4))
    for route, status in (("/api/cron/a", 200), ("/api/cron/b", 500 if bad else 401)):
        rows += [world.probe("p", end - ago * MINUTE, route, status) for ago in (20, 10, 1)]
    return rows
