"""The process that does a step's work beside the desk: it writes the intent, does the work, and writes how it ended.

    collect CASE STEP OPERATOR TERMINAL CONFIRM OVERRIDE    start the step, let `closeout collect` look at each of its streams, pass or fail it
    command CASE STEP OPERATOR TERMINAL                     run the command of a step that was started, keep what it printed, answer the step

It owns the attempt: while it lives the step runs, wherever its desk has gone; when it is killed the attempt is lost, and says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from store.case import Case
from store.errors import CloseoutError
from store.evidence import Artifact
from store.instants import format_instant
from store.runbook.model import Step
from store.trust import require
from store.walk import act
from store.walk.masking import masked, secret_values
from store.walk.session import this_process
from store.walk.walk import Walk, named_step
from tui.desk.runs import program, tail
from tui.walking import duration_argument

_KEPT_BYTES = 8 << 20
_LINE_BYTES = 1 << 16
_SAID = 200


class Stopped(Exception):
    """Somebody asked this process to stop."""


def main() -> int:
    """Do one step's work; what is printed here goes to the run's own file."""
    task, case, step, operator, terminal, *rest = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        with Case.open(case, write=True) as opened:
            walk = Walk(opened, this_process(operator)._replace(terminal=terminal))
            require(opened)
            return _collect(walk, Path(case), step, *rest) if task == "collect" else _command(walk, step)
    except CloseoutError as error:
        print(f"{error.message}\n{error.hint}".strip(), flush=True)
        return error.exit_code
    except Stopped:
        print("stopped", flush=True)
        return 130


def _stop(*_: object) -> None:
    raise Stopped


def _collect(walk: Walk, case: Path, step_id: str, confirmed: str, override: str) -> int:
    step = named_step(walk.runbook, step_id)
    act.start(walk, step.id, override=override)
    ended: list[str] = []
    try:
        for stream in step.feeds:
            code, said = _look(case, stream, step, walk, confirmed=bool(confirmed))
            ended.append(f"{stream}: {said}")
            if code:
                act.fail(walk, step.id, reason=f"{stream}: {said}"[:_SAID], detail={"exit": code})
                return code
    except Stopped:
        act.fail(walk, step.id, reason=f"stopped by {walk.who.operator}")
        return 130
    act.finish(walk, step.id, reason="; ".join(ended)[:_SAID], detail={"exit": 0})
    return 0


def _look(case: Path, stream: str, step: Step, walk: Walk, *, confirmed: bool) -> tuple[int, str]:
    words = ["collect", str(case), stream, "--json"]
    tick = next((source.every_ms for source in walk.runbook.sources if source.id == stream), None)
    if step.for_ms is not None and tick is not None:
        words += ["--every", duration_argument(tick), "--for", duration_argument(step.for_ms)]
    if confirmed:
        words.append("--confirm")
    print(f"$ closeout {' '.join(words)}", flush=True)
    child = subprocess.Popen(
        program(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    last = ""
    try:
        for line in child.stdout or ():
            last = line.decode("utf-8", "replace").strip() or last
            print(last, flush=True)
        return child.wait(), _told(last)[:_SAID]
    except Stopped:
        child.terminate()
        child.wait()
        raise


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
        while line := (child.stdout.readline(_LINE_BYTES) if child.stdout else b""):
            size += len(line)
            kept += line[: max(0, _KEPT_BYTES - len(kept))]
            sys.stdout.write(masked(line.decode("utf-8", "replace"), secrets))
            sys.stdout.flush()
        code = child.wait()
    except Stopped:
        child.terminate()
        code, stopped = child.wait(), True
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
