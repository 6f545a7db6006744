"""What changed last in just the files of a rollback scope, asked of the repository at hand and kept as evidence. It changes no file,
and it is asked only for a case that was allowed here: a repository's own settings can make git run something."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from store.evidence import Artifact
from store.instants import format_instant
from store.trust import is_trusted
from store.walk.masking import masked, secret_values
from store.walk.walk import Walk

_COMMITS = 8
_WAIT_S = 5.0


class History(NamedTuple):
    """The kept answer: its reference, what it is, its lines."""

    ref: str
    what: str
    lines: tuple[str, ...]


def capture_history(walk: Walk, signal: str, files: Sequence[str]) -> History | None:
    """Ask git for the newest commits of these files where the program stands; nothing where there is no repository or no commit,
    or where this case was not allowed to run anything."""
    if not is_trusted(walk.case):
        return None
    words = ["git", "--no-pager", "log", f"-n{_COMMITS}", "--date=iso-strict", "--format=%h %cd %an: %s", "--", *files]
    try:
        answer = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_WAIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode or not answer.stdout.strip():
        return None
    secrets = secret_values(walk.runbook, os.environ)
    text = masked(answer.stdout.decode("utf-8", "replace"), secrets)
    data, at = text.encode(), walk.case.clock()
    stamp = format_instant(at).replace(":", "").replace("-", "")
    name = f"commands/history-{signal}-{stamp}.txt"
    with walk.case.transaction("history") as tx:
        tx.add_blob(name, data, mtime_s=at // 1000)
        row = Artifact(None, name, "history", "text/plain", len(data), hashlib.sha256(data).hexdigest(), at)
        ref = f"artifact:{tx.add(row)}"
    return History(ref, f"git log of {len(files)} files", tuple(text.splitlines()))
