"""Write a first runbook for your own system by asking a few things. An existing file is never touched.

  closeout new runbook.md
  closeout new runbook.md --yes --logs jsonl --routes /api/orders,/api/pay --failing 500,503 --limit 10
  printf 'Orders\\nvercel\\n' | closeout new runbook.md       answers from a pipe; what is left takes its default

What it writes is Markdown to be changed: `closeout check` says what is wrong with its line, and a drill tries its limits.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.begin import operator_name
from store.errors import BadInput, Refused, RunbookInvalid
from tui.asking import Asker, items, one_of, some_text, text_or_none, whole_number
from tui.first_runbook import Answers, first_runbook, needed_variables
from tui.output import plain, print_json

if TYPE_CHECKING:
    from store.runbook.model import Runbook

_FLAGS = (
    ("name", "NAME", "what the system is called"),
    ("logs", "FORM", "where its logs come from: vercel, jsonl or csv"),
    ("command", "TEXT", "the command that prints a log of your own, with $SINCE and $UNTIL; none to import files"),
    ("fields", "NAMES", "its fields for time, message, route, status and request id; - for one that it lacks"),
    ("routes", "ROUTES", "routes to watch, such as /api/orders,/api/pay/**; none for all"),
    ("failing", "LIST", "what failing looks like: statuses, texts, timeout 60"),
    ("limit", "N", "more failures than this in 30 minutes call for a rollback"),
    ("queue", "TABLE", "a database table with a queue of jobs, or none"),
    ("statuses", "LIST", "what its status says of a job that waits, runs, failed, is done"),
    ("probe", "ROUTES", "routes to ask directly, or none"),
    ("origin", "URL", "their origin, such as https://app.example.com"),
    ("owner", "NAME", "who decides about a rollback"),
    ("files", "FILES", "files that a rollback reverts, or none"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `new`."""
    parser.add_argument("runbook", metavar="RUNBOOK", help="the file to write, such as runbook.md")
    for flag, metavar, about in _FLAGS:
        parser.add_argument(f"--{flag}", metavar=metavar, help=about)
    parser.add_argument("--yes", action="store_true", help="ask nothing: what is not given takes its default")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Ask, write, and say what comes next."""
    path = Path(arguments.runbook)
    _refuse_existing(path)
    out = sys.stderr if arguments.json else sys.stdout
    if not arguments.yes and sys.stdin.isatty():
        print("A few questions; Enter takes what stands in brackets, Ctrl-C leaves without writing.", file=out)
    answers = _answers(Asker(out, silent=arguments.yes), arguments, path)
    text = first_runbook(answers)
    runbook = _checked(text, path)
    _write(path, text)
    following = _following(path)
    needed = list(needed_variables(answers))
    if arguments.json:
        print_json(
            {
                "schema": 1,
                "runbook": str(path),
                "sha256": runbook.sha256,
                "signals": [signal.id for signal in runbook.signals],
                "steps": [step.id for step in runbook.steps],
                "needs": needed,
                "next": following,
            }
        )
        return 0
    print(f"{path}: {plain(answers.name)}, {len(runbook.signals)} signals, {len(runbook.steps)} steps")
    if needed:
        print(f"  set before the first step: {', '.join(needed)}")
    for place, line in enumerate(following):
        print(f"  {'next: ' if place == 0 else '      '}{line}")
    return 0


def _answers(asker: Asker, given: argparse.Namespace, path: Path) -> Answers:
    def ask(flag: str, text: str, default: str, read: Callable[[str], Any]) -> Any:
        return asker.ask(f"--{flag}", text, default, read, getattr(given, flag))

    name = ask("name", "What is your system called?", path.absolute().parent.name or "my system", some_text)
    logs = ask("logs", "Where do its logs come from: vercel, jsonl or csv?", "vercel", one_of("vercel", "jsonl", "csv"))
    command, fields = "", ("",) * 5
    if logs != "vercel":
        command = ask(
            "command", "Which command prints them, with $SINCE and $UNTIL? none: you import files", "none", _command
        )
        usual = "time,message,path,status,request_id"
        fields = ask("fields", "Its fields for time, message, route, status, request id; - for none?", usual, _fields)
    routes = ask("routes", "Which routes to watch, between commas?", "none", _routes("*"))
    usual = _usual_failing(logs, fields)
    failing = ask("failing", "What does failing look like: statuses, texts, timeout 60?", usual, _failing(logs, fields))
    limit = ask("limit", "More than how many in 30 minutes call for a rollback?", "20", whole_number(1, 10_000))
    queue = ask("queue", "Which Postgres table is a queue of jobs?", "none", text_or_none)
    statuses = ("PENDING", "RUNNING", "FAILED", "SUCCEEDED")
    if queue:
        statuses = ask("statuses", "Its status of a job that waits, runs, failed, is done?", ", ".join(statuses), _four)
    probes = ask("probe", "Which routes to ask directly? A GET must be harmless", "none", _routes(""))
    origin = ask("origin", "What is their origin?", "none", _origin) if probes else ""
    owner = ask("owner", "Who decides about a rollback?", operator_name(), some_text)
    files = ask("files", "Which files does a rollback revert, between commas?", "none", items)
    return Answers(name, logs, routes, failing, limit, owner, command, fields, queue, statuses, probes, origin, files)


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise Refused(f"{path} is there already and is not touched", f"look at it with: {_line('check', path)}")
    if not path.parent.is_dir():
        raise Refused(f"there is no folder {path.parent}", f"make it with: mkdir -p {shlex.quote(str(path.parent))}")


def _checked(text: str, path: Path) -> Runbook:
    """Read the text back before a file is made of it."""
    from store.runbook.parse import parse_runbook

    try:
        runbook = parse_runbook(text, str(path))
    except RunbookInvalid as invalid:
        raise BadInput(f"these answers make no sound runbook: {invalid.faults[0]}", "nothing was written") from None
    if runbook.warnings:
        raise BadInput(f"these answers make a doubtful runbook: {runbook.warnings[0]}", "nothing was written")
    return runbook


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Refused(
            f"{path} is there already and is not touched", f"look at it with: {_line('check', path)}"
        ) from None
    except OSError as error:
        raise Refused(f"cannot write {path}: {error.strerror}", "choose another place") from error


def _following(path: Path) -> list[str]:
    return [
        _line("check", path),
        f"{_line('drill', '--headless')} --runbook {shlex.quote(str(path))}",
        f"{_line('init', 'incident.db')} --runbook {shlex.quote(str(path))}",
    ]


def _line(*words: str | Path) -> str:
    return shlex.join(["closeout", *map(str, words)])


def _command(answer: str) -> str:
    command = text_or_none(answer)
    if "```" in command:
        raise ValueError("a command cannot hold the three backticks that end its fence")
    return command


def _fields(answer: str) -> tuple[str, ...]:
    names = tuple("" if name.strip() == "-" else name.strip() for name in answer.split(","))
    names += ("",) * (5 - len(names))
    if len(names) > 5 or not names[0]:
        raise ValueError(
            "write up to five names between commas: time, message, route, status, request id; the time is needed"
        )
    return names


def _routes(wildcard: str) -> Callable[[str], tuple[str, ...]]:
    def read(answer: str) -> tuple[str, ...]:
        routes = items(answer)
        for route in routes:
            _valid_route(route, patterns=bool(wildcard))
        return routes

    return read


def _valid_route(route: str, *, patterns: bool) -> None:
    """Refuse what the runbook would refuse, in its words."""
    from pydantic import TypeAdapter, ValidationError

    from store.runbook.fieldtypes import Route, RoutePattern

    try:
        TypeAdapter(RoutePattern if patterns else Route).validate_python(route)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def _failing(logs: str, fields: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def read(answer: str) -> tuple[str, ...]:
        failing = items(answer)
        if not failing:
            raise ValueError("say at least one: a status such as 500, a text, or timeout 60")
        for word in failing:
            if word.isdecimal() and not 100 <= int(word[:9]) <= 599:
                raise ValueError(f"{word} is no HTTP status")
            if word.isdecimal() and logs != "vercel" and not fields[3]:
                raise ValueError(f"a log without a status field cannot show {word}: name a text, or the field")
        return failing

    return read


def _usual_failing(logs: str, fields: Sequence[str]) -> str:
    if logs == "vercel":
        return "500, 502, 503, 504, timeout 60"
    return "500, 502, 503, 504" if fields[3] else "error"


def _four(answer: str) -> tuple[str, ...]:
    names = items(answer)
    if len(names) != 4:
        raise ValueError("write four words between commas: of a job that waits, runs, failed, is done")
    return names


def _origin(answer: str) -> str:
    origin = text_or_none(answer).rstrip("/")
    if origin and not origin.startswith(("https://", "http://")):
        raise ValueError(f"{answer!r} is no origin: write it like https://app.example.com")
    return origin
