"""Stamps of drills: remembered per text, voided by an edit, safe beside each other and beside broken files."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.errors import BadInput, Refused
from store.runbook.model import Runbook
from store.runbook.parse import parse_runbook
from store.stamps import SIGNAL, STEP, stamp, stamps_for
from store.trust import FOLDER_VARIABLE
from tests.store.world import runbook_text

NOW = 1_790_000_000_000
DAY = 86_400_000


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "state"))
    yield tmp_path / "state"


def parsed(text: str | None = None) -> Runbook:
    return parse_runbook(text or runbook_text(), "runbook.md")


def drilled(runbook: Runbook, kind: str = STEP, id: str = "look", *, ago: int = 12 * DAY, passed: bool = True) -> None:
    stamp(runbook, kind, id, took_ms=41_300, passed=passed, drilled_ms=NOW - ago, why="" if passed else "no\nanswer")


def test_nothing_is_said_of_what_was_never_drilled() -> None:
    stamps = stamps_for(parsed())
    assert stamps.steps == {"look": None} and not stamps.any and stamps.trouble == ""
    assert set(stamps.signals) == {"count", "burst", "trend", "loop", "wide", "queue", "ratio", "probe", "level"}


def test_a_stamp_tells_when_how_long_and_how_it_ended() -> None:
    runbook = parsed()
    drilled(runbook)
    drilled(runbook, SIGNAL, "count", ago=90_000, passed=False)
    stamps = stamps_for(runbook)
    step, signal = stamps.steps["look"], stamps.signals["count"]
    assert step is not None and step.told(NOW) == "last drilled 12 days ago, 41 s, passed"
    assert signal is not None and signal.told(NOW) == "last drilled 1 minute ago, 41 s, failed: no answer"
    assert step.runbook_sha256 == runbook.sha256 and len(step.definition_sha256) == 64
    assert stamps.any


@pytest.mark.parametrize(
    ("ago", "words"), [(0, "just now"), (3_600_000, "1 hour ago"), (-5, "in the future, by this clock")]
)
def test_age_is_told_in_one_unit(ago: int, words: str) -> None:
    drilled(parsed(), ago=ago)
    found = stamps_for(parsed()).steps["look"]
    assert found is not None and f"last drilled {words}, " in found.told(NOW)


def test_an_edit_elsewhere_keeps_a_stamp_and_an_edit_of_the_step_voids_it() -> None:
    drilled(parsed())
    elsewhere = stamps_for(parsed(runbook_text().replace("# A world", "# Another world"))).steps["look"]
    assert elsewhere is not None and not elsewhere.void
    edited = parsed(runbook_text().replace('kind = "manual"', 'kind = "manual"\nmandatory = false'))
    voided = stamps_for(edited).steps["look"]
    assert voided is not None and voided.void
    assert voided.told(NOW) == "last drilled 12 days ago, 41 s, passed; its text was changed since: drill it again"
    back = stamps_for(parsed()).steps["look"]
    assert back is not None and not back.void


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("over = 5", "over = 6"),
        ('do = "Undo count."', 'do = "Undo it."'),
        ('message = ["alpha"]', 'message = ["omega"]'),
    ],
)
def test_an_edit_of_a_signal_or_of_its_signature_voids_its_stamp(old: str, new: str) -> None:
    drilled(parsed(), SIGNAL, "count")
    drilled(parsed(), SIGNAL, "queue")
    stamps = stamps_for(parsed(runbook_text().replace(old, new))).signals
    count, queue = stamps["count"], stamps["queue"]
    assert count is not None and count.void
    assert queue is not None and not queue.void


def test_two_editions_keep_a_stamp_each() -> None:
    other = parsed(runbook_text().replace("over = 5", "over = 6"))
    drilled(parsed(), SIGNAL, "count", passed=False)
    drilled(other, SIGNAL, "count", ago=DAY)
    first, second = stamps_for(parsed()).signals["count"], stamps_for(other).signals["count"]
    assert first is not None and not first.passed and not first.void
    assert second is not None and second.passed and not second.void


def test_the_newest_drill_of_a_text_is_the_one_that_is_told() -> None:
    drilled(parsed(), passed=False)
    drilled(parsed(), ago=DAY)
    found = stamps_for(parsed()).steps["look"]
    assert found is not None and found.told(NOW) == "last drilled 1 day ago, 41 s, passed"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"kind": 1}', b"\xff\xfe", b'{"kind":"step","id":"look","drilled":"x"}']
)
def test_a_broken_stamp_is_one_line_and_costs_only_itself(state: Path, damage: bytes) -> None:
    drilled(parsed())
    drilled(parsed(), SIGNAL, "count")
    (path,) = state.rglob("step-*.json")
    path.write_bytes(damage)
    stamps = stamps_for(parsed())
    assert stamps.steps["look"] is None and stamps.signals["count"] is not None
    assert "is damaged and was passed over" in stamps.trouble and "\n" not in stamps.trouble
    drilled(parsed())
    assert stamps_for(parsed()).trouble == ""


def test_another_runbook_with_the_same_step_is_another_matter() -> None:
    drilled(parsed())
    assert not stamps_for(parsed(runbook_text().replace('id = "world"', 'id = "elsewhere"'))).any


def test_a_crash_before_the_rename_leaves_the_older_stamp(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drilled(parsed(), ago=2 * DAY)

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(Refused, match="No space left on device"):
        drilled(parsed(), ago=DAY)
    monkeypatch.undo()
    os.environ[FOLDER_VARIABLE] = str(state)
    found = stamps_for(parsed()).steps["look"]
    assert found is not None and found.drilled_ms == NOW - 2 * DAY
    assert not list(state.rglob("*.partial"))


def test_what_the_runbook_does_not_have_cannot_be_stamped() -> None:
    with pytest.raises(BadInput, match="no step 'leap'"):
        drilled(parsed(), STEP, "leap")


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(state: Path) -> None:
    state.write_text("a file where a folder should be")
    with pytest.raises(Refused, match="cannot remember in"):
        drilled(parsed())
    assert "cannot read the drill stamps" in stamps_for(parsed()).trouble


def _drill_all(folder: str, ids: list[str]) -> None:
    os.environ[FOLDER_VARIABLE] = folder
    for _ in range(5):
        for id in ids:
            drilled(parsed(), SIGNAL, id)


def test_drills_at_once_lose_none_of_each_others_stamps(state: Path) -> None:
    start = multiprocessing.get_context("spawn").Process
    halves = (["count", "burst", "trend", "loop"], ["loop", "queue", "ratio", "probe"])
    drills = [start(target=_drill_all, args=(str(state), half)) for half in halves]
    for drill in drills:
        drill.start()
    for drill in drills:
        drill.join(60)
    stamps = stamps_for(parsed())
    assert {id for id, found in stamps.signals.items() if found} == {id for half in halves for id in half}
    assert stamps.trouble == "" and not list(state.rglob("*.partial"))
