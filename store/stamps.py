"""When each step and signal of a runbook was last drilled, on which edition, how long it took, and whether it passed.

A stamp belongs to the text that was drilled: an edit of the step or the signal voids it. Stamps lie in the user's state
folder, never in a case, one small file each: drills that run at once cannot lose one another's, and a crash leaves the
older stamp. Nothing here decides anything; a stamp is shown to people.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from store.editions import definition_sha256, judged_signatures
from store.errors import BadInput, Refused
from store.instants import format_instant, parse_instant
from store.runbook.model import Runbook, Signal, Step
from store.trust import FOLDER_VARIABLE

STEP = "step"
SIGNAL = "signal"

_SHORT = 20
_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"))


class Stamp(NamedTuple):
    """One drill of one step or signal; `void` says that its text was changed since."""

    kind: str
    id: str
    drilled_ms: int
    took_ms: int
    passed: bool
    why: str
    definition_sha256: str
    runbook_sha256: str
    text_sha256: str
    void: bool = False

    def told(self, now_ms: int) -> str:
        """The stamp in a few words: `last drilled 12 days ago, 41 s, passed`."""
        ended = "passed" if self.passed else f"failed{': ' + self.why if self.why else ''}"
        said = f"last drilled {_ago(now_ms - self.drilled_ms)}, {_seconds(self.took_ms)}, {ended}"
        return f"{said}; its text was changed since: drill it again" if self.void else said

    def as_json(self) -> dict[str, Any]:
        """The stamp as data."""
        return {
            "kind": self.kind,
            "id": self.id,
            "drilled": format_instant(self.drilled_ms),
            "took_ms": self.took_ms,
            "passed": self.passed,
            "why": self.why,
            "definition": self.definition_sha256,
            "runbook_sha256": self.runbook_sha256,
            "void": self.void,
        }


class Stamps(NamedTuple):
    """The stamps of a runbook by id; None where something was never drilled. `trouble` tells in one line what could not be read."""

    steps: Mapping[str, Stamp | None]
    signals: Mapping[str, Stamp | None]
    trouble: str = ""

    @property
    def any(self) -> bool:
        """Whether anything of the runbook was ever drilled."""
        return any(self.steps.values()) or any(self.signals.values())


def stamp(
    runbook: Runbook, kind: str, id: str, *, took_ms: int, passed: bool, drilled_ms: int, why: str = ""
) -> Stamp:  # fmt: skip
    """Remember one drill of a step or a signal.

    Args:
        runbook: the edition that was drilled.
        kind: `step` or `signal`.
        id: which one.
        took_ms: how long it took.
        passed: whether it passed.
        drilled_ms: when.
        why: of a failure, in a few words.

    Raises:
        BadInput: the runbook has no such step or signal.
        Refused: the state folder cannot be written.
    """
    made = Stamp(
        kind, id, drilled_ms, took_ms, passed, " ".join(why.split()), definition_sha256(runbook), runbook.sha256,
        text_sha256(runbook, kind, id),
    )  # fmt: skip
    path = _folder(runbook) / f"{_prefix(kind, id)}{made.text_sha256[:_SHORT]}.json"
    partial = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_text(
            json.dumps({**made.as_json(), "text_sha256": made.text_sha256}, ensure_ascii=False) + "\n", "utf-8"
        )
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise Refused(
            f"cannot remember in {path.parent} that {kind} {id} was drilled: {error.strerror}",
            f"name a folder that can be written in {FOLDER_VARIABLE}",
        ) from error
    return made


def stamps_for(runbook: Runbook) -> Stamps:
    """The newest stamp of every step and signal of a runbook. Never fails: what cannot be read is told in `trouble`."""
    folder, trouble = _folder(runbook), []
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".json"))
    except FileNotFoundError:
        names = []
    except OSError as error:
        names, trouble = [], [f"cannot read the drill stamps in {folder}: {error.strerror}"]
    found: dict[tuple[str, str], Stamp | None] = {}
    wanted = [(STEP, step.id) for step in runbook.steps] + [(SIGNAL, signal.id) for signal in runbook.signals]
    for kind, id in wanted:
        here = [name for name in names if name.startswith(_prefix(kind, id))]
        stamps = [each for name in here if (each := _read(folder / name, kind, id, trouble))]
        found[kind, id] = _chosen(stamps, text_sha256(runbook, kind, id)) if stamps else None
    return Stamps(
        {step.id: found[STEP, step.id] for step in runbook.steps},
        {signal.id: found[SIGNAL, signal.id] for signal in runbook.signals},
        trouble[0] if trouble else "",
    )


def text_sha256(runbook: Runbook, kind: str, id: str) -> str:
    """The hash of what a stamp belongs to: a step's block and command; a signal's block, its undo and its signatures.

    Raises:
        BadInput: the runbook has no such step or signal.
    """
    parts: tuple[Step | Signal, ...] = runbook.steps if kind == STEP else runbook.signals if kind == SIGNAL else ()
    part = next((each for each in parts if each.id == id), None)
    if part is None:
        raise BadInput(f"the runbook has no {kind} {id!r}", f"see them with: closeout check {runbook.path}")
    if isinstance(part, Step):
        return part.sha256
    judged = sorted({pair for condition in part.conditions for pair in judged_signatures(condition, runbook)})
    undo = part.rollback.undo.text if part.rollback.undo else None
    text = json.dumps([_block(runbook, part.line), undo, judged], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _chosen(stamps: list[Stamp], text: str) -> Stamp:
    """The newest stamp of this very text, else the newest of an older one, which is void."""
    same = [each for each in stamps if each.text_sha256 == text]
    newest = max(same or stamps, key=lambda each: each.drilled_ms)
    return newest._replace(void=not same)


def _block(runbook: Runbook, line: int) -> str:
    """The text of the block whose fence opens on a line."""
    lines = runbook.text.splitlines()[line:]
    end = next((number for number, text in enumerate(lines) if text.startswith(("```", "~~~"))), len(lines))
    return "\n".join(lines[:end])


def _read(path: Path, kind: str, id: str, trouble: list[str]) -> Stamp | None:
    try:
        told = json.loads(path.read_text("utf-8"))
        read = Stamp(
            str(told["kind"]), str(told["id"]), parse_instant(told["drilled"]), int(told["took_ms"]), told["passed"] is True,
            str(told["why"]), str(told["definition"]), str(told["runbook_sha256"]), str(told["text_sha256"]),
        )  # fmt: skip
    except FileNotFoundError:
        return None
    except OSError as error:
        trouble.append(f"cannot read the drill stamp {path}: {error.strerror}")
        return None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, BadInput):
        trouble.append(f"the drill stamp {path} is damaged and was passed over; the next drill writes it anew")
        return None
    return read if (read.kind, read.id) == (kind, id) else None


def _prefix(kind: str, id: str) -> str:
    return f"{kind}-{_hash(id)}-"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_SHORT]


def _folder(runbook: Runbook) -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given) / "drills" / _hash(runbook.id)
    import platformdirs

    return platformdirs.user_state_path("closeout") / "drills" / _hash(runbook.id)


def _ago(ms: int) -> str:
    for unit, name in _UNITS:
        if ms >= unit:
            return f"{ms // unit} {name}{'' if ms // unit == 1 else 's'} ago"
    return "just now" if ms >= 0 else "in the future, by this clock"


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s" if ms < 10_000 else f"{round(ms / 1000)} s"
