"""What the commands of the linear walk share: who acts, on which case, and how lines are printed.

The same deeds as on the desk, for scripts, screen readers and terminals that show no full screen.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator

from store.case import Case
from store.walk.session import this_terminal
from store.walk.walk import Walk
from tui.output import plain

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000))


def add_common_arguments(parser: argparse.ArgumentParser, *, writes: bool = True) -> None:
    """Declare what every command of the walk takes."""
    if writes:
        parser.add_argument("--operator", metavar="NAME", help="who says so; the login name if none is given")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


@contextlib.contextmanager
def walking(arguments: argparse.Namespace, *, write: bool = True) -> Iterator[Walk]:
    """Open the case in the hands of whoever called the command."""
    with Case.open(arguments.case, write=write) as case:
        yield Walk(case, this_terminal(getattr(arguments, "operator", None)))


def say(text: str = "", *, indent: int = 0, hang: int = 2) -> None:
    """Print one line of text that may come from outside, wrapped for a terminal and whole for a pipe."""
    shown = plain(text)
    if not sys.stdout.isatty():
        print(" " * indent + shown)
        return
    width = max(40, shutil.get_terminal_size().columns)
    lines = textwrap.wrap(
        shown, width - 1, initial_indent=" " * indent, subsequent_indent=" " * (indent + hang), break_on_hyphens=False
    )
    print("\n".join(lines))


def say_block(text: str, *, indent: int = 0) -> None:
    """Print a text of several lines as it stands, made harmless line by line."""
    for line in text.strip("\n").split("\n"):
        print((" " * indent + plain(line)).rstrip())


def command_line(*words: str) -> str:
    """A command as it can be copied."""
    return shlex.join(("closeout", *words))


def duration_argument(ms: int) -> str:
    """A duration as the command line reads it."""
    for unit, size in _UNITS:
        if ms >= size and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"
