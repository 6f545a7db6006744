"""Live capture: what was printed is stored at once, every gap is a gap, every failure is evidence."""

from __future__ import annotations

import json
import os
import queue
import shlex
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.logs.capture import Pace, capture
from collectors.logs.keep import ImportedLog
from collectors.logs.run import Run
from store.case import now_ms
from store.errors import BadInput
from store.runbook.model import Runbook
from tests.collectors.logs.kit import MINUTE, T0, TIMEOUT_60, lines, open_case, query_row, runbook, stream_line

STAND_IN = str(Path(__file__).with_name("stand_in.py"))
FAST = Pace(commit_s=0.02, stall_s=30.0, overlap_s=0.05, pause_s=0.02)
PATIENCE_S = 20.0


@pytest.fixture
def under() -> Runbook:
    return runbook()


@pytest.fixture
def case(tmp_path: Path, under: Runbook) -> Path:
    open_case(tmp_path, under).close()
    return tmp_path / "case.db"


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `vercel` on the PATH that is the stand-in."""
    tool = tmp_path / "bin" / "vercel"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(STAND_IN)} "$@"\n', "utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")


class Capturing:
    """A capture in a thread, its stand-in told what to print through a pipe."""

    def __init__(self, case: Path, under: Runbook, folder: Path, **more: Any) -> None:
        self.case = case
        self.news: queue.Queue[tuple[str, str]] = queue.Queue()
        self.done: list[ImportedLog] = []
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._pipe = folder / "pipe"
        if not self._pipe.exists():
            os.mkfifo(self._pipe)
        command = more.pop("command", [sys.executable, STAND_IN])
        pace = more.pop("pace", FAST)
        environ = os.environ | {"PIPE": str(self._pipe)}

        def work() -> None:
            try:
                self.done = capture(
                    case,
                    under,
                    "runtime-logs",
                    command,
                    stop=self._stop.is_set,
                    tell=self._told,
                    environ=environ,
                    pace=pace,
                    **more,
                )
            except BaseException as error:
                self.error = error

        self._thread = threading.Thread(target=work)
        self._thread.start()
        self._writer: int | None = None

    def __enter__(self) -> Capturing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _told(self, kind: str, text: str) -> None:
        self.news.put((kind, text))

    def say(self, step: str) -> None:
        if self._writer is None:
            self._writer = os.open(self._pipe, os.O_WRONLY)
        os.write(self._writer, step.encode() + b"\n")

    def hang_up(self) -> None:
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def heard(self, kind: str) -> str:
        while True:
            told, text = self.news.get(timeout=PATIENCE_S)
            if told == kind:
                return text

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.case}?mode=ro", uri=True, timeout=5) as db:
            found = db.execute(sql).fetchall()
        db.close()
        return found

    def until(self, sql: str, test: Callable[[list[tuple[Any, ...]]], bool]) -> list[tuple[Any, ...]]:
        deadline = time.monotonic() + PATIENCE_S
        waiting = threading.Event()
        while time.monotonic() < deadline:
            if test(found := self.rows(sql)):
                return found
            waiting.wait(0.01)
        raise AssertionError(f"{sql}: {found}")

    def close(self) -> list[ImportedLog]:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        self.hang_up()
        if self.error is not None:
            raise self.error
        return self.done

    def over(self) -> list[ImportedLog]:
        """Wait until the capture ends by itself."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.close()


@pytest.fixture
def capturing(case: Path, under: Runbook, tmp_path: Path) -> Iterator[Callable[..., Capturing]]:
    opened: list[Capturing] = []

    def start(**more: Any) -> Capturing:
        opened.append(Capturing(case, under, tmp_path, **more))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def out(**fields: Any) -> str:
    return "out " + json.dumps(stream_line(**fields))


def test_a_record_is_in_the_case_soon_after_it_was_printed_and_time_counts_as_watched(
    capturing: Callable[..., Capturing],
) -> None:
    live = capturing()
    live.say("err Displaying runtime logs for deployment app.example")
    live.say(out(at=T0, message=TIMEOUT_60))
    live.heard("attached")
    live.until("SELECT signature, at_ms, line FROM log_match", lambda found: found == [("webhook", T0, 1)])
    first = live.until("SELECT max(to_ms) FROM coverage", lambda found: found[0][0] is not None)[0][0]
    live.until("SELECT max(to_ms) FROM coverage", lambda found: found[0][0] > first)
    assert live.rows("SELECT count(DISTINCT from_ms), count(*) > 1 FROM coverage") == [(1, 1)]
    assert live.rows("SELECT * FROM collection_end") == []
    (told,) = live.close()
    assert (told.status, told.form, told.matched) == ("ok", "vercel-stream ndjson", 1)
    assert live.rows("SELECT status, reason FROM collection_end") == [("ok", "stopped")]


def test_what_a_stream_cannot_prove_is_known_from_its_first_words(capturing: Callable[..., Capturing]) -> None:
    live = capturing()
    live.say("err waiting for new logs...")
    live.heard("attached")
    live.until(
        "SELECT signature, can_prove FROM looked_for ORDER BY 1",
        lambda found: ("timing", 0) in found and ("webhook", 1) in found,
    )
    live.until("SELECT count(*) FROM coverage", lambda found: found[0][0] > 0)


def test_the_command_is_told_its_window_and_recorded(capturing: Callable[..., Capturing], under: Runbook) -> None:
    live = capturing(since_ms=T0)
    live.say("env SINCE")
    live.heard("attached")
    live.say("exit 0")
    live.hang_up()
    live.over()
    assert "stand_in.py" in live.rows("SELECT command FROM collection")[0][0]
    assert live.rows("SELECT exit_code FROM collection_end") == [(0,)]


def test_a_line_in_pieces_is_one_line_and_time_is_not_watched_before_it_is_whole(
    capturing: Callable[..., Capturing],
) -> None:
    live = capturing()
    live.say(out(at=T0, message="first"))
    live.heard("attached")
    live.until("SELECT count(*) FROM coverage", lambda found: found[0][0] > 0)
    text = json.dumps(stream_line(at=T0 + 1))
    live.say(f"part {text[:50]}")
    live.say(f"out {text[50:]}")
    live.until("SELECT at_ms, line FROM log_match", lambda found: found == [(T0 + 1, 2)])


def test_a_line_that_cannot_be_read_ends_what_is_covered_and_the_next_collection_begins(
    capturing: Callable[..., Capturing],
) -> None:
    live = capturing()
    live.say(out(at=T0, message="first"))
    live.heard("attached")
    live.until("SELECT count(*) FROM coverage", lambda found: found[0][0] > 0)
    live.say("out oops")
    live.until("SELECT status FROM collection_end", lambda found: found == [("truncated",)])
    live.say(out(at=T0 + 5))
    live.until("SELECT collection, at_ms FROM log_match", lambda found: found == [(2, T0 + 5)])
    live.until("SELECT count(*) FROM coverage WHERE collection = 2", lambda found: found[0][0] > 0)
    assert live.rows("SELECT line, sample FROM unreadable") == [(2, "oops")]


def test_silence_is_a_gap_and_not_a_zero(capturing: Callable[..., Capturing]) -> None:
    live = capturing(pace=FAST._replace(stall_s=0.15))
    live.say(out(at=T0, message="first"))
    live.heard("attached")
    assert live.heard("stalled").startswith("no data for")
    ((covered,),) = live.rows("SELECT max(to_ms) FROM coverage")
    live.say(out(at=T0 + 5))
    live.heard("resumed")
    live.until("SELECT count(DISTINCT from_ms) FROM coverage", lambda found: found[0][0] == 2)
    assert live.rows(f"SELECT count(*) FROM coverage WHERE from_ms < {covered} AND to_ms > {covered + 50}") == [(0,)]
    assert "stalled" in live.close()[0].reason


def test_a_machine_that_slept_did_not_watch(capturing: Callable[..., Capturing]) -> None:
    slept_ms = 0
    live = capturing(clock=lambda: now_ms() + slept_ms)
    live.say(out(at=T0, message="first"))
    live.heard("attached")
    live.until("SELECT count(*) FROM coverage", lambda found: found[0][0] > 0)
    slept_ms = 20 * MINUTE  # the wall clock goes on while the steady one stands still
    assert live.heard("restarted").startswith("this machine slept, or its clock was set")
    live.hang_up()
    live.say(out(at=T0 + 1, message="second"))
    live.until("SELECT count(*) FROM coverage WHERE collection = 2", lambda found: found[0][0] > 0)
    assert live.rows("SELECT count(*) FROM coverage WHERE to_ms - from_ms > 60000") == [(0,)]
    assert live.rows("SELECT reason FROM collection_end") == [("this machine slept, or its clock was set",)]


def test_a_command_that_left_its_output_to_another_process_has_ended(
    capturing: Callable[..., Capturing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.logs.run._LAST_WORDS_S", 0.2)
    live = capturing()
    live.say(out(at=T0, message="first"))
    live.say("leave")
    live.say("exit 0")
    live.hang_up()
    (told,) = live.over()
    assert told.reason == "the command ended, and something that it started holds its output"


def test_a_stream_that_would_end_itself_gets_a_successor_and_what_both_print_counts_once(
    capturing: Callable[..., Capturing], on_path: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.logs.command.PLATFORM_STREAM_MS", 150)
    live = capturing(command="vercel logs https://app.example --json")
    live.say(out(at=T0))
    live.heard("attached")
    # Both runs read the same pipe, so each line goes to one of them; the second begins with the line that the first has printed.
    for _ in range(200):
        live.say(out(at=T0))
        if live.rows("SELECT count(*) FROM collection") == [(2,)]:
            break
        threading.Event().wait(0.02)
    live.heard("restarted")
    live.close()
    found = live.rows(
        'SELECT count(DISTINCT collection) > 1, "key" FROM log_match WHERE "key" NOT LIKE \'%#%\' GROUP BY "key"'
    )
    assert found[0][0] == 1
    assert live.rows("SELECT DISTINCT tool_version FROM collection") == [("vercel 50.42.0",)]
    assert ("ok", "its successor took over before it ended itself") in live.rows(
        "SELECT status, reason FROM collection_end"
    )


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("err Error: You are not logged in|exit 1", "the command ended with exit code 1: Error: You are not logged in"),
        (
            'out {"type":"deployment_error","message":"never READY"}|exit 1',
            "the command ended with exit code 1: deployment_error: never READY",
        ),
        (
            "out <!DOCTYPE html><html>Log in|exit 0",
            "the command ended with exit code 0: the command printed a web page, not a log",
        ),
        ("exit 0", "the command ended with exit code 0 and printed no record"),
        ("out Vercel CLI 50.1.5|exit 3", "the command ended with exit code 3 and printed no record"),
    ],
)
def test_a_command_that_gives_nothing_is_a_failed_collection(case: Path, under: Runbook, steps: str, said: str) -> None:
    (told,) = capture(
        case, under, "runtime-logs", [sys.executable, STAND_IN], environ=os.environ | {"STEPS": steps}, pace=FAST
    )
    assert (told.status, told.reason) == ("failed", said)


def test_a_command_that_is_not_there_is_a_failed_collection(case: Path, under: Runbook) -> None:
    (told,) = capture(case, under, "runtime-logs", ["/no/such/tool"], pace=FAST)
    assert (told.status, told.reason) == (
        "failed",
        "the command cannot be run: No such file or directory: /no/such/tool",
    )
    (told,) = capture(case, under, "runtime-logs", "no-such-tool --follow", pace=FAST)
    assert told.status == "failed"
    assert "exit code 127" in told.reason


def test_the_stream_hitting_its_limit_makes_the_collection_less_than_complete(case: Path, under: Runbook) -> None:
    cut = json.dumps(stream_line(at=T0 + 1, rowId="", source="delimiter", message="limit reached"))
    steps = f"{out(at=T0)}|out {cut}|exit 1"
    told = capture(
        case, under, "runtime-logs", [sys.executable, STAND_IN], environ=os.environ | {"STEPS": steps}, pace=FAST
    )
    # a commit may fall between the two lines, and what ended badly then is a collection of its own
    cut_off = [each for each in told if "the stream was cut by its limit: limit reached" in each.reason]
    assert [each.status for each in cut_off] == ["truncated"]
    assert any(each.matched for each in told)


def test_many_lines_at_once_are_all_stored(case: Path, under: Runbook) -> None:
    steps = f"{out(at=T0)}|many 20000 {T0}|{out(at=T0 + MINUTE)}|exit 0"
    told = capture(
        case, under, "runtime-logs", [sys.executable, STAND_IN], environ=os.environ | {"STEPS": steps}, pace=FAST
    )
    assert [(t.status, t.lines_read, t.matched) for t in told] == [("ok", 20_002, 2)]


def test_a_command_that_looks_back_although_it_should_follow_covers_nothing(
    case: Path, under: Runbook, on_path: None
) -> None:
    row = lines([query_row(T0)]).strip()
    told = capture(
        case,
        under,
        "runtime-logs",
        "vercel logs --json",
        environ=os.environ | {"STEPS": f"out {row}|exit 0"},
        pace=FAST,
    )
    assert [(t.status, t.form, t.matched) for t in told] == [("ok", "vercel-query ndjson", 1)]
    assert rows_of(case, "SELECT * FROM coverage") == []


def test_a_plain_text_log_keeps_its_continuation_lines(case: Path, under: Runbook) -> None:
    steps = "out 2026-02-18T03:00:00Z ERROR boom|out     query_wait_timeout|out 2026-02-18T03:00:01Z INFO fine|exit 0"
    (told,) = capture(
        case, under, "runtime-logs", [sys.executable, STAND_IN], environ=os.environ | {"STEPS": steps}, pace=FAST
    )
    assert (told.form, told.lines_read, told.matched) == ("text", 2, 1)


def follow(case: Path, under: Runbook, steps: str, **more: Any) -> list[ImportedLog]:
    environ = os.environ | {"STEPS": steps}
    return capture(case, under, "runtime-logs", [sys.executable, STAND_IN], environ=environ, pace=FAST, **more)


def test_why_a_command_ended_is_kept_with_what_it_had_printed(case: Path, under: Runbook) -> None:
    (told,) = follow(case, under, f"{out(at=T0)}|err Error: connection reset|exit 7")
    assert (told.status, told.matched) == ("ok", 1)
    assert told.reason == "the command ended by itself with exit code 7: Error: connection reset"


def test_a_command_that_gets_connected_and_fails_without_a_record_has_failed_and_is_not_tried_forever(
    case: Path, under: Runbook
) -> None:
    news: list[tuple[str, str]] = []
    steps = "err Displaying runtime logs for deployment app.example|err Error: The token is not valid|exit 1"
    told = follow(case, under, steps, for_ms=60_000, tell=lambda kind, text: news.append((kind, text)))
    assert [one.status for one in told] == ["failed"]
    said = "the command ended by itself with exit code 1: Error: The token is not valid"
    assert told[0].reason.endswith(said)
    assert ("failed", said) in news
    assert rows_of(case, "SELECT status FROM collection_end") == [("failed",)]


def test_a_command_that_cannot_be_started_again_is_tried_more_and_more_seldom(
    case: Path, under: Runbook, tmp_path: Path
) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!/bin/sh\nrm {tool}\nexec {shlex.quote(sys.executable)} {shlex.quote(STAND_IN)}\n", "utf-8")
    tool.chmod(0o755)
    environ = os.environ | {"STEPS": f"{out(at=T0)}|exit 0"}
    told = capture(case, under, "runtime-logs", [str(tool)], environ=environ, pace=FAST, for_ms=1500)
    failed = [one for one in told if one.status == "failed"]
    assert 2 <= len(failed) <= 8  # pauses of 20, 40, 80 … ms, not one a look


def test_a_secret_that_the_end_of_a_complaint_cuts_is_kept_out_whole(
    case: Path, under: Runbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "sk-verysecret-998877")
    marked = runbook(secrets=["API_TOKEN"])
    news: list[str] = []
    for filler in (280, 8180):
        follow(
            case,
            marked,
            f"err Error: {'x' * filler} sk-verysecret-998877|exit 1",
            tell=lambda _, text: news.append(text),
        )
    assert len(rows_of(case, "SELECT 1 FROM collection_end WHERE status = 'failed'")) == 2
    for text in (case.read_bytes().decode("latin-1"), *news):
        assert "verysecre" not in text
        assert "998877" not in text


def test_a_look_back_knows_nothing_of_what_came_after_it_began(case: Path, under: Runbook) -> None:
    now = iter(range(T0 + 31 * MINUTE, T0 + 90 * MINUTE, MINUTE))
    asked: list[int] = []

    def clock() -> int:
        asked.append(next(now))
        return asked[-1]

    ask(case, under, "out " + lines([query_row(T0)]).strip(), clock=clock)
    ((collected,),) = rows_of(case, "SELECT collected_ms FROM coverage")
    assert collected == asked[0]


def test_a_look_that_was_missed_is_a_row_and_is_told(case: Path, under: Runbook) -> None:
    told = ask(
        case, under, "out " + lines([query_row(T0)]).strip(), since_ms=None, until_ms=None, every_ms=40, for_ms=400,
        command=f"sleep 0.2; {QUERY}", clock=now_ms,
    )  # fmt: skip
    missed = [one for one in told if one.reason.startswith("by ")]
    assert missed
    assert {one.status for one in missed} == {"missed"}
    assert rows_of(case, "SELECT DISTINCT status FROM collection_end WHERE reason LIKE 'missed by %'") == [("failed",)]


def test_a_command_that_surely_follows_has_no_pace_and_no_end(case: Path, under: Runbook) -> None:
    command = f"{QUERY.replace(' --until $UNTIL', '')} --follow"
    told = capture(
        case, under, "runtime-logs", command, environ=os.environ | {"STEPS": f"{out(at=T0)}|hang"}, pace=FAST,
        every_ms=100, for_ms=1500,
    )  # fmt: skip
    assert [(one.status, one.matched) for one in told] == [("ok", 1)]
    with pytest.raises(BadInput, match="follows the log"):
        capture(case, under, "runtime-logs", command, until_ms=T0)


QUERY = f"{shlex.quote(sys.executable)} {shlex.quote(STAND_IN)} --until $UNTIL"


def ask(case: Path, under: Runbook, steps: str, command: str = QUERY, **more: Any) -> list[ImportedLog]:
    environ = os.environ | {"STEPS": steps}
    window = {"since_ms": T0, "until_ms": T0 + 30 * MINUTE, "clock": lambda: T0 + 31 * MINUTE}
    return capture(case, under, "runtime-logs", command, environ=environ, pace=FAST, **(window | more))


def rows_of(case: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(case)
    found = db.execute(sql).fetchall()
    db.close()
    return found


def test_a_command_that_looks_back_covers_its_window_when_it_ends_well(case: Path, under: Runbook) -> None:
    steps = "out " + lines([query_row(T0, TIMEOUT_60)]).strip()
    (told,) = ask(case, under, steps)
    assert (told.status, told.form, told.matched) == ("ok", "vercel-query ndjson", 1)
    assert rows_of(case, "SELECT from_ms, to_ms FROM coverage") == [(T0, T0 + 30 * MINUTE)]


PROVEN = "SELECT collection, min(can_prove), max(can_prove) FROM looked_for GROUP BY 1 ORDER BY 1"


def test_an_answer_without_a_record_is_an_answer_where_the_same_command_printed_records_before(
    case: Path, under: Runbook
) -> None:
    ask(case, under, "out " + lines([query_row(T0, "fine", status=200)]).strip())
    (told,) = ask(case, under, "out No logs found for team/app")
    assert (told.status, told.reason) == ("ok", "the command printed no record")
    assert rows_of(case, PROVEN) == [(1, 1, 1), (2, 1, 1)]


def test_a_command_that_never_printed_a_record_proves_nothing_by_its_silence(case: Path, under: Runbook) -> None:
    ask(case, under, "out " + lines([query_row(T0, "fine", status=200)]).strip(), command=QUERY + " --branch main")
    (told,) = ask(case, under, "out No logs found for team/app")
    assert (told.status, told.reason) == ("ok", "the command printed no record")
    assert rows_of(case, PROVEN) == [(1, 1, 1), (2, 0, 0)]
    assert rows_of(case, "SELECT DISTINCT why FROM looked_for WHERE collection = 2") == [
        ("nothing was printed, now or before: it is not known that a failure would have been",)
    ]


@pytest.mark.parametrize(
    ("steps", "status", "said"),
    [
        ("err Error: no|exit 1", "failed", "the command ended with exit code 1: Error: no"),
        (
            "out " + lines([query_row()]).strip() + "|err gone|exit 2",
            "truncated",
            "the command ended with exit code 2: gone",
        ),
        ("out <html>Log in</html>", "failed", "the command's output is a web page, not a log"),
        ("out \x01\x02\x03\x04\x05" * 40, "failed", "the command's output is binary data, not a log"),
        (
            "out a|out b",
            "failed",
            "the command's output is not a log: no line carries an instant and none matches a signature",
        ),
    ],
)
def test_an_answer_that_is_none_is_a_failed_collection_that_covers_nothing(
    case: Path, under: Runbook, steps: str, status: str, said: str
) -> None:
    (told,) = ask(case, under, steps)
    assert (told.status, told.reason.split(" (")[0].split(";")[0]) == (status, said)
    assert rows_of(case, "SELECT * FROM coverage") == []


def test_as_many_rows_as_the_limit_allows_are_less_than_complete(case: Path, under: Runbook) -> None:
    steps = "|".join("out " + lines([query_row(T0 + n, number=n)]).strip() for n in range(3))
    (told,) = ask(case, under, steps, command=QUERY + " --limit 3")
    assert told.status == "truncated"
    assert told.reason.startswith("exactly 3 rows, the limit of the command")


def test_a_command_on_which_nothing_comes_is_ended(case: Path, under: Runbook) -> None:
    started = time.monotonic()
    environ = os.environ | {"STEPS": "hang"}
    (told,) = capture(case, under, "runtime-logs", QUERY, environ=environ, pace=FAST._replace(stall_s=0.3))
    assert told.reason == "nothing came from the command for 300ms"
    assert time.monotonic() - started < 15


def test_each_look_reaches_back_over_the_longest_time_out_so_that_none_falls_between_two(
    case: Path, under: Runbook
) -> None:
    steps = "out " + lines([query_row(T0)]).strip()
    now = iter(range(T0 + 30 * MINUTE, T0 + 90 * MINUTE, MINUTE))
    told = ask(case, under, steps, since_ms=None, until_ms=None, every_ms=400, for_ms=1200, clock=lambda: next(now))
    assert len(told) >= 2
    windows = rows_of(case, "SELECT from_ms, to_ms FROM coverage ORDER BY id")
    longest_ms = 1000 * max(signature.timeout_s or 0 for signature in under.signatures)
    assert longest_ms
    assert all(late[0] == early[1] - longest_ms for early, late in zip(windows, windows[1:], strict=False))


def test_a_source_without_a_command_says_so(case: Path, under: Runbook) -> None:
    with pytest.raises(BadInput, match="has no command"):
        capture(case, under, "runtime-logs")
    with pytest.raises(BadInput, match="no command to run"):
        capture(case, under, "runtime-logs", [])


def test_rotation_keeps_time_watched_without_a_break(
    capturing: Callable[..., Capturing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.logs.run.ROTATE_S", 0.1)
    live = capturing()
    live.say(out(at=T0, message="first"))
    live.heard("attached")
    live.until("SELECT count(*) FROM collection", lambda found: found[0][0] >= 3)
    live.close()
    spans = live.rows("SELECT collection, min(from_ms), max(to_ms) FROM coverage GROUP BY 1 ORDER BY 1")
    assert all(late[1] == early[2] for early, late in zip(spans, spans[1:], strict=False))
    assert {status for (status,) in live.rows("SELECT status FROM collection_end")} == {"ok"}
    assert Run.__doc__
