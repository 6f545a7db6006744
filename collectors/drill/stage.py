"""The owner's side of a staged world: start it on a leash, open scenarios in it, let it go. Gone when its owner is, however that ends."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

import msgspec

from collectors.drill.leash import MARK
from collectors.drill.past import PastFile
from collectors.drill.scenario import Scenario, shipped_scenario
from collectors.postgres_server.binaries import find_binaries
from store.errors import Refused
from store.runbook.model import Runbook, SourceKind
from store.trust import FOLDER_VARIABLE

START_S = 40.0
ANSWER_S = 40.0
END_S = 12.0

_LISTENER_S = 1.0
_LEASH = Path(__file__).with_name("leash.py")
_ROOT = Path(__file__).resolve().parents[2]
# What would lead collectors out of the staged world, or change how they look.
_LEFT_OUT = ("CLOSEOUT_PROXY", "CLOSEOUT_BROWSER_STATE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


class Crossing(NamedTuple):
    """One fault that took place, as the world itself wrote it down."""

    at_ms: int
    fault: str
    route: str
    crosses: bool


@dataclass(frozen=True, slots=True)
class Staged:
    """A scenario that is open: where it lies, when it went live, the environment in which its collectors run."""

    world: int
    scenario: Scenario
    folder: Path
    begin_ms: int
    base_url: str
    database: str
    environ: Mapping[str, str]
    files: tuple[PastFile, ...]

    def journal(self) -> list[Crossing]:
        """The faults that took place since the world went live."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.folder / "journal.ndjson").read_text("utf-8").splitlines()
            told = [json.loads(line) for line in lines]
            return [Crossing(one["at"], one["fault"], one["route"], one["crosses"]) for one in told]
        return []


class Stage:
    """A world process on its leash; use as a context manager, or call `close`."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.folder = folder
        self._process = process
        self._answers: dict[int, Queue[dict[str, Any]]] = {}
        self._number = 0
        self._guard = threading.Lock()
        self._listener = threading.Thread(target=self._listen, daemon=True, name="stage")
        self._listener.start()

    @classmethod
    def start(cls, environ: Mapping[str, str]) -> Stage:
        """Start the leash, the world and its Postgres.

        Raises:
            PostgresMissing: there are no server binaries here.
            Refused: it does not start; the sentence says why.
        """
        find_binaries(environ)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LEASH), "collectors.drill.world_process", str(_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if environ.get("CLOSEOUT_DEBUG") else subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,  # a Ctrl-C at the desk must not reach the world
        )
        words = _first_line(process)
        if "ready" not in words:
            _end(process)
            _close(process.stdout)
            raise Refused(
                f"the staged world did not start: {words.get('error', 'no answer')}", str(words.get("hint", ""))
            )
        return cls(process, Path(words["folder"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The leash."""
        return self._process.pid

    def open(
        self, scenario: Scenario | str, runbook: Runbook, environ: Mapping[str, str], *, quicker: int = 1
    ) -> Staged:
        """Build a scenario for a runbook; its story stands still until `go`.

        Args:
            scenario: the scenario, or the name of one that comes with the program.
            runbook: names the tables, the streams and the variables.
            environ: what the staged environment is made of.
            quicker: how many times quicker than written its live part is played.
        """
        made = shipped_scenario(scenario) if isinstance(scenario, str) else scenario
        offload = next((s for s in runbook.sources if s.kind is SourceKind.OFFLOAD), None)
        probes = next((s for s in runbook.sources if s.kind is SourceKind.PROBES), None)
        parts = {} if offload is None else {name: getattr(offload, name) for name in ("queue", "ledger", "dispatch")}
        answer = self._ask(
            do="open",
            scenario=asdict(made),
            quicker=quicker,
            offload=offload.id if offload is not None and offload.queue is not None else "",
            probes=probes.id if probes is not None else "",
            routes=_routes(runbook),
            tables={name: None if part is None else msgspec.structs.asdict(part) for name, part in parts.items()},
        )
        folder, base = Path(answer["folder"]), f"http://127.0.0.1:{answer['port']}"
        environment = self._environment(runbook, environ, folder, base, answer)
        past = tuple(PastFile(**file) for file in answer["files"])
        return Staged(answer["world"], made, folder, answer["begin_ms"], base, answer["database"], environment, past)

    def go(self, staged: Staged) -> int:
        """Let the scripted part begin; returns the instant."""
        return int(self._ask(do="go", world=staged.world)["begin_ms"])

    def shut(self, staged: Staged) -> None:
        """End one scenario."""
        self._ask(do="close", world=staged.world)

    def running(self) -> bool:
        """Whether the world still goes on."""
        return self._process.poll() is None

    def close(self) -> None:
        """End everything and remove its folder; a second call does nothing."""
        _end(self._process)
        self._listener.join(_LISTENER_S)
        _close(self._process.stdout)

    def _environment(
        self, runbook: Runbook, environ: Mapping[str, str], folder: Path, base: str, answer: Mapping[str, Any]
    ) -> dict[str, str]:
        """The environment of the staged world: the runbook's variables mean the staged things, and nothing else."""
        made = {name: value for name, value in environ.items() if name not in _LEFT_OUT}
        made |= dict.fromkeys((*runbook.needs, *runbook.secrets), "staged")
        for source in runbook.sources:
            made |= {source.address: answer["database"]} if source.address else {}
            made |= {source.origin: base} if source.origin else {}
        made |= {"CRON_SECRET": answer["secret"], "BASE_URL": base, "DATABASE_URL": answer["database"]}
        made |= {MARK: str(self.folder), FOLDER_VARIABLE: str(self.folder / "state"), "NO_PROXY": "*"}
        made["PATH"] = os.pathsep.join((str(folder / "bin"), environ.get("PATH", os.defpath)))
        return made

    def _ask(self, **told: object) -> dict[str, Any]:
        with self._guard:
            self._number += 1
            number = self._number
            waiting = self._answers[number] = Queue()
            try:
                assert self._process.stdin is not None  # noqa: S101 it was opened as a pipe
                self._process.stdin.write(json.dumps({**told, "number": number}).encode() + b"\n")
                self._process.stdin.flush()
            except OSError as error:
                raise Refused("the staged world is gone") from error
        try:
            answer = waiting.get(timeout=ANSWER_S)
        except Empty:
            raise Refused("the staged world does not answer") from None
        if "error" in answer:
            raise Refused(f"the staged world: {answer['error']}")
        return answer

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            with contextlib.suppress(ValueError, KeyError):
                answer = json.loads(line)
                self._answers.pop(answer["number"]).put(answer)
        for waiting in list(self._answers.values()):
            waiting.put({"error": "it is gone"})


def _routes(runbook: Runbook) -> list[str]:
    """Every route that the probes of the runbook ask, as rows name them."""
    source = next((s for s in runbook.sources if s.kind is SourceKind.PROBES), None)
    named = [route for signal in runbook.signals for trip in signal.conditions for route in trip.routes]
    return list(dict.fromkeys(named)) if source is not None else []


def _first_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    import select

    assert process.stdout is not None  # noqa: S101 it was opened as a pipe
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if ready else b""
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"error": f"no answer within {START_S:.0f} s" if not ready else "its process ended"}


def _end(process: subprocess.Popen[bytes]) -> None:
    _close(process.stdin)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.close()
