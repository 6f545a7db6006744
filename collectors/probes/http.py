"""The only module that speaks HTTP: one request to one place, its phases timed, bounded in time and size.

No proxy unless asked for, no redirect followed, no retry, no kept connection: each probe measures what a new client meets.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from collectors.probes.requests import Request

KEPT_BODY = 64 * 1024
MAX_BODY = 8 * 1024 * 1024

# The client would log whole addresses, and their queries with them.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


class Trouble(NamedTuple):
    """Why there is no whole answer, as an outcome word and a sentence."""

    outcome: str
    reason: str


@dataclass(slots=True)
class Answer:
    """What came back. Phases are microseconds; one that was not reached is None."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    body_size: int | None = None
    body_sha256: str | None = None
    cut: bool = False
    trouble: Trouble | None = None
    resolve_us: int | None = None
    connect_us: int | None = None
    tls_us: int | None = None
    first_byte_us: int | None = None
    total_us: int = 0


class Prober:
    """Sends requests one after the other. Use as a context manager."""

    def __init__(self, environ: Mapping[str, str], timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._proxy = environ.get("CLOSEOUT_PROXY", "").strip() or None
        self._loop = asyncio.new_event_loop()
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                verify=_trusted(environ),
                trust_env=False,
                proxy=self._proxy,
                limits=httpx.Limits(max_keepalive_connections=0),
                retries=0,
            ),
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 the deadline is around the whole, for a slow drip never trips a read timeout
        )

    def __enter__(self) -> Prober:
        self._loop.run_until_complete(self._warm_up())
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def send(self, request: Request) -> Answer:
        """Send one request and wait for its whole answer, its failure or its deadline."""
        return self._loop.run_until_complete(self._send(request))

    async def _send(self, request: Request) -> Answer:
        answer, phases = Answer(), _Phases()
        began = time.perf_counter_ns()
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                await self._exchange(request, answer, phases)
        except TimeoutError:
            answer.trouble = Trouble("timeout", _timed_out(answer, phases, self._timeout_ms))
        except _NotResolved as error:
            answer.trouble = Trouble("resolve", f"the host's name is not known: {error}")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            answer.trouble = _trouble_of(error, phases)
        answer.total_us = (time.perf_counter_ns() - began) // 1000
        phases.write(answer)
        if answer.trouble is not None:
            answer.status = None  # an answer that did not come whole is none
        return answer

    async def _exchange(self, request: Request, answer: Answer, phases: _Phases) -> None:
        host = urlsplit(request.url).hostname or ""
        if self._proxy:
            await self._stream(request, request.url, {}, answer, phases)
            return
        began = time.perf_counter_ns()
        addresses = await _resolve(host)
        answer.resolve_us = (time.perf_counter_ns() - began) // 1000
        for number, address in enumerate(addresses, 1):
            # The connection goes to the address that was looked up, so that the name is resolved and timed once.
            url = str(httpx.URL(request.url).copy_with(host=address))
            try:
                await self._stream(request, url, {"sni_hostname": host}, answer, phases)
            except httpx.ConnectError:
                if number == len(addresses) or phases.has("connection.connect_tcp.complete"):
                    raise
                phases.clear()
            else:
                return

    async def _stream(
        self, request: Request, url: str, extensions: dict[str, Any], answer: Answer, phases: _Phases
    ) -> None:
        headers = [*request.headers, ("Accept-Encoding", "identity"), ("Connection", "close")]
        if not any(name.lower() == "host" for name, _ in headers):
            headers.append(("Host", _host_header(request.url)))
        async with self._client.stream(
            request.method,
            url,
            headers=headers,
            content=request.body or None,
            extensions={**extensions, "trace": phases.note},
        ) as response:
            answer.status = response.status_code
            answer.headers = {name.lower(): value for name, value in response.headers.items()}
            digest, size, kept = hashlib.sha256(), 0, bytearray()
            async for chunk in response.aiter_raw():
                digest.update(chunk)
                size += len(chunk)
                kept += chunk[: max(KEPT_BODY - len(kept), 0)]
                if size > MAX_BODY:
                    answer.cut = True
                    break
            answer.body, answer.body_size, answer.body_sha256 = bytes(kept), size, digest.hexdigest()

    async def _warm_up(self) -> None:
        """Make one request to ourselves, so that lazy imports are not measured as the first probe's connection."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            writer.close()
            await writer.wait_closed()
            answered.set()

        if self._proxy:
            return
        answered = asyncio.Event()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        with contextlib.suppress(httpx.HTTPError, OSError, TimeoutError):
            async with asyncio.timeout(2):
                await self._exchange(Request("GET", url, "/", (), b"", secret_sent=False), Answer(), _Phases())
                await answered.wait()
        server.close()
        await server.wait_closed()


class _Phases:
    """When each phase of the last connection began and ended, as the transport tells."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}

    async def note(self, event: str, _: Mapping[str, Any]) -> None:
        self._at[event] = time.perf_counter_ns()

    def has(self, event: str) -> bool:
        return event in self._at

    def clear(self) -> None:
        self._at.clear()

    def write(self, answer: Answer) -> None:
        answer.connect_us = self._between("connection.connect_tcp.started", "connection.connect_tcp.complete")
        answer.tls_us = self._between("connection.start_tls.started", "connection.start_tls.complete")
        answer.first_byte_us = self._between(
            "http11.send_request_headers.started", "http11.receive_response_headers.complete"
        )

    def _between(self, start: str, end: str) -> int | None:
        begun, ended = self._at.get(start), self._at.get(end)
        return None if begun is None or ended is None else (ended - begun) // 1000


class _NotResolved(Exception):
    """The name has no address; becomes an outcome."""


async def _resolve(host: str) -> list[str]:
    """The host's addresses. A thread of our own, which nobody waits for at exit: a resolver may hang for half a minute."""
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            _tell(loop, found, found.set_result, list(dict.fromkeys(str(info[4][0]) for info in infos)))
        except (OSError, UnicodeError) as error:
            _tell(loop, found, found.set_exception, _NotResolved(getattr(error, "strerror", None) or str(error)))

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    return await found


def _tell(loop: asyncio.AbstractEventLoop, found: asyncio.Future[Any], tell: Callable[[Any], None], what: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop may be gone by the time a slow resolver answers
        loop.call_soon_threadsafe(lambda: None if found.done() else tell(what))


def _host_header(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{host}:{parts.port}" if parts.port and parts.port != default else host


def _trusted(environ: Mapping[str, str]) -> ssl.SSLContext:
    """The machine's own list of authorities, so that a company's own is trusted where the machine trusts it."""
    context = ssl.create_default_context()
    named = environ.get("SSL_CERT_FILE", "").strip()
    if named:
        with contextlib.suppress(OSError):
            context.load_verify_locations(cafile=named)
    return context


def _timed_out(answer: Answer, phases: _Phases, timeout_ms: int) -> str:
    within = f"within {timeout_ms / 1000:g} s"
    if answer.status is not None:
        return f"the answer began with {answer.status} and did not end {within}"
    if phases.has("http11.send_request_headers.started"):
        return f"connected, and no answer {within}; the route may still be running"
    if phases.has("connection.connect_tcp.complete"):
        return f"connected, and TLS did not come about {within}"
    return f"no connection {within}"


_REASONS = {
    errno.ECONNREFUSED: "nothing listens at the server's port",
    errno.ENETUNREACH: "there is no way to the server's network",
    errno.EHOSTUNREACH: "there is no way to the server",
}


def _trouble_of(error: Exception, phases: _Phases) -> Trouble:
    causes = list(_causes(error))
    if phases.has("connection.start_tls.failed") or any(isinstance(each, ssl.SSLError) for each in causes):
        return Trouble("tls", _tls_reason(causes))
    if isinstance(error, httpx.RemoteProtocolError) and "without sending" not in str(error):
        return Trouble("protocol", f"the server does not speak HTTP: {error}")
    if isinstance(error, httpx.ConnectError):
        number = next((each.errno for each in causes if isinstance(each, OSError) and each.errno), None)
        return Trouble("refused", _REASONS.get(number or 0, "the connection was not made"))
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError | OSError):
        return Trouble("reset", "the server cut the connection before the answer was whole")
    return Trouble("protocol", f"the request cannot be made: {type(error).__name__}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for part in error.exceptions:
                yield from _causes(part)
        error = error.__cause__ or error.__context__


def _tls_reason(causes: list[BaseException]) -> str:
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"the server's certificate is not trusted: {each.verify_message}"
    words = next((each.reason for each in causes if isinstance(each, ssl.SSLError) and each.reason), None)
    return f"TLS did not come about: {words.replace('_', ' ').lower()}" if words else "TLS did not come about"
