"""The command that prints a log: how it is run, whether it looks back or follows, which limit it was given, which
tool it is.

Its text comes from the runbook or from the operator and is run as it stands; only `$SINCE` and `$UNTIL` are added to
its environment.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from store.errors import BadInput
from store.instants import format_instant

_LIMIT = re.compile(r"(?:^|\s)(?:--?limit|-n)[ =](\d{1,9})(?=\s|$|\")")
_ASKS_BACK = re.compile(r"\$\{?UNTIL\b|--until\b|--to\b")
_FOLLOWS = re.compile(r"(?:^|\s)(?:--follow|-f|-F|--tail)(?=\s|$|=)|\btail\s+-\w*[fF]")
_PLATFORM = re.compile(r"(?:^|[\s/])(?:vercel|vc)(?:@\S+)?\s+logs?\b")
_WITH_VERSION = frozenset({"vercel", "vc", "logcli", "heroku", "kubectl", "fly", "flyctl", "railway", "stern"})

PLATFORM_STREAM_MS = 270_000
"""The platform's stream ends itself after five minutes; its successor must be there before."""


class LogCommand(NamedTuple):
    """What is run for a stream. `follows` is also said of a command that does not tell; `surely_follows` is not."""

    argv: tuple[str, ...]
    text: str
    follows: bool
    limit: int | None
    lasts_ms: int | None
    surely_follows: bool = False


def log_command(given: str | Sequence[str]) -> LogCommand:
    """A command from the runbook's shell text or from an operator's own words.

    Raises:
        BadInput: there is nothing to run.
    """
    text = given.strip() if isinstance(given, str) else shlex.join(given)
    if not text:
        raise BadInput("there is no command to run", "write one as an sh fence under the source, or after --")
    argv = ("/bin/sh", "-c", given) if isinstance(given, str) else tuple(given)
    limit = _LIMIT.search(text)
    stream = _PLATFORM.search(text) is not None
    asks_back = _ASKS_BACK.search(text) is not None or (stream and "--since" in text)
    says_so = _FOLLOWS.search(text) is not None
    follows = says_so or not asks_back
    lasts_ms = PLATFORM_STREAM_MS if stream and follows else None
    surely = says_so or lasts_ms is not None
    return LogCommand(argv, text, follows, int(limit[1]) if limit else None, lasts_ms, surely)


def with_window(environ: Mapping[str, str], since_ms: int | None, until_ms: int | None) -> dict[str, str]:
    """An environment that tells the command its window."""
    told = {name: format_instant(ms) for name, ms in (("SINCE", since_ms), ("UNTIL", until_ms)) if ms is not None}
    return {**environ, **told}


def version_of(command: LogCommand, environ: Mapping[str, str]) -> str:
    """What the tool says about its version; empty where it is not known to say so without doing anything else."""
    words = shlex.split(command.text.splitlines()[0], comments=True) if _splits(command.text) else []
    tool = next((word for word in words if "=" not in word), "")
    if tool.rpartition("/")[2] not in _WITH_VERSION:
        return ""
    asked = [tool, "version", "--client"] if tool.endswith("kubectl") else [tool, "--version"]
    try:
        done = subprocess.run(
            asked, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = (done.stdout or done.stderr).decode("utf-8", "replace").strip().splitlines()
    return f"{tool.rpartition('/')[2]} {said[-1].strip()}"[:120] if said and done.returncode == 0 else ""


def _splits(text: str) -> bool:
    try:
        return bool(shlex.split(text.splitlines()[0], comments=True))
    except ValueError:
        return False
