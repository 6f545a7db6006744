"""`closeout verdict`: the answer for scripts and for people, its exit codes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from store import evidence, journal
from store.begin import begin_case
from store.case import Case
from store.instants import format_instant
from store.runbook.parse import parse_runbook
from tests.store.verdict_world import BASELINE, POSTFIX, count, runbook_text
from tui.cli import main

TEXT = runbook_text({"target": 'role = "target"'}, {"one": ("logs", count("target", over=50))})


def span(window: tuple[int, int]) -> str:
    """A window as an argument."""
    return "/".join(format_instant(ms) for ms in window)


def made(folder: Path, before: int, after: int, *, until: int = POSTFIX[1], name: str = "case.db") -> Path:
    """A case file with failures before and after, and traffic; the postfix window watched until an instant."""
    path = folder / name
    runbook = parse_runbook(TEXT, "runbook.md")
    begin_case(path, runbook, operator="kim", clock=lambda: BASELINE[0])
    with Case.open(path, write=True) as case, case.transaction("test") as tx:
        for window, number in ((BASELINE, before), ((POSTFIX[0], until), after)):
            collection = tx.add(evidence.Collection("logs", "records", *window, window[1]))
            tx.add(evidence.Coverage(collection, "logs", *window, window[1]))
            tx.add(evidence.LookedFor(collection, "target", runbook.signatures[0].sha256))
            tx.add_all(
                evidence.LogMatch(
                    collection, "logs", "target", None, f"{window[0]}-{i}", window[0] + i % 30 * 60_000 + i
                )
                for i in range(number)
            )
            tx.add_all(
                evidence.Traffic(collection, "logs", minute, "/", 100) for minute in range(window[0], window[1], 60_000)
            )
            tx.add(evidence.CollectionEnd(collection, "ok", "", window[1]))
    return path


def record(path: Path, **windows: tuple[int, int]) -> None:
    """Name stretches of time in a case."""
    with Case.open(path, write=True) as case, case.transaction("test") as tx:
        for name, window in windows.items():
            tx.add(journal.Window(name, *window, window[1], "kim"))


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON answer."""
    code = main(["verdict", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("before", "after", "verdict", "code"),
    [(60, 2, "confirmed", 0), (2, 40, "rejected", 10), (60, 51, "rejected", 10), (4, 4, "inconclusive", 12)],
)
def test_the_exit_code_says_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: int, after: int, verdict: str, code: int
) -> None:
    path = made(tmp_path, before, after)
    got, answer = asked(capsys, str(path), "--baseline", span(BASELINE), "--postfix", span(POSTFIX))
    assert (got, answer["verdict"]) == (code, verdict)


def test_a_window_that_was_not_watched_to_its_end_is_eleven_at_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path, 60, 0, until=POSTFIX[0] + 600_000)
    ten = (BASELINE[0], BASELINE[0] + 600_000), (POSTFIX[0], POSTFIX[0] + 600_000)
    code, answer = asked(capsys, str(path), "--baseline", span(ten[0]), "--postfix", span(ten[1]))
    assert (code, answer["verdict"], answer["reason"]) == (11, "partially_confirmed", "signal_not_ok")
    assert answer["not_ok"][0]["text"] == "partial one: 0 of > 50 · 10 of 30 minutes watched · window_short"


def test_the_answer_has_every_key_of_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made(tmp_path, 60, 2)
    record(path, baseline=BASELINE, postfix=POSTFIX)
    _, answer = asked(capsys, str(path))
    assert (answer["schema"], answer["reason"], answer["action"]) == (1, "all_targets_improved", "close_phase")
    assert (answer["matched"], answer["unmatched"], answer["signals"]) == (True, None, {"one": "ok"})
    assert (answer["watch_items"], answer["shortest_postfix"], answer["known_seq"]) == ([], "30m", 3)
    (signature,) = answer["signatures"]
    assert signature["baseline"] == {
        "count": 60, "unknown_status": 0, "bad_minutes": 30, "requests": 3000, "covered": True, "covered_ms": 1_800_000,
    }  # fmt: skip
    assert (signature["id"], signature["role"], signature["class"], signature["exposure"]) == (
        "target",
        "target",
        "improved",
        "requests",
    )
    assert signature["p_improved"] == pytest.approx(4.2370620900733513e-16)
    assert (signature["p_regressed"], signature["holm_rank"], signature["holm_of"]) == (1.0, 1, 1)
    assert 0 < signature["rr_low"] < signature["rr"] < signature["rr_high"] < 1
    assert answer["windows"]["postfix"] == {"from": format_instant(POSTFIX[0]), "to": format_instant(POSTFIX[1])}


def test_people_read_the_rule_that_decided_and_what_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made(tmp_path, 60, 51)
    record(path, baseline=BASELINE, postfix=POSTFIX)
    assert main(["verdict", str(path)]) == 10
    told = capsys.readouterr().out
    assert told.startswith("rejected, by the rule signal_tripped: ")
    assert "next: rollback_scope: " in told
    assert "one · owner of one · Undo one." in told
    assert "    one.ts" in told


def test_recorded_windows_are_the_default_and_the_newest_of_a_name_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path, 40, 2)
    record(path, baseline=BASELINE, postfix=BASELINE)
    assert asked(capsys, str(path))[1]["reason"] == "windows_overlap"
    record(path, postfix=POSTFIX)
    assert asked(capsys, str(path))[1]["reason"] == "all_targets_improved"
    assert asked(capsys, str(path), "--baseline", "postfix")[1]["reason"] == "windows_overlap"


def test_the_attempt_may_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made(tmp_path, 4, 4)
    record(path, baseline=BASELINE, postfix=POSTFIX)
    assert asked(capsys, str(path))[1]["action"] == "collect_matched_window"
    assert asked(capsys, str(path), "--attempt", "2")[1]["action"] == "escalate_to_owner"


def test_less_knowledge_gives_the_answer_of_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made(tmp_path, 60, 2)
    with Case.open(path, write=True) as case, case.transaction("test") as tx:
        tx.add(evidence.Retraction(2, "wrong project", 0, "kim"))
    words = (str(path), "--baseline", span(BASELINE), "--postfix", span(POSTFIX))
    assert asked(capsys, *words)[1]["reason"] == "coverage"
    assert asked(capsys, *words, "--known-seq", "2")[1]["reason"] == "all_targets_improved"


def test_a_read_only_file_answers_and_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made(tmp_path, 60, 2)
    record(path, baseline=BASELINE, postfix=POSTFIX)
    path.chmod(0o400)
    before = path.read_bytes()
    assert asked(capsys, str(path))[0] == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "there is no window 'baseline'"),
        (("--baseline", span(BASELINE)), "there is no window 'postfix'"),
        (("--baseline", span(BASELINE), "--postfix", span(POSTFIX[::-1])), "ends before it begins"),
        (("--baseline", "@deploy-40m/@deploy", "--postfix", span(POSTFIX)), "there is no mark 'deploy'"),
        (("--baseline", span(BASELINE), "--postfix", span(POSTFIX), "--known-seq", "99"), "--known-seq 99"),
        (("--baseline", span(BASELINE), "--postfix", span(POSTFIX), "--attempt", "0"), "--attempt 0"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line_with_what_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    path = made(tmp_path, 1, 1)
    assert main(["verdict", str(path), *words]) == 40
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("closeout: ")
    assert error.count("\n") == 2 or words[-2:-1] == ("--attempt",)


def test_a_hostile_route_does_nothing_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made(tmp_path, 60, 2)
    record(path, baseline=BASELINE, postfix=POSTFIX)
    with Case.open(path, write=True) as case, case.transaction("test") as tx:
        collection = tx.add(evidence.Collection("logs", "records", *POSTFIX, POSTFIX[1]))
        tx.add(evidence.Probe(collection, "logs", POSTFIX[0], "/x\x1b[2J\n/y", "000", None, "timeout"))
    assert main(["verdict", str(path)]) == 11
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "/x·[2J /y 000 · needs an owner" in told


def test_a_note_settles_what_the_case_before_left_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made(tmp_path, 60, 2)
    record(path, baseline=BASELINE, postfix=POSTFIX)
    with Case.open(path, write=True) as case, case.transaction("test") as tx:
        tx.add(journal.CarriedItem("watch", None, "/api/cron/slot 000", "before.db 7:abc"))
    assert asked(capsys, str(path))[1]["reason"] == "watch_item"
    for wrong in ("carried_item:2", "carried_item:x", "carried_item:" + "9" * 30):
        assert main(["note", str(path), "probed by hand", "--cite", wrong]) == 40
        assert f"there is no {wrong}" in capsys.readouterr().err
    assert main(["note", str(path), "probed by hand", "--cite", "carried_item:01"]) == 0
    capsys.readouterr()
    assert asked(capsys, str(path))[1]["reason"] == "all_targets_improved"
