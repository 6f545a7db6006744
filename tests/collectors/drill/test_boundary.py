"""Boundary probes: they pass for what holds, and each comparison that slips by one makes one of them fail."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from collectors.drill.boundary import NO_SPECIMEN, BoundaryResult, as_json, boundary_report
from store import judge as judging
from store.errors import RunbookInvalid
from store.judge import Judgement, Question, Trial, judge
from store.runbook.find import shipped_runbook_path
from tests.collectors.drill.runbooks import COUNT, CSV, JSONL, SIGNATURE, SOURCE, line_of, runbook_of
from tests.store.world import runbook_text

LOOP = 'kind = "loop"\ngroups = ["orders", "stock"]\nslice = "1m"\nat_least = 3'
STOCK = 'id = "stock"\nroute = "/api/stock"\nstatus = [500]\ngroup = "stock"\n'


def failures(results: tuple[BoundaryResult, ...]) -> list[str]:
    return [result.told("runbook.md") for result in results if not result.ok]


def test_every_boundary_of_the_shipped_runbook_holds(tmp_path: Path) -> None:
    results = boundary_report(shipped_runbook_path().read_text("utf-8"), tmp_path)
    assert failures(results) == []
    by_kind = {(result.signal, result.condition) for result in results}
    assert ("webhook-60s", "trend") in by_kind and ("offload-health", "ratio") in by_kind
    assert len(results) > 80
    assert not list(tmp_path.iterdir())


def test_every_kind_of_condition_is_tried_below_at_and_beyond_its_limit(tmp_path: Path) -> None:
    results = boundary_report(runbook_text(), tmp_path)
    assert failures(results) == []
    for kind in ("count", "burst", "trend", "loop", "queue", "ratio", "level"):
        tried = {result.probe: result.expected for result in results if result.condition == kind}
        assert tried["last harmless value"] == "watch or ok", kind
        assert tried["first tripping value"] == "tripped", kind
        assert tried["nobody looked"] == "no_data or stale or partial", kind


@pytest.mark.parametrize(
    ("source", "command"),
    [(SOURCE, ""), (JSONL, ""), (CSV, ""), (SOURCE.replace('"logs"', '"records"'), ""), (SOURCE, "vercel logs --follow --json")],
    ids=["query", "jsonl", "csv", "records", "stream"],
)  # fmt: skip
@pytest.mark.parametrize("window", ["10m", "90s", "2h"])
def test_boundaries_hold_in_every_form_that_a_source_can_have(
    tmp_path: Path, source: str, command: str, window: str
) -> None:
    burst = 'kind = "burst"\nsignatures = ["slow"]\nslice = "90s"\nat_least = 3'
    text = runbook_of(COUNT, burst, source=source + 'settle = "5s"\n' if "format" not in source else source, command=command, window=window)  # fmt: skip
    assert failures(boundary_report(text, tmp_path)) == []


@pytest.mark.parametrize("limit", ["over = 0", "over = 1", "at_least = 1", "at_least = 2", "over = 99", "over = 200"])
def test_small_limits_and_round_numbers_are_no_exception(tmp_path: Path, limit: str) -> None:
    # 100 and 200 rows are what a query that was cut looks like.
    text = runbook_of(f'kind = "count"\nsignatures = ["slow"]\n{limit}')
    assert failures(boundary_report(text, tmp_path)) == []


@pytest.mark.parametrize(
    "signature",
    [
        'id = "slow"\ntimeout = 300\nroute = "/api/orders/**"\nunit = "message"\n',
        'id = "slow"\ntimeout = 60\nmessage = ["orders"]\nunit = "row"\n',
        'id = "slow"\nstatus = [503]\nwhere = { job = "Sync", "meta.region" = "fra1" }\n',
        'id = "slow"\npattern = "order [0-9]+ failed"\nsample = "order 12 failed, Task timed out after 40 seconds"\n',
        'id = "slow"\npattern = "plain words"\n',
    ],
)
@pytest.mark.parametrize("source", [SOURCE, JSONL], ids=["query", "jsonl"])
def test_specimens_are_made_from_every_part_of_a_signature(tmp_path: Path, signature: str, source: str) -> None:
    assert failures(boundary_report(runbook_of(source=source, signatures=(signature,)), tmp_path)) == []


def test_a_pattern_without_a_sample_is_said_with_its_line(tmp_path: Path) -> None:
    text = runbook_of(signatures=('id = "slow"\npattern = "a+b"\n',))
    (first, *_) = boundary_report(text, tmp_path)
    assert first.probe == NO_SPECIMEN and not first.ok
    line = line_of(text, "```toml signature")
    assert first.told("mine.md").startswith(f"mine.md:{line}: orders-slow count cannot be tried: no specimen of slow")


def test_a_form_that_cannot_show_a_signature_fails_instead_of_passing_in_silence(tmp_path: Path) -> None:
    text = runbook_of(command="vercel logs --follow --json", signatures=('id = "slow"\nstatus = [500]\n',))
    told = failures(boundary_report(text, tmp_path))
    assert "no record of app can match slow" in told[0]


def test_a_source_that_drops_records_is_never_ok(tmp_path: Path) -> None:
    results = boundary_report(runbook_of(source=SOURCE + "sample_rate = 0.1\n"), tmp_path)
    assert failures(results) == []
    assert {result.got for result in results if "tripped" not in result.expected} <= {"no_data"}


def test_two_streams_must_both_be_watched(tmp_path: Path) -> None:
    two = 'kind = "count"\nstreams = ["app", "edge"]\nsignatures = ["slow", "stock"]\nat_least = 4'
    edge = f"```toml source\n{JSONL.replace('app', 'edge')}```\n"
    assert failures(boundary_report(runbook_of(two, signatures=(SIGNATURE, STOCK), more=edge), tmp_path)) == []


def test_a_faulty_runbook_is_refused_before_anything_is_tried(tmp_path: Path) -> None:
    with pytest.raises(RunbookInvalid, match=r"mine\.md:"):
        boundary_report(b"# nothing\n", tmp_path, path="mine.md")
    assert not list(tmp_path.iterdir())


def test_a_limit_moved_by_one_is_noticed_by_two_probes(tmp_path: Path) -> None:
    def moved(by: int) -> list[str]:
        def asked(db: sqlite3.Connection, question: Question) -> Judgement:
            return judge(db, question, Trial(">", 7 + by, ("count",)))

        return [r.probe for r in boundary_report(runbook_of(), tmp_path, asked=asked) if not r.ok]

    assert "last harmless value" in moved(-1) and "first tripping value" not in moved(-1)
    assert "first tripping value" in moved(+1) and "last harmless value" not in moved(+1)
    assert moved(0) == []


SLIPS = [
    ("count", "WHEN '>' THEN w.inside > f.limit_value", "WHEN '>' THEN w.inside >= f.limit_value", "last harmless value"),
    ("count", "e.at_ms >= f.from_ms AND e.at_ms < f.to_ms", "e.at_ms > f.from_ms AND e.at_ms < f.to_ms", "at the window's start"),
    ("count", "WHEN w.covered_ms < j.want_ms", "WHEN w.covered_ms < j.want_ms - 1", "a hole of one millisecond"),
    ("count", "c.collected_ms - s.settle_ms, r.as_of_ms", "c.collected_ms, r.as_of_ms", "one millisecond too early"),
    ("burst", "ELSE w.inside >= f.limit_value", "ELSE w.inside > f.limit_value", "first tripping value"),
    ("burst", "ELSE e.at_ms + f.slice_ms END", "ELSE e.at_ms + f.slice_ms + 1 END", "slice one millisecond too short"),
    ("trend", "failures >= floor AND number", "failures > floor AND number", "first tripping value"),
    ("trend", "failures <= before", "failures < before", "one rise missing"),
    ("trend", ">= z2_micro * (failures + first)", "> 2 * z2_micro * (failures + first)", "first rise beyond chance"),
    ("loop", "max(next_ms) < at_ms + max(slice_ms)", "max(next_ms) <= at_ms + max(slice_ms)", "one slice too long"),
    ("loop", "a.at_ms >= c.at_ms + c.slice_ms", "a.at_ms >= c.at_ms + c.slice_ms - 1", "slices that overlap"),
    ("queue", "growth >= min_growth AS tripped", "growth > min_growth AS tripped", "first tripping value"),
    ("queue", "ORDER BY at_ms) > max_gap_ms", "ORDER BY at_ms) >= max_gap_ms", "longest gap"),
    ("queue", "CASE WHEN as_of_ms - at_ms > max_gap_ms", "CASE WHEN as_of_ms - at_ms > max_gap_ms + 1", "a reading too old"),
    ("ratio", "m.failures * 100 > d.limit_value * m.total", "m.failures * 100 >= d.limit_value * m.total", "last harmless value"),
    ("ratio", "failures >= min_failures", "failures > min_failures", "just enough failures"),
    ("ratio", "total >= min_total", "total > min_total", "just enough runs"),
    ("ratio", ">= min_cover_percent * window_ms", "> min_cover_percent * window_ms", "least watched time"),
    ("probe", "p.at_ms >= max(j.from_ms", "p.at_ms > max(j.from_ms", "a later success"),
    ("level", "ELSE p.value_micro > r.limit_value", "ELSE p.value_micro >= r.limit_value", "last harmless value"),
    ("level", "beyond_ms >= for_ms", "beyond_ms > for_ms", "first tripping value"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "right", "wrong", "probe"), SLIPS, ids=lambda text: str(text)[:40])
def test_a_comparison_that_slips_is_found_by_the_probe_made_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, right: str, wrong: str, probe: str
) -> None:
    texts = judging.view_texts
    changed = 0

    def slipped(db: sqlite3.Connection, *, of_verdict: bool = False) -> list[tuple[str, str]]:
        nonlocal changed
        found = texts(db, of_verdict=of_verdict)
        changed += sum(right in text for _, text in found)
        return [(name, text.replace(right, wrong)) for name, text in found]

    monkeypatch.setattr(judging, "view_texts", slipped)
    text = (
        runbook_text({"count": COUNT.replace("slow", "alpha")}, settle={"rt": "3s"})
        if kind == "count"
        else runbook_text()
    )
    found = {(result.condition, result.probe) for result in boundary_report(text, tmp_path) if not result.ok}
    assert changed, "the views say it otherwise now"
    assert (kind, probe) in found


def test_results_are_plain_data(tmp_path: Path) -> None:
    results = boundary_report(runbook_of(LOOP, signatures=(SIGNATURE, STOCK)), tmp_path)
    told = json.loads(json.dumps([as_json(result) for result in results]))
    assert told[0].keys() == {"signal", "condition", "probe", "evidence", "expected", "got", "ok", "line", "seconds"}
    assert all(entry["ok"] for entry in told), told
