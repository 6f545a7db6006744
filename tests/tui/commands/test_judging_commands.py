"""check, init, import, status, explain, edition, retract, export as a user types them: what is printed where, and the exit codes."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.world import World, at, collection, lines, match, runbook_text
from tui.cli import COMMANDS, main

ROOT = Path(__file__).parents[3]
T = "2026-02-18T03:30:00Z"
OVER_5 = {"count": 'kind = "count"\nsignatures = ["alpha"]\nover = 5'}


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSEOUT_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runbook.md").write_text(runbook_text(OVER_5))
    return tmp_path


def records(number: int) -> bytes:
    return lines(
        [
            collection("c", "rt", at("03:00"), at("03:30")),
            *[match("c", f"k{i}", at("03:25") + i) for i in range(number)],
        ]
    )


@pytest.fixture
def case(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["init", "case.db"]) == 0
    (folder / "records.ndjson").write_bytes(records(6))
    assert main(["import", "case.db", "records.ndjson", "--json"]) == 0
    capsys.readouterr()
    return "case.db"


def test_init_takes_the_runbook_beside_it_and_import_names_what_it_loaded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "case.db"]) == 0
    assert "next: closeout run case.db" in capsys.readouterr().out
    (folder / "records.ndjson").write_bytes(records(1))
    assert main(["import", "case.db", "records.ndjson", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"collections": [{"id": "c", "ref": "collection:1", "seq": 2}]}


def test_init_without_a_runbook_stops_and_says_how_to_get_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "runbook.md").unlink()
    assert main(["init", "case.db"]) == 40
    told = capsys.readouterr().err
    assert "closeout new" in told
    assert "drill" in told
    assert not (folder / "case.db").exists()


def test_init_never_touches_a_file_that_is_there(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path(case).read_bytes()
    assert main(["init", case]) == 40
    assert Path(case).read_bytes() == before


def test_an_invalid_runbook_leaves_no_case(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "runbook.md").write_text(runbook_text(OVER_5).replace("over = 5", 'over = "five"'))
    assert main(["init", "case.db"]) == 30
    assert "runbook.md:" in capsys.readouterr().err
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith("case")) == []


def test_check_answers_0_without_faults_and_30_with_each_fault_on_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 0
    (folder / "runbook.md").write_text(runbook_text(OVER_5).replace("over = 5", "ovr = 5"))
    assert main(["check", "runbook.md"]) == 30
    assert "over" in capsys.readouterr().out


def test_status_prints_one_object_and_answers_with_the_worst_state(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", case, "--as-of", T, "--json"]) == 10
    answer = json.loads(capsys.readouterr().out)
    assert (answer["schema"], answer["as_of"], answer["known_seq"], answer["scope_start"]) == (
        1,
        "2026-02-18T03:30:00.000Z",
        2,
        None,
    )
    signal = answer["signals"][0]
    assert {
        "id",
        "state",
        "reason",
        "now_state",
        "now_reason",
        "first_trip",
        "last_reading",
        "age_ms",
        "earliest_ok",
        "owner",
        "rollback",
        "conditions",
    } <= set(signal)
    assert signal["rollback"]["do"] == "Undo count."
    condition = signal["conditions"][0]
    assert (condition["value"], condition["limit"], condition["op"]) == (6, 5, ">")
    assert condition["window"] == {"from": "2026-02-18T03:20:00.000Z", "to": "2026-02-18T03:30:00.000Z"}


def test_status_for_people_says_value_watch_age_why_owner_and_undo_in_one_line(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", case, "--as-of", T]) == 10
    line = capsys.readouterr().out.splitlines()[1]
    for part in ("tripped", "6 of > 5", "10m of 10m", "read 0ms ago", "count_over", "on-call", "Undo count."):
        assert part in line


def test_status_with_another_limit_is_marked_as_a_trial(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", case, "--as-of", T, "--with", "over=9"]) == 0
    assert "TRIAL" in capsys.readouterr().out
    assert main(["status", case, "--as-of", T, "--with", "over=9", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trial"] == "over=9"
    assert main(["status", case, "--as-of", T]) == 10


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status", "nothing.db"], 40),
        (["status", "."], 40),
        (["status", "runbook.md"], 40),
        (["status", "case.db", "cuont"], 40),
        (["status", "case.db", "--as-of", "noon"], 40),
        (["status", "case.db", "--as-of", "2026-02-18T03:30:00"], 40),
        (["status", "case.db", "--known-seq", "99"], 40),
        (["status", "case.db", "--with", "over"], 40),
        (["status", "case.db", "--exec", "true"], 40),
        (["status"], 2),
        (["status", "case.db", "--bogus"], 2),
        (["statuss", "case.db"], 2),
        ([], 2),
        (["import", "case.db", "nothing.log"], 40),
        (["import", "case.db", "."], 40),
        (["explain", "case.db", "nothing"], 40),
        (["retract", "case.db", "collection:99", "--reason", "x"], 40),
        (["retract", "case.db", "probe:1", "--reason", "x"], 40),
        (["retract", "case.db", "collection:1", "--reason", " "], 40),
        (["check", "nothing.md"], 40),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_two_lines_at_most_and_changes_nothing(
    case: str, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    before = Path(case).read_bytes()
    assert main(words) == code
    told = capsys.readouterr()
    if words:
        assert 1 <= len(told.err.strip().splitlines()) <= 2
        assert "Traceback" not in told.err
    assert Path(case).read_bytes() == before


def test_a_mistyped_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stauts"]) == 2
    assert "did you mean: closeout status" in capsys.readouterr().err


def test_explain_lists_the_rows_whose_number_is_the_value(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", case, "count", "--as-of", T, "--json"]) == 10
    condition = json.loads(capsys.readouterr().out)["signal"]["conditions"][0]
    assert len(condition["rows"]) == condition["value"] == 6
    assert condition["rows"][0]["ref"] == "log_match:1"
    assert condition["gaps"] == []


def test_explain_names_the_gaps_to_the_millisecond(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", case, "count", "--as-of", "2026-02-18T03:32:00Z"]) == 10
    assert (
        "not watched: 2026-02-18T03:30:00.000Z to 2026-02-18T03:32:00.000Z (2m) on rt for alpha"
        in capsys.readouterr().out
    )


def test_a_retraction_takes_the_collection_out_of_the_answer(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retract", case, "collection:1", "--reason", "wrong project"]) == 0
    assert main(["status", case, "--as-of", T]) == 12
    assert main(["retract", case, "collection:1", "--reason", "again"]) == 40


def test_an_adopted_edition_judges_from_then_on_and_the_earlier_one_stays(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "runbook.md").write_text(runbook_text({"count": OVER_5["count"].replace("over = 5", "over = 9")}))
    assert main(["edition", case, "runbook.md"]) == 0
    assert "conditions differ" in capsys.readouterr().out
    assert main(["edition", case, "runbook.md", "--adopt"]) == 40
    assert main(["edition", case, "runbook.md", "--adopt", "--reason", "limit corrected"]) == 0
    assert main(["status", case, "--as-of", T, "--known-seq", "2"]) == 10
    assert main(["status", case, "--as-of", T]) == 0


def test_records_come_through_standard_input_too(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["init", "case.db"])
    stdin = io.TextIOWrapper(io.BytesIO(records(2)))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["import", "case.db", "-"]) == 0
    assert "1 collections: collection:1" in capsys.readouterr().out


def test_a_disk_that_is_full_is_one_line_and_loses_nothing(case: str, folder: Path) -> None:
    (folder / "more.ndjson").write_bytes(
        lines(
            [
                collection("d", "rt", at("03:00"), at("03:30")),
                *[match("d", f"x{i}", at("03:25"), raw="x" * 900) for i in range(4000)],
            ]
        )
    )
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000)); from tui.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "import", case, "more.ndjson"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 40
    assert "EVIDENCE IS NOT BEING WRITTEN" in done.stderr
    assert "Traceback" not in done.stderr
    assert main(["status", case, "--as-of", T]) == 10


@pytest.mark.parametrize("words", [["--help"], ["status", "case.db", "--as-of", T]])
def test_help_and_status_load_nothing_heavy(case: str, words: list[str]) -> None:
    code = (
        "import sys; from tui.cli import main; main(sys.argv[1:]); "
        "print(sorted({'textual', 'datasette', 'httpx', 'psycopg', 'pydantic', 'sqlite_utils', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_teaches_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        told = capsys.readouterr().out
        assert f"closeout {name}" in told
        assert "--json" in told


def test_names_may_stand_after_options(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["status", case, "--as-of", T, "--json"])
    (first,) = [signal["id"] for signal in json.loads(capsys.readouterr().out)["signals"]]
    for words in (["--json", case, first], [case, "--json", first], [case, first, "--json"]):
        main(["status", "--as-of", T, *words])
        assert [signal["id"] for signal in json.loads(capsys.readouterr().out)["signals"]] == [first]
    assert main(["edition", case, "--json", "nowhere.md"]) == 40


def test_export_and_completion_are_one_object_each_when_asked(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", case]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["export", case, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == rows
    assert main(["completion", "fish", "--json"]) == 0
    assert "closeout completion words" in json.loads(capsys.readouterr().out)["script"]


def test_the_overview_names_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"\n  {name}" in told for name in COMMANDS)
    assert all(f"\n  {code} " in told for code in (0, 10, 11, 12, 20, 30, 1))


def test_a_closed_pipe_is_no_verdict_and_no_traceback(case: str) -> None:
    shell = f"{sys.executable} -m tui export {case} | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert "Traceback" not in done.stderr


def test_a_full_output_is_told_in_one_line_with_a_remedy(case: str) -> None:
    shell = f"{sys.executable} -m tui status {case} --as-of {T} >/dev/full"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (40, "closeout: cannot write: No space left on device")


def test_a_closed_output_is_no_traceback(case: str) -> None:
    shell = f"{sys.executable} -m tui status {case} --as-of {T} >&-"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert (done.returncode, done.stderr) == (10, "")


def test_watch_prints_the_present_states_and_ends_with_them(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", case, "--as-of", T, "--watch", "--json"]) == 10
    assert json.loads(capsys.readouterr().out)["signal"]["state"] == "tripped"


def test_hostile_text_reaches_the_terminal_as_harmless_signs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "case.db"])
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    (folder / "r.ndjson").write_bytes(
        lines([collection("c", "rt", at("03:00"), at("03:30")), match("c", "k", at("03:25"), route=evil)])
    )
    main(["import", "case.db", "r.ndjson"])
    main(["explain", "case.db", "count", "--as-of", T])
    told = capsys.readouterr().out
    assert not set(told) & set("\x1b\x07\u202e")


def test_the_world_of_the_tests_is_a_case_like_any_other(tmp_path: Path) -> None:
    world = World(tmp_path / "w.db", runbook_text())
    assert main(["status", str(world.path), "--as-of", T]) == 12


def test_a_terminal_that_knows_only_ascii_gets_signs_it_can_show(case: str) -> None:
    words = [sys.executable, "-m", "tui", "status", case, "--as-of", T]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "LANG": "C"}
    done = subprocess.run(words, capture_output=True, env=env, check=False)
    assert done.returncode == 10
    assert max(done.stdout) < 128
    assert b"tripped" in done.stdout
