"""The process in which staged scenarios take place: one embedded Postgres, and a world for each scenario that is open.

Run by the leash as `python -m collectors.drill.world_process FOLDER`. It is told what to do in JSON lines on standard input and answers each
with one line; the end of its input is its end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from collectors.drill.past import Streams
from collectors.drill.scenario import scenario_told
from collectors.drill.tables import Psql, Tables
from collectors.drill.world import World
from collectors.postgres_server.binaries import find_binaries
from collectors.postgres_server.server import PostgresServer
from store.errors import CloseoutError


class Stagehand:
    """Opens and closes worlds as it is told."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        self._folder = folder
        self._server = server
        self._binaries = find_binaries(os.environ).folder
        self._worlds: dict[int, World] = {}
        self._number = 0

    async def do(self, told: dict[str, Any]) -> dict[str, Any]:
        """Do one thing; returns what to answer."""
        match told["do"]:
            case "open":
                return await self._open(told)
            case "go":
                return {"begin_ms": self._worlds[told["world"]].go()}
            case "close":
                await self._worlds.pop(told["world"]).close()
                await self._everywhere(f"DROP DATABASE {_name(told['world'])} WITH (FORCE)")
                return {}
            case other:
                return {"error": f"nobody knows how to {other}"}

    async def close(self) -> None:
        """End every world."""
        await asyncio.gather(*(world.close() for world in self._worlds.values()), return_exceptions=True)

    async def _open(self, told: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        scenario = scenario_told(told["scenario"])
        address = self._server.address(_name(number))
        await self._everywhere(f"CREATE DATABASE {_name(number)}")
        world = World(self._folder / f"w{number}", scenario, quicker=told["quicker"])
        self._worlds[number] = world
        streams = Streams(told["offload"], told["probes"], tuple(told["routes"]))
        files = await world.open(self._binaries, address, Tables.told(told["tables"]), streams)
        return {
            "world": number,
            "folder": str(world.folder),
            "begin_ms": world.time.begin_ms,
            "port": world.port,
            "secret": world.secret,
            "database": address,
            "files": files,
        }

    async def _everywhere(self, statement: str) -> None:
        """Run a statement that belongs to no world."""
        maker = await Psql.connect(self._binaries, self._server.address())
        try:
            await maker.run(statement)
        finally:
            await maker.close()


def _name(number: int) -> str:
    return f"world_{number}"


async def play(folder: Path) -> None:
    """Listen and do, until nobody says anything any more."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    with await asyncio.to_thread(PostgresServer.start, os.environ) as server:
        hand = Stagehand(folder, server)
        _answer({"ready": True, "folder": str(folder)})
        try:
            await _listen(reader, hand)
        finally:
            await hand.close()


async def _listen(reader: asyncio.StreamReader, hand: Stagehand) -> None:
    async with asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(_do(hand, json.loads(line)))


async def _do(hand: Stagehand, told: dict[str, Any]) -> None:
    try:
        answer = await hand.do(told)
    except (CloseoutError, OSError, KeyError, ValueError, TimeoutError) as error:
        answer = {"error": str(error) or type(error).__name__}
    _answer({**answer, "number": told["number"]})


def _answer(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def main() -> int:
    """Play until told to end; 40 if there is nothing to play on."""
    try:
        asyncio.run(play(Path(sys.argv[1])))
    except CloseoutError as error:
        _answer({"error": error.message, "hint": error.hint})
        return error.exit_code
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
