"""The command line: finds the command, prints errors in one line with what helps, and answers with the documented exit code.

Every command lives in a module of its own that is imported only when it is called; `--help` imports none of them. argparse rather than a
larger library: importing click alone costs more than the whole start-up allowance of `--help` (tests/bench/startup.py has the figures).
"""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

# name -> (module in tui.commands, one line for --help), in the order in which people meet them
COMMANDS: dict[str, tuple[str, str]] = {
    "drill": ("drill", "rehearse an incident on this machine, or test a runbook"),
    "new": ("new", "write a first runbook by asking a few things"),
    "check": ("check", "say every fault of a runbook with its line"),
    "init": ("init", "begin a case: one file for everything that follows"),
    "run": ("run", "open the desk: the walk with the live board"),
    "next": ("next_step", "print the current step"),
    "step": ("step", "start, finish, fail or skip a step without the desk"),
    "note": ("note", "say something, as evidence of who said what when"),
    "decide": ("decide", "choose a named way out, citing evidence"),
    "ack": ("ack", "say that an alarm was seen"),
    "attach": ("attach", "bring files in as evidence"),
    "mark": ("mark", "name a moment: deploy, rollback, fix"),
    "window": ("window", "name a stretch of time: baseline, postfix"),
    "collect": ("collect", "go and look: logs, database, routes, browser"),
    "import": ("import_", "bring in what was captured elsewhere"),
    "status": ("status", "judge every signal, with what is not known"),
    "explain": ("explain", "show the rows and gaps behind an answer"),
    "verdict": ("verdict", "judge postfix against baseline"),
    "brief": ("brief", "one screen: what happened, what is not known, what next"),
    "timeline": ("timeline", "everything that happened, in order"),
    "packet": ("packet", "write the closeout packet, or check one"),
    "compare": ("compare", "set two cases side by side on equal windows"),
    "seal": ("seal", "end the case and copy it: one file to hand over"),
    "verify": ("verify", "check a case against its chain and its head"),
    "trust": ("trust", "allow a received case to run things on this machine"),
    "edition": ("edition", "compare the stored runbook with a file, adopt it"),
    "retract": ("retract", "withdraw a wrong collection"),
    "copy": ("copy", "a checked copy for a shift change"),
    "review": ("review", "open the case in Datasette, read-only"),
    "export": ("export", "print the evidence as records that import reads"),
    "doctor": ("doctor", "say what is installed, set and reachable"),
    "completion": ("completion", "print the completion script of a shell"),
}

_EXITS = """\
exit codes:
  0   fine: ok, confirmed, verified against a head
  10  a signal tripped; verdict rejected
  11  watch; verdict partially confirmed
  12  no data, stale, partial; verdict inconclusive
  20  evidence broken          21  whole, but nothing outside the file vouches for it
  30  runbook invalid          40  refused, with the reason
  1   internal error           2   usage
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors fit on one line and name the help that is needed."""

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with exit code 2."""
        self.exit(2, f"closeout: {message}\n  see: {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"closeout {version('closeout')}")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        return _unknown(name)
    return _call(name, rest)


def _call(name: str, words: list[str]) -> int:
    from store import waiting
    from store.errors import CloseoutError

    waiting.say = _say_waiting
    module = importlib.import_module(f"tui.commands.{COMMANDS[name][0]}")
    parser = Parser(
        prog=f"closeout {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    after: list[str] = []
    if "--" in words and getattr(module, "TAKES_COMMAND", False):
        words, after = words[: words.index("--")], words[words.index("--") + 1 :]
    try:
        # intermixed: `status CASE --json SIGNAL` and `edition CASE --json FILE` are what people type
        arguments = parser.parse_intermixed_args(words, argparse.Namespace(after=after))
        code: int = module.run(arguments)
        sys.stdout.flush()
        return code
    except CloseoutError as error:
        print(_told(error), file=sys.stderr)
        return error.exit_code
    except UnicodeEncodeError:
        # The shell hands bytes that are not UTF-8 over as halves of characters; a file's name may hold them, a case's text may not.
        print(
            "closeout: a text given here is not UTF-8\n  type it again, or set the terminal to UTF-8", file=sys.stderr
        )
        return 40
    except KeyboardInterrupt:
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except BrokenPipeError:
        raise
    except Exception as error:  # the last edge: a traceback helps nobody who is on call
        if os.environ.get("CLOSEOUT_DEBUG"):
            raise
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            print(f"closeout: cannot write: {error.strerror}\n  free some, or send it elsewhere", file=sys.stderr)
            return 40
        print(
            f"closeout: internal error: {type(error).__name__}: {error}\n  again with CLOSEOUT_DEBUG=1 shows where",
            file=sys.stderr,
        )
        return 1


def _say_waiting(text: str) -> None:
    print(f"closeout: {_harmless(text)}", file=sys.stderr, flush=True)


def _told(error: Exception) -> str:
    message, hint = getattr(error, "message", str(error)), getattr(error, "hint", "")
    if getattr(error, "exit_code", 1) == 30:
        return _harmless(str(message))
    return _harmless(f"closeout: {message}" + (f"\n  {hint}" if hint else ""))


def _harmless(text: str) -> str:
    """Messages quote files and cases from elsewhere; nothing in them may reach the terminal as more than text."""
    from tui.output import plain

    return "\n".join(plain(line) for line in text.split("\n"))


def _unknown(name: str) -> int:
    import difflib

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean: closeout {close[0]}" if close else "see: closeout --help"
    print(f"closeout: there is no command {name!r}\n  {hint}", file=sys.stderr)
    return 2


def _overview() -> str:
    rows = "\n".join(f"  {name:<11} {summary}" for name, (_, summary) in COMMANDS.items())
    return (
        "usage: closeout COMMAND CASE …      the case file comes first; --json on every command, --help on each\n\n"
        "Walk a runbook when a release goes wrong; every observation, threshold and decision lands in one SQLite file.\n\n"
        f"{rows}\n\n"
        "times: 2026-02-18T03:30:00Z, 30m (ago), @deploy, @deploy-30m\n\n"
        f"{_EXITS}\nbegin:  closeout drill       a staged incident, gone when you leave\n"
        "        closeout init incident.db --runbook runbook.md && closeout run incident.db"
    )


def entry() -> NoReturn:
    """The console script."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, `>&-`: nobody reads it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 open as long as the program runs
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows only ASCII gets `?`, never a traceback
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # `closeout status | head -1` is no verdict and no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    entry()
