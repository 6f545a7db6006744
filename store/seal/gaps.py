"""The gap report: everything that whoever opens this case must not take for granted. An empty one is a statement too.

What the walk and the signals do not know comes from `store.walk.gaps`; here is added what the evidence itself cannot vouch for: text that
was masked, matches that were not kept, unreadable lines, artifacts that lie elsewhere, clocks of sources and of this machine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from store.instants import format_duration, format_instant
from store.journal import Gap
from store.judge import Judgement
from store.walk.gaps import gaps_of
from store.walk.states import WalkState

_BACK_MS = 2_000


def gap_report(
    db: sqlite3.Connection, walk: WalkState, judgement: Judgement, *, override: str | None = None
) -> tuple[Gap, ...]:
    """Everything that is not known, signals first; `override` is the reason given for sealing in spite of open steps."""
    return (
        *_drill(judgement),
        *(Gap(gap.kind, gap.ref or "", gap.what) for gap in gaps_of(db, walk, judgement)),
        *_open_steps(walk, override),
        *_withheld(db),
        *_elsewhere(db),
        *_skewed(db),
        *_went_back(db),
    )


def _drill(judgement: Judgement) -> Iterator[Gap]:
    if judgement.drill:
        yield Gap("drill", "", "this is a rehearsal: nothing in it happened to anyone")


def _open_steps(walk: WalkState, override: str | None) -> Iterator[Gap]:
    for step in walk.open_mandatory:
        because = f": {override}" if override else ""
        yield Gap("open_step", f"step:{step.id}", f"{step.id} was {step.state} when the case was sealed{because}")


def _withheld(db: sqlite3.Connection) -> Iterator[Gap]:
    """What collectors saw and did not keep as it was."""
    rows = db.execute(
        "SELECT k.id, k.stream, e.redactions, e.omitted, e.unreadable FROM collection_end e JOIN collection k ON k.id = e.collection "
        "WHERE (e.redactions > 0 OR e.omitted > 0 OR e.unreadable > 0) AND k.id NOT IN (SELECT collection FROM retraction) ORDER BY k.id"
    ).fetchall()
    for id, stream, redactions, omitted, unreadable in rows:
        ref = f"collection:{id}"
        if redactions:
            yield Gap("redaction", ref, f"{stream}: {redactions} places were masked before storing")
        if omitted:
            yield Gap("omitted", ref, f"{stream}: {omitted} matches were counted and not kept")
        if unreadable:
            yield Gap("unreadable", ref, f"{stream}: {unreadable} lines could not be read")


def _elsewhere(db: sqlite3.Connection) -> Iterator[Gap]:
    rows = db.execute(
        "SELECT id, name, path, redaction, name IN (SELECT name FROM sqlar) FROM artifact ORDER BY id"
    ).fetchall()
    for id, name, path, redaction, inside in rows:
        if not inside:
            yield Gap(
                "elsewhere", f"artifact:{id}", f"{name} is not in the case: only its hash is, and the path {path}"
            )
        if redaction:
            yield Gap("redaction", f"artifact:{id}", f"{name}: {redaction}")


def _skewed(db: sqlite3.Connection) -> Iterator[Gap]:
    rows = db.execute(
        "SELECT k.id, k.stream, k.skew_ms FROM collection k WHERE abs(k.skew_ms) > (SELECT min(d.max_skew_ms) FROM definition d "
        "WHERE d.edition = (SELECT max(id) FROM edition)) AND k.id NOT IN (SELECT collection FROM retraction) ORDER BY k.id"
    ).fetchall()
    for id, stream, skew in rows:
        yield Gap("clock", f"collection:{id}", f"{stream}: the source's clock was {format_duration(skew)} off")


def _went_back(db: sqlite3.Connection) -> Iterator[Gap]:
    """Transactions that were stored before the one that they follow, by this machine's own clock."""
    rows = db.execute(
        "SELECT c.seq, c.at_ms, p.at_ms FROM chain c JOIN chain p ON p.seq = c.seq - 1 WHERE c.at_ms < p.at_ms - ? ORDER BY c.seq",
        (_BACK_MS,),
    ).fetchall()
    for seq, now, before in rows:
        told = f"the clock went back by {format_duration(before - now)} between transactions {seq - 1} and {seq} ({format_instant(now)})"
        yield Gap("clock", f"chain:{seq}", told)
