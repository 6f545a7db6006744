"""Time arguments: an instant, a duration ago, a mark with an offset, a named window."""

from pathlib import Path

import pytest

from store.case import Case
from store.errors import BadInput
from store.journal import Mark, Window
from store.moments import resolve_moment, resolve_span
from tests.store.world import World, at, runbook_text

NOW = at("03:30")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    world = World(tmp_path / "case.db", runbook_text())
    case = Case.open(world.path, write=True)
    with case.transaction("test") as tx:
        tx.add(Mark("deploy", at("03:00"), None, None, NOW, "kim"))
        tx.add(Mark("deploy", at("03:10"), None, None, NOW, "kim"))
        tx.add(Window("baseline", at("02:00"), at("02:30"), NOW, "kim"))
    return case


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", at("03:00")),
        ("0s", NOW),
        ("2026-02-18T03:30:00Z", NOW),
        ("@deploy", at("03:10")),
        ("@deploy-30m", at("02:40")),
        ("@deploy+90s", at("03:11:30.000")),
    ],
)
def test_a_moment_is_an_instant_a_duration_ago_or_the_newest_mark_of_a_name(case: Case, text: str, moment: int) -> None:
    assert resolve_moment(text, now_ms=NOW, db=case.read()) == moment


@pytest.mark.parametrize(
    "text",
    ["@rollback", "noon", "2026-02-18T03:30:00", "-5m", "@", "999999999d", "@deploy-999999999d", "@deploy+999999999d"],
)
def test_an_unknown_moment_is_refused_with_a_remedy(case: Case, text: str) -> None:
    with pytest.raises(BadInput) as refused:
        resolve_moment(text, now_ms=NOW, db=case.read())
    assert refused.value.hint


def test_a_span_is_two_moments_or_a_recorded_window(case: Case) -> None:
    assert resolve_span("@deploy-40m/@deploy-10m", now_ms=NOW, db=case.read()) == (at("02:30"), at("03:00"))
    assert resolve_span("baseline", now_ms=NOW, db=case.read()) == (at("02:00"), at("02:30"))


@pytest.mark.parametrize("text", ["postfix", "5m/10m", "5m/5m"])
def test_a_span_that_is_none_is_refused(case: Case, text: str) -> None:
    with pytest.raises(BadInput):
        resolve_span(text, now_ms=NOW, db=case.read())
