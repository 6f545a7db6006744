"""The outermost layer around Datasette for paths of a case: headers that keep evidence inert, and no method that could write.

CSV leaves without formulas. Datasette's own pages bring inline scripts, so they get a policy that allows those and nothing remote; our pages set a stricter one
themselves. Requests for other databases pass through untouched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from store.review.recognise import case_on_route, cases_of
from store.review.sheets import SafeCells

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

STOCK_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", STOCK_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_READING = ("GET", "HEAD", "OPTIONS")


def guarded(datasette: Any) -> Callable[[App], App]:
    """The wrapper that Datasette puts around its application."""

    def wrap(app: App) -> App:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            path = _path_below(scope, str(datasette.setting("base_url")))
            segment = path.strip("/").split("/")[0]
            if not segment and (home := _only_case(datasette)):
                await _redirect(send, home)
            elif segment and _is_ours(datasette, segment):
                if scope["method"] not in _READING:
                    await _refuse(send)
                else:
                    out = _with_headers(send)
                    await app(scope, receive, _with_safe_cells(out) if _asks_for_csv(scope, path) else out)
            else:
                await app(scope, receive, send)

        return serve

    return wrap


def _path_below(scope: Scope, base_url: str) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    return "/" + path[len(base_url) :] if base_url != "/" and path.startswith(base_url) else path


def _only_case(datasette: Any) -> str | None:
    """The front page of the case, if a case is all that this Datasette serves."""
    files = [database for name, database in datasette.databases.items() if name not in ("_internal", "__INTERNAL__")]
    ours = cases_of(datasette)
    if len(files) != 1 or len(ours) != 1:
        return None
    return f"{datasette.urls.database(next(iter(ours)))}/-/case"


def _is_ours(datasette: Any, segment: str) -> bool:
    return case_on_route(datasette, segment.partition(".")[0]) is not None


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            held = {bytes(name).lower() for name, _ in headers}
            headers += [(name, value) for name, value in _HEADERS if name not in held]
            message = {**message, "headers": headers}
        await send(message)

    return sending


def _asks_for_csv(scope: Scope, path: str) -> bool:
    query: bytes = scope.get("query_string") or b""
    return path.endswith(".csv") or b"_format=csv" in query


def _with_safe_cells(send: Send) -> Send:
    """Take the formulas out of a CSV text; other answers to the same address, such as an error, pass as they are."""
    cells: SafeCells | None = None

    async def sending(message: MutableMapping[str, Any]) -> None:
        nonlocal cells
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            kind = next((value for name, value in headers if bytes(name).lower() == b"content-type"), b"")
            if kind.startswith((b"text/csv", b"text/plain")):
                cells = SafeCells()
                kept = [(name, value) for name, value in headers if bytes(name).lower() != b"content-length"]
                message = {**message, "headers": kept}
        elif message["type"] == "http.response.body" and cells is not None:
            body = cells.feed(message.get("body", b""), last=not message.get("more_body", False))
            message = {**message, "body": body}
        await send(message)

    return sending


async def _redirect(send: Send, place: str) -> None:
    await send({"type": "http.response.start", "status": 302, "headers": [(b"location", place.encode("latin-1"))]})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"allow", b"GET, HEAD")]
    await send({"type": "http.response.start", "status": 405, "headers": headers})
    await send({"type": "http.response.body", "body": b"A case under review is only read.\n"})
