"""Serve one case in Datasette: loopback, read-only, SQL off unless asked, a limit on every query.

The socket is bound before the address is told, so that a told address answers. On loopback only requests that name a loopback host are
answered: a web page elsewhere cannot reach the case by giving its own name this address.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.case import Case
from store.errors import Refused
from store.review.guard import App, Receive, Scope, Send

DEFAULT_PORT = 8001
SQL_LIMIT_MS = 1000


@dataclass(frozen=True, slots=True)
class Review:
    """A review that is ready to be served."""

    url: str
    sealed: bool
    app: App
    datasette: Any
    listener: socket.socket

    def serve(self, *, started: Callable[[], None] | None = None) -> None:
        """Answer requests until interrupted."""
        import uvicorn

        if started is not None:
            started()
        config = uvicorn.Config(self.app, log_level="warning", lifespan="on", timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[self.listener])


def open_review(
    path: Path,
    *,
    others: Sequence[Path] = (),
    host: str = "127.0.0.1",
    port: int | None = None,
    allow_sql: bool = False,
) -> Review:
    """Make a review ready: check the case and those beside it, bind the address, build Datasette.

    Raises:
        Refused: it is no case, or the address is taken.
    """
    sealed = {each: _is_sealed(each) for each in (path, *others)}
    listener = _bind(host, port)
    datasette = _datasette(sealed, allow_sql=allow_sql)
    app: App = datasette.app()
    address = listener.getsockname()
    return Review(_url(host, address[1], datasette, path), sealed[path], _own_host_only(app, host), datasette, listener)


def case_datasette(path: Path, *, sealed: bool, allow_sql: bool = False) -> Any:
    """Datasette on one case. Only a sealed file is opened as one that never changes."""
    return _datasette({path: sealed}, allow_sql=allow_sql)


def _is_sealed(path: Path) -> bool:
    with Case.open(path) as case:
        return case.head().kind == "seal"


def _datasette(sealed: Mapping[Path, bool], *, allow_sql: bool) -> Any:
    from datasette.app import Datasette
    from datasette.plugins import pm

    import store.review as plugin

    if not any(loaded is plugin for loaded in pm.get_plugins()):
        pm.register(plugin, name="closeout")  # a bare checkout has no entry points
    settings = {
        "default_allow_sql": allow_sql,
        "sql_time_limit_ms": SQL_LIMIT_MS,
        "allow_download": all(sealed.values()),
        "suggest_facets": False,
        "max_returned_rows": 1000,
        "allow_csv_stream": False,
    }
    return Datasette(
        files=[str(path) for path, ended in sealed.items() if not ended],
        immutables=[str(path) for path, ended in sealed.items() if ended],
        settings=settings,
    )


def _bind(host: str, port: int | None) -> socket.socket:
    """Bind the asked port; without one the usual port, or any free one where that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in [DEFAULT_PORT, 0] if port is None else [port]:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(64)
        except (OSError, OverflowError) as error:
            listener.close()
            trouble = error
            continue
        return listener
    words = getattr(trouble, "strerror", None) or str(trouble)
    raise Refused(f"cannot listen on {host} port {port}: {words}", "choose another one, or --port 0 for any free one")


def _url(host: str, port: int, datasette: Any, path: Path) -> str:
    name = next(name for name, database in datasette.databases.items() if database.path == str(path))
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{datasette.urls.database(name)}/-/case"


def _own_host_only(app: App, host: str) -> App:
    """Refuse requests under another name than ours, as long as we listen on loopback only."""
    if not _is_loopback(host):
        return app

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_loopback(_named_host(scope)):
            await send({"type": "http.response.start", "status": 421, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"This review answers on loopback only.\n"})
            return
        await app(scope, receive, send)

    return serve


def _named_host(scope: Scope) -> str:
    named = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
    host = named.rpartition(":")[0] if named.rpartition(":")[2].isdecimal() else named
    return host.strip("[]")


def _is_loopback(host: str) -> bool:
    if host in ("localhost", ""):
        return host == "localhost"
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
