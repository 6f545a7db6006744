"""The staged routes, answered by a real server: they work, fail, time out, say that they are locked or only dispatch, as the story has it.

What the story's own visitors ask is in the story; what anybody else asks (a probe, a browser, a person) is answered by the scenario's
answers. Every request that was answered stands in the platform's log afterwards.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from collectors.drill.scenario import Scenario
from collectors.drill.script import LiveTime, Request

VISIT = b"x-staged-visit"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_SLOW_S = 25.0
_BODIES: dict[str, tuple[int, dict[str, Any]]] = {
    "ok": (200, {"success": True, "health": "healthy", "processed": 3}),
    "locked": (200, {"success": True, "skipped": True, "reason": "locked"}),
    "dispatched": (202, {"success": True, "mode": "dispatch-only", "dispatch": {"dispatchKey": "staged"}, "publishedEventIds": []}),
    "unauthorized": (401, {"error": "Unauthorized"}),
    "error-500": (500, {"success": False, "errors": ["staged failure"]}),
    "timeout": (504, {"error": "FUNCTION_INVOCATION_TIMEOUT"}),
}  # fmt: skip
_USUAL = {"/api/cron/background-jobs": "dispatched"}
_BUSY_ONCE = "/api/cron/followups"
"""Its job runs already when it is asked for the first time: locked is healthy, and locked again and again is not."""
_PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>DRILL: {view}</title>
<style>body{{font:16px sans-serif;margin:2em}} b{{background:#fc0}} td{{padding:.2em 1em .2em 0}}</style></head>
<body><p><b>DRILL</b> a staged application; nothing here is real</p><h1>{view}</h1>
<table><tr><td>waiting</td><td id="waiting">…</td></tr><tr><td>conversations</td><td id="counts">…</td></tr></table>
<script>
console.info("view {view} drawn");
fetch("/api/inbox/counts").then(r => r.json().then(d => [r.status, d])).then(([s, d]) => {{
  document.getElementById("counts").textContent = s === 200 ? d.processed : "failed: " + s;
  if (s !== 200) console.error("counts answered " + s);
}});
document.getElementById("waiting").textContent = "some";
</script></body></html>"""


class Routes:
    """The application behind the server.

    Args:
        scenario: what is told to strangers.
        time: when the live part takes place.
        secret: what the cron routes ask for.
        clock: the wall clock in milliseconds.
        log: takes every request that was answered.
    """

    def __init__(
        self, scenario: Scenario, time: LiveTime, secret: str, clock: Callable[[], int], log: Callable[[Request], None]
    ) -> None:
        self.time = time
        self.visits: dict[bytes, Request] = {}
        self._scenario = scenario
        self._secret = secret
        self._clock = clock
        self._log = log
        self._asked = 0
        self._was_busy = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began = self._clock()
        headers = dict(scope["headers"])
        visit = self.visits.pop(headers.get(VISIT, b""), None)
        if visit is not None:
            await self._answer_visit(visit, send)
            return
        path = str(scope["path"])
        status, body, kind = await self._answer_stranger(path, scope["query_string"].decode(), headers)
        self._asked += 1
        name = f"ask{self._asked:02d}-{began}-{self._asked:012x}"
        self._log(Request(began, self._clock(), name, str(scope["method"]), path, status))
        await _say(send, status, body, kind, name)

    async def _answer_visit(self, visit: Request, send: Send) -> None:
        """The end of a request of the story; whoever waited for a time-out has waited since before."""
        ended = self._clock()
        self._log(replace(visit, started_ms=ended - (visit.ended_ms - visit.started_ms), ended_ms=ended))
        body = {"success": visit.status < 400} if not visit.fault else {"success": False, "error": visit.lines[-1][1]}
        await _say(send, visit.status, json.dumps(body).encode(), b"application/json", visit.id)

    async def _answer_stranger(self, path: str, query: str, headers: dict[bytes, bytes]) -> tuple[int, bytes, bytes]:
        if not path.startswith("/api/"):
            view = query.partition("view=")[2].partition("&")[0] or "home"
            view = "".join(letter for letter in view if letter.isalnum() or letter in "-_")
            return 200, _PAGE.format(view=view).encode(), b"text/html; charset=utf-8"
        wanted = f"Bearer {self._secret}".encode()
        says = self._says(path)
        if "/cron/" in path and headers.get(b"authorization") != wanted:
            says = "unauthorized"
        if says == "timeout":
            await asyncio.sleep(_SLOW_S)
        status, body = _BODIES[says]
        return status, json.dumps(body).encode(), b"application/json"

    def _says(self, path: str) -> str:
        if path == _BUSY_ONCE and not self._was_busy:
            self._was_busy = True
            return "locked"
        return says_at(self._scenario, path, self._clock(), self.time)


def says_at(scenario: Scenario, path: str, at_ms: int, time: LiveTime) -> str:
    """What a route said to strangers at an instant."""
    told = [one.says for one in scenario.answers if one.route == path and time.at(one.from_ms) <= at_ms]
    return told[-1] if told else _USUAL.get(path, "ok")


def status_of(says: str) -> int:
    """The status of an answer; 0 where none came in time."""
    return 0 if says == "timeout" else _BODIES[says][0]


async def _say(send: Send, status: int, body: bytes, kind: bytes, name: str) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"x-vercel-id", f"iad1::{name}".encode()),
        (b"server", b"staged"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
