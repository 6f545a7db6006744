"""Paths as the platform writes them, and the patterns that a runbook compares them with: whole paths, never prefixes
by accident.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SLASHES = re.compile(r"/{2,}")

OTHER = "*"
"""The route that traffic of no watched route is counted under."""


def normalise_route(value: object) -> str | None:
    """The path alone: without scheme, host, query and double slashes; None where there is none."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text.startswith("/"):
        text = _without_host(text)
        if not text:
            return None
    for mark in "?#":
        text = text.partition(mark)[0]
    if "//" in text:
        text = _SLASHES.sub("/", text)
    return text


def _without_host(text: str) -> str:
    if scheme := _SCHEME.match(text):
        text = text[scheme.end() :]
        host, slash, rest = text.partition("/")
        return slash + rest if slash else "/" if host else ""
    host, slash, rest = text.partition("/")
    if slash:
        return slash + rest
    host = host.partition("?")[0]
    return "/" if "." in host or ":" in host else ""


def route_test(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a normalised path is one of the routes; `*` is one segment, `**` a trailing rest."""
    patterns = tuple(patterns)
    exact = frozenset(p for p in patterns if "*" not in p)
    wild = [_compile(p) for p in patterns if "*" in p]

    def test(path: str) -> bool:
        bare = path if len(path) == 1 else path.removesuffix("/")
        return bare in exact or any(pattern.fullmatch(path) for pattern in wild)

    return test


def _compile(pattern: str) -> re.Pattern[str]:
    parts = [{"**": ".*", "*": "[^/]+"}.get(segment, re.escape(segment)) for segment in pattern.split("/")]
    return re.compile("/".join(parts) + ("" if pattern.endswith("**") else "/?"), re.DOTALL)


class RouteLabels(dict[str, str]):
    """The watched route that a path is counted under in traffic, remembered per path.

    Watched routes are the runbook's own patterns. A path counts once: under its exact route, else under the most
    specific pattern, else under `*`; so that the numbers of all routes add up to all requests.
    """

    LIMIT = 20_000

    def __init__(self, patterns: Iterable[str]) -> None:
        super().__init__()
        patterns = tuple(patterns)
        wild = sorted((p for p in patterns if "*" in p), key=lambda p: (-len(p.split("*", 1)[0]), p))
        self._exact = frozenset(p for p in patterns if "*" not in p)
        self._wild = [(p, _compile(p)) for p in wild]

    def __missing__(self, path: str) -> str:
        """Find the label of a path that was not met yet; the path may still carry host and query."""
        route = normalise_route(path) or ""
        bare = route if len(route) == 1 else route.removesuffix("/")
        label = bare if bare in self._exact else next((p for p, test in self._wild if test.fullmatch(route)), OTHER)
        if len(self) >= self.LIMIT:
            self.clear()
        self[path] = label
        return label
