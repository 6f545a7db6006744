"""Take secrets and persons out of what a browser recorded, by lists of what may stay; only then is anything hashed.

Pictures cannot be scrubbed: fields of passwords are covered when they are taken, and the redaction note says the rest.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from collectors.logs.redact import Redactor

NOTE = "headers, cookies, query values, bodies, mail addresses and declared secrets taken out before hashing"
PICTURE_NOTE = "password fields covered; otherwise the page as it looked"

_MAY_STAY = """
    accept content-type content-length cache-control date server location retry-after age vary host user-agent
    x-vercel-id x-vercel-cache x-matched-path x-request-id x-amzn-requestid fly-request-id cf-ray x-correlation-id
    server-timing
"""
_HEADERS = frozenset(_MAY_STAY.split())
_PICTURES = (".jpeg", ".jpg", ".png", ".webp")
_TEXTS = (".trace", ".network", ".stacks")
_BODIES = frozenset({"postData", "post_data", "_text", "body", "text64"})


def scrub_har(data: bytes, redactor: Redactor) -> bytes:
    """A HAR without bodies, cookies, foreign headers and query values."""
    return json.dumps(_scrub(json.loads(data), redactor), ensure_ascii=False, indent=1).encode()


def scrub_trace(data: bytes, redactor: Redactor) -> bytes:
    """A trace with its actions, messages and pictures; page sources and bodies are left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if entry.filename.endswith(_TEXTS):
                target.writestr(_named(entry.filename), _scrub_lines(source.read(entry), redactor))
            elif entry.filename.lower().endswith(_PICTURES) and not entry.filename.startswith("resources/"):
                target.writestr(_named(entry.filename), source.read(entry))
    return out.getvalue()


def scrub_lines(records: list[dict[str, Any]], redactor: Redactor) -> bytes:
    """Records of our own as lines of JSON."""
    lines = (json.dumps(_scrub(record, redactor), ensure_ascii=False) for record in records)
    return "".join(f"{line}\n" for line in lines).encode()


def scrub_object(value: dict[str, Any], redactor: Redactor) -> bytes:
    """One object of our own, for people to read."""
    return (json.dumps(_scrub(value, redactor), ensure_ascii=False, indent=1) + "\n").encode()


def _named(name: str) -> zipfile.ZipInfo:
    # A fixed date, so that the same capture packs to the same bytes.
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _scrub_lines(data: bytes, redactor: Redactor) -> bytes:
    lines = []
    for line in data.decode("utf-8", "replace").splitlines():
        try:
            lines.append(json.dumps(_scrub(json.loads(line), redactor), ensure_ascii=False))
        except ValueError:
            lines.append(redactor.text(line))
    return "".join(f"{line}\n" for line in lines).encode()


def _scrub(value: Any, redactor: Redactor, key: str = "") -> Any:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, list):
        if key.lower() in ("headers", "trailers"):
            return [_header(each, redactor) for each in value if _allowed(each)]
        return [_scrub(each, redactor, key) for each in value]
    if isinstance(value, dict):
        if key == "queryString":
            return {}
        return {name: _member(name, each, redactor) for name, each in value.items()}
    return value


def _member(name: str, value: Any, redactor: Redactor) -> Any:
    if name in ("cookies", "queryString", "storageState", "origins"):
        return []
    if name in _BODIES:
        return None
    if name.lower() == "headers" and isinstance(value, dict):
        return {each: redactor.text(str(text)) for each, text in value.items() if each.lower() in _HEADERS}
    return _scrub(value, redactor, name)


def _allowed(header: Any) -> bool:
    return isinstance(header, dict) and str(header.get("name", "")).lower() in _HEADERS


def _header(header: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    return {"name": header.get("name"), "value": redactor.text(str(header.get("value", "")))}
