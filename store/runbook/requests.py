"""The request lines of an `http` fence: enough to check them, never to send them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from store.runbook.model import Command

_REQUEST = re.compile(r"(?:(?P<method>[A-Z]+)[ \t]+)?(?P<address>(?:https?://|/|\{\{)\S*)(?:[ \t]+HTTP/[\d.]+)?")
_BEFORE_PATH = re.compile(r"^(?:\{\{\s*\w+\s*\}\}|https?://[^/?#]+)", re.IGNORECASE)


class RequestLine(NamedTuple):
    """One request as it is written; `route` is its path alone, None when the line is no request."""

    line: int
    text: str
    method: str = ""
    route: str | None = None


def request_lines(command: Command) -> Iterator[RequestLine]:
    """Yield the first line of each request; `###` stands between requests, `#` and `//` begin comments."""
    expected = True
    for number, line in enumerate(command.text.split("\n"), command.line + 1):
        written = line.strip()
        if written.startswith("###"):
            expected = True
        elif expected and written and not written.startswith(("#", "//")):
            expected = False
            yield _read(number, written)


def _read(number: int, written: str) -> RequestLine:
    request = _REQUEST.fullmatch(written)
    if not request:
        return RequestLine(number, written)
    path = re.split(r"[?#]", _BEFORE_PATH.sub("", request["address"]))[0]
    if not path and _BEFORE_PATH.match(request["address"]):
        path = "/"
    return RequestLine(number, written, request["method"] or "GET", path if path.startswith("/") else None)
