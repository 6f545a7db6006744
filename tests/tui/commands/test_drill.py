"""The command: what it lists, what it refuses in one line, and what its report says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collectors.drill.scenario import shipped_scenario
from collectors.drill.stage import Stage
from collectors.postgres_server import binaries
from store.case import Case
from store.runbook.find import shipped_runbook_path
from tests.collectors.drill.staging import shipped, shipped_with, start_stage
from tui.cli import main
from tui.commands.drill import guidance
from tui.rehearsal import NOT_AS_EXPECTED, RUNBOOK_FAULT, Report, lines_of, report_json
from tui.rehearsal_steps import StepOutcome
from tui.rehearsing import Played, Seen, SignalOutcome

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.timeout(180)


def test_a_list_says_what_can_be_staged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill", "--scenario", "list"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 13
    assert told[0].startswith("quiet-day ")
    assert main(["drill", "--scenario", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["scenarios"]) == 13


def test_an_unknown_scenario_is_told_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill", "--headless", "--scenario", "inbox-brust"]) == 40
    said = capsys.readouterr().err
    assert "there is no scenario 'inbox-brust'" in said
    assert "did you mean inbox-burst?" in said


def test_without_the_extra_one_line_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_package_here")
    monkeypatch.setattr(binaries, "_from_distribution", lambda place: iter(()))
    monkeypatch.setattr(binaries, "_from_pg_config", lambda path: iter(()))
    monkeypatch.delenv("CLOSEOUT_PG_BIN", raising=False)
    assert main(["drill", "--headless", "--scenario", "quiet-day"]) == 40
    said = capsys.readouterr().err
    assert said == "closeout: no Postgres server is installed here\n  pip install 'closeout[drill]'\n"


def test_without_a_terminal_the_way_without_a_screen_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["drill"]) == 40
    assert "closeout drill --headless --scenario webhook-burst" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_belongs_to_the_player_without_a_screen_is_refused_at_the_desk(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["drill", "--scenario", "all"]) == 40
    assert "closeout drill --headless" in capsys.readouterr().err


def test_a_runbook_with_faults_is_told_as_check_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "mine.md"
    broken.write_text("# Mine\n\n```toml runbook\nid = 3\n```\n")
    assert main(["drill", "--headless", "--runbook", str(broken)]) == 30
    assert "mine.md:" in capsys.readouterr().err


def test_one_scenario_is_played_and_its_case_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start_stage().close()  # skips where there is no server
    kept = tmp_path / "kept"
    assert main(["drill", str(kept), "--headless", "--scenario", "ledger-empty", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["drill"]) == (True, True)
    (scenario,) = told["scenarios"]
    assert {one["id"]: one["state"] for one in scenario["signals"]}["offload-health"] == "no_data"
    assert main(["status", str(kept / "ledger-empty.db"), "--json"]) == 12
    assert json.loads(capsys.readouterr().out)["drill"] is True
    with Case.open(kept / "ledger-empty.db") as case:
        assert case.read().execute("SELECT drill, title FROM case_info").fetchone() == (
            1, "DRILL The ledger is empty because every dispatch fails",
        )  # fmt: skip


def test_the_guidance_has_three_sentences_and_says_when_something_happens() -> None:
    sentences = guidance(shipped_scenario("webhook-burst"))
    assert len(sentences) == 3
    assert "in about 40 s" in sentences[0]
    assert "q leaves" in sentences[2]


def report(*, fault: str = "", step: str = "passed") -> Report:
    scenario = shipped_scenario("inbox-burst")
    outcome = SignalOutcome(
        "inbox-300s", scenario.expected("inbox-300s"), "watch" if fault else "tripped", "burst_over"
    )
    seen = Seen(1_000_000, 1_000_001, 1_000_900, exact=True)
    played = Played(scenario, "", (outcome,), seen, took_ms=8000, faults=(fault,) if fault else ())
    done = StepOutcome("capture-logs", 812, "runtime-logs", "", step, "exit 40", 2000)
    return Report(shipped(), (played,), (done,), (), (), 1_000_000, 9000)


def test_the_exit_code_tells_a_runbook_at_fault_from_a_world_that_went_another_way() -> None:
    from collectors.drill.meaning import Fault

    assert report().exit_code == 0
    assert report(fault="inbox-300s: expected tripped").exit_code == NOT_AS_EXPECTED
    assert report(step="failed").exit_code == NOT_AS_EXPECTED
    good = report()
    wrong = Report(good.runbook, good.played, good.steps, (), (Fault(7, "signal x", "never trips"),), 1, 1)
    assert wrong.exit_code == RUNBOOK_FAULT
    assert any(line.endswith("runbook.md:7: signal x: never trips") for line in lines_of(wrong))
    nothing = Report(
        good.runbook, (Played(shipped_scenario("inbox-burst"), "the runbook has no signal"),), (), (), (), 1, 1
    )
    assert nothing.exit_code == NOT_AS_EXPECTED, "nothing was drilled"


def test_a_failed_step_names_the_line_of_the_runbook() -> None:
    said = "\n".join(lines_of(report(step="failed")))
    assert "runbook.md:812: step capture-logs: promised runtime-logs, left nothing: exit 40" in said
    told = report_json(report())
    assert (told["scenarios"][0]["seen_after_ms"], told["ok"]) == (900, True)
    assert next(one for one in told["signals"] if one["id"] == "inbox-300s")["seen_after_ms"] == 900


def test_what_is_shipped_can_be_found() -> None:
    assert shipped_runbook_path().is_file()
    assert Stage.start is not None
    assert shipped_with("over = 50\n", "over = 51\n").sha256 != shipped().sha256
