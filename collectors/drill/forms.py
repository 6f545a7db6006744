"""The story's requests in the forms in which a platform's logs reach people. The staged world's own log holds one request in each line.

Only the standard library is used: the staged platform command reads the same lines in an interpreter that must start at once.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collectors.drill.script import Request

PROJECT = "prj_staged"
DEPLOYMENT = "dpl_staged_new"
VERSION = "50.42.0"


def own_line(request: Request) -> str:
    """A request as the staged world keeps it. The start stands first, so that a reader can pass over a line without parsing it."""
    return json.dumps(
        {
            "start": request.started_ms,
            "end": request.ended_ms,
            "id": request.id,
            "method": request.method,
            "route": request.route,
            "status": request.status,
            "lines": list(request.lines),
        },
        separators=(",", ":"),
    )


def query_row(kept: dict[str, Any], host: str) -> dict[str, Any]:
    """One request as `vercel logs … --json` prints it when it looks back: with its lines nested, stamped at its start."""
    lines = [{"level": level, "message": text} for level, text in kept["lines"]]
    worst = lines[-1] if lines else {"level": "info", "message": ""}
    return {
        "id": kept["id"],
        "timestamp": kept["start"],
        "deploymentId": DEPLOYMENT,
        "projectId": PROJECT,
        "level": worst["level"],
        "message": worst["message"],
        "messageTruncated": False,
        "source": "serverless",
        "domain": host,
        "requestMethod": kept["method"],
        "requestPath": kept["route"],
        "responseStatusCode": kept["status"],
        "environment": "production",
        "logs": lines,
    }


def stream_rows(kept: dict[str, Any], host: str) -> list[dict[str, Any]]:
    """One request as `vercel logs --follow --json` prints it: a row for each line, without a status, stamped when it was said."""
    lines = kept["lines"] or [["info", f"{kept['method']} {kept['route']} {kept['status']}"]]
    rows = []
    for level, text in lines:
        at = kept["end"] if level == "error" or len(lines) == 1 else kept["start"]
        rows.append(
            {
                "level": level,
                "message": text,
                "messageTruncated": False,
                "rowId": str(at),
                "source": "serverless",
                "timestampInMs": at,
                "requestMethod": kept["method"],
                "requestPath": kept["route"],
                "domain": host,
                "responseStatusCode": -1,
            }
        )
    return rows


def delimiter_row(at_ms: int) -> dict[str, Any]:
    """What the platform prints where its stream was cut by its limit."""
    return {
        "level": "error",
        "message": "Exceeded query limit for log lines",
        "messageTruncated": False,
        "rowId": "",
        "source": "delimiter",
        "timestampInMs": at_ms,
        "requestMethod": "",
        "requestPath": "",
        "domain": "",
        "responseStatusCode": 0,
    }


def export_rows(request: Request, host: str) -> list[dict[str, Any]]:
    """One request as the dashboard exports it: a row for each phase and each line, all with the request's status."""
    took = request.ended_ms - request.started_ms
    rows = [_export(request, host, request.started_ms, "function", took, "", "")]
    if request.fault == "error-500":
        rows.insert(0, _export(request, host, request.started_ms - 4, "middleware", 4, "", ""))
    for level, text in request.lines:
        if level == "error":
            rows.append(_export(request, host, request.ended_ms, "function", 0, level, text))
    return rows


def _export(request: Request, host: str, at_ms: int, kind: str, took_ms: int, level: str, text: str) -> dict[str, Any]:
    return {
        "projectId": PROJECT,
        "TimeUTC": f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}",
        "timestampInMs": at_ms,
        "requestPath": host + request.route,
        "requestMethod": request.method,
        "requestQueryString": "",
        "responseStatusCode": request.status,
        "requestId": request.id,
        "requestUserAgent": "",
        "level": level,
        "environment": "production",
        "vercelCache": "",
        "type": kind,
        "function": request.route,
        "host": host,
        "deploymentDomain": host,
        "deploymentId": DEPLOYMENT,
        "durationMs": took_ms if not text else "",
        "region": "iad1",
        "message": text,
        "projectName": "staged",
    }
