"""Facts for `closeout doctor`: what is here, what is missing, what to do about it. One line each, never a value."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from collectors.browser.find import BrowserMissing, find_browser, require_driver
from collectors.postgres_server.binaries import PostgresMissing, find_binaries
from collectors.probes.requests import plan_requests
from store.errors import BadInput, CloseoutError
from store.runbook.model import Runbook, Source, SourceKind

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 37)

_REQUIRED = ("textual", "sqlite-utils", "datasette", "httpx", "psycopg", "pydantic", "markdown-it-py", "msgspec")
_OPTIONAL = {"ahocorasick-rs": "fast", "zstandard": "fast"}
_BUILT_IN = frozenset(
    ("cd", "export", "set", "if", "for", "while", "test", "[", "[[", "(", "{", "exec", "env", "sudo", "time", "command")
)


class Level(StrEnum):
    """How a fact is to be taken."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


class Fact(NamedTuple):
    """One line of `doctor`."""

    topic: str
    level: Level
    text: str
    remedy: str = ""


def doctor_facts(
    runbook: Runbook | None, environ: Mapping[str, str], now_ms: Callable[[], int], *, contact: bool
) -> list[Fact]:
    """Everything worth knowing before the first step.

    Args:
        contact: whether the databases of the runbook may be asked; a case from elsewhere is inert until it is trusted.
    """
    facts = [*_program(), *_packages(), *_extras(environ)]
    if runbook is None:
        return facts
    facts += _variables(runbook, environ)
    for source in runbook.sources:
        facts += _source(runbook, source, environ)
        if source.kind == SourceKind.OFFLOAD:
            facts += _database(runbook, source, environ, now_ms, contact=contact)
    return facts


def _program() -> Iterator[Fact]:
    well = sys.version_info[:2] >= OLDEST_PYTHON
    oldest = ".".join(str(part) for part in OLDEST_PYTHON)
    yield _fact("python", well, f"Python {platform.python_version()}", f"install Python {oldest} or newer")
    well = sqlite3.sqlite_version_info[:2] >= OLDEST_SQLITE
    oldest = ".".join(str(part) for part in OLDEST_SQLITE)
    yield _fact("sqlite", well, f"SQLite {sqlite3.sqlite_version}", f"use a Python with SQLite {oldest} or newer")
    folders = {_folder_of(name) for name in ("tui", "store", "collectors")}
    yield _fact(
        "installation",
        len(folders) == 1,
        "tui, store and collectors belong together"
        if len(folders) == 1
        else "another package shadows a part of this program",
        "install it in an environment of its own: pipx install closeout",
    )


def _folder_of(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]).resolve().parent if places else None


def _packages() -> Iterator[Fact]:
    for name in _REQUIRED:
        version = _version(name)
        yield _fact(name, version is not None, f"{name} {version or 'is not installed'}", "pip install closeout")
    for name, extra in _OPTIONAL.items():
        version = _version(name)
        text = f"{name} {version}" if version else f"{name} is not installed: same answers, slower"
        yield Fact(
            name, Level.OK if version else Level.WARN, text, "" if version else f"pip install 'closeout[{extra}]'"
        )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _extras(environ: Mapping[str, str]) -> Iterator[Fact]:
    try:
        found = find_binaries(environ)
        yield Fact("drill", Level.OK, f"Postgres for the drill: {found.origin}")
    except PostgresMissing as error:
        yield Fact("drill", Level.MISSING, error.message, error.hint)
    try:
        require_driver()
        yield Fact("browser", Level.OK, f"a browser for captures: {find_browser(environ, _own_browser())}")
    except BrowserMissing as error:
        yield Fact("browser", Level.MISSING, error.message, error.hint)


def _own_browser() -> str:
    """The driver's own browser, without starting the driver: its folders are numbered."""
    places = (Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright")
    programs = (program for place in places for program in place.glob("chromium-*/chrome-*/chrome"))
    return str(next(programs, ""))


def _variables(runbook: Runbook, environ: Mapping[str, str]) -> Iterator[Fact]:
    for name in dict.fromkeys((*runbook.needs, *runbook.secrets)):
        value = environ.get(name, "")
        if not value.strip():
            yield Fact(name, Level.MISSING, f"{name} is not set", f"export {name}=…")
        elif value != value.strip():
            yield Fact(name, Level.WARN, f"{name} is set, with white space around it that we leave out", "set it again")
        else:
            yield Fact(name, Level.OK, f"{name} is set")


def _source(runbook: Runbook, source: Source, environ: Mapping[str, str]) -> Iterator[Fact]:
    if source.kind in (SourceKind.LOGS, SourceKind.RECORDS) and source.command is not None:
        program = first_program(source.command.text)
        if program:
            there = shutil.which(program, path=environ.get("PATH")) is not None
            text = f"{program} is {'there' if there else 'not on the PATH'}"
            yield _fact(source.id, there, text, f"install {program}, or bring its output in: closeout import CASE FILE")
    elif source.kind == SourceKind.PROBES:
        try:
            requests = plan_requests(runbook, source, environ)
        except CloseoutError as error:
            yield Fact(source.id, Level.MISSING, str(error), "correct it before the first probe")
            return
        barred = [request for request in requests if request.forbidden]
        if barred:
            text = f"{len(barred)} of {len(requests)} requests would not be sent: {barred[0].forbidden}"
            yield Fact(source.id, Level.WARN, text, "correct the runbook or the origin")
        else:
            yield Fact(source.id, Level.OK, f"{len(requests)} requests can be sent")


def first_program(command: str) -> str | None:
    """The program that a shell command starts with, as far as that can be seen without running it."""
    joined = re.sub(r"\\\n", " ", command)
    for line in joined.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            return None
        words = [word for word in words if not re.fullmatch(r"[A-Za-z_]\w*=.*", word)]
        if words and words[0] not in _BUILT_IN:
            return None if "$" in words[0] else words[0]
    return None


def _database(
    runbook: Runbook, source: Source, environ: Mapping[str, str], now_ms: Callable[[], int], *, contact: bool
) -> Iterator[Fact]:
    if not contact:
        yield Fact(source.id, Level.WARN, "its database was not asked", "trust the case first: closeout trust CASE")
        return
    try:
        from collectors.offload.examine import examine
    except ImportError as error:
        yield Fact(
            source.id, Level.MISSING, f"the database driver does not load: {error}", "pip install 'psycopg[binary]'"
        )
        return
    try:
        for each in examine(runbook, source, environ, now_ms):
            yield Fact(source.id, Level.OK if each.well else Level.WARN, each.text, each.remedy)
    except BadInput as error:
        yield Fact(source.id, Level.MISSING, error.message, error.hint)


def _fact(topic: str, well: bool, text: str, remedy: str) -> Fact:
    return Fact(topic, Level.OK, text) if well else Fact(topic, Level.MISSING, text, remedy)
