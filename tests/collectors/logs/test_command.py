"""Commands: which look back and which follow, their limits, their windows, their versions."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from collectors.logs.command import PLATFORM_STREAM_MS, log_command, version_of, with_window
from store.errors import BadInput
from tests.collectors.logs.kit import T0


@pytest.mark.parametrize(
    ("text", "follows", "limit", "lasts_ms"),
    [
        ("vercel logs https://app.example --json", True, None, PLATFORM_STREAM_MS),
        ("npx vercel@50 logs dpl_1 --follow --json", True, None, PLATFORM_STREAM_MS),
        (
            'vercel logs --project p --no-branch --since "$SINCE" --until "$UNTIL" --limit 100000 --json',
            False,
            100_000,
            None,
        ),
        ("vercel logs --since 30m --json -n 50", False, 50, None),
        ("logcli query '{app=\"x\"}' --from $SINCE --to ${UNTIL} --limit=5000", False, 5000, None),
        ("kubectl logs -f deploy/app --since-time=$SINCE", True, None, None),
        ("tail -n 100 -F /var/log/app.log", True, 100, None),
        ("cat export.jsonl", True, None, None),
    ],
)
def test_a_command_follows_unless_it_asks_for_a_window(
    text: str, follows: bool, limit: int | None, lasts_ms: int | None
) -> None:
    command = log_command(text)
    assert (command.follows, command.limit, command.lasts_ms) == (follows, limit, lasts_ms)
    assert command.argv == ("/bin/sh", "-c", text)


def test_words_are_run_as_they_are() -> None:
    command = log_command(["tail", "-F", "a log"])
    assert (command.argv, command.text) == (("tail", "-F", "a log"), "tail -F 'a log'")


@pytest.mark.parametrize("nothing", ["", "  \n", []])
def test_nothing_to_run_is_refused(nothing: str | list[str]) -> None:
    with pytest.raises(BadInput, match="no command"):
        log_command(nothing)


def test_the_window_is_told_as_instants() -> None:
    assert with_window({"A": "1"}, T0, None) == {"A": "1", "SINCE": "2026-02-18T03:00:00.000Z"}
    assert with_window({"SINCE": "old"}, None, T0) == {"SINCE": "old", "UNTIL": "2026-02-18T03:00:00.000Z"}


def test_only_tools_that_are_known_to_answer_are_asked_for_their_version(tmp_path: Path) -> None:
    tool = tmp_path / "vercel"
    stand_in = Path(__file__).with_name("stand_in.py")
    tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(stand_in))} "$@"\n', "utf-8")
    tool.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert version_of(log_command("FORCE=1 vercel logs x"), {**environ}) == "vercel 50.42.0"
    assert version_of(log_command([str(tool), "logs"]), environ) == "vercel 50.42.0"
    assert version_of(log_command("rm -rf nothing"), environ) == ""
    assert version_of(log_command("vercel logs"), {"PATH": "/nowhere"}) == ""
    assert version_of(log_command("echo 'unclosed"), environ) == ""
