"""The example of February 2026 from `init` to the next phase, as it was lived and as it is typed: ten-minute windows, an empty ledger, one
probe without an answer. The packet has to say what its authors could only infer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from store.instants import format_instant, parse_instant
from tests.store.review.worlds import CRONS, SLOT
from tests.store.world import collection, lines, probe, snapshot
from tui.cli import main

SHIPPED = Path(__file__).parents[1] / "runbook.md"
HOME = "docs/planning/phase-168/artifacts"
BASELINE = "2026-02-18T02:18:40Z/2026-02-18T02:28:40Z"
POSTFIX = "2026-02-18T03:18:40Z/2026-02-18T03:28:40Z"
SECOND, MINUTE = 1000, 60_000
SNAPSHOT = parse_instant("2026-02-18T03:30:38Z")


class Desk:
    """Somebody who types commands at stated moments."""

    def __init__(self, capsys: pytest.CaptureFixture[str], clock: time_machine.Coordinates) -> None:
        self._capsys, self._clock = capsys, clock

    def at(self, instant: str) -> None:
        """The wall clock of the machine."""
        self._clock.move_to(datetime.fromtimestamp(parse_instant(instant) / 1000, UTC), tick=False)

    def types(self, *words: str, code: int = 0) -> str:
        """One command; what it printed."""
        self._clock.shift(1)
        ended = main(list(words))
        told = self._capsys.readouterr()
        assert ended == code, (words, told.out, told.err)
        return told.out

    def asks(self, *words: str, code: int = 0) -> Any:
        """One command for its JSON."""
        return json.loads(self.types(*words, "--json", code=code))

    def does(self, step: str, act: str = "done", reason: str = "as the runbook says") -> None:
        """One step of the walk."""
        self.types("step", act, "case.db", step, *(("--reason", reason) if reason else ()))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))
    shutil.copyfile(SHIPPED, "runbook.md")
    with time_machine.travel(datetime(2026, 2, 18, 3, 12, tzinfo=UTC), tick=False) as clock:
        yield Desk(capsys, clock)


def request(number: int, at: int, path: str, seconds: int) -> dict[str, Any]:
    """A row of a dashboard export: a request that began `seconds` before it was killed."""
    return {
        "id": f"r-{path}-{number}",
        "timestampInMs": at - seconds * SECOND,
        "requestId": f"q-{path}-{number}",
        "requestPath": f"app.example.com{path}",
        "responseStatusCode": 504,
        "level": "error",
        "message": f"Vercel Runtime Timeout Error: Task timed out after {seconds} seconds",
    }


def quiet(number: int, at: int, path: str) -> dict[str, Any]:
    """A row of a request that went well."""
    return {**request(1000 + number, at, path, 0), "responseStatusCode": 200, "level": "info", "message": ""}


def export(path: str, window: str, *, webhook: int, inbox: int) -> str:
    """A dashboard export of a window with so many time-outs, and quiet requests between them."""
    start = parse_instant(window.partition("/")[0])
    rows = [request(n, start + 65 * SECOND + n * 25 * SECOND, "/api/webhooks/email", 60) for n in range(webhook)]
    rows += [request(n, start + 305 * SECOND + n * 30 * SECOND, "/api/inbox/conversations", 300) for n in range(inbox)]
    for route in ("/api/webhooks/email", "/api/inbox/conversations", CRONS[0]):
        rows += [quiet(n, start + (n * 10 + 1) * SECOND, route) for n in range(60)]
    Path(path).write_text(json.dumps(rows))
    return path


def offload_and_probes(path: str) -> str:
    """One snapshot; a ledger that was looked at for half an hour and held nothing; six probes, one of them `000`."""
    Path(path).write_bytes(
        lines(
            [
                collection("queue", "offload", SNAPSHOT - 30 * MINUTE, SNAPSHOT + 1, collected=SNAPSHOT + 1),
                snapshot("queue", SNAPSHOT, 0, running=0, failed=0),
                collection("probes", "cron-probes", SNAPSHOT - MINUTE, SNAPSHOT, collected=SNAPSHOT),
                *(probe("probes", SNAPSHOT - 50 * SECOND + n, route, 200) for n, route in enumerate(CRONS)),
                probe("probes", SNAPSHOT - 30 * SECOND, SLOT, 0, reason="no answer within 20 s"),
            ]
        )
    )
    return path


def read(pattern: str) -> str:
    (found,) = Path(HOME).glob(pattern)
    return found.read_text("utf-8")


def walk_to_the_decision(desk: Desk) -> None:
    desk.types("init", "case.db", "--operator", "kim", "--title", "Phase 168e")
    desk.types("mark", "case.db", "deploy", "--at", "2026-02-18T03:10:00Z", "--id", "dpl_new", "--previous", "dpl_old")
    desk.does("confirm-deployment")
    desk.types("window", "case.db", "baseline", BASELINE)
    since, until = BASELINE.split("/")
    desk.types(
        "import", "case.db", export("before.json", BASELINE, webhook=20, inbox=8), "--since", since, "--until", until
    )
    desk.does("baseline-window")
    desk.at("2026-02-18T03:31:00Z")
    desk.types("window", "case.db", "postfix", POSTFIX)
    since, until = POSTFIX.split("/")
    desk.types(
        "import", "case.db", export("after.json", POSTFIX, webhook=0, inbox=0), "--since", since, "--until", until
    )
    desk.types("import", "case.db", offload_and_probes("looked.ndjson"))
    for step in ("capture-logs", "queue-t0"):
        desk.does(step)
    desk.does("read-ledger", "fail", "no row at all while the dispatch windows say ENQUEUED")
    desk.does("probe-crons")
    desk.does("browser-capture", "skip", "the pictures were taken by hand")
    Path("inbox.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    desk.types("attach", "case.db", "inbox.png", "--role", "browser", "--window", "postfix")
    for step in ("queue-t30", "rerun-queries"):
        desk.does(step)
    desk.does("rehearse-alerts", "skip", "not tonight")


def test_the_example_is_walked_from_init_to_the_next_phase(desk: Desk) -> None:
    walk_to_the_decision(desk)
    verdict = desk.asks("verdict", "case.db", code=11)
    assert (verdict["verdict"], verdict["action"]) == ("partially_confirmed", "close_with_watch_items")
    desk.does("compare-windows")
    refs = ["collection:1", "collection:2", "snapshot:1", "probe:6"]
    desk.types("decide", "case.db", "decide", "go-on", "--cite", *refs, "--reason", "no threshold tripped",
               "--override", "thirty minutes were not watched: the export holds ten")  # fmt: skip

    papers = desk.asks("packet", "case.db", "--out", ".", "--attach")["attached"]
    desk.does("package")
    desk.does("unknowns")
    desk.types("decide", "case.db", "closing", "close", "--cite", *refs, "--reason", "x", code=40)
    cited = [one["ref"] for one in papers]
    desk.types("decide", "case.db", "closing", "close-watching", "--cite", *cited, "--reason", "partially confirmed")
    desk.types("packet", "case.db", "--out", ".")
    desk.types("packet", "case.db", "--check", ".")
    says_what_its_authors_had_to_infer()
    desk.does("check-evidence")
    desk.does("hand-off", reason="Sam takes over at 04:00Z")

    receipt = desk.types("seal", "case.db", "phase-168e.db")
    assert "worst=" in receipt
    Path("receipt").write_text(receipt)
    desk.types("verify", "phase-168e.db", "--receipt", "receipt")
    assert Path("phase-168e.db").stat().st_mode & 0o222 == 0
    the_next_phase_takes_over(desk)


def says_what_its_authors_had_to_infer() -> None:
    packet = read("closeout-*.md")
    for said in (
        "**partially_confirmed**",
        "watched 10m of 30m",
        "**Override:** thirty minutes were not watched: the export holds ten",
        "read-ledger failed by",
        f"{SLOT} did not answer: no answer within 20 s (probe:6)",
        "rehearse-alerts skipped",
        "| close-watching at closing | `artifact:",
    ):
        assert said in packet, said
    offload = read("offload-monitoring-2026-02-18T03-30-38Z.md")
    assert "**Empty.** The ledger was looked at" in offload
    assert "an empty ledger is no sign of health" in offload
    assert f"{SLOT} | 000 | timeout |" in offload
    assert "dpl_new" in read("verification-2026-02-18T03-18-40Z-2026-02-18T03-28-40Z.md")
    assert "dpl_old" in read("baseline-2026-02-18T02-18-40Z-2026-02-18T02-28-40Z.md")
    assert "webhook-timeout" in read("pre-post-delta-2026-02-18T03-18-40Z-2026-02-18T03-28-40Z.csv")
    assert list(Path("artifacts/live-env-playwright").glob("phase-168-postfix-*-inbox.png"))


def the_next_phase_takes_over(desk: Desk) -> None:
    sealed = desk.asks("verify", "phase-168e.db", code=21)
    desk.at("2026-02-19T08:00:00Z")
    desk.types("init", "phase-169.db", "--after", "phase-168e.db", "--baseline", "postfix", "--operator", "sam")
    asked = desk.asks("next", "phase-169.db")
    items = [(item["kind"], item["signal"], item["text"], item["origin"]) for item in asked["carried"]]
    slot = [item for item in items if SLOT in item[2]]
    assert [(kind, signal) for kind, signal, _, _ in slot] == [("watch", "cron-probes")], items
    assert slot[0][2].endswith(f"1 bad ({SLOT})")
    assert slot[0][3] == f"phase-168e.db {sealed['head']} signal cron-probes"
    assert asked["current"] == "confirm-deployment"
    assert SLOT in desk.types("brief", "phase-169.db", "--all")
    counted = desk.asks("explain", "phase-169.db", "webhook-60s", "--as-of", format_instant(SNAPSHOT), code=12)
    assert "collection:1" in json.dumps(counted), "the baseline came with its evidence"
