"""What a scenario says, as frozen typed data, and how its file is read. A scenario is a small TOML file that people can read.

Instants are relative to the moment at which the staged world goes live: `-24m` is history, `20s` is still to come.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from store.errors import BadInput
from store.instants import parse_duration

FAULTS = ("timeout", "p2028", "query-wait", "error-500")
ANSWERS = ("ok", "locked", "dispatched", "unauthorized", "error-500", "timeout")
LOG_TROUBLES = ("none", "ends", "cut")
STATES = ("tripped", "no_data", "stale", "partial", "watch", "ok")
VERDICTS = ("confirmed", "partially_confirmed", "inconclusive", "rejected")
DEFAULT_HISTORY_MS = 170 * 60_000
LEAST_HISTORY_MS = 90 * 60_000

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Faults:
    """Requests on one route that go wrong: so many of one kind, evenly over a stretch of time.

    `crosses`: the last of them is the one that crosses a limit. `text` and `status` are those of the kind `own`, which no file has.
    """

    kind: str
    route: str
    count: int
    from_ms: int
    to_ms: int
    seconds: int = 60
    crosses: bool = False
    text: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route says to whoever asks it directly, from a moment on."""

    route: str
    says: str
    from_ms: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many events wait at a moment; between two moments the line is straight."""

    at_ms: int
    pending: int
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Runs:
    """Work that is dispatched and comes to an end, each minute; `dispatched` alone leaves no trace in the ledger."""

    from_ms: int
    to_ms: int
    per_minute: int
    failures_percent: int = 0
    dispatched: int = 1


@dataclass(frozen=True, slots=True)
class Moment:
    """A named moment of the story."""

    name: str
    at_ms: int
    deployment: str = ""
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A named stretch of time of the story."""

    name: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a signal must come to; an empty reason stands for any, an empty state for whatever it comes to."""

    state: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state} {self.reason}".strip()


ANY = Expected("")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A staged incident: what happens, and what the program must say of it."""

    name: str
    title: str
    shows: str
    signals: tuple[str, ...]
    expect: tuple[tuple[str, Expected], ...]
    otherwise: Expected
    verdict: str = ""
    verdict_reason: str = ""
    history_ms: int = DEFAULT_HISTORY_MS
    faults: tuple[Faults, ...] = ()
    answers: tuple[Answer, ...] = ()
    depths: tuple[Depth, ...] = ()
    runs: tuple[Runs, ...] = ()
    moments: tuple[Moment, ...] = ()
    spans: tuple[Span, ...] = ()
    logs: str = "none"
    export_until_ms: int = 0
    export_cut_from_ms: int | None = None

    def expected(self, signal: str) -> Expected:
        """What a signal of the runbook must come to."""
        return dict(self.expect).get(signal, self.otherwise)

    @property
    def crosses(self) -> Faults | None:
        """The faults of which the last one crosses a limit while somebody watches."""
        return next((faults for faults in self.faults if faults.crosses), None)

    @property
    def last_live_ms(self) -> int:
        """When the last scripted fault of the live part has happened."""
        return max([0, *(faults.to_ms for faults in self.faults), *(depth.at_ms for depth in self.depths)])


Stretch = TypeVar("Stretch", Faults, Runs, Span)


_PARTS = {
    "faults": Faults,
    "answers": Answer,
    "depths": Depth,
    "runs": Runs,
    "moments": Moment,
    "spans": Span,
}


def scenario_told(values: Mapping[str, Any]) -> Scenario:
    """A scenario as another process told it: the fields of `dataclasses.asdict`, as JSON gives them back."""
    made = dict(values)
    for name, kind in _PARTS.items():
        made[name] = tuple(kind(**one) for one in values[name])
    made["signals"] = tuple(values["signals"])
    made["expect"] = tuple((signal, Expected(**one)) for signal, one in values["expect"])
    made["otherwise"] = Expected(**values["otherwise"])
    return Scenario(**made)


def scenario_names() -> tuple[str, ...]:
    """The scenarios that come with the program, quiet-day first."""
    folder = files("collectors.drill").joinpath("scenarios")
    names = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(names, key=lambda name: name != "quiet-day"))


def shipped_scenario(name: str) -> Scenario:
    """A scenario by its name.

    Raises:
        BadInput: there is none of that name.
    """
    known = scenario_names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        raise BadInput(f"there is no scenario {name!r}", f"{meant}there are {', '.join(known)}")
    place = files("collectors.drill").joinpath("scenarios", f"{name}.toml")
    return parse_scenario(place.read_text("utf-8"), f"{name}.toml")


def read_scenario(path: Path) -> Scenario:
    """A scenario from a file of one's own.

    Raises:
        BadInput: it cannot be read, or a key of it is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as a scenario: {error}") from error
    return parse_scenario(text, str(path))


def parse_scenario(text: str, path: str) -> Scenario:
    """Read a scenario's text.

    Raises:
        BadInput: it is no TOML, or a key is missing, unknown or wrong; the message names file and key.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: {error}") from error
    return _scenario(_Table(table, path, ""), Path(path).stem)


class _Table:
    """One TOML table whose keys are taken one by one; what nobody took is an unknown key."""

    def __init__(self, values: Mapping[str, Any], path: str, place: str) -> None:
        self.values = dict(values)
        self.path = path
        self.place = place

    def wrong(self, key: str, why: str) -> BadInput:
        """The error that names file and key."""
        return BadInput(f"{self.path}: {self.place}{key}: {why}")

    def text(self, key: str, default: str | None = None, *, among: tuple[str, ...] = ()) -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "must be a text")
        if among and value not in among:
            close = difflib.get_close_matches(value, among, n=1)
            raise self.wrong(
                key, f"{value!r} is none of {', '.join(among)}" + (f"; did you mean {close[0]}?" if close else "")
            )
        return value

    def number(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.wrong(key, f"must be a whole number from {least} on")
        return value

    def flag(self, key: str) -> bool:
        value = self._take(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def moment(self, key: str, default: int | None = None) -> int:
        """An instant relative to going live, such as `-24m` or `20s`."""
        value = self._take(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and value == default:
            return value
        if not isinstance(value, str):
            raise self.wrong(key, 'must be a text such as "-24m" or "20s"')
        try:
            return -parse_duration(value[1:]) if value.startswith("-") else parse_duration(value)
        except BadInput as error:
            raise self.wrong(key, str(error)) from error

    def tables(self, key: str) -> list[_Table]:
        value = self.values.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.wrong(key, f"must be tables: [[{key}]]")
        return [_Table(each, self.path, f"{self.place}{key} {number}: ") for number, each in enumerate(value, 1)]

    def table(self, key: str) -> _Table:
        value = self.values.pop(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table: [{key}]")
        return _Table(value, self.path, f"{self.place}{key}.")

    def done(self) -> None:
        """Refuse what nobody took."""
        for key in self.values:
            raise self.wrong(key, "is no key of a scenario")

    def _take(self, key: str, default: object) -> object:
        if key not in self.values:
            if default is None:
                raise self.wrong(key, "is missing")
            return default
        return self.values.pop(key)


def _scenario(table: _Table, name: str) -> Scenario:
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{table.path}: a scenario's file is named in small letters and dashes, such as webhook-burst.toml"
        )
    signals = table.values.pop("signals", None)
    if not isinstance(signals, list) or not all(isinstance(each, str) for each in signals):
        raise table.wrong("signals", "must name the signals that the scenario speaks of")
    expect, otherwise, verdict, verdict_reason = _expected(table.table("expect"))
    export = table.table("export")
    cut = export.values.get("cut_from")
    made = Scenario(
        name,
        table.text("title"),
        table.text("shows"),
        tuple(signals),
        expect,
        otherwise,
        verdict,
        verdict_reason,
        -table.moment("history", -DEFAULT_HISTORY_MS),
        _each(table, "fault", _faults),
        _each(table, "answer", lambda one: Answer(one.text("route"), one.text("says", among=ANSWERS), one.moment("from", -DEFAULT_HISTORY_MS))),
        _each(table, "depth", lambda one: Depth(one.moment("at"), one.number("pending"), one.number("failed", 0))),
        _each(table, "runs", _runs),
        _each(table, "mark", lambda one: Moment(one.text("name"), one.moment("at"), one.text("deployment", ""), one.text("previous", ""))),
        _each(table, "window", lambda one: _ordered(one, Span(one.text("name"), one.moment("from"), one.moment("to")))),
        table.text("logs", "none", among=LOG_TROUBLES),
        export.moment("until", 0),
        export.moment("cut_from") if cut is not None else None,
    )  # fmt: skip
    export.done()
    table.done()
    if made.history_ms < LEAST_HISTORY_MS:
        raise table.wrong("history", 'must be ninety minutes or more, written like "-170m"')
    if sum(faults.crosses for faults in made.faults) > 1:
        raise table.wrong("fault", "only one of them can cross")
    if list(made.depths) != sorted(made.depths, key=lambda depth: depth.at_ms):
        raise table.wrong("depth", "must be in the order of time")
    return made


def _each(table: _Table, key: str, read: Callable[[_Table], Part]) -> tuple[Part, ...]:
    made = []
    for one in table.tables(key):
        made.append(read(one))
        one.done()
    return tuple(made)


def _faults(table: _Table) -> Faults:
    made = Faults(
        table.text("kind", among=FAULTS),
        table.text("route"),
        table.number("count", least=1),
        table.moment("from"),
        table.moment("to"),
        table.number("seconds", 60, least=1),
        table.flag("crosses"),
    )
    if made.crosses and made.from_ms < 0:
        raise table.wrong("crosses", "a limit is crossed while somebody watches: `from` must not lie before going live")
    return _ordered(table, made)


def _runs(table: _Table) -> Runs:
    made = Runs(
        table.moment("from"),
        table.moment("to"),
        table.number("per_minute"),
        table.number("failures_percent", 0),
        table.number("dispatched", 1),
    )
    if made.failures_percent > 100:
        raise table.wrong("failures_percent", "is more than 100")
    return _ordered(table, made)


def _ordered(table: _Table, made: Stretch) -> Stretch:
    if made.from_ms >= made.to_ms:
        raise table.wrong("to", "must lie after `from`")
    return made


def _expected(table: _Table) -> tuple[tuple[tuple[str, Expected], ...], Expected, str, str]:
    verdict = table.text("verdict", "")
    if verdict and verdict not in VERDICTS:
        raise table.wrong("verdict", f"{verdict!r} is none of {', '.join(VERDICTS)}")
    reason = table.text("reason", "")
    otherwise = _state(table, "otherwise", table.values.pop("otherwise", "ok"))
    signals = table.table("signals")
    expect = tuple((name, _state(signals, name, value)) for name, value in signals.values.items())
    table.done()
    return expect, otherwise, verdict, reason


def _state(table: _Table, key: str, value: object) -> Expected:
    """`tripped`, or `tripped count_over`."""
    state, _, reason = str(value).partition(" ")
    if not isinstance(value, str) or state not in STATES:
        raise table.wrong(key, f"{value!r} is none of {', '.join(STATES)}, with a reason if it matters")
    return Expected(state, reason)
