"""Artifacts that a choice asks for by their role: which of the cited ones answer, and what to cite or attach for the others.

A role is answered by an artifact that says which window it speaks of: a decision rests on papers and on the time they cover.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from store.errors import Refused
from store.runbook.model import PACKET_ROLES, Choice, Step
from store.walk.citations import Cited
from store.walk.events import Query

WINDOW_OF = {"baseline": "baseline", "verification": "postfix", "pre-post-delta": "postfix"}
"""The named window that the artifacts of a role speak of unless somebody says otherwise."""


def window_of_role(db: sqlite3.Connection, role: str) -> tuple[int, int] | None:
    """The recorded window that artifacts of a role speak of; None where the role implies none, or it was not recorded."""
    row = db.execute(
        'SELECT from_ms, to_ms FROM "window" WHERE name = ? ORDER BY id DESC LIMIT 1', (WINDOW_OF.get(role),)
    ).fetchone()
    return None if row is None else (int(row[0]), int(row[1]))


class RoleArtifact(NamedTuple):
    """The newest artifact of a role."""

    role: str
    ref: str
    name: str
    from_ms: int | None
    to_ms: int | None


def artifacts_of(query: Query, roles: Iterable[str]) -> tuple[RoleArtifact, ...]:
    """The newest artifact of each role, one with a window first; a role that nothing has is left out."""
    found = []
    for role in roles:
        rows = query(
            "SELECT id, name, from_ms, to_ms FROM artifact WHERE role = ? "
            "AND ifnull(collection, 0) NOT IN (SELECT collection FROM retraction) ORDER BY to_ms IS NULL, id DESC LIMIT 1",
            (role,),
        )
        found += [RoleArtifact(role, f"artifact:{id}", str(name), start, end) for id, name, start, end in rows]
    return tuple(found)


def check_roles(query: Query, step: Step, choice: Choice, cited: Sequence[Cited]) -> None:
    """Every role that a choice asks for is answered by a cited artifact with a window.

    Raises:
        Refused: some are not; it names what to cite if the case has it, else how to get it there.
    """
    answered = _answered(query, cited)
    missing = [role for role in choice.roles if role not in answered]
    if not missing:
        return
    there = [one for one in artifacts_of(query, missing) if one.to_ms is not None]
    if len(there) == len(missing):
        hint = "cite them too: " + " ".join(one.ref for one in there)
    else:
        hint = " or ".join(_ways([role for role in missing if role not in {one.role for one in there}]))
    what = "an artifact" if len(missing) == 1 else "artifacts"
    raise Refused(
        f"{step.id} = {choice.id} must cite {what} with a window and the role {', '.join(missing)}",
        f"{hint}; or decide with --override R",
    )


def _answered(query: Query, cited: Sequence[Cited]) -> set[str]:
    ids = [one.id for one in cited if one.kind == "artifact"]
    marks = ", ".join("?" * len(ids))
    rows = query(
        f"SELECT role FROM artifact WHERE id IN ({marks}) AND from_ms IS NOT NULL AND to_ms IS NOT NULL",  # noqa: S608 marks are ?
        tuple(ids),
    )
    return {str(role) for (role,) in rows}


def _ways(roles: Sequence[str]) -> list[str]:
    """Commands that bring artifacts of these roles into the case."""
    by_packet = all(role in PACKET_ROLES for role in roles)
    by_hand = f"closeout attach CASE FILE --role {roles[0]} --window {WINDOW_OF.get(roles[0], 'W')}"
    return ["closeout packet CASE --out DIR --attach", by_hand] if by_packet else [by_hand]
