"""One frozen picture of a case: everything that a frame on the screen needs, read at one instant.

Widgets compare one picture with the last and never ask the file themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from store.explain import SignalExplanation
from store.judge import Judgement, SignalState
from store.runbook.model import Runbook
from store.series import Series
from store.stamps import Stamps
from store.walk.gaps import Gap
from store.walk.roles import RoleArtifact
from store.walk.states import WalkState
from store.walk.timeline import Entry
from store.walk.undo import Undo
from tui.desk.glyphs import Glyphs


class StreamHealth(NamedTuple):
    """How one stream of evidence is doing. `next_ms`: when its running capture looks again; None where none runs."""

    stream: str
    kind: str
    covered_to_ms: int | None
    collected_ms: int | None
    next_ms: int | None
    failure: str


class Seen(NamedTuple):
    """Who acknowledged a signal's alarm, for which trip."""

    at_ms: int
    operator: str
    first_trip_ms: int | None


class Person(NamedTuple):
    """One session at this case; `life` is alive, dead or elsewhere."""

    operator: str
    place: str
    pid: int
    since_ms: int
    life: str


class Chain(NamedTuple):
    """Where the chain stands."""

    seq: int
    head: str
    at_ms: int


class Resume(NamedTuple):
    """What a walk looked like when this desk opened: its last deed, and the signals that changed since."""

    at_ms: int
    operator: str
    said: str
    lost: tuple[str, ...]
    changed: tuple[tuple[str, str, str], ...]


class Looked(NamedTuple):
    """One row of evidence in full: its reference and its columns with their values."""

    ref: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The case as read at `read_ms`."""

    path: str
    read_ms: int
    sealed: bool
    runbook: Runbook
    judgement: Judgement
    series: Mapping[int, Series]
    walk: WalkState
    chain: Chain
    streams: tuple[StreamHealth, ...]
    seen: Mapping[str, Seen]
    timeline: tuple[Entry, ...]
    gaps: tuple[Gap, ...]
    people: tuple[Person, ...]
    counts: Mapping[str, int]
    tails: Mapping[str, tuple[str, ...]]
    explanations: Mapping[str, SignalExplanation]
    undos: Mapping[str, Undo]
    looked: Looked | None
    resume: Resume | None
    papers: tuple[RoleArtifact, ...] = ()
    stamps: Stamps | None = None
    trusted: bool = False
    stopped: str = ""

    def signal(self, signal_id: str) -> SignalState | None:
        """A signal's state by its id."""
        return next((signal for signal in self.judgement.signals if signal.id == signal_id), None)

    @property
    def alarms(self) -> tuple[SignalState, ...]:
        """Tripped signals that nobody has acknowledged since they tripped."""
        return tuple(s for s in self.judgement.signals if s.state == "tripped" and not self.acknowledged(s))

    def acknowledged(self, signal: SignalState) -> bool:
        """Whether someone saw this very trip; a memoryless one counts as seen once it was."""
        seen = self.seen.get(signal.id)
        return seen is not None and (signal.first_trip_ms is None or seen.first_trip_ms == signal.first_trip_ms)


class Frame(NamedTuple):
    """What a widget draws from: the picture, the clock of the screen, and the signs."""

    snapshot: Snapshot
    now_ms: int
    glyphs: Glyphs
