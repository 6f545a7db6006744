"""The walk on the command line, from the first step to the last, as people and scripts see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.records.load import load_records
from store.case import Case, now_ms
from store.walk import session
from tests.store.walk.builders import walk_text
from tests.store.world import MINUTE, World, collection, lines, match
from tui.cli import main

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The case as it begins."""
    return World(tmp_path_factory.mktemp("commands") / "laid.db", walk_text())


@pytest.fixture
def case(laid: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fresh case; nobody has a terminal, as in a script."""
    monkeypatch.setattr(session, "_terminal", lambda: "")
    monkeypatch.setenv("HOST", "https://shop.example")
    monkeypatch.setenv("TOKEN", "open-sesame")
    monkeypatch.chdir(tmp_path)
    return laid.copy(tmp_path / "case.db")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run one command line; gives back exit code, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def answer(out: str) -> dict[str, Any]:
    assert out.count("\n") == 1, "one object on one line"
    value: dict[str, Any] = json.loads(out)
    return value


def watch(world: World, *, matches: int = 0) -> None:
    """Evidence of the last ten minutes by the real clock."""
    now = now_ms()
    found = [match("a", f"k{n}", now - 5 * MINUTE + n) for n in range(matches)]
    with Case.open(world.path, write=True) as opened:
        data = lines([collection("a", "rt", now - 20 * MINUTE, now), *found])
        load_records(opened, world.runbook, data, name="records.ndjson", operator="kim")


def test_a_whole_walk_without_a_full_screen(case: World, call: Call) -> None:
    path = case.path
    watch(case, matches=6)
    assert "step 1 of 8 · look · check, reads · ready" in call("next", path)[1]
    assert call("mark", path, "deploy", "--at", "20m", "--id", "d2", "--previous", "d1")[0] == 0
    assert "then: closeout step done" in call("step", "start", path, "look", "--operator", "kim")[1]
    assert "next: capture" in call("step", "done", path, "look", "--operator", "kim")[1]
    assert f"closeout collect {path} rt" in call("step", "start", path, "capture")[1]
    call("step", "done", path, "capture")
    assert call("step", "done", path, "count-it", "--value", "6")[0] == 0
    call("step", "skip", path, "picture", "--reason", "no browser")
    shown = call("next", path)[1]
    assert "undo-count: Undo the change (goes to carry-out; undoes count)" in shown
    assert "to undo count: Undo count." in shown and "deployed: d2; good before: d1" in shown
    code, out, _ = call(
        "decide",
        path,
        "choose",
        "undo-count",
        "--cite",
        "log_match:1",
        "collection:1",
        "--reason",
        "6 of > 5",
        "--json",
    )
    made = answer(out)
    assert (code, made["ref"], made["current"], made["unknown"]) == (0, "decision:1", "carry-out", ["queue"])
    call("step", "start", path, "carry-out")
    call("step", "done", path, "carry-out")
    assert "a new scope begins there" in call("mark", path, "rollback")[1]
    call("step", "done", path, "pack")
    assert "closeout seal" in call("next", path)[1]
    code, out, _ = call("next", path, "--all", "--json")
    walked = answer(out)
    assert (code, walked["current"], walked["open_mandatory"], walked["settled"]) == (0, "seal", [], 7)


def test_commands_are_shown_as_written_and_secrets_never(case: World, call: Call) -> None:
    for words in (
        ("next", case.path),
        ("step", "start", case.path, "look"),
        ("next", case.path, "--json"),
        ("timeline", case.path),
    ):
        _, out, _ = call(*words)
        assert "open-sesame" not in out and "https://shop.example" not in out
    assert '"$HOST/health"' in call("next", case.path)[1]


def test_a_wrong_answer_is_refused_with_both_values(case: World, call: Call) -> None:
    watch(case, matches=3)
    call("step", "start", case.path, "count-it", "--override", "alone")
    code, out, err = call("step", "done", case.path, "count-it", "--value", "4")
    assert (code, out) == (40, "") and "answered 4, shown count:" in err and "3 of > 5" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("step", "skip", "CASE", "look"), 40, "skip needs a reason"),
        (("step", "start", "CASE", "lok"), 40, "did you mean look?"),
        (("step", "start", "CASE", "capture"), 40, "capture needs look"),
        (("step", "done", "CASE", "choose", "--override", "x"), 40, "choose is a decision"),
        (("step", "late", "CASE", "look", "--reason", "x"), 40, "when was it done?"),
        (("step", "resolve", "CASE", "look", "--reason", "x"), 40, "did it take effect?"),
        (
            ("step", "resolve", "CASE", "look", "--reason", "x", "--took-effect", "no"),
            40,
            "cannot resolve look: it is ready",
        ),
        (("step", "dance", "CASE", "look"), 2, "invalid choice"),
        (("decide", "CASE", "choose", "close", "--reason", "x"), 40, "choose needs count-it"),
        (("note", "CASE", " "), 40, "the note is empty"),
        (("note", "CASE", "x", "--amends", "first"), 40, "is no note"),
        (("ack", "CASE", "queu"), 40, "did you mean queue?"),
        (("mark", "CASE", "deploy", "--at", "yesterday"), 40, "is not an instant"),
        (("mark", "CASE", "deploy-30m"), 40, "cannot be a name"),
        (("window", "CASE", "baseline", "30m"), 40, "is not a window"),
        (("window", "CASE", "baseline", "@deploy/30m"), 40, "there is no mark 'deploy'"),
        (("attach", "CASE", "nothing.png"), 40, "cannot be read"),
        (("timeline", "CASE", "--since", "x"), 40, "is not an instant"),
        (("next", "nowhere.db"), 40, "there is no case nowhere.db"),
    ],
)
def test_what_is_wrong_is_one_line_and_changes_nothing(
    case: World, call: Call, words: tuple[str, ...], code: int, said: str
) -> None:
    before = case.path.read_bytes()
    answered, out, err = call(*(case.path if word == "CASE" else word for word in words))
    assert (answered, out) == (code, "") and said in err and "Traceback" not in err
    assert case.path.read_bytes() == before


def test_every_deed_answers_in_json_with_its_reference(case: World, call: Call, tmp_path: Path) -> None:
    path = case.path
    watch(case, matches=6)
    (tmp_path / "shot.png").write_bytes(b"\x89PNG")
    expected = [
        (("step", "start", path, "look"), "ref", "step_event:1"),
        (("note", path, "slow", "--step", "look"), "ref", "note:1"),
        (("ack", path, "count"), "state", "tripped"),
        (("mark", path, "fix"), "ref", "mark:1"),
        (("window", path, "postfix", "20m/10m"), "ref", "window:1"),
        (("step", "hold", path, "look", "--reason", "x"), "event", "held"),
        (("step", "confirm", path, "look"), "event", "confirmed"),
        (("step", "fail", path, "look", "--reason", "503"), "event", "failed"),
        (("step", "late", path, "look", "--at", "1m", "--reason", "seen", "--told-by", "sam"), "event", "late"),
        (("step", "retract", path, "look", "--reason", "wrong"), "event", "retracted"),
        (("step", "reopen", path, "look"), "event", "reopened"),
    ]
    for words, key, value in expected:
        code, out, err = call(*words, "--json")
        assert (code, err) == (0, "") and answer(out)[key] == value, words
    (artifact,) = answer(call("attach", path, "shot.png", "--role", "browser", "--window", "postfix", "--json")[1])[
        "artifacts"
    ]
    assert artifact["name"] == "attachments/shot.png" and artifact["ref"].startswith("artifact:")
    assert "attached as browser" in call("timeline", path)[1]


def test_brief_and_timeline_read_well_and_make_hostile_text_harmless(case: World, call: Call) -> None:
    watch(case, matches=6)
    call("note", case.path, "look \x1b[31mred\u202e here", "--operator", "kim\x07")
    call("step", "start", case.path, "look")
    for command in ("brief", "timeline"):
        code, out, _ = call(command, case.path)
        assert code == 0 and "look ·[31mred· here" in out
        assert not any(ord(c) < 32 and c != "\n" for c in out)
    told = answer(call("brief", case.path, "--json")[1])
    assert told["status_exit"] == 10 and told["walk"]["current"] == "look" and told["gaps"][0]["kind"] == "signal"
    entries = answer(call("timeline", case.path, "--json")[1])["entries"]
    assert [entry["kind"] for entry in entries][-1] == "step"


def test_a_step_started_from_a_script_is_still_in_hand_in_the_next_command(case: World, call: Call) -> None:
    call("step", "start", case.path, "look", "--operator", "kim")
    code, _, err = call("step", "start", case.path, "look", "--operator", "sam")
    assert code == 40 and "started by kim" in err
    assert call("step", "done", case.path, "look", "--operator", "sam")[0] == 0


def test_a_second_person_confirms_by_name(case: World, call: Call) -> None:
    watch(case)
    for step in ("look", "capture", "count-it"):
        call("step", "done", case.path, step, "--operator", "kim")
    out = call(
        "decide", case.path, "choose", "undo-queue", "--cite", "collection:1", "--reason", "x", "--operator", "kim"
    )[1]
    assert "waits for a second person: closeout step confirm" in out
    assert call("step", "confirm", case.path, "choose", "--operator", "kim")[0] == 40
    assert "next: carry-out" in call("step", "confirm", case.path, "choose", "--operator", "sam")[1]


def test_reading_commands_change_nothing_on_a_read_only_file(case: World, call: Call) -> None:
    before = case.path.read_bytes()
    case.path.chmod(0o400)
    for command in ("next", "brief", "timeline"):
        assert call(command, case.path)[0] == 0
    assert case.path.read_bytes() == before


def test_a_sealed_case_names_what_continues_it(case: World, call: Call) -> None:
    with Case.open(case.path, write=True) as opened, opened.transaction("seal", kind="seal") as tx:
        from store.journal import Note

        tx.add(Note(now_ms(), "kim", None, "the end"))
    code, out, _ = call("next", case.path)
    assert code == 0 and f"closeout init NEXT.db --after {case.path}" in out
    code, _, err = call("mark", case.path, "fix")
    assert code == 40 and "sealed" in err
    code, out, _ = call("note", case.path, "one more")
    assert code == 0 and "remarks" in out
