"""A good runbook with every block and condition, and the ways to break it on one line."""

from __future__ import annotations

from pathlib import Path

from store.errors import RunbookInvalid
from store.runbook.model import Runbook
from store.runbook.parse import parse_runbook

HERE = Path(__file__).parent
GOOD = (HERE / "good.md").read_bytes().decode()
PATH = "runbook.md"


def parse(text: str) -> Runbook:
    """Parse a text under a short file name."""
    return parse_runbook(text, PATH)


def faults_of(text: str) -> tuple[str, ...]:
    """Return the faults of a text; none for a good one."""
    try:
        parse(text)
    except RunbookInvalid as invalid:
        return invalid.faults
    return ()


def line_of(needle: str, text: str = GOOD) -> int:
    """Return the 1-based line on which a text occurs for the only time."""
    assert text.count(needle) == 1, f"{needle!r} occurs {text.count(needle)} times"
    return text.count("\n", 0, text.index(needle)) + 1


def changed(old: str, new: str, text: str = GOOD) -> str:
    """Replace the only occurrence of a text."""
    line_of(old, text)
    return text.replace(old, new)


def in_block(opening: str, old: str, new: str, text: str = GOOD) -> tuple[str, int]:
    """Replace the first occurrence of a text after an opening; return the new text and the line that was touched."""
    line_of(opening, text)
    at = text.index(old, text.index(opening))
    return text[:at] + new + text[at + len(old) :], text.count("\n", 0, at) + 1


def small(*blocks: str) -> str:
    """Write a runbook of a head and some blocks, each under its own heading."""
    head = '# Small\n\n```toml runbook\nid = "small"\nneeds = ["BASE_URL", "DATABASE_URL"]\n```\n'
    return head + "".join(f"\n## Part {number}\n\n{block}\n" for number, block in enumerate(blocks, 1))


def block(kind: str, *lines: str) -> str:
    """Write one `toml KIND` fence."""
    return "\n".join([f"```toml {kind}", *lines, "```"])


LOGS = block("source", 'id = "logs"', 'kind = "logs"')
FAULT = block("signature", 'id = "fault"', 'message = ["boom"]')


def signal(*trip: str, head: tuple[str, ...] = ()) -> str:
    """Write a signal over the small runbook's log with one condition."""
    lines = ['id = "alarm"', 'streams = ["logs"]', 'owner = ["me"]', *head, "[[trip]]", *trip]
    return block("signal", *lines, "[rollback]", 'do = "undo it"')
