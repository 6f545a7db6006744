"""One staged scenario while it goes on: its database, its server, its visitors and its workers. Loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collectors.drill.forms import own_line
from collectors.drill.past import Streams, write_past
from collectors.drill.routes import VISIT, Routes
from collectors.drill.scenario import Scenario
from collectors.drill.script import HOST, LiveTime, Request, live
from collectors.drill.tables import Psql, Tables, Workers
from store.instants import format_instant

_WORK_S = 1.0
_START_S = 5.0


def now_ms() -> int:
    """The wall clock; the staged world has no other."""
    return time.time_ns() // 1_000_000


class World:
    """A scenario that is being played in a folder of its own."""

    def __init__(self, folder: Path, scenario: Scenario, *, quicker: int) -> None:
        self.folder = folder
        self.scenario = scenario
        self.time = LiveTime(now_ms(), quicker)
        self.secret = f"staged-{secrets.token_hex(12)}"
        self.port = 0
        self._routes = Routes(scenario, self.time, self.secret, now_ms, self._keep)
        self._tasks: list[asyncio.Task[None]] = []
        self._server: Any = None
        self._psql: Psql | None = None
        self._workers: Workers | None = None
        self._gone_live = asyncio.Event()
        self._log: Any = None
        self._closing = False

    async def open(self, binaries: Path, address: str, tables: Tables, streams: Streams) -> list[dict[str, Any]]:
        """Build everything; the story stands still until `go`. Returns the files of its past."""
        self.folder.mkdir(mode=0o700)
        past = write_past(self.folder, self.scenario, self.time, streams)
        self._log = (self.folder / "requests.ndjson").open("a", encoding="utf-8")
        self._platform()
        self._command()
        self._psql = await Psql.connect(binaries, address)
        self._workers = Workers(self._psql, tables, self.scenario, self.time)
        await self._workers.seed()
        await self._serve()
        self._tasks += [asyncio.create_task(self._work()), asyncio.create_task(self._visit_all())]
        return [file._asdict() for file in past]

    def go(self) -> int:
        """Let the scripted part begin now; returns when that is."""
        began = now_ms()
        self.time = self.time._replace(live_ms=began)
        self._routes.time = self.time
        if self._workers is not None:
            self._workers.time = self.time
        self._gone_live.set()
        return began

    async def close(self) -> None:
        """End it."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            await asyncio.sleep(0.05)
        if self._psql is not None:
            await self._psql.close()
        if self._log is not None:
            self._log.close()

    def _platform(self) -> None:
        deployed = next((one.at_ms for one in reversed(self.scenario.moments) if one.name == "deploy"), -122 * 60_000)
        told = {
            "host": HOST,
            "logs": self.scenario.logs,
            "deployed": format_instant(self.time.begin_ms + deployed),
        }
        (self.folder / "platform.json").write_text(json.dumps(told), "utf-8")

    def _command(self) -> None:
        place = self.folder / "bin"
        place.mkdir()
        script = Path(__file__).with_name("platform_command.py")
        words = shlex.join([sys.executable, "-I", "-S", str(script), str(self.folder)])
        (place / "vercel").write_text(f'#!/bin/sh\nexec {words} "$@"\n', "utf-8")
        (place / "vercel").chmod(0o755)

    async def _serve(self) -> None:
        import uvicorn

        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._routes, log_config=None, lifespan="off", access_log=False, timeout_graceful_shutdown=1, ws="none"
        )
        server = _Server(config)
        self._server = server
        self._tasks.append(asyncio.create_task(server.serve(sockets=[listener])))
        until = time.monotonic() + _START_S
        while not server.started and time.monotonic() < until:  # noqa: ASYNC110 it tells nobody
            await asyncio.sleep(0.005)

    def _keep(self, request: Request) -> None:
        """A request has ended: it stands in the platform's log from now on."""
        self._log.write(f"{own_line(request)}\n")
        self._log.flush()
        if request.fault:
            told = {"at": request.ended_ms, "fault": request.fault, "route": request.route, "id": request.id}
            with (self.folder / "journal.ndjson").open("a", encoding="utf-8") as journal:
                journal.write(json.dumps({**told, "crosses": request.crosses}) + "\n")

    async def _work(self) -> None:
        """Move the tables on, second by second."""
        before = now_ms()
        while self._workers is not None and not self._closing:
            await asyncio.sleep(_WORK_S)
            now = now_ms()
            await self._workers.step(now, now - before)
            before = now

    async def _visit_all(self) -> None:
        """Send the visitors: ordinary ones from the beginning, the scripted ones once the story goes on."""
        calm = [request for request in live(self.scenario, self.time) if not request.fault]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._visits(calm))
            await self._gone_live.wait()
            scripted = [request for request in live(self.scenario, self.time) if request.fault]
            group.create_task(self._visits(scripted))

    async def _visits(self, requests: list[Request]) -> None:
        async with asyncio.TaskGroup() as group:
            for request in requests:
                late = (request.ended_ms - now_ms()) / 1000
                if late > 0:
                    await asyncio.sleep(late)
                group.create_task(self._visit(request))

    async def _visit(self, request: Request) -> None:
        """One visitor: a real request to the real server."""
        self._routes.visits[request.id.encode()] = request
        with contextlib.suppress(OSError, TimeoutError):
            # Not wait_for: it may lose a cancellation that comes with the answer, and the world would never close.
            async with asyncio.timeout(2 * _START_S):
                await self._ask(request)

    async def _ask(self, request: Request) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{request.method} {request.route} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close"]
        lines += [f"{VISIT.decode()}: {request.id}", "Content-Length: 0", "", ""]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()
        await reader.read()
        writer.close()


class _Server:
    """The server without handlers for signals: those belong to the process around it."""

    def __new__(cls, config: Any) -> Any:
        import uvicorn

        class Quiet(uvicorn.Server):
            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        return Quiet(config)
