"""`closeout new`: a first runbook from a few answers, by keys, by a pipe or by options; sound whatever was answered."""

from __future__ import annotations

import io
import itertools
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.drill.boundary import boundary_report
from collectors.drill.meaning import meaning_faults
from store.runbook.find import read_runbook
from store.runbook.model import Runbook
from tui.cli import main

ROOT = Path(__file__).parents[3]


class Piped(io.TextIOWrapper):
    def __init__(self, text: str = "") -> None:
        super().__init__(io.BytesIO(text.encode()), "utf-8")


class Terminal(Piped):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "orders-shop"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr("getpass.getuser", lambda: "kim")
    return place


def answering(monkeypatch: pytest.MonkeyPatch, *lines: str, terminal: bool = True) -> None:
    monkeypatch.setattr("sys.stdin", (Terminal if terminal else Piped)("".join(line + "\n" for line in lines)))


def made(*words: str) -> Runbook:
    assert main(["new", "runbook.md", *words]) == 0
    return sound(Path("runbook.md"))


def sound(path: Path) -> Runbook:
    """What was written passes `check` without a warning, has no fault of meaning, and trips exactly at its limits."""
    runbook = read_runbook(path)
    assert runbook.warnings == ()
    assert [fault.told(str(path)) for fault in meaning_faults(runbook)] == []
    scratch = path.resolve().parent / "scratch"
    scratch.mkdir()
    assert [each.told(str(path)) for each in boundary_report(runbook, scratch) if not each.ok] == []
    scratch.rmdir()
    return runbook


def test_without_a_question_everything_takes_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    runbook = made("--yes")
    assert runbook.id == "orders-shop" and [signal.id for signal in runbook.signals] == ["requests-fail"]
    assert runbook.signals[0].owner == ("kim",) and runbook.signals[0].conditions[0].limit == 20
    assert capsys.readouterr().out == (
        "runbook.md: orders-shop, 1 signals, 5 steps\n"
        "  set before the first step: VERCEL_PROJECT\n"
        "  next: closeout check runbook.md\n"
        "        closeout drill --headless --runbook runbook.md\n"
        "        closeout init incident.db --runbook runbook.md\n"
    )


def test_answers_by_keys_make_every_part(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answering(
        monkeypatch, "Orders", "vercel", "/api/orders, /api/pay/**", "500, 503, timeout 60, card refused", "7", "jobs",
        "waiting, running, failed, done", "/health", "https://orders.example/", "pay on-call", "app/pay.ts, app/o 1.ts",
    )  # fmt: skip
    runbook = made()
    assert [source.id for source in runbook.sources] == ["logs", "queue", "probes"]
    assert [signature.id for signature in runbook.signatures] == ["failed-requests", "timeout-60s", "failing-texts"]
    requests, queue, probes = runbook.signals
    assert requests.conditions[0].limit == 7 and requests.rollback.files == ("app/pay.ts", "app/o 1.ts")
    assert requests.rollback.undo is not None and "-- app/pay.ts 'app/o 1.ts'" in requests.rollback.undo.text
    assert queue.owner == ("pay on-call",) and probes.conditions[0].routes == ("/health",)
    assert runbook.needs == ("VERCEL_PROJECT", "DATABASE_URL", "BASE_URL") and runbook.secrets == ("DATABASE_URL",)
    told = capsys.readouterr().out
    assert told.startswith("A few questions; Enter takes what stands in brackets")
    assert "What is your system called? [orders-shop]: " in told and "\x1b" not in told


def test_a_wrong_answer_is_asked_again_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "", "syslog", "jsonl", "none", "", "api/x", "/a?b=1", "/api", "900", "500", "many", "3")
    runbook = made()
    told = capsys.readouterr().out
    assert "  'syslog' is not one of vercel, jsonl, csv\n" in told
    assert "  'api/x' is not a route: it starts with / and has no host\n" in told
    assert "is not a whole path" in told and "900 is no HTTP status" in told
    assert "  'many' is not a number from 1 to 10000\n" in told
    assert runbook.signatures[0].routes == ("/api",) and runbook.signals[0].conditions[0].limit == 3


def test_the_end_of_a_pipe_stands_for_the_defaults(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "Orders", "csv", "ordersctl logs --from $SINCE --to $UNTIL --key $KEY", terminal=False)
    runbook = made()
    assert runbook.id == "orders" and runbook.needs == ("KEY",)
    assert runbook.sources[0].format == "csv" and runbook.sources[0].every_ms == 300_000
    assert "What is your system called? [orders-shop]: Orders\n" in capsys.readouterr().out


def test_a_wrong_answer_from_a_pipe_ends_the_asking(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    answering(monkeypatch, "Orders", "syslog", "500", terminal=False)
    assert main(["new", "runbook.md"]) == 40
    assert capsys.readouterr().err == (
        "closeout: --logs: 'syslog' is not one of vercel, jsonl, csv\n  nothing was written\n"
    )
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--limit", "0"), "--limit: '0' is not a number from 1 to 10000"),
        (("--logs", "jsonl", "--fields=-,message"), "--fields: write up to five names"),
        (("--logs", "jsonl", "--fields", "ts,line,-,-"), ""),
        (("--logs", "jsonl", "--fields", "ts,line", "--failing", "500"), "--failing: a log without a status field"),
        (("--failing", "none"), "--failing: say at least one"),
        (("--probe", "/api/*"), "--probe: '/api/*': a probe asks one route"),
        (("--probe", "/up", "--origin", "orders.example"), "--origin: 'orders.example' is no origin"),
        (("--queue", "jobs", "--statuses", "a,b,c"), "--statuses: write four words"),
        (("--logs", "csv", "--command", "x ``` y"), "--command: a command cannot hold"),
        (("--name", "a\x1b[31m"), "--name: an answer is one line of printable text"),
        (("--owner", ""), "--owner: write a short text"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(
    words: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    code = main(["new", "runbook.md", "--yes", *words])
    told = capsys.readouterr().err
    assert code == (40 if reason else 0) and told.startswith(f"closeout: {reason}" if reason else "")
    assert Path("runbook.md").exists() == (not reason)


@pytest.mark.parametrize("what", ["file", "folder", "dangling link"])
def test_what_is_there_is_never_touched(what: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    path = folder / "runbook.md"
    if what == "file":
        path.write_text("mine")
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere.md")
    assert main(["new", "runbook.md", "--yes"]) == 40
    assert "runbook.md is there already and is not touched" in capsys.readouterr().err
    assert not (folder / "nowhere.md").exists()
    if what == "file":
        assert path.read_text() == "mine"


def test_a_folder_that_is_not_there_is_said_before_the_first_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "gone/runbook.md"]) == 40
    assert "there is no folder gone\n  make it with: mkdir -p gone" in capsys.readouterr().err


def test_json_is_one_object_and_the_questions_go_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "Orders", terminal=False)
    assert main(["new", "my runbook.md", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["signals"] == ["requests-fail"] and told["needs"] == ["VERCEL_PROJECT"]
    assert told["next"][0] == "closeout check 'my runbook.md'"
    assert "What is your system called?" in err


HOSTILE = ['Ünïcode "quoted" \\ shop', "```toml runbook", "# | ` $HOME <b>", "a" * 200]


@pytest.mark.parametrize("name", HOSTILE)
def test_odd_words_stay_words(name: str) -> None:
    runbook = made(
        "--yes", "--name", name, "--owner", name, "--failing", f"500, {name.replace(',', '')}", "--files", name
    )
    assert runbook.signals[0].owner == (name,)


LOGS = (
    ("vercel",), ("jsonl",), ("csv", "--command", 'cat "$FILE"'), ("jsonl", "--fields", "ts,-,path,status"),
    ("csv", "--fields", "t,m,-,-,-"),
)  # fmt: skip


@pytest.mark.parametrize(("logs", "more"), list(itertools.product(LOGS, (False, True))))
def test_every_mix_of_answers_is_sound(logs: tuple[str, ...], more: bool) -> None:
    beside = ("--queue", '"Odd" table', "--probe", "/up,/", "--failing", "timeout 5s, timeout 60") if more else ()
    few = () if more else ("--failing", "timeout 30, refused")
    made("--yes", "--routes", "/api/**,/pay", "--logs", *logs, *beside, *few, "--limit", "4")


def test_a_real_dumb_terminal_is_enough(folder: Path) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "dumb", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tui", "new", "runbook.md"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=folder)
    os.close(theirs)
    os.write(ours, b"Orders\n" + b"\n" * 12)
    shown = b""
    while b"closeout init incident.db" not in shown:
        shown += os.read(ours, 4096)
    assert process.wait(30) == 0
    os.close(ours)
    assert b"\x1b" not in shown
    assert sound(folder / "runbook.md").id == "orders"


def test_leaving_writes_nothing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    class Leaving(Terminal):
        def readline(self, size: int = -1, /) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Leaving())
    assert main(["new", "runbook.md"]) == 130
    assert not list(folder.iterdir())
