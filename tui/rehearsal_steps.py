"""Run what a runbook's steps run against a staged world, and say which of them left what they promise.

Only what a machine can do is run: captures, probes, snapshots, the browser, commands, and in the end the packet, the seal and its check. What
people decide or do by hand is not rehearsed here.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from collectors.browser.find import BrowserMissing, find_browser, require_driver
from collectors.drill.scenario import shipped_scenario
from collectors.drill.stage import Stage, Staged
from store.case import Case
from store.runbook.model import Effect, Runbook, Step, StepKind
from store.walk import act
from store.walk.session import this_process
from store.walk.states import COLLECTING, read_walk
from store.walk.walk import Walk
from tui.collecting import PACE_VARIABLE
from tui.desk.runs import program, runner
from tui.rehearsing import OPERATOR, begin_staged_case, can_stage

_PACE = "1s 2s"
_STEP_S = 90
_WHY = "rehearsed alone, without the steps before it"


class StepOutcome(NamedTuple):
    """What a step promised and what it left. `state`: passed, failed, or not run with the reason in `said`."""

    id: str
    line: int
    promised: str
    got: str
    state: str
    said: str
    took_ms: int

    @property
    def ok(self) -> bool:
        """Whether nothing that was run fell short."""
        return self.state != "failed"

    def told(self, path: str) -> str:
        """One sentence; a failure begins with the line of the runbook."""
        if self.state == "failed":
            return f"{path}:{self.line}: step {self.id}: promised {self.promised}, left {self.got or 'nothing'}: {self.said}"
        if self.state == "not run":
            return f"step {self.id}: not run: {self.said}"
        return f"step {self.id}: {self.got} ({self.took_ms / 1000:.1f} s)"


def rehearse_steps(stage: Stage, runbook: Runbook, folder: Path, environ: Mapping[str, str]) -> tuple[StepOutcome, ...]:
    """Run every step of a runbook that a machine can run, against a quiet day."""
    staged = stage.open(shipped_scenario("quiet-day"), runbook, environ)
    try:
        path = begin_staged_case(folder / "steps.db", runbook, staged)
        stage.go(staged)
        words = {**staged.environ, PACE_VARIABLE: _PACE}
        with ThreadPoolExecutor(3, "step") as pool:
            done = list(pool.map(lambda step: _rehearse(path, runbook, step, staged, words), _in_turn(runbook)))
        order = {step.id: number for number, step in enumerate(runbook.steps)}
        done.sort(key=lambda outcome: order[outcome.id])
        return (*done, *_ending(path, runbook, folder, words))
    finally:
        stage.shut(staged)


def _in_turn(runbook: Runbook) -> list[Step]:
    """Those that take longest first."""
    return sorted(runbook.steps, key=lambda step: (step.kind is not StepKind.BROWSER, step.kind not in COLLECTING))


def _rehearse(case: Path, runbook: Runbook, step: Step, staged: Staged, environ: Mapping[str, str]) -> StepOutcome:
    lacks = _why_not(runbook, step, environ)
    promised = ", ".join(step.feeds) if step.kind in COLLECTING else "the output of its command"
    if lacks:
        return StepOutcome(step.id, step.line, promised, "", "not run", lacks, 0)
    began = time.monotonic()
    if step.kind in COLLECTING:
        words = runner("collect", str(case), step.id, OPERATOR, "", "confirmed", _WHY)
    else:
        with Case.open(case, write=True) as opened:
            act.start(Walk(opened, this_process(OPERATOR)), step.id, override=_WHY)
        words = runner("command", str(case), step.id, OPERATOR, "")
    said = staged.folder / f"step-{step.id}.said"
    code = _run(words, environ, said)
    took = int(1000 * (time.monotonic() - began))
    got, missing = _left(case, runbook, step)
    good = code == 0 and not missing
    last = said.read_text("utf-8", "replace").strip().splitlines()[-1:]
    why = "" if good else "; ".join(filter(None, [f"exit {code}" if code else "", missing, *last]))[:300]
    return StepOutcome(step.id, step.line, promised, got, "passed" if good else "failed", why, took)


def _why_not(runbook: Runbook, step: Step, environ: Mapping[str, str]) -> str:
    if step.effect is Effect.CHANGES:
        return "it changes something"
    if step.kind is StepKind.BROWSER:
        try:
            require_driver()
            find_browser(environ)
        except BrowserMissing as missing:
            return missing.message
        return ""
    if step.kind in COLLECTING:
        foreign = [source.id for source in runbook.sources if source.id in step.feeds and not can_stage(source)]
        return f"the staged world cannot play {', '.join(foreign)}" if foreign else ""
    if step.command is None or step.command.language != "sh":
        return "a person does it"
    return "" if "vercel" in step.command.text else "its command is not one that the staged world plays"


def _run(words: list[str], environ: Mapping[str, str], said: Path) -> int:
    with said.open("wb") as output:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environ), start_new_session=True
        )
        try:
            return process.wait(_STEP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return -9


def _left(case: Path, runbook: Runbook, step: Step) -> tuple[str, str]:
    """What a step left in the case, and what of its promise is missing."""
    with Case.open(case) as opened:
        db = opened.read()
        walk = read_walk(db, runbook, edition=opened.edition(), now_ms=opened.clock()).step(step.id)
        if step.kind not in COLLECTING:
            (kept,) = db.execute(
                "SELECT count(*) FROM artifact WHERE name LIKE ?", (f"commands/{step.id}-%",)
            ).fetchone()
            return ("its command's output" if kept else ""), "" if kept else "no output was kept"
        began = min((attempt.started_ms or 0 for attempt in walk.attempts), default=0)
        parts, missing = [], []
        for stream in step.feeds:
            count, rows = _collected(db, stream, began)
            parts.append(f"{stream}: {count} collections, {rows} rows")
            missing += [] if count and rows else [f"{stream} left no sound collection with rows"]
    return "; ".join(parts), "; ".join(missing)


_ROWS = (
    "SELECT count(*) FROM {table} t JOIN collection k ON k.id = t.collection WHERE k.stream = ? AND k.collected_ms >= ?"
)


def _collected(db: object, stream: str, since_ms: int) -> tuple[int, int]:
    from sqlite3 import Connection

    assert isinstance(db, Connection)  # noqa: S101 the case's own
    (count,) = db.execute(
        "SELECT count(*) FROM collection k JOIN collection_end e ON e.collection = k.id "
        "WHERE k.stream = ? AND k.collected_ms >= ? AND e.status = 'ok'",
        (stream, since_ms),
    ).fetchone()
    tables = ("log_match", "traffic", "snapshot", "run_count", "probe", "artifact", "gauge")
    asked = (_ROWS.format(table=table) for table in tables)
    return count, sum(db.execute(sql, (stream, since_ms)).fetchone()[0] for sql in asked)


def _ending(case: Path, runbook: Runbook, folder: Path, environ: Mapping[str, str]) -> tuple[StepOutcome, ...]:
    """The packet, the seal and its check, which every walk ends with."""
    line = next((step.line for step in runbook.steps if step.kind is StepKind.SEAL), 1)
    out, sealed = Path(tempfile.mkdtemp(prefix="packet-", dir=folder)), folder / "steps-sealed.db"
    deeds = (
        ("the packet", ("packet", str(case), "--out", str(out), "--json"), "documents and their sums"),
        (
            "the seal",
            ("seal", str(case), str(sealed), "--override", "a rehearsal of single steps", "--json"),
            "one file",
        ),
        ("the check", ("verify", str(sealed), "--json"), "a whole case that is marked as a drill"),
    )
    done = []
    for name, words, promised in deeds:
        began = time.monotonic()
        answer = subprocess.run(program(*words), env=dict(environ), capture_output=True, timeout=_STEP_S, check=False)
        got = _ended(name, answer, out, sealed)
        took = int(1000 * (time.monotonic() - began))
        said = "" if got else (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()[-200:]
        done.append(StepOutcome(name, line, promised, got, "passed" if got else "failed", said, took))
    return tuple(done)


def _ended(name: str, answer: subprocess.CompletedProcess[bytes], out: Path, sealed: Path) -> str:
    """What the packet, the seal or the check left; empty where it is not what it has to be."""
    try:
        told = json.loads(answer.stdout)
    except ValueError:
        return ""
    if name == "the packet":
        files = [path for path in out.rglob("*") if path.is_file()]
        return f"{len(files)} files" if answer.returncode == 0 and any(out.rglob("SHA256SUMS")) else ""
    if name == "the seal":
        return (
            "a sealed file marked as a drill" if answer.returncode == 0 and sealed.is_file() and told["drill"] else ""
        )
    return "whole, and marked as a drill" if answer.returncode in (0, 21) and told["drill"] else ""
