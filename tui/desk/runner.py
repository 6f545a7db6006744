"""The process that does a step's work beside the desk: it writes the intent, does the work, and writes how it ended.

    collect CASE STEP OPERATOR TERMINAL CONFIRM OVERRIDE    start the step, let `closeout collect` look at its streams, pass or fail it
    command CASE STEP OPERATOR TERMINAL                     run the command of a step that was started, keep what it printed, answer the step

It owns the attempt: while it lives the step runs, wherever its desk has gone; when it is killed the attempt is lost, and says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from store.case import Case
from store.errors import CloseoutError, Refused
from store.evidence import Artifact
from store.instants import format_instant
from store.runbook.model import Step
from store.trust import require
from store.walk import act
from store.walk.masking import masked, secret_values
from store.walk.session import this_process
from store.walk.walk import Walk, named_step
from tui.desk.runs import TAKEN, program, tail
from tui.walking import duration_argument

_KEPT_BYTES = 8 << 20
_LINE_BYTES = 1 << 16
_SAID = 200
_STOP_S = 30.0


class Stopped(Exception):
    """Somebody asked this process to stop."""


class _Asked:
    """Whether somebody asked this process to stop. The request interrupts reading and waiting, never a deed that is being stored."""

    def __init__(self) -> None:
        self.stop = False
        self.interruptible = False

    def __call__(self, *_: object) -> None:
        self.stop = True
        if self.interruptible:
            self.interruptible = False
            raise Stopped

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """What may be given up in the middle: reading what a command prints, and waiting for its end.

        Raises:
            Stopped: somebody asked, before or meanwhile.
        """
        self.interruptible = True
        try:
            if self.stop:
                raise Stopped
            yield
        finally:
            self.interruptible = False


_asked = _Asked()


def main() -> int:
    """Do one step's work; what is printed here goes to the run's own file."""
    task, case, step, operator, terminal, *rest = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _asked)
    try:
        with Case.open(case, write=True) as opened:
            walk = Walk(opened, this_process(operator)._replace(terminal=terminal))
            require(opened)
            return _collect(walk, Path(case), step, *rest) if task == "collect" else _command(walk, step)
    except CloseoutError as error:
        print(f"{error.message}\n{error.hint}".strip(), flush=True)
        return error.exit_code


def _collect(walk: Walk, case: Path, step_id: str, confirmed: str, override: str) -> int:
    step = named_step(walk.runbook, step_id)
    try:
        act.start(walk, step.id, override=override)
    except Refused as refusal:
        print(f"{refusal.message}\n{refusal.hint}".strip(), flush=True)
        return TAKEN
    try:
        code, said = _look(case, step, confirmed=bool(confirmed))
    except Stopped:
        act.fail(walk, step.id, reason=f"stopped by {walk.who.operator}")
        return 130
    if code:
        act.fail(walk, step.id, reason=said, detail={"exit": code})
    else:
        act.finish(walk, step.id, reason=said, detail={"exit": 0})
    return code


def _look(case: Path, step: Step, *, confirmed: bool) -> tuple[int, str]:
    """All streams of the step side by side, each at its source's own pace; a command that follows goes on for as long."""
    words = ["collect", str(case), *step.feeds, "--json"]
    if step.for_ms is not None:
        words += ["--for", duration_argument(step.for_ms)]
    if confirmed:
        words.append("--confirm")
    print(f"$ closeout {' '.join(words)}", flush=True)
    child = subprocess.Popen(
        program(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    last = ""
    try:
        with _asked.waiting():
            for line in child.stdout or ():
                last = line.decode("utf-8", "replace").strip() or last
                print(last, flush=True)
            return child.wait(), f"{', '.join(step.feeds)}: {_told(last)}"[:_SAID]
    except Stopped:
        _end(child)
        raise


def _end(child: subprocess.Popen[bytes]) -> int:
    """Let a process end what it is storing; one that does not is ended, and what it stored stands."""
    child.terminate()
    try:
        return child.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _told(last: str) -> str:
    """What a look came to, in words: the statuses and reasons of its answer, or the line that it ended with."""
    try:
        done = json.loads(last)["collections"]
        return (
            "; ".join(f"{entry['status']} {entry.get('reason') or ''}".strip() for entry in done)
            or "nothing was collected"
        )
    except (ValueError, TypeError, KeyError):
        return last or "nothing was said"


def _command(walk: Walk, step_id: str) -> int:
    step = named_step(walk.runbook, step_id)
    if step.command is None or step.command.language != "sh":
        print(f"{step.id} has no command for a shell", flush=True)
        return 40
    began, secrets = walk.case.clock(), secret_values(walk.runbook, os.environ)
    log = Path("/proc/self/fd/1").readlink() if Path("/proc/self/fd/1").exists() else None
    child = subprocess.Popen(
        ["sh", "-c", step.command.text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    kept, size = bytearray(), 0
    stopped = False
    try:
        with _asked.waiting():
            while line := (child.stdout.readline(_LINE_BYTES) if child.stdout else b""):
                size += len(line)
                kept += line[: max(0, _KEPT_BYTES - len(kept))]
                sys.stdout.write(masked(line.decode("utf-8", "replace"), secrets))
                sys.stdout.flush()
            code = child.wait()
    except Stopped:
        code, stopped = _end(child), True
    _keep(walk, step, masked(bytes(kept).decode("utf-8", "replace"), secrets).encode(), size, began)
    lines = tail(log) if log is not None else ()
    shown = "stopped by the operator" if stopped else (lines[-1] if lines else "")
    act.answer(walk, step.id, asked=f"$ {step.command.text.strip()}", shown=shown[:_SAID], value=f"exit {code}")
    return code


def _keep(walk: Walk, step: Step, output: bytes, size: int, began: int) -> None:
    ended = walk.case.clock()
    stamp = format_instant(ended).replace(":", "").replace("-", "")
    name = f"commands/{step.id}-{stamp}.txt"
    cut = f"cut at {len(output)} of {size} bytes" if size > _KEPT_BYTES else ""
    masks = ", ".join(f"values of {name} masked" for name in secret_values(walk.runbook, os.environ))
    with walk.case.transaction("command") as tx:
        tx.add_blob(name, output, mtime_s=ended // 1000)
        tx.add(
            Artifact(
                None,
                name,
                "command",
                "text/plain",
                len(output),
                hashlib.sha256(output).hexdigest(),
                ended,
                began,
                ended,
                redaction="; ".join(filter(None, [masks, cut])),
            )
        )
