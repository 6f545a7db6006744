"""The variables that a command uses: `$NAME` in sh, `{{NAME}}` in http, `:name` in sql.

A variable that the runbook does not declare would be empty at the worst moment, so it is a fault before the first step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from store.runbook.model import Command

GIVEN: dict[str, frozenset[str]] = {
    "sh": frozenset({"SINCE", "UNTIL"}),
    "sql": frozenset({"now", "since", "until"}),
    "http": frozenset(),
}
"""Filled in by the program, by language: the interval that is asked for."""

_ENVIRONMENT = frozenset(
    {"HOME", "PATH", "PWD", "OLDPWD", "USER", "LOGNAME", "SHELL", "HOSTNAME", "TMPDIR", "LANG", "LC_ALL", "TZ", "IFS"}
)
_SHELL_NAME = re.compile(r"\$(?:\{[#!]?([A-Za-z_]\w*)|([A-Za-z_]\w*))")
_SHELL_OWN = re.compile(
    r"(?:^|[\s;&|(])(?:([A-Za-z_]\w*)\+?=|for\s+([A-Za-z_]\w*)\b|read\s+(?:-\w+\s+)*([A-Za-z_]\w*))", re.MULTILINE
)
_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_HTTP_NAME = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_SQL_TOKEN = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(\w*)\$.*?\$\1\$
    | ::\s*\w+ | (?<![\w:]):([A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)


def used_variables(command: Command) -> Iterator[tuple[str, int]]:
    """Yield each variable that must be declared and the line of the file on which it is used."""
    finders = {"sh": _in_shell, "http": in_braces, "sql": _in_sql}
    for name, offset in finders[command.language](command.text):
        if name not in GIVEN[command.language]:
            yield name, command.line + 1 + command.text.count("\n", 0, offset)


def fill_in(command: Command, values: Mapping[str, str]) -> str:
    """A shell command with these variables written out where the shell would put them, so that it can be read and copied.

    A value that the shell would read as more than one plain word stays a variable: written out it could mean something else.
    """
    if command.language != "sh":
        return command.text
    text = command.text
    places = sorted(
        {(at, name) for name, at in _in_shell(text) if _PLAIN.fullmatch(values.get(name, ""))}, reverse=True
    )
    for at, name in places:
        written = next((form for form in (f"${{{name}}}", f"${name}") if text.startswith(form, at)), None)
        if written is not None:
            text = text[:at] + values[name] + text[at + len(written) :]
    return text


def in_braces(text: str) -> Iterator[tuple[str, int]]:
    """Yield each `{{NAME}}` of a text with its place."""
    for found in _HTTP_NAME.finditer(text):
        yield found[1], found.start()


def _in_sql(text: str) -> Iterator[tuple[str, int]]:
    for found in _SQL_TOKEN.finditer(text):
        if found[2]:
            yield found[2], found.start()


def _in_shell(text: str) -> Iterator[tuple[str, int]]:
    own = {name for names in _SHELL_OWN.findall(text) for name in names if name}
    for found, offset in _unquoted(text):
        name = found[1] or found[2]
        if name not in own and name not in _ENVIRONMENT:
            yield name, offset


def _unquoted(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Walk a shell text past single quotes, escapes and comments: jq programs hold `$` of their own."""
    nesting: list[str] = []
    at = 0
    while at < len(text):
        mark = text[at]
        inside = nesting[-1] if nesting else ""
        if mark == "\\":
            at += 2
        elif mark == "'" and inside != '"':
            end = text.find("'", at + 1)
            at = len(text) if end < 0 else end + 1
        elif mark == "#" and inside != '"' and (at == 0 or text[at - 1].isspace()):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif found := _SHELL_NAME.match(text, at):
            yield found, at
            at = found.end()
        else:
            _nest(nesting, text, at)
            at += 1


def _nest(nesting: list[str], text: str, at: int) -> None:
    mark = text[at]
    inside = nesting[-1] if nesting else ""
    if mark == '"':
        nesting.pop() if inside == '"' else nesting.append('"')
    elif mark == "(" and (inside != '"' or text[at - 1 : at] == "$"):
        nesting.append("(")
    elif mark == ")" and inside == "(":
        nesting.pop()
