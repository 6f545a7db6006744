"""Reads one block against its closed set of keys and says every fault in plain words, on the line of the key.

The validation library finds all faults at once but speaks to programmers; the words here speak to an operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from store.runbook.blocks import (
    PLAIN_BLOCKS,
    SOURCES,
    TRIPS,
    ChoiceTable,
    DispatchNames,
    FieldTable,
    LedgerNames,
    QueueNames,
    RollbackTable,
    SourceBlock,
)
from store.runbook.faults import Faults, nearest, quoted
from store.runbook.keylines import KeyLines, KeyPath, TomlError, read_toml
from store.runbook.markdown import Block
from store.runbook.trips import Trip

_SUBTABLES: dict[str, type[BaseModel]] = {
    "fields": FieldTable,
    "queue": QueueNames,
    "ledger": LedgerNames,
    "dispatch": DispatchNames,
    "rollback": RollbackTable,
    "choice": ChoiceTable,
}
_EXAMPLES = {
    "id": 'id = "a-name"',
    "owner": 'owner = ["on-call"]',
    "rollback": 'a [rollback] table with do = "…"',
    "do": 'do = "what to undo, in a sentence"',
    "signatures": 'signatures = ["…"]',
    "groups": 'groups = ["…"]',
    "routes": 'routes = ["/api/…"]',
    "series": 'series = "…"',
    "address": 'address = "DATABASE_URL", the variable that holds the address',
    "origin": 'origin = "BASE_URL", the variable that holds the origin',
    "table": 'table = "…"',
    "time": 'time = "…", the path of the field that holds the instant',
    "label": 'label = "what the operator reads"',
}
_SALVAGE = re.compile(r"""^\s*(id|group)\s*=\s*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """One block after reading: its raw table for references, its validated model when it has no fault of its own."""

    block: Block
    data: dict[str, Any]
    lines: KeyLines
    model: BaseModel | None
    trips: tuple[Trip | None, ...] = ()
    salvaged: dict[str, str] = field(default_factory=dict)
    """Id and group of a block that is not even TOML, so that references to it are not faults too."""

    @property
    def id(self) -> str | None:
        """Return the block's id when it has a readable one."""
        value = self.data.get("id", self.salvaged.get("id"))
        return value if isinstance(value, str) else None


def read_block(block: Block, faults: Faults) -> ReadBlock:
    """Read one block; what is wrong inside it is added to the faults."""
    try:
        data, lines = read_toml(block.body, block.line)
    except TomlError as fault:
        _tell_syntax(block, fault, faults)
        salvaged = dict(reversed(_SALVAGE.findall(block.body)))
        return ReadBlock(block, {}, KeyLines(block.line), None, (), salvaged)
    before = len(faults.found)
    model_type = _model_type(block, data, lines, faults)
    trips: tuple[Trip | None, ...] = ()
    if block.kind == "signal":
        trips = tuple(_read_trips(data, lines, faults))
    model = _validated(model_type, data, (), lines, faults, f"a {block.kind} block") if model_type else None
    return ReadBlock(block, data, lines, model if len(faults.found) == before else None, trips)


def texts(value: Any) -> Iterator[tuple[int | None, str]]:
    """Yield the texts of a raw value that may be one text or a list, each with its place in the list."""
    if isinstance(value, str):
        yield None, value
    elif isinstance(value, list):
        yield from ((at, item) for at, item in enumerate(value) if isinstance(item, str))


def _tell_syntax(block: Block, fault: TomlError, faults: Faults) -> None:
    if block.swallowed_line:
        faults.add(
            block.line,
            "unclosed fence",
            f"another fence opens at line {block.swallowed_line} before this block is closed",
        )
        return
    line = block.line + 1 + max(fault.offset, 0)
    faults.add(line, f"`toml {block.kind}` is not TOML", fault.why)


def _model_type(block: Block, data: dict[str, Any], lines: KeyLines, faults: Faults) -> type[BaseModel] | None:
    if block.kind != "source":
        return PLAIN_BLOCKS[block.kind]
    return _by_kind(data, (), lines, SOURCES, "source", faults)


def _by_kind(
    data: Mapping[str, Any], at: KeyPath, lines: KeyLines, kinds: Mapping[str, type[Any]], what: str, faults: Faults
) -> type[Any] | None:
    """Choose the model by the `kind` key."""
    kind = data.get("kind")
    if isinstance(kind, str) and kind in kinds:
        return kinds[kind]
    line = lines.of(*at, "kind")
    misspelt = get_close_matches("kind", [key for key in data if key not in ("id", "kind")], n=1, cutoff=0.7)
    if kind is None and misspelt:
        faults.add(lines.of(*at, misspelt[0]), f'unknown key "{misspelt[0]}"', 'did you mean "kind"?')
    elif kind is None:
        faults.add(line, 'missing key "kind"', f"a {what} says which kind it is: {', '.join(kinds)}")
    else:
        hint = nearest(kind, kinds) if isinstance(kind, str) else ""
        faults.add(line, f"kind = {_shown(kind)}", f"{hint} a {what} is one of {', '.join(kinds)}".strip())
    return None


def _read_trips(data: dict[str, Any], lines: KeyLines, faults: Faults) -> Iterator[Trip | None]:
    trips = data.get("trip")
    if trips is None or trips == []:
        faults.add(lines.block, "a signal without [[trip]]", "it could never fire; say when it trips")
        return
    if not isinstance(trips, list) or not all(isinstance(trip, dict) for trip in trips):
        faults.add(lines.of("trip"), "trip", "write each condition as its own [[trip]] table")
        return
    for number, trip in enumerate(trips):
        model_type = _by_kind(trip, ("trip", number), lines, TRIPS, "condition", faults)
        what = f"a {trip.get('kind')} condition"
        yield _validated(model_type, trip, ("trip", number), lines, faults, what) if model_type else None


def _validated(
    model_type: type[BaseModel], data: dict[str, Any], at: KeyPath, lines: KeyLines, faults: Faults, owner: str
) -> Any:
    if not at and "trip" in data:
        # Each [[trip]] is read by its kind, and their number is judged there.
        data = {**data, "trip": []}
    try:
        return model_type.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _tell(detail, model_type, at, lines, faults, owner)
        return None


def _tell(
    detail: ErrorDetails, model_type: type[BaseModel], at: KeyPath, lines: KeyLines, faults: Faults, owner: str
) -> None:
    path: KeyPath = (*at, *detail["loc"])
    key = str(path[-1])
    line = lines.of(*path)
    if detail["type"] == "missing":
        where = _table_name(detail["loc"]) or owner
        faults.add(line, f'missing key "{key}"', f"{where} needs it: write {_EXAMPLES.get(key, f'{key} = …')}")
    elif detail["type"] == "extra_forbidden":
        allowed = _allowed(model_type, detail["loc"])
        faults.add(line, f'unknown key "{key}"', _why_unknown(key, allowed, _table_name(detail["loc"]) or owner))
    else:
        name = ".".join(str(part) for part in detail["loc"] if isinstance(part, str) and part != "[key]")
        faults.add(line, f"{name} = {_shown(detail['input'])}", _why(detail))


def _table_name(loc: tuple[str | int, ...]) -> str:
    tables = [part for part in loc[:-1] if isinstance(part, str)]
    if not tables:
        return ""
    return f"a [[{tables[-1]}]]" if tables[-1] == "choice" else f"[{tables[-1]}]"


def _allowed(model_type: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    tables = [part for part in loc[:-1] if isinstance(part, str)]
    model = _SUBTABLES.get(tables[-1], model_type) if tables else model_type
    return [about.alias or name for name, about in model.model_fields.items()]


def _why_unknown(key: str, allowed: list[str], owner: str) -> str:
    hint = nearest(key, allowed)
    if hint:
        return hint
    others: Mapping[str, type[BaseModel]] = (
        TRIPS if owner.endswith("condition") else SOURCES if "source" in owner else {}
    )
    belongs = [kind for kind, model in others.items() if key in _allowed(model, (key,))]
    if belongs:
        noun = "conditions" if owner.endswith("condition") else "sources"
        return f"{owner} has no such key; it belongs to {noun} of kind {', '.join(belongs)}"
    return f"{owner} has no such key; it may have {', '.join(allowed)}"


def _why(detail: ErrorDetails) -> str:
    """Say one fault of a value in plain words."""
    context = detail.get("ctx", {})
    plain = {
        "string_type": "must be text in quotes",
        "int_type": "must be a whole number",
        "bool_type": "must be true or false",
        "list_type": 'must be a list, such as ["…"]',
        "dict_type": "must be a table",
        "model_type": "must be a table",
        "model_attributes_type": "must be a table",
        "greater_than_equal": f"must be at least {context.get('ge')}",
        "less_than_equal": f"must be at most {context.get('le')}",
    }
    kind = detail["type"]
    if kind in plain:
        return plain[kind]
    if kind in ("enum", "literal_error"):
        expected = [name.strip(" '") for name in re.split(r",| or ", str(context.get("expected")))]
        hint = nearest(str(detail["input"]), expected)
        return f"{hint} it is one of {', '.join(expected)}".strip()
    if kind == "value_error":
        return str(context.get("error"))
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return quoted([value if len(value) <= 60 else value[:59] + "…"])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    shown = str(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"


class ReadSource(NamedTuple):
    """A source without a fault, as the rules for signals and steps need it."""

    model: SourceBlock
    asks_in_sql: bool
    """Its queue is asked for by a `sql` fence of its own, so it need not name the table."""


def read_sources(blocks: Sequence[ReadBlock]) -> dict[str, ReadSource]:
    """Return the sources that were read without a fault, by id."""
    found = {}
    for read in blocks:
        if isinstance(read.model, SourceBlock):
            command = read.block.command
            found[read.model.id] = ReadSource(read.model, command is not None and command.language == "sql")
    return found
