"""How a condition's number came about over its window, as cells to draw; read from the staged views, never judged here.

Every cell is either a number on the condition's own scale or None where nobody was looking. For count and burst the numbers are the very
sliding sums that the views compare, so that a drawing can never disagree with a state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from store.judge import ConditionState, Judgement

CELLS = 60

# Slot -1 holds what was there when the drawing begins. `change` is when the number last changed in the slot: the next slots carry it on.
_SLOTTED = {
    "count": """
        SELECT j.definition, max(-1, (c.at_ms - j.from_ms) * :cells / (j.to_ms - j.from_ms)) AS slot, c.at_ms AS change, c.inside AS number
        FROM judged j JOIN crowd c ON c.definition = j.definition AND c.frame = CASE WHEN j.scope_start_ms IS NULL THEN 1 ELSE 3 END
        WHERE c.at_ms IS NOT NULL AND c.at_ms < j.to_ms""",
    "loop": """
        SELECT j.definition, (s.at_ms - j.from_ms) * :cells / (j.to_ms - j.from_ms) AS slot, s.at_ms AS change,
               count(*) OVER (PARTITION BY s.definition ORDER BY s.at_ms) AS number
        FROM judged j JOIN loop_slice s ON s.definition = j.definition AND s.frame = 1 AND s.at_ms >= j.from_ms""",
    "queue": """
        SELECT j.definition, max(-1, (q.at_ms - (j.as_of_ms - j.window_ms)) * :cells / j.window_ms) AS slot, q.at_ms AS change, q.depth AS number
        FROM judged j JOIN queue_reading q ON q.definition = j.definition""",
    "ratio": """
        SELECT j.definition, max(-1, (r.at_ms - 1 - j.from_ms) * :cells / (j.to_ms - j.from_ms)) AS slot, r.at_ms AS change,
               100.0 * r.failures / r.total AS number
        FROM judged j JOIN ratio_end r ON r.definition = j.definition WHERE r.total > 0 AND r.at_ms <= j.to_ms""",
    "probe": """
        SELECT j.definition, (p.at_ms - j.from_ms) * :cells / (j.to_ms - j.from_ms) AS slot, p.at_ms AS change,
               sum(p.bad) OVER (PARTITION BY p.definition ORDER BY p.at_ms) AS number
        FROM judged j JOIN probe_reading p ON p.definition = j.definition""",
    "level": """
        SELECT j.definition, max(-1, (g.at_ms - (j.as_of_ms - j.window_ms)) * :cells / j.window_ms) AS slot, g.at_ms AS change,
               g.value_micro / 1000000.0 AS number
        FROM judged j JOIN gauge_reading g ON g.definition = j.definition""",
}
# Readings of an instant speak for some time after it; sums hold until they change.
_READINGS = ("queue", "level")


class Series(NamedTuple):
    """Cells from the earlier to the later end of a span. `limit` is on the scale of the cells; None where the kind has none."""

    from_ms: int
    to_ms: int
    cells: tuple[float | None, ...]
    limit: float | None


def read_series(db: sqlite3.Connection, judgement: Judgement) -> dict[int, Series]:
    """The series of every condition by its definition. Call it inside `staged`, with the judgement read there."""
    conditions = {c.definition: c for signal in judgement.signals for c in signal.conditions}
    kinds = {"count" if c.kind == "burst" else c.kind for c in conditions.values()} & _SLOTTED.keys()
    slots: dict[int, dict[int, tuple[float, float]]] = {}
    for kind in sorted(kinds):
        rows = db.execute(
            f"SELECT definition, slot, max(number), max(last) FROM (SELECT *, last_value(number) OVER (PARTITION BY definition, slot "  # noqa: S608
            f"ORDER BY change ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last FROM ({_SLOTTED[kind]})) "
            "WHERE slot < :cells GROUP BY definition, slot",
            {"cells": CELLS},
        )
        for definition, slot, most, last in rows:
            slots.setdefault(definition, {})[slot] = (most, last)
    watched = _watched(db, conditions.values())
    spans = dict(_spans(db))
    return {
        definition: _series(condition, spans[definition], slots.get(definition, {}), watched.get(definition))
        for definition, condition in conditions.items()
    }


def _spans(db: sqlite3.Connection) -> Iterable[tuple[int, tuple[int, int, int]]]:
    rows = db.execute(
        "SELECT definition, CASE WHEN kind IN ('queue', 'level') THEN as_of_ms - window_ms ELSE from_ms END, "
        "CASE WHEN kind IN ('queue', 'level') THEN as_of_ms ELSE to_ms END, ifnull(max_gap_ms, 0) FROM judged"
    )
    for definition, start, end, max_gap in rows:
        yield definition, (start, end, max_gap)


def _watched(db: sqlite3.Connection, conditions: Iterable[ConditionState]) -> dict[int, list[tuple[int, int]]]:
    """Spans in which each condition that goes by watched time was watched."""
    found: dict[int, list[tuple[int, int]]] = {
        c.definition: [] for c in conditions if c.kind in ("count", "burst", "loop", "ratio", "trend")
    }
    for definition, start, end in db.execute(
        "SELECT definition, from_ms, to_ms FROM covered ORDER BY definition, from_ms"
    ):
        if definition in found:
            found[definition].append((start, end))
    return found


def _series(
    condition: ConditionState,
    span: tuple[int, int, int],
    slots: dict[int, tuple[float, float]],
    watched: list[tuple[int, int]] | None,
) -> Series:
    start, end, max_gap = span
    limit = None if condition.kind in ("queue", "trend", "probe") or condition.limit is None else float(condition.limit)
    if condition.kind == "trend":
        return Series(
            condition.from_ms,
            condition.to_ms,
            tuple(float(count) for count in condition.detail.get("counts", [])),
            limit,
        )
    step = (end - start) / CELLS
    cells: list[float | None] = []
    held: float | None = slots.get(-1, (0.0, 0.0))[1] if watched is not None else None
    silent = 0.0
    for slot in range(CELLS):
        if slot in slots:
            shown, held, silent = slots[slot][0], slots[slot][1], 0.0
        else:
            silent += step
            shown = held if held is None or condition.kind not in _READINGS or silent <= max_gap else None  # type: ignore[assignment]
        known = watched is None or _mostly(watched, start + slot * step, start + (slot + 1) * step)
        cells.append(shown if known else None)
    return Series(start, end, tuple(cells), limit)


def _mostly(spans: list[tuple[int, int]], start: float, end: float) -> bool:
    inside = sum(max(0.0, min(to, end) - max(since, start)) for since, to in spans)
    return inside * 2 >= end - start
