"""Open the desk: the walk through the runbook beside the live board.

  closeout run incident.db
  closeout run incident.db --operator kim --ascii

Leave with q and come back any time: the walk stands where it stood, captures keep running. Without a full screen, or with a screen
reader, the same walk is `closeout next`, `closeout step`, `closeout status --watch`.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from pathlib import Path

from store.case import Case
from store.errors import CaseSealed, NotACase, Refused
from tui.output import plain
from tui.walking import command_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `run`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--operator", metavar="NAME", help="who is at the desk; the login name if none is given")
    parser.add_argument(
        "--ascii", action="store_true", help="draw with plain ASCII, whatever the terminal says it can show"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="refused: the desk is a screen; `closeout next --json` is the same walk for scripts",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check what can be said without a screen, then open it."""
    path = Path(arguments.case)
    check_terminal(arguments, f"the same walk without a screen: {command_line('next', arguments.case)}")
    path = _existing(path)
    with Case.open(path) as case:
        if case.head().kind == "seal":
            go_on = command_line("init", _next_name(path), "--after", str(path))
            raise CaseSealed(f"{path} is sealed and is never written again", f"go on in a new case: {go_on}")
    return _open(path, arguments)


def _open(path: Path, arguments: argparse.Namespace) -> int:
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # read by textual when it is imported
    for fixed in (
        "COLUMNS",
        "LINES",
    ):  # exported by some shells; textual would believe them for ever and miss every resize
        os.environ.pop(fixed, None)
    from store.walk.session import this_process
    from tui.desk.app import DeskApp
    from tui.desk.glyphs import glyphs_for
    from tui.desk.world import farewell

    encoding = getattr(sys.stdout, "encoding", None)
    glyphs = glyphs_for(encoding, ascii_asked=arguments.ascii)
    desk = DeskApp(path, who=this_process(arguments.operator), glyphs=glyphs, no_color="NO_COLOR" in os.environ)
    answer = desk.run()
    for line in farewell(desk):
        print(plain(line))
    return answer if answer is not None else (desk.return_code or 0)


def check_terminal(arguments: argparse.Namespace, hint: str) -> None:
    """Refuse where a full screen would be noise: pipes, dumb terminals, scripts; `hint` is the way without one."""
    if arguments.json:
        raise Refused("the desk is a screen and prints no JSON", f"{hint} --json")
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise Refused("this terminal can show no full screen (TERM is dumb or not set)", hint)
    for stream, name in ((sys.stdin, "input"), (sys.stdout, "output"), (sys.stderr, "error output")):
        if not stream.isatty():
            raise Refused(f"standard {name} is not a terminal", hint)


def _existing(path: Path) -> Path:
    """The case, or after asking the one that was meant; nothing is ever created in silence.

    Raises:
        NotACase: there is none, and no other was meant.
    """
    if path.exists():
        return path
    here = (
        [other.name for other in path.parent.glob("*") if other.suffix in (".db", ".sqlite", ".case")]
        if path.parent.is_dir()
        else []
    )
    close = difflib.get_close_matches(path.name, here, n=1, cutoff=0.5)
    if close:
        meant = path.with_name(close[0])
        print(f"there is no case {plain(str(path))}; did you mean {plain(str(meant))}? [y/N] ", end="", flush=True)
        if sys.stdin.readline().strip().casefold() in ("y", "yes"):
            return meant
    raise NotACase(f"there is no case {path}", f"make one with: {command_line('init', str(path), '--runbook')} FILE")


def _next_name(path: Path) -> str:
    stem, _, number = path.stem.rpartition("-")
    if stem and number.isdecimal():
        return str(path.with_name(f"{stem}-{int(number) + 1}{path.suffix}"))
    return str(path.with_name(f"{path.stem}-2{path.suffix}"))
