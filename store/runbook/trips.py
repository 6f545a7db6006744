"""The keys of each kind of `[[trip]]`, with the defaults of the conditions' exact meaning.

A kind refuses the keys of another: a `slice` on a count would look like a rule and be none.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from store.runbook.fieldtypes import (
    Closed,
    Count,
    Duration,
    Micro,
    MicroNotNegative,
    Pause,
    Percent,
    Positive,
    Routes,
    SomeIds,
    Statuses,
    Text,
)


class Trip(Closed):
    """What every condition may say: where it looks, and how late its stream may settle."""

    kind: str
    streams: SomeIds | None = None
    settle: Pause | None = None


class CountTrip(Trip):
    """Events within the window."""

    signatures: SomeIds
    over: Count | None = None
    at_least: Positive | None = None


class BurstTrip(CountTrip):
    """Events within any slice of the window."""

    slice: Duration = 300_000


class TrendTrip(Trip):
    """A rise over consecutive windows."""

    signatures: SomeIds
    rises: Literal[1, 2] = 2
    floor: Count = 20
    z2: MicroNotNegative = 5_410_000


class LoopTrip(Trip):
    """Slices in which every group failed."""

    groups: SomeIds
    slice: Duration = 120_000
    at_least: Positive = 2


class QueueTrip(Trip):
    """A queue that grows without draining."""

    max_gap: Duration = 600_000
    min_snapshots: Positive = 4
    min_growth: Positive = 10


class RatioTrip(Trip):
    """The share of runs or attempts that failed."""

    of: Literal["attempts", "runs"] = "attempts"
    over_percent: Percent = 10
    min_failures: Count = 3
    min_total: Positive = 5
    min_cover_percent: Percent = 50


class ProbeTrip(Trip):
    """Routes that answer otherwise than expected."""

    routes: Routes
    expect: Statuses | None = None


class LevelTrip(Trip):
    """A gauge that stays beyond its limit."""

    series: Text
    over: Micro | None = None
    under: Micro | None = None
    for_: Annotated[Duration, Field(alias="for")] = 300_000
    max_gap: Duration = 120_000
