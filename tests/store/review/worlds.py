"""Cases to review: the example of February 2026 from first collection to decision, and one whose every text is hostile."""

from __future__ import annotations

import hashlib
import itertools
import struct
import zlib
from pathlib import Path

from collectors.records.load import load_records
from store.begin import begin_case
from store.case import Case
from store.evidence import Artifact, Collection, CollectionEnd, Coverage, LogMatch, LookedFor, Probe, Unreadable
from store.instants import parse_instant
from store.packet.make import make_packet, role_documents
from store.runbook.model import Runbook
from store.runbook.parse import parse_runbook
from store.walk import act, decisions, remarks
from store.walk.session import Life, Who
from store.walk.walk import Walk
from tests.store.world import collection, lines, match, probe, snapshot

SHIPPED = Path(__file__).parents[3] / "runbook.md"
KIM = Who("kim", "kim", "desk-1", "pts/1", 0, "", "boot-1")
SECOND, MINUTE = 1000, 60_000

BASELINE = (parse_instant("2026-02-18T02:18:40Z"), parse_instant("2026-02-18T02:28:40Z"))
POSTFIX = (parse_instant("2026-02-18T03:18:40Z"), parse_instant("2026-02-18T03:28:40Z"))
SNAPSHOT = parse_instant("2026-02-18T03:30:38Z")
SLOT = "/api/cron/emailbison/availability-slot"
CRONS = (
    "/api/cron/response-timing",
    "/api/cron/background-jobs",
    "/api/cron/followups",
    "/api/cron/availability",
    "/api/cron/appointment-reconcile",
)

SCRIPT = "<script>document.title='pwned'</script>"
BREAKOUT = "\"'><img src=x onerror=\"document.title='pwned'\"><svg onload=\"document.title='pwned'\">"
MARKDOWN = "a|b `c` [d](javascript:alert(1)) ![e](http://evil.example/x.png) | --- |\n# not a heading\r\n<!-- "
TERMINAL = "\x1b[2J\x1b]0;pwned\x07\u202egnp.exe\x00"
FORMULA = '=HYPERLINK("http://evil.example";"x")'
HOSTILE = f"{SCRIPT} {BREAKOUT} {MARKDOWN} {TERMINAL} {FORMULA}"


class Ticking:
    """A clock that moves on by a second whenever it is read."""

    def __init__(self, start: int) -> None:
        self._moments = itertools.count(start, SECOND)

    def __call__(self) -> int:
        return next(self._moments)


def png(width: int = 8, height: int = 8, *, red: int = 200) -> bytes:
    """A small valid picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((red, 120, 60)) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def walk_on(case: Case) -> Walk:
    """A walk by Kim whose other terminals are out of sight."""
    return Walk(case, KIM, monotonic=lambda: 0, life=lambda who: Life.ELSEWHERE)


def add_file(case: Case, name: str, data: bytes, media_type: str, *, role: str = "browser", at: int = SNAPSHOT) -> None:
    """Store an artifact with its bytes."""
    with case.transaction("attach") as tx:
        tx.add_blob(name, data)
        tx.add(Artifact(None, name, role, media_type, len(data), hashlib.sha256(data).hexdigest(), at, *POSTFIX))


def seed_records() -> bytes:
    """What was collected: ten-minute windows, one snapshot, an empty ledger, six probes of which one had no answer."""
    webhook = {"route": "/api/webhooks/email", "status": 504, "raw": "Task timed out after 60 seconds"}
    inbox = {"route": "/api/inbox/conversations", "status": 504, "raw": "Task timed out after 300 seconds"}
    return lines(
        [
            collection("base", "runtime-logs", *BASELINE, collected=BASELINE[1] + 2 * MINUTE),
            *(match("base", f"w{n}", BASELINE[0] + n * 25 * SECOND, "webhook-timeout", **webhook) for n in range(21)),
            *(match("base", f"i{n}", BASELINE[0] + n * 70 * SECOND, "inbox-timeout", **inbox) for n in range(8)),
            collection("post", "runtime-logs", *POSTFIX, collected=POSTFIX[1] + 2 * MINUTE),
            match("post", "w-late", POSTFIX[0] + 5 * MINUTE, "webhook-timeout", **webhook),
            collection("queue", "offload", SNAPSHOT - 30 * MINUTE, SNAPSHOT + 1, collected=SNAPSHOT + 1),
            snapshot("queue", SNAPSHOT, 0, running=0, failed=3),
            collection("probes", "cron-probes", SNAPSHOT - MINUTE, SNAPSHOT, collected=SNAPSHOT),
            *(probe("probes", SNAPSHOT - 50 * SECOND + n, route, 200) for n, route in enumerate(CRONS)),
            probe("probes", SNAPSHOT - 30 * SECOND, SLOT, 0, reason="no answer within 20 s"),
        ]
    )


def seed_case(path: Path) -> Path:
    """The example of February 2026, walked up to its decision."""
    runbook = parse_runbook(SHIPPED.read_text("utf-8"), "runbook.md")
    clock = Ticking(parse_instant("2026-02-18T03:12:00Z"))
    begin_case(path, runbook, title="Phase 168e, February cycle", operator="kim", clock=clock)
    with Case.open(path, write=True, clock=clock) as case:
        deployed = parse_instant("2026-02-18T03:10:00Z")
        remarks.add_mark(case, "kim", "deploy", deployed, deployment="dpl_new", previous="dpl_old")
        act.start(walk_on(case), "confirm-deployment")
        act.finish(walk_on(case), "confirm-deployment", reason="dpl_new serves production")
        load_records(case, runbook, seed_records(), name="seed.ndjson", operator="kim")
    clock = Ticking(SNAPSHOT + MINUTE)
    with Case.open(path, write=True, clock=clock) as case:
        remarks.add_window(case, "kim", "baseline", *BASELINE)
        remarks.add_window(case, "kim", "postfix", *POSTFIX)
        walk = walk_on(case)
        for step in ("baseline-window", "capture-logs", "queue-t0", "probe-crons"):
            act.start(walk, step)
            act.finish(walk, step, reason="done")
        act.start(walk, "read-ledger")
        act.fail(walk, "read-ledger", reason="the ledger is empty: no run was recorded")
        act.skip(walk, "rehearse-alerts", reason="no quiet time tonight")
        remarks.add_note(
            case, "kim", f"{SLOT} had one time-out; watch it in the next cycle", step="probe-crons", cites=["probe:6"]
        )
        remarks.acknowledge(case, "kim", "cron-probes", note="seen")
        name = "artifacts/live-env-playwright/phase-168-postfix-2026-02-18T03-29-00Z-inbox.png"
        add_file(case, name, png(320, 200), "image/png")
        add_file(
            case,
            "artifacts/live-env-playwright/phase-168-postfix-2026-02-18T03-29-00Z-console.json",
            b"[]",
            "application/json",
        )
        decisions.record_decision(
            walk,
            "decide",
            "go-on",
            refs=["collection:1", "collection:2", "snapshot:1", "probe:6"],
            reason="no threshold tripped in the verified ten minutes; the rest is carried as watch items",
            override="thirty minutes were not watched",
        )
        act.finish(walk, "package", reason="written and attached")
        papers = attach_papers(case)
        act.finish(walk, "unknowns", reason="two watch items")
        decisions.record_decision(
            walk,
            "closing",
            "close-watching",
            refs=[*papers, "probe:6"],
            reason="partially confirmed: the slot's time-out and the matched export go to the next phase",
        )
    return path


def attach_papers(case: Case) -> list[str]:
    """Take the documents of the case's own packet in, each with its role and window; their references."""
    packet = make_packet(case.read())
    data = {document.path: document.data for document in packet.documents}
    refs = []
    for role, path in role_documents(packet).items():
        window = BASELINE if role == "baseline" else POSTFIX
        kind = "text/csv" if path.suffix == ".csv" else "text/markdown"
        digest, size = hashlib.sha256(data[path]).hexdigest(), len(data[path])
        name = f"attachments/{path.name}"
        with case.transaction("attach") as tx:
            tx.add_blob(name, data[path])
            refs.append(f"artifact:{tx.add(Artifact(None, name, role, kind, size, digest, case.clock(), *window))}")
    return refs


def hostile_runbook() -> Runbook:
    """A runbook that passes every check and whose free texts are hostile."""
    text = f"""# {SCRIPT}

```toml runbook
id = "hostile"
```

### {SCRIPT}

```toml source
id = "rt"
kind = "records"
```

### {BREAKOUT}

```toml signature
id = "<b>sig</b>"
message = ["x"]
```

### {BREAKOUT} {SCRIPT}

```toml signal
id = "<i>signal</i>"
streams = ["rt"]
window = "30m"
owner = ["{SCRIPT}"]

[[trip]]
kind = "count"
signatures = ["<b>sig</b>"]
over = 2

[rollback]
do = "{SCRIPT} <a href=javascript:alert(1)>x</a>"
files = ["{SCRIPT}"]
```

### {SCRIPT}

```toml step
id = "<u>step</u>"
kind = "manual"
effect = "reads"
```
"""
    return parse_runbook(text, f"{SCRIPT}.md")


def hostile_case(path: Path) -> Path:
    """A case in which every text from outside tries to break out: log lines, routes, notes, file names, whole files."""
    runbook, start = hostile_runbook(), parse_instant("2026-02-18T03:00:00Z")
    begin_case(path, runbook, title=f"{SCRIPT}{BREAKOUT}", operator=SCRIPT, clock=Ticking(start))
    with Case.open(path, write=True, clock=Ticking(start + 31 * MINUTE)) as case:
        with case.transaction(SCRIPT) as tx:
            owner = tx.add(
                Collection(
                    "rt",
                    SCRIPT,
                    start,
                    start + 30 * MINUTE,
                    start + 30 * MINUTE,
                    0,
                    FORMULA,
                    SCRIPT,
                    HOSTILE,
                    HOSTILE,
                    HOSTILE,
                )
            )
            tx.add(Coverage(owner, "rt", start, start + 30 * MINUTE, start + 30 * MINUTE))
            tx.add(LookedFor(owner, "<b>sig</b>", runbook.signatures[0].sha256, why=HOSTILE))
            tx.add_all(
                LogMatch(
                    owner,
                    "rt",
                    "<b>sig</b>",
                    FORMULA,
                    f"{SCRIPT}{n}",
                    start + n * MINUTE,
                    None,
                    HOSTILE,
                    500,
                    HOSTILE,
                    1,
                    n,
                    HOSTILE,
                )
                for n in range(5)
            )
            tx.add(Unreadable(owner, 1, HOSTILE, HOSTILE))
            tx.add(
                Probe(
                    owner,
                    "rt",
                    start,
                    HOSTILE,
                    "000",
                    None,
                    "timeout",
                    url="http://evil.example/beacon.png",
                    reason=HOSTILE,
                    body=HOSTILE,
                )
            )
            tx.add(CollectionEnd(owner, "ok", HOSTILE, start + 30 * MINUTE))
        failed = Collection("rt", "records", start, start, start, 0, "", "", "http://evil.example/source")
        with case.transaction("x") as tx:
            tx.add(CollectionEnd(tx.add(failed), "failed", HOSTILE, start))
        remarks.add_note(case, SCRIPT, HOSTILE)
        act.start(walk_on(case), "<u>step</u>")
        act.fail(walk_on(case), "<u>step</u>", reason=HOSTILE)
        script_svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=\'pwned\'">{SCRIPT}</svg>'.encode()
        )
        add_file(case, f"{SCRIPT}.html", f"<html>{SCRIPT}</html>".encode(), "text/html")
        add_file(case, "drawing.svg", script_svg, "image/svg+xml")
        add_file(case, "false.png", f"<html>{SCRIPT}</html>".encode(), "image/png")
        add_file(case, "x\"'>.png", png(), "image/png", role=HOSTILE)
    return path
