"""Faults of meaning: a runbook whose every block is right and which would still fail at night.

`check` reads a runbook; this tries what it says: records made from its signatures are read as a real log is, its rollback
scopes are looked up in the repository that they speak of. Each fault is one sentence that names the line.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from collectors.drill.specimen import CannotMakeError, specimen_of, try_specimen, why_unmatched
from store.editions import signatures_of_stream
from store.errors import BadInput
from store.instants import MINUTE_MS, format_duration
from store.runbook.model import Condition, ConditionKind, Runbook, Signal, Signature, Source, SourceKind, StepKind
from store.runbook.reachability import dead_ends

_GIT_S = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of meaning: where it stands, of what it is, and why it fails."""

    line: int
    what: str
    why: str

    def told(self, path: str) -> str:
        """The fault as `check` tells one: the line first."""
        return f"{path}:{self.line}: {self.what}: {self.why}"

    def as_json(self) -> dict[str, Any]:
        """The fault as data."""
        return asdict(self)


def meaning_faults(runbook: Runbook, repository: Path | None = None) -> tuple[Fault, ...]:
    """Every fault of meaning of a runbook that passed `check`, in the order of the file.

    Args:
        runbook: the runbook.
        repository: the folder of the code that its rollback scopes name; without one they are not looked up.

    Raises:
        BadInput: the repository is no folder.
    """
    found = [Fault(warned.line, warned.what, warned.why) for warned in dead_ends(runbook)]
    found += _unreachable(runbook)
    found += _unmatched(runbook)
    found += _uncollected(runbook)
    found += _undecided(runbook)
    if repository is not None:
        found += _unknown_files(runbook, _Repository(repository))
    return tuple(sorted(dict.fromkeys(found), key=lambda fault: fault.line))


def _unreachable(runbook: Runbook) -> Iterator[Fault]:
    """Limits that arithmetic alone puts out of reach."""
    for signal in runbook.signals:
        for condition in signal.conditions:
            if why := _never(condition):
                yield Fault(condition.line, signal.id, f"{why}: this can never trip")


def _never(condition: Condition) -> str:
    window, limit = condition.window_ms, condition.limit or 0
    if condition.kind is ConditionKind.RATIO:
        if limit >= 100:
            return "no share is over 100 percent"
        return f"runs are counted by the minute, its window is {format_duration(window)}" if window < MINUTE_MS else ""
    if condition.kind is ConditionKind.LOOP and (limit - 1) * (condition.slice_ms or 0) >= window:
        fit = -(-window // (condition.slice_ms or window))
        return f"at most {fit} slices of {format_duration(condition.slice_ms or 0)} fit in {format_duration(window)}, limit is at least {limit}"
    return ""


def _unmatched(runbook: Runbook) -> Iterator[Fault]:
    """Signatures that no record of any of their streams can match, although it was made from them."""
    with tempfile.TemporaryDirectory(prefix="closeout-drill-") as name:
        for signature in runbook.signatures:
            homes = [source for source in runbook.sources if _is_searched(runbook, source, signature)]
            tried = {source.id: _tried(runbook, source, signature, Path(name)) for source in homes}
            if tried and all(tried.values()):
                said = "; ".join(f"in {stream} {why}" for stream, why in tried.items())
                yield Fault(signature.line, signature.id, f"no record can match it: {said}")


def _is_searched(runbook: Runbook, source: Source, signature: Signature) -> bool:
    searched = any(name == signature.id for name, _ in signatures_of_stream(runbook, source.id))
    return source.kind is SourceKind.LOGS and searched


def _tried(runbook: Runbook, source: Source, signature: Signature, folder: Path) -> str:
    try:
        specimen = specimen_of(runbook, source, signature)
    except CannotMakeError as cannot:
        return str(cannot)
    shown = try_specimen(runbook, source, signature, specimen, folder)
    why = why_unmatched(source, signature, shown)
    return f"its own sample does not match when it comes as a record: {why}" if why and signature.sample else why


def _uncollected(runbook: Runbook) -> Iterator[Fault]:
    """Streams that a signal reads and nobody fills."""
    fed = {name for step in runbook.steps for name in step.feeds}
    for source in runbook.sources:
        readers = [
            signal.id
            for signal in runbook.signals
            if any(use.stream == source.id for condition in signal.conditions for use in condition.streams)
        ]
        if readers and source.id not in fed and source.command is None and source.every_ms is None:
            why = f"{', '.join(readers)} needs it, and nobody collects it: it has no command and no every, and no step feeds it"
            yield Fault(source.line, source.id, why)


def _undecided(runbook: Runbook) -> Iterator[Fault]:
    """Signals that trip and that no decision looks at or undoes."""
    decisions = [step for step in runbook.steps if step.kind is StepKind.DECIDE]
    known = {name for step in decisions for name in step.cites}
    known |= {choice.scope for step in decisions for choice in step.choices if choice.scope}
    for signal in runbook.signals if decisions else ():
        if signal.id not in known:
            why = "no decide step cites it and no choice has it as scope: when it trips, nobody is asked"
            yield Fault(signal.line, signal.id, why)


def _unknown_files(runbook: Runbook, repository: _Repository) -> Iterator[Fault]:
    lines = runbook.text.split("\n")
    for signal in runbook.signals:
        named = [(path, _line_of(lines, signal, path)) for path in signal.rollback.files]
        undone = [(path, line) for path, line in _undone(signal) if path not in signal.rollback.files]
        for path, line in [*named, *undone]:
            if not repository.has(path):
                why = f'the rollback scope names "{path}", which is no file of {repository.name}{repository.nearest(path)}'
                yield Fault(line, signal.id, why)


def _line_of(lines: list[str], signal: Signal, path: str) -> int:
    """The line of the signal's block on which a file is named."""
    for number, text in enumerate(lines[signal.line :], signal.line + 1):
        if text.startswith("```"):
            break
        if path in text:
            return number
    return signal.line


def _undone(signal: Signal) -> Iterator[tuple[str, int]]:
    """Files that the undo command gives to git, with their lines."""
    undo = signal.rollback.undo
    for number, text in enumerate(undo.text.split("\n") if undo else (), undo.line + 1 if undo else 0):
        try:
            words = shlex.split(text, comments=True)
        except ValueError:
            continue
        if words[:1] == ["git"] and "--" in words:
            yield from ((word, number) for word in words[words.index("--") + 1 :] if "$" not in word)


class _Repository:
    """The files of a repository: those that git knows, else those that are there."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInput(f"{folder} is no folder", "give the folder of the repository that the rollback scopes name")
        self.name = folder.resolve().name
        self._files = _tracked(folder) or [
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        ]

    def has(self, path: str) -> bool:
        """Whether a path is a file, a folder with files in it, or a pattern of some."""
        wanted = path.removeprefix("./").rstrip("/")
        return any(file == wanted or file.startswith(wanted + "/") or fnmatchcase(file, wanted) for file in self._files)

    def nearest(self, path: str) -> str:
        """The file that was probably meant, in words."""
        close = get_close_matches(path, self._files, n=1, cutoff=0.7)
        return f", did you mean {close[0]}?" if close else ""


def _tracked(folder: Path) -> list[str]:
    command = ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [name for name in done.stdout.decode("utf-8", "replace").split("\0") if name] if done.returncode == 0 else []
