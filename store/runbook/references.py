"""Ids and the references between blocks: each id once, each reference answered, no circle of needs.

A reference is not judged when the block it may mean could not be read: one typo is one fault, not five.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from store.runbook.faults import Faults, nearest, quoted
from store.runbook.validate import ReadBlock, texts


@dataclass(slots=True)
class Names:
    """What may be referred to, with the kinds of which some block could not be read."""

    sources: dict[str, int] = field(default_factory=dict)
    signatures: dict[str, int] = field(default_factory=dict)
    signals: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)

    def of(self, kind: str) -> dict[str, int]:
        """Return the ids of one kind of block with the line of each."""
        tables = {"source": self.sources, "signature": self.signatures, "signal": self.signals, "step": self.steps}
        return tables[kind]


def gather_names(blocks: Sequence[ReadBlock], obscured: Iterable[str], faults: Faults) -> Names:
    """Collect every id and group; an id given twice is a fault."""
    names = Names(unread=set(obscured))
    for read in blocks:
        kind = read.block.kind
        if kind == "signature":
            _note_group(read, names)
        if read.id is None:
            names.unread.add(kind)
        elif kind != "runbook":
            known = names.of(kind)
            if read.id in known:
                faults.add(read.lines.of("id"), f'duplicate id "{read.id}"', f"first at line {known[read.id]}")
            known.setdefault(read.id, read.lines.of("id"))
    return names


def _note_group(read: ReadBlock, names: Names) -> None:
    group = read.data.get("group", read.salvaged.get("group"))
    if isinstance(group, str):
        names.groups.add(group)
    elif not read.data:
        names.unread.add("group")


def check_references(blocks: Sequence[ReadBlock], names: Names, faults: Faults) -> None:
    """Add a fault for every reference that nothing answers, and for every circle of needs."""
    for read in blocks:
        if read.block.kind == "signal":
            _check_signal(read, names, faults)
        elif read.block.kind == "step":
            _check_step(read, names, faults)
    _check_circles([read for read in blocks if read.block.kind == "step"], faults)


def _check_signal(read: ReadBlock, names: Names, faults: Faults) -> None:
    _resolve(read, ("streams",), "stream", [names.sources], "source" in names.unread, faults)
    trips = read.data.get("trip")
    for number, trip in enumerate(trips if isinstance(trips, list) else ()):
        if not isinstance(trip, dict):
            continue
        at = ("trip", number)
        _resolve(read, (*at, "streams"), "stream", [names.sources], "source" in names.unread, faults)
        _resolve(read, (*at, "signatures"), "signature", [names.signatures], "signature" in names.unread, faults)
        groups = dict.fromkeys(names.groups, 0)
        unread = bool({"signature", "group"} & names.unread)
        _resolve(read, (*at, "groups"), "group", [groups], unread, faults)


def _check_step(read: ReadBlock, names: Names, faults: Faults) -> None:
    _resolve(read, ("needs",), "step", [names.steps], "step" in names.unread, faults)
    _resolve(read, ("cites",), "signal", [names.signals], "signal" in names.unread, faults)
    unread = bool({"source", "signal"} & names.unread)
    _resolve(read, ("feeds",), "stream or signal", [names.sources, names.signals], unread, faults)
    choices = read.data.get("choice")
    first: dict[str, int] = {}
    for number, choice in enumerate(choices if isinstance(choices, list) else ()):
        if not isinstance(choice, dict):
            continue
        at = ("choice", number)
        _resolve(read, (*at, "next"), "step", [names.steps], "step" in names.unread, faults)
        _resolve(read, (*at, "scope"), "signal", [names.signals], "signal" in names.unread, faults)
        choice_id = choice.get("id")
        if isinstance(choice_id, str):
            line = read.lines.of(*at, "id")
            if choice_id in first:
                faults.add(line, f'duplicate choice "{choice_id}"', f"first at line {first[choice_id]}")
            first.setdefault(choice_id, line)
    _resolve(read, ("second_person",), "choice", [first], unread=False, faults=faults)


def _resolve(
    read: ReadBlock,
    path: tuple[str | int, ...],
    noun: str,
    tables: Sequence[dict[str, int]],
    unread: bool,
    faults: Faults,
) -> None:
    value: Any = read.data
    for part in path:
        value = value.get(part) if isinstance(value, dict) else value[part]
    known = {name for table in tables for name in table}
    for at, name in texts(value):
        if name in known or unread:
            continue
        line = read.lines.of(*path, *(() if at is None else (at,)))
        hint = nearest(name, known) or (f"known: {quoted(sorted(known)[:8])}" if known else f"there is no {noun}")
        faults.add(line, f'unknown {noun} "{name}"', hint)


def needs_of(steps: Sequence[ReadBlock]) -> Iterator[tuple[ReadBlock, tuple[str, ...]]]:
    """Yield each step with what it needs: what it says, else the step above it."""
    above: str | None = None
    for read in steps:
        given = read.data.get("needs")
        needs = (above,) if given is None and above else tuple(name for _, name in texts(given))
        yield read, needs
        above = read.id


def _check_circles(steps: Sequence[ReadBlock], faults: Faults) -> None:
    needs = {read.id: (read, wanted) for read, wanted in needs_of(steps) if read.id}
    told: set[str] = set()
    for start in needs:
        circle = _circle_through(start, needs)
        if not circle or told & set(circle):
            continue
        told.update(circle)
        blamed = next((name for name in circle if "needs" in needs[name][0].data), circle[0])
        read = needs[blamed][0]
        shown = " → ".join([*circle, circle[0]])
        why = f"{shown}; a step without needs needs the step above it"
        faults.add(read.lines.of("needs"), "steps that need each other", why)


def _circle_through(start: str, needs: dict[str, tuple[ReadBlock, tuple[str, ...]]]) -> list[str]:
    """Return the steps of a circle that contains `start`, or nothing."""
    came_from: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        for wanted in needs[name][1]:
            if wanted == start:
                circle = [name]
                while circle[-1] != start:
                    circle.append(came_from[circle[-1]])
                return circle[::-1]
            if wanted in needs and wanted not in came_from:
                came_from[wanted] = name
                waiting.append(wanted)
    return []
