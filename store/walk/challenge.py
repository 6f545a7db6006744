"""Challenge and response: the readings that a step asks about, and whether an answer is one of them.

What was shown, what was answered and how old the reading was are stored together. An answer is compared with what was shown, never with
a limit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from store.errors import BadInput
from store.judge import Judgement
from store.runbook.model import Step
from store.telling import headline, tell_value


class Reading(NamedTuple):
    """What a signal that the step cites shows now."""

    signal: str
    shown: str
    values: tuple[float, ...]
    age_ms: int | None


class Answer(NamedTuple):
    """A response as stored. `agrees`: it is what was shown, or nothing was shown to compare with."""

    asked: str
    shown: str
    value: str
    age_ms: int | None
    agrees: bool


def readings(judgement: Judgement, step: Step) -> tuple[Reading, ...]:
    """What the step's signals show, in the order in which it cites them."""
    by_id = {signal.id: signal for signal in judgement.signals}
    found: list[Reading] = []
    for name in step.cites:
        signal = by_id.get(name)
        if signal is None:
            continue
        condition = headline(signal)
        shown = f"{signal.state}, {tell_value(condition)}" if condition else signal.state
        values = tuple(float(one.value) for one in signal.conditions if one.value is not None)
        age = None if signal.last_ms is None else max(0, judgement.question.as_of_ms - signal.last_ms)
        found.append(Reading(name, shown, values, age))
    return tuple(found)


def answered(step: Step, shown: tuple[Reading, ...], value: str) -> Answer:
    """Compare `63`, `12%` or `SIGNAL=63` with what was shown.

    Raises:
        BadInput: no number, where numbers are shown; or a signal that the step does not cite.
    """
    name, named, text = value.rpartition("=")
    asked = [one for one in shown if not named or one.signal == name.strip()]
    if named and shown and not asked:
        raise BadInput(
            f"{step.id} does not cite {name.strip()!r}", f"it cites {', '.join(one.signal for one in shown)}"
        )
    told = "; ".join(f"{one.signal}: {one.shown}" for one in asked)
    ages = [one.age_ms for one in asked if one.age_ms is not None]
    if not asked:
        return Answer(step.title, "", value, None, agrees=True)
    number = _number(text)
    agrees = any(math.isclose(number, one, rel_tol=1e-9, abs_tol=5e-4) for reading in asked for one in reading.values)
    return Answer(step.title, told, value, max(ages, default=None), agrees)


def _number(text: str) -> float:
    stripped = text.strip()
    try:
        number = float(stripped.removesuffix("%"))
    except ValueError as error:
        raise BadInput(
            f"{stripped!r} is no number", "answer with the number that is shown: 63, 12%, or SIGNAL=63"
        ) from error
    return number / 100 if stripped.endswith("%") else number
