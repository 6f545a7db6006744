"""Lines that tools print around log records. They are skipped and counted; everything else that is no record is
unreadable.
"""

from __future__ import annotations

import re

from collectors.logs.record import Banner, Item, SourceFault, Unread
from collectors.logs.values import strip_ansi

_KNOWN = re.compile(
    r"""(?x)
    Vercel\ CLI\b | Retrieving\ project | Fetching\b | Fetched\ \d+\ logs | Finding\b | Resolving\ deployment
    | Searching\ for | Displaying\ runtime\ logs | Streaming\ logs\ for | (?:[⠀-⣿|/\\-]\ ?)?waiting\ for\ new\ logs
    | No\ logs\ found | >\  | NOTE:\ The\ Vercel\ CLI | Update\ available | Changelog:
    | Run\ `.*`\ to\ (?:update|install) | ▲\ | Inspect:
    | WARN!\  | npm\ (?:warn|notice|WARN)\b | npx:\ | Need\ to\ install\ the\ following
    | Ok\ to\ proceed | Debug:\ | \[debug\]
    """
)
_SURE = re.compile(
    r"""(?x)
    Vercel\ CLI\ \d | Displaying\ runtime\ logs\ for | Streaming\ logs\ for\ deployment
    | (?:[⠀-⣿]\ )?waiting\ for\ new\ logs\.\.\. | No\ logs\ found\ for | Fetched\ \d+\ logs\ for
    """
)
_LIMIT = re.compile(r"(?i)exceeded|limit")
_ENDED = re.compile(r"automatically interrupted")
_ERROR = re.compile(r"Error[:!]\s*(.+)")
_VERSION = re.compile(r"Vercel CLI v?(\d+\.\d+\.\d+\S*)")


def around(line: int, text: bytes) -> Item:
    """A line that is no record: what the tool prints beside the records, its complaint, or unreadable."""
    words = strip_ansi(text.decode("utf-8", "replace")).strip("\r\n\t \0⠀")
    if not words:
        return Banner(line)
    if words.startswith("WARN!") and _LIMIT.search(words) and not _ENDED.search(words):
        return SourceFault(line, False, f"the stream was cut by its limit: {words[5:].strip()}")
    if _KNOWN.match(words):
        return Banner(line, text)
    if error := _ERROR.match(words):
        return SourceFault(line, True, f"the command said: {error[1]}")
    return Unread(line, "is not a record", text[:1024])


def is_tool_line(words: str) -> bool:
    """Whether a line of a text log is surely the tool's own; application lines must never be taken for one."""
    return _SURE.match(words) is not None


def tool_version(text: bytes) -> str:
    """The version of the command-line tool when its banner names it."""
    match = _VERSION.search(text[:200].decode("utf-8", "replace"))
    return f"Vercel CLI {match[1]}" if match else ""
