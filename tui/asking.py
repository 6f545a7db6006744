"""Asks a few things, one line each, on any terminal: no colours, no cursor keys, nothing that TERM=dumb or a pipe cannot do.

An answer that was given beforehand is not asked again. Where answers come through a pipe, each is echoed, a wrong one ends the
asking, and the end of the pipe stands for the defaults of what is left.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO, TypeVar

from store.errors import BadInput
from tui.output import plain

T = TypeVar("T")

NONE = ("-", "none", "no")
"""Answers that say that there is nothing of the kind."""


class Asker:
    """One round of questions."""

    def __init__(self, out: TextIO, *, silent: bool) -> None:
        self._out = out
        self._silent = silent

    def ask(self, flag: str, text: str, default: str, read: Callable[[str], T], given: str | None = None) -> T:
        """The answer to one question.

        Args:
            flag: the option that answers it beforehand, to name it in an error.
            text: the question.
            default: what an empty answer means.
            read: makes the value of an answer; raises ValueError with the reason it is none.
            given: the answer, if it was given beforehand.

        Raises:
            BadInput: an answer that was given, piped or is the default cannot be read.
        """
        if given is not None or self._silent:
            return self._read_once(flag, default if given is None else given, read)
        while True:
            answer = self._line(text, default)
            if not sys.stdin.isatty():
                return self._read_once(flag, answer, read)
            try:
                return read(_checked(answer))
            except ValueError as why:
                print(f"  {plain(str(why))}", file=self._out)

    def _line(self, text: str, default: str) -> str:
        print(f"{text} [{plain(default) or 'none'}]: ", end="", file=self._out, flush=True)
        line = sys.stdin.readline()
        if not line:
            self._silent = True
        if not line or not sys.stdin.isatty():
            print(plain(line.strip()), file=self._out, flush=True)
        return line.strip() or default

    def _read_once(self, flag: str, answer: str, read: Callable[[str], T]) -> T:
        try:
            return read(_checked(answer.strip()))
        except ValueError as why:
            raise BadInput(f"{flag}: {plain(str(why))}", "nothing was written") from None


def _checked(answer: str) -> str:
    if not answer.isprintable():
        raise ValueError("an answer is one line of printable text")
    return answer


def some_text(answer: str) -> str:
    """A text that is not empty."""
    if not answer or len(answer) > 200:
        raise ValueError("write a short text")
    return answer


def text_or_none(answer: str) -> str:
    """A text, empty for none."""
    return "" if answer.casefold() in NONE else answer


def one_of(*names: str) -> Callable[[str], str]:
    """One of some words, or its beginning."""

    def read(answer: str) -> str:
        found = [name for name in names if answer and name.startswith(answer.casefold())]
        if len(found) != 1:
            raise ValueError(f"{answer!r} is not one of {', '.join(names)}")
        return found[0]

    return read


def items(answer: str) -> tuple[str, ...]:
    """Items between commas, without doubles; none for none."""
    if answer.casefold() in NONE:
        return ()
    return tuple(dict.fromkeys(item.strip() for item in answer.split(",") if item.strip()))


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A number within bounds."""

    def read(answer: str) -> int:
        if not answer.isascii() or not answer.isdecimal() or not least <= int(answer[:20]) <= most:
            raise ValueError(f"{answer!r} is not a number from {least} to {most}")
        return int(answer)

    return read
