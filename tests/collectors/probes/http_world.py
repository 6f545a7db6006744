"""Real local servers: an application that answers in every way met in the field, and listeners that only count."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

Handler = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One request on its way through the server."""

    def __init__(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = head.split("\r\n")
        self.method, self.target, _ = lines[0].split(" ")
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:]) if name
        }
        self.reader = reader
        self.writer = writer

    async def answer(self, status: int, body: Any = "", headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        kind = "application/json" if isinstance(body, dict) else "text/plain"
        lines = {"Content-Type": kind, "Content-Length": str(len(data)), "Connection": "close", **(headers or {})}
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.writer.write(head.encode() + b"\r\n" + data)
        await self.writer.drain()


class Server:
    """An application on a port of its own, in a thread of its own; it remembers what it was asked."""

    def __init__(self, routes: dict[str, Handler], context: ssl.SSLContext | None = None) -> None:
        self.routes = routes
        self.connections = 0
        self.asked: list[Exchange] = []
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def origin(self) -> str:
        return f"{'https' if self._context else 'http'}://localhost:{self.port}"

    def close(self) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _serve(self) -> None:
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip("\r\n")
            exchange = Exchange(head, reader, writer)
            self.asked.append(exchange)
            await self.routes.get(exchange.target.split("?")[0], not_found)(exchange)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


async def not_found(exchange: Exchange) -> None:
    await exchange.answer(404, "no such route")


def replies(status: int, body: Any = "", headers: dict[str, str] | None = None) -> Handler:
    async def handler(exchange: Exchange) -> None:
        await exchange.answer(status, body, headers)

    return handler


def guarded(secret: str, body: Any) -> Handler:
    """A cron route: 401 without its secret."""

    async def handler(exchange: Exchange) -> None:
        allowed = exchange.headers.get("authorization") == f"Bearer {secret}"
        await exchange.answer(200 if allowed else 401, body if allowed else {"error": "Unauthorized"})

    return handler


async def never(exchange: Exchange) -> None:
    await asyncio.Event().wait()


async def drip(exchange: Exchange) -> None:
    pause = asyncio.get_running_loop().create_future()
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        exchange.writer.write(b".")
        await exchange.writer.drain()
        await asyncio.wait([pause], timeout=0.02)


async def reset(exchange: Exchange) -> None:
    raw = exchange.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


async def hang_up(exchange: Exchange) -> None:
    exchange.writer.close()


async def babble(exchange: Exchange) -> None:
    exchange.writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await exchange.writer.drain()


async def cut_short(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    await exchange.writer.drain()


@contextmanager
def serving(routes: dict[str, Handler], context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(routes, context)
    try:
        yield server
    finally:
        server.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
