"""Paths as the platform writes them, and the patterns that a runbook compares them with: whole paths, never prefixes by
accident.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from operator import methodcaller

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SLASHES = re.compile(r"/{2,}")

OTHER = "*"
"""The route that traffic of no watched route is counted under."""


def normalise_route(value: object) -> str | None:
    """The path alone: without scheme, host, query and double slashes; None where there is none."""
    if not isinstance(value, str):
        return None
    text = value.strip(" \t\r\n")
    if not text.startswith("/"):
        text = _without_host(text)
        if not text:
            return None
    if "?" in text or "#" in text:
        text = text.partition("?")[0].partition("#")[0]
    if "//" in text:
        text = _SLASHES.sub("/", text)
    return text


def _without_host(text: str) -> str:
    text = text.partition("?")[0].partition("#")[0]
    if scheme := _SCHEME.match(text):
        text = text[scheme.end() :]
        host, slash, rest = text.partition("/")
        return slash + rest if slash else "/" if host else ""
    host, slash, rest = text.partition("/")
    if slash:
        return slash + rest
    return "/" if "." in host or ":" in host else ""


def pattern_test(pattern: str) -> Callable[[str], bool]:
    """A test whether a normalised path is on a route; `*` is one segment, `**` a trailing rest, a slash at the end is
    none.
    """
    if "*" not in pattern:
        return lambda path: path == pattern or (path[-1:] == "/" and path[:-1] == pattern)
    start = pattern.removesuffix("**")
    if "*" not in start:
        return methodcaller("startswith", start)
    parts = [{"**": ".*", "*": "[^/]+"}.get(segment, re.escape(segment)) for segment in pattern.split("/")]
    compiled = re.compile("/".join(parts) + ("" if pattern.endswith("**") else "/?"), re.DOTALL)
    return lambda path: compiled.fullmatch(path) is not None


class Place:
    """Where a path belongs: the route that it counts under, and the signatures, by index, on whose routes it lies."""

    __slots__ = ("by_status", "label", "signatures")

    def __init__(self, label: str, signatures: tuple[int, ...]) -> None:
        self.label = label
        self.signatures = signatures
        self.by_status = False


class Routes:
    """The routes of all signatures.

    For traffic a path counts once: under its exact route, else the most specific pattern, else `*`; so that the numbers
    of all routes add up to all requests, and those within a pattern to its requests.
    """

    LIMIT = 4_000

    def __init__(self, routes_of: Iterable[tuple[str, ...]], by_status: Iterable[int] = ()) -> None:
        self._routes_of = tuple(routes_of)
        self._by_status = frozenset(by_status)
        patterns = {pattern for routes in self._routes_of for pattern in routes}
        self._exact = frozenset(pattern for pattern in patterns if "*" not in pattern)
        # Of two patterns that begin alike the one with an open end is the wider.
        specific = sorted(patterns - self._exact, key=lambda p: (-len(p.partition("*")[0]), p.endswith("**"), p))
        self._wild = [(pattern, pattern_test(pattern)) for pattern in specific]
        self._places: dict[tuple[str, ...], Place] = {}
        self._known: dict[str, Place] = {}

    def of(self, route: str) -> Place:
        """The place of a normalised path, remembered per path."""
        place = self._known.get(route)
        if place is None:
            if len(self._known) >= self.LIMIT:
                self._known.clear()
            place = self._known[route] = self.find(route)
        return place

    def find(self, route: str) -> Place:
        """The place of a normalised path; equal places are one object."""
        on = tuple([pattern for pattern, test in self._wild if test(route)])
        bare = route[:-1] if route[-1:] == "/" and len(route) > 1 else route
        if bare in self._exact:
            on = (bare, *on)
        place = self._places.get(on)
        if place is None:
            # Under a pattern that lies within all the others a path counts for all of them; under crossing ones only
            # under its own name.
            nested = all(pattern_test(other)(on[0]) for other in on[1:])
            place = self._new_place(on[0] if on and nested else bare if on else OTHER, on)
            if nested:
                self._places[on] = place
        return place

    def _new_place(self, label: str, on: tuple[str, ...]) -> Place:
        signatures = (i for i, routes in enumerate(self._routes_of) if not routes or not set(routes).isdisjoint(on))
        place = Place(label, tuple(signatures))
        place.by_status = not self._by_status.isdisjoint(place.signatures)
        return place
