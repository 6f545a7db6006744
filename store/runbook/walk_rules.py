"""What must hold for the steps of the walk: who decides, what changes production, what is fed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from store.runbook.blocks import StepBlock
from store.runbook.faults import Faults, nearest
from store.runbook.model import PACKET_ROLES, Effect, StepKind
from store.runbook.references import Names
from store.runbook.validate import ReadBlock, ReadSource, texts

COLLECTS: dict[StepKind, tuple[str, ...]] = {
    StepKind.CAPTURE: ("logs", "records"),
    StepKind.PROBE: ("probes", "records"),
    StepKind.SNAPSHOT: ("offload", "records"),
    StepKind.BROWSER: ("browser", "records"),
}
"""The kinds of source that a collecting step may feed when it does not say which."""

_BY_HAND = (StepKind.MANUAL, StepKind.CHECK)


def check_steps(
    steps: Sequence[ReadBlock],
    sources: Mapping[str, ReadSource],
    feeds: Mapping[str, tuple[str, ...]],
    names: Names,
    faults: Faults,
) -> None:
    """Judge every step."""
    for read in steps:
        _check_choices(read, faults)
        _check_roles(read, faults)
        if isinstance(read.model, StepBlock):
            _check_effect(read, read.model, faults)
            _check_feeds(read, read.model, sources, feeds, names, faults)


def _check_choices(read: ReadBlock, faults: Faults) -> None:
    decides = read.data.get("kind") == "decide"
    if decides and not read.data.get("choice"):
        faults.add(read.block.line, "a decide step without a [[choice]]", "give at least one way out of it")
    if "kind" in read.data and not decides:
        for key in ("choice", "second_person"):
            if read.data.get(key):
                line = read.lines.of("choice", 0) if key == "choice" else read.lines.of(key)
                faults.add(line, f"{key} on a {read.data['kind']} step", 'only a step of kind = "decide" has choices')


def _check_roles(read: ReadBlock, faults: Faults) -> None:
    """A role is free text, but one that only resembles a packet's is a slip of the pen; and a rollback waits for no papers."""
    choices = read.data.get("choice")
    for number, choice in enumerate(choices if isinstance(choices, list) else ()):
        if not isinstance(choice, dict) or not choice.get("roles"):
            continue
        if choice.get("scope"):
            line = read.lines.of("choice", number, "roles")
            faults.add(line, "roles on a choice that undoes something", "a rollback waits for no papers: take them out")
        for at, role in texts(choice["roles"]):
            meant = "" if role in PACKET_ROLES else nearest(role, PACKET_ROLES)
            if meant:
                line = read.lines.of("choice", number, "roles", *(() if at is None else (at,)))
                faults.add(line, f'no document of a packet has the role "{role}"', meant)


def _check_effect(read: ReadBlock, model: StepBlock, faults: Faults) -> None:
    command = read.block.command
    if "effect" not in read.data and model.kind in _BY_HAND and command is not None:
        why = 'a reader must see whether it changes production: write effect = "reads" or effect = "changes"'
        faults.add(read.block.line, f"a {model.kind} step with a command and no effect", why)
    if model.effect is not Effect.CHANGES:
        return
    line = read.lines.of("effect")
    if model.kind is StepKind.SEAL:
        faults.add(line, "a seal step that changes production", "sealing only reads; make the change a step of its own")
    elif model.kind is StepKind.DECIDE and not any(choice.scope for choice in model.choice):
        faults.add(
            line,
            "a decide step that changes production without a scope",
            "give the choice that does it a scope = SIGNAL",
        )
    elif model.kind in _BY_HAND and command is None and not model.cites:
        why = "put its command below the block, or name in cites the signal whose rollback it carries out"
        faults.add(line, "a step that changes production without saying what", why)


def _check_feeds(
    read: ReadBlock,
    model: StepBlock,
    sources: Mapping[str, ReadSource],
    feeds: Mapping[str, tuple[str, ...]],
    names: Names,
    faults: Faults,
) -> None:
    if model.kind not in COLLECTS or "source" in names.unread or len(sources) < len(names.sources):
        return  # a source with a fault of its own may be the one
    if not feeds.get(model.id) and not list(texts(read.data.get("feeds"))):
        able = [name for name, source in sources.items() if source.model.kind in COLLECTS[model.kind]]
        why = (
            f'name its stream: feeds = ["{able[0]}"]'
            if able
            else f"add a source of kind {COLLECTS[model.kind][0]} for it"
        )
        faults.add(read.block.line, f"a {model.kind} step that feeds nothing", why)


def feeds_of(
    steps: Sequence[ReadBlock], signals: Sequence[ReadBlock], sources: Mapping[str, ReadSource]
) -> dict[str, tuple[str, ...]]:
    """Return the streams each step feeds: a signal stands for its streams; the only stream of a kind is implied."""
    streams_of = {signal.id: _streams_of(signal) for signal in signals if signal.id}
    fed: dict[str, tuple[str, ...]] = {}
    for read in steps:
        if not isinstance(read.model, StepBlock):
            continue
        named = [name for one in read.model.feeds for name in ([one] if one in sources else streams_of.get(one, ()))]
        if not named and not read.model.feeds and read.model.kind in COLLECTS:
            able = [name for name, source in sources.items() if source.model.kind == COLLECTS[read.model.kind][0]]
            named = able if len(able) == 1 else []
        fed[read.model.id] = tuple(dict.fromkeys(named))
    return fed


def _streams_of(signal: ReadBlock) -> tuple[str, ...]:
    """Return every stream a signal reads, in the order they are named."""
    raw_trips = signal.data.get("trip")
    named = [name for _, name in texts(signal.data.get("streams"))]
    for trip in raw_trips if isinstance(raw_trips, list) else ():
        if isinstance(trip, dict):
            named += [name for _, name in texts(trip.get("streams"))]
    return tuple(dict.fromkeys(named))
