"""Read SQL just enough to run it safely: one statement, its `:name` parameters, its names quoted. Runs nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from store.errors import BadInput

_PIECE = re.compile(
    r"""
      (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<string>[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$)
    | (?P<cast>::)
    | (?P<parameter>:[A-Za-z_]\w*)
    | (?P<end>;)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Statement(NamedTuple):
    """One statement in the driver's spelling, with the parameters it uses."""

    text: str
    parameters: tuple[str, ...]


def one_statement(sql: str, known: Collection[str]) -> Statement:
    """Read a fence's SQL as one statement whose `:name` parameters are among the known ones.

    Raises:
        BadInput: no statement, several, an unclosed quote, or an unknown parameter.
    """
    parts: list[str] = []
    used: list[str] = []
    ended = False
    for piece in _PIECE.finditer(sql):
        kind, text = piece.lastgroup if piece.lastgroup != "tag" else "dollar", piece[0]
        if kind == "comment":
            parts.append(" ")
            continue
        if ended and not text.isspace() and kind != "end":
            raise BadInput("the sql fence holds several statements", "keep one statement per fence")
        if kind == "end":
            ended = True
        elif kind == "parameter":
            used.append(_known(text[1:], known))
            parts.append(f"%({used[-1]})s")
        elif kind == "other" and text in "'\"":
            raise BadInput(f"the sql fence holds an unclosed {text}", "close it")
        else:
            parts.append(text.replace("%", "%%"))
    text = "".join(parts).strip()
    if not text:
        raise BadInput("the sql fence holds no statement", "write one SELECT")
    return Statement(text, tuple(dict.fromkeys(used)))


def quote_name(name: str) -> str:
    """Quote an identifier, so that upper case and odd signs stay; the driver wants a percent sign twice."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def quote_table(name: str) -> str:
    """Quote a table's name; a dot parts the schema from the table."""
    return ".".join(quote_name(part) for part in name.split(".", 1))


def quote_text(text: str) -> str:
    """Write a text of the runbook as a literal: a partial index is only used for literals, not for parameters."""
    prefix, body = ("E", text.replace("\\", "\\\\")) if "\\" in text else ("", text)
    return prefix + "'" + body.replace("'", "''").replace("%", "%%") + "'"


def with_values(statement: Statement, values: Mapping[str, object]) -> dict[str, object]:
    """The values of the parameters that the statement uses."""
    return {name: values[name] for name in statement.parameters}


def _known(name: str, known: Collection[str]) -> str:
    if name not in known:
        raise BadInput(
            f"the sql fence uses :{name}", f"it may use {', '.join(':' + each for each in known) or 'no parameter'}"
        )
    return name
