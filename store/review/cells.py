"""How single cells of a case's tables look in Datasette: times in UTC, states explained, references as links.

Text of evidence is never turned into a link: an address in a log line belongs to whoever wrote that line.
"""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup, escape

from store.instants import format_duration, format_instant
from store.words import CLASS_WORDS, COVERAGE_WORDS, REASON_WORDS, STATE_WORDS

INSTANTS = frozenset(
    {
        "adopted_ms", "as_of_ms", "at_ms", "captured_ms", "claimed_ms", "collected_ms", "created_ms", "earliest_ok_ms", "ended_ms",
        "first_ms", "first_trip_ms", "from_ms", "frontier_ms", "last_ms", "minute_ms", "oldest_due_ms", "recorded_ms", "scope_start_ms",
        "start_ms", "started_ms", "to_ms", "clear_ms",
    }
)  # fmt: skip
_EXPLAINED = {
    "state": STATE_WORDS,
    "now_state": STATE_WORDS,
    "reason": REASON_WORDS,
    "now_reason": REASON_WORDS,
    "coverage": COVERAGE_WORDS,
    "class": CLASS_WORDS,
}
_LONGEST_ADDRESS = 300
_REF = re.compile(
    r"(collection|log_match|snapshot|run_count|gauge|probe|artifact|evaluation|traffic|step_event|note|decision|mark|retraction):(\d{1,18})"
)


def show_cell(value: Any, column: str, *, base: str) -> Any:
    """What a cell shows, or None to leave it to Datasette."""
    if isinstance(value, int) and column.endswith("_ms"):
        return _time(value, column)
    if isinstance(value, int) and column == "collection":
        return Markup('<a href="{}/collection/{}">collection:{}</a>').format(base, value, value)
    if isinstance(value, int) and column.endswith("_us"):
        return Markup('<span title="{} µs">{:.1f} ms</span>').format(value, value / 1000)
    if not isinstance(value, str):
        return None
    ref = _REF.fullmatch(value)
    if ref:
        return Markup('<a href="{}/{}/{}">{}</a>').format(base, ref[1], ref[2], value)
    sentence = _EXPLAINED.get(column, {}).get(value)
    if sentence:
        return Markup('<span title="{}">{}</span>').format(sentence, value)
    return escape(value[:_LONGEST_ADDRESS]) if value.lstrip().startswith(("http://", "https://")) else None


def _time(value: int, column: str) -> Markup | None:
    try:
        if column in INSTANTS:
            text = format_instant(value)
            return Markup('<time datetime="{}" title="{}" style="white-space:nowrap">{}</time>').format(
                text, value, text
            )
        return Markup('<span title="{}">{}</span>').format(value, format_duration(value))
    except OverflowError:
        return None  # no calendar has that year; the bare number is shown
