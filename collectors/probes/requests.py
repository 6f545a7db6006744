"""Which requests a probes source makes: from its `http` fence or its routes, filled in, and held to the origin it may contact.

A request that policy forbids keeps its place in the plan with the reason, so that it is a row; it is never sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit, urlunsplit

from collectors.logs.route import normalise_route, pattern_test
from store.errors import BadInput
from store.runbook.model import Command, Runbook, Source

HARMLESS = ("GET", "HEAD", "OPTIONS")

_REQUEST = re.compile(r"(?:(?P<method>[A-Z]+)[ \t]+)?(?P<url>(?:https?://|/|\{\{)\S*)(?:[ \t]+HTTP/[\d.]+)?")
_HEADER = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(?P<value>.*)")
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-cron-secret", "x-api-key"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}


class Request(NamedTuple):
    """One request, filled in. `forbidden` says why it must not be sent; `note` what was left out of it."""

    method: str
    url: str
    route: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    secret_sent: bool
    forbidden: str = ""
    note: str = ""


class Template(NamedTuple):
    """One request as the runbook writes it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str
    line: int


def plan_requests(runbook: Runbook, source: Source, environ: Mapping[str, str]) -> tuple[Request, ...]:
    """The requests of a source, in the runbook's order.

    Raises:
        BadInput: the fence cannot be read, a variable is not set, or the origin is none.
    """
    base = origin_of(source, environ)
    templates = templates_of(source)
    if not templates:
        raise BadInput(f"source {source.id} lists no request", "give it an http fence or routes")
    return tuple(_fill(template, base, runbook, source, environ) for template in templates)


def templates_of(source: Source) -> tuple[Template, ...]:
    """The requests as written: those of the fence, else one GET for each route.

    Raises:
        BadInput: the fence cannot be read.
    """
    if source.command is not None and source.command.language == "http":
        return tuple(_read_fence(source.command))
    wild = [route for route in source.routes if "*" in route]
    if wild:
        raise BadInput(
            f"source {source.id} cannot ask for {wild[0]}", "write whole paths, or an http fence beside the pattern"
        )
    return tuple(Template("GET", route, (), "", source.line) for route in source.routes)


def origin_of(source: Source, environ: Mapping[str, str]) -> str:
    """The one origin that may be contacted, with its base path if it has one.

    Raises:
        BadInput: its variable is not set, or holds no origin.
    """
    variable = source.origin or ""
    value = environ.get(variable, "").strip().rstrip("/")
    if not value:
        raise BadInput(f"{variable or 'the origin variable'} is not set", f"export {variable}=https://…")
    parts = _split(value)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname or parts.username is not None or parts.query:
        raise BadInput(f"{variable} is not an origin", "set it to https://HOST, without user, query or fragment")
    return value


def same_origin(url: str, other: str) -> bool:
    """Whether two addresses share scheme, host and port."""
    return _origin(url) == _origin(other) is not None


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    parts = _split(url)
    return parts is not None and parts.hostname in _LOOPBACK


def _origin(url: str) -> tuple[str, str, int] | None:
    parts = _split(url)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 reading it judges it
    except ValueError:
        return None
    return parts


def _read_fence(fence: Command) -> Iterator[Template]:
    block: list[str] = []
    start = fence.line + 1
    lines = fence.text.splitlines()
    for number, line in enumerate([*lines, "###"], fence.line + 1):
        if not line.startswith("###"):
            block.append(line)
            continue
        if any(_says_something(each) for each in block):
            yield _read_request(block, start)
        block, start = [], number + 1


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(("#", "//"))


def _read_request(lines: list[str], first: int) -> Template:
    at = next(index for index, line in enumerate(lines) if _says_something(line))
    asked = _REQUEST.fullmatch(lines[at].strip())
    if not asked:
        raise BadInput(
            f"line {first + at} of the runbook is no request: {lines[at].strip()[:60]!r}", "write GET {{ORIGIN}}/path"
        )
    headers: list[tuple[str, str]] = []
    body: list[str] = []
    for index, line in enumerate(lines[at + 1 :], at + 1):
        if not line.strip():
            body = lines[index + 1 :]
            break
        if not _says_something(line):
            continue
        header = _HEADER.fullmatch(line.strip())
        if not header:
            raise BadInput(
                f"line {first + index} of the runbook is no header: {line.strip()[:60]!r}", "write Name: value"
            )
        headers.append((header["name"], header["value"]))
    text = "\n".join(body).strip()
    return Template(asked["method"] or "GET", asked["url"], tuple(headers), text, first + at)


def _fill(template: Template, base: str, runbook: Runbook, source: Source, environ: Mapping[str, str]) -> Request:
    url, missing = fill_text(template.url, source, base, environ)
    if missing:
        raise BadInput(f"{missing[0]} is not set", f"export {missing[0]}=…")
    url = _tidy(f"{base}{url}" if url.startswith("/") else url)
    headers, notes = [("Accept", "*/*"), ("User-Agent", "closeout")], []
    secret_sent = False
    given = {name.lower(): name for name, _ in (*source.headers, *template.headers)}
    headers = [header for header in headers if header[0].lower() not in given]
    for name, text in (*source.headers, *template.headers):
        value, missing = fill_text(text, source, base, environ)
        if missing and missing[0] not in runbook.secrets:
            raise BadInput(f"{missing[0]} is not set", f"export {missing[0]}=…")
        if missing:
            notes.append(f"{missing[0]} is not set, so {name} was not sent")
            continue
        headers.append((name, value))
        secret_sent |= name.lower() in _SECRET_HEADERS or bool(set(_VARIABLE.findall(text)) & set(runbook.secrets))
    body, missing = fill_text(template.body, source, base, environ)
    if missing:
        raise BadInput(f"{missing[0]} is not set", f"export {missing[0]}=…")
    request = Request(
        template.method,
        url,
        normalise_route(url) or "/",
        tuple(headers),
        body.encode(),
        secret_sent,
        note="; ".join(notes),
    )
    return request._replace(forbidden=_forbidden(request, base, source))


def fill_text(text: str, source: Source, base: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Fill variables in and name those that are not set.

    White space around a value is left out: a line break behind a signing key once took a live system down.
    """
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        name = match[1]
        found = base if name == source.origin else environ.get(name, "").strip()
        if not found:
            missing.append(name)
        return found

    return _VARIABLE.sub(value, text), missing


def _tidy(url: str) -> str:
    """Without double slashes in the path, which some platforms answer with a redirect."""
    parts = _split(url)
    if parts is None:
        return url
    return urlunsplit(parts._replace(path=re.sub(r"/{2,}", "/", parts.path) or "/", fragment=""))


def _forbidden(request: Request, base: str, source: Source) -> str:
    parts = _split(request.url)
    if parts is None or _origin(request.url) is None:
        return "its address is none"
    if parts.username is not None:
        return "its address holds a user or password"
    if not same_origin(request.url, base):
        return f"its origin is not the one in {source.origin}"
    if any(segment in (".", "..") for segment in parts.path.replace("%2e", ".").replace("%2E", ".").split("/")):
        return "its path holds dot segments"
    if source.routes and not any(pattern_test(route)(request.route) for route in source.routes):
        return "its path is not among the source's routes"
    if any(
        ord(sign) < 32 or ord(sign) == 127
        for pair in (*request.headers, ("", request.url))
        for part in pair
        for sign in part
    ):
        return "a variable in it holds a control character"
    if request.secret_sent and parts.scheme != "https" and not is_loopback(request.url):
        return "its secret would travel unencrypted"
    return ""
