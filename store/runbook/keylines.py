"""TOML with the line of every key: the standard library's reader tells lines for syntax only.

Each statement of a TOML text (`key = value`, `[table]`, `[[table]]`) is TOML by itself, so the statements are found by
reading the text line by line until the lines gathered so far parse: exact lines without a second grammar.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

KeyPath = tuple[str | int, ...]

_STATEMENT = re.compile(r"""^\s*(?:[\w."'-]+\s*=|\[{1,2}\s*[\w."'-]+\s*\]{1,2}\s*(?:#.*)?$)""")
_MAY_END = re.compile(r"""[\]}]|\"\"\"|'''""")
_WHERE = re.compile(r"\s*\((?:at line (\d+), column \d+|at end of document)\)$")


class TomlError(Exception):
    """The text is not TOML; `offset` is the 0-based line of the statement at fault."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(why)
        self.offset = offset
        self.why = why


@dataclass(slots=True)
class KeyLines:
    """Absolute lines of the keys of one block."""

    block: int
    known: dict[KeyPath, int] = field(default_factory=dict)

    def of(self, *path: str | int) -> int:
        """Return the line of a key, or of the nearest table that should hold it, or of the block."""
        for length in range(len(path), 0, -1):
            line = self.known.get(path[:length])
            if line is not None:
                return line
        return self.block


def loads(text: str) -> dict[str, Any]:
    """Read TOML with decimal fractions kept exact.

    Raises:
        ValueError: not TOML, nested too deeply, or a number beyond reading.
    """
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except RecursionError:
        raise ValueError("nested too deeply (at end of document)") from None
    except InvalidOperation:
        raise ValueError("a number that cannot be read (at end of document)") from None


def read_toml(body: str, fence_line: int) -> tuple[dict[str, Any], KeyLines]:
    """Read a block's body and the line of each of its keys.

    Raises:
        TomlError: the body is not TOML.
    """
    try:
        data = loads(body)
    except ValueError as error:
        raise _located(body, str(error)) from None
    return data, _Scan(fence_line).over(body)


def _located(body: str, message: str) -> TomlError:
    """Choose the line to blame: an unclosed value is blamed where it starts, not where the reader gave up."""
    lines = body.split("\n")
    scan = _Scan(0)
    scan.over(body)
    where = _WHERE.search(message)
    told = int(where[1]) - 1 if where and where[1] else None
    why = _WHERE.sub("", message)
    unfinished = scan.unfinished
    if told is None:
        return TomlError(len(lines) - 2 if unfinished is None else unfinished, why)
    if (
        unfinished is not None
        and unfinished < told
        and any(_STATEMENT.match(line) for line in lines[unfinished + 1 : told + 1])
    ):
        return TomlError(unfinished, f"the value that starts here is never closed ({why})")
    return TomlError(told, why)


class _Scan:
    """One pass over a body, statement by statement."""

    def __init__(self, fence_line: int) -> None:
        self.lines = KeyLines(fence_line)
        self.fence_line = fence_line
        self.unfinished: int | None = None
        self._table: KeyPath = ()
        self._arrays: dict[KeyPath, int] = {}

    def over(self, body: str) -> KeyLines:
        """Read every statement; `unfinished` is then the offset of one that never parses."""
        pending: list[str] = []
        start = 0
        for offset, line in enumerate(body.split("\n")):
            if not pending:
                start = offset
            pending.append(line)
            if len(pending) > 1 and not _MAY_END.search(line):
                continue
            try:
                statement = loads("\n".join(pending) + "\n")
            except ValueError:
                continue
            self._take(pending, statement, self.fence_line + 1 + start)
            pending = []
        self.unfinished = start if pending else None
        return self.lines

    def _take(self, text: list[str], statement: dict[str, Any], line: int) -> None:
        if text[0].lstrip().startswith("["):
            self._open_table(statement, line, is_array=text[0].lstrip().startswith("[["))
            return
        self._note(self._table, statement, line, text)

    def _open_table(self, statement: dict[str, Any], line: int, *, is_array: bool) -> None:
        path: KeyPath = ()
        level: Any = statement
        while isinstance(level, dict) and level:
            name, level = next(iter(level.items()))
            path = (*path, name)
            self.lines.known.setdefault(path, line)
            if path in self._arrays and not (is_array and isinstance(level, list)):
                path = (*path, self._arrays[path] - 1)
        if is_array:
            self._arrays[path] = self._arrays.get(path, 0) + 1
            path = (*path, self._arrays[path] - 1)
        self.lines.known.setdefault(path, line)
        self._table = path

    def _note(self, path: KeyPath, value: Any, line: int, text: list[str]) -> None:
        if path != self._table:
            self.lines.known.setdefault(path, line)
        if isinstance(value, dict):
            for name, inner in value.items():
                self._note((*path, name), inner, line, text)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self._note((*path, index), inner, line + _element_offset(text, index), text)


def _element_offset(text: list[str], index: int) -> int:
    """Find the line, counted from its statement's first, on which an element of a multi-line array stands."""
    for end in range(1, len(text)):
        try:
            values = list(loads("\n".join(text[:end]) + "\n]\n").values())
        except ValueError:
            continue
        if values and isinstance(values[0], list) and len(values[0]) > index:
            return end - 1
    return len(text) - 1
