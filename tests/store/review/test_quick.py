"""The kept rows are those of the views, and never older than the file."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.records.load import load_records
from store.case import Case
from store.review.quick import KEPT, KEPT_OF_VERDICT, keep_states
from tests.store.review.worlds import SNAPSHOT
from tests.store.world import collection, lines, match


@pytest.mark.parametrize("name", ["seed", "hostile", "empty"])
def test_kept_rows_are_the_rows_of_the_views(request: pytest.FixtureRequest, name: str) -> None:
    with Case.open(request.getfixturevalue(name)) as case:
        db = case.read()
        views = {view: asked(db, f"main.{view}") for view in (*KEPT, *KEPT_OF_VERDICT)}
        keep_states(db)
        kept = {view: asked(db, view) for view in (*KEPT, *KEPT_OF_VERDICT)}
        assert kept == views
        assert name == "empty" or kept["condition_level"][1]
        assert name != "seed" or kept["verdict_row"][1]


def asked(db: sqlite3.Connection, view: str) -> tuple[list[str], list[str]]:
    """Names and rows of a view; the order of those without one is that of the plan."""
    cursor = db.execute(f"SELECT * FROM {view}")
    return [column[0] for column in cursor.description], sorted(map(repr, cursor.fetchall()))


async def test_rows_added_to_an_open_case_are_seen_at_once(
    serving: Callable[..., Any], seed: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copyfile(seed, tmp_path / "growing.db"))
    datasette = serving(path)

    async def state() -> str:
        rows = (await datasette.client.get("/growing/signal_state.json?_shape=array&signal=webhook-60s")).json()
        return str(rows[0]["state"])

    assert await state() == "partial"
    since = SNAPSHOT - 600_000
    many = [match("burst", f"k{n}", since + n, "webhook-timeout") for n in range(51)]
    with Case.open(path, write=True) as case:
        records = lines([collection("burst", "runtime-logs", since, SNAPSHOT, collected=SNAPSHOT + 120_000), *many])
        load_records(case, case.runbook(), records, name="burst", operator="kim")
    for _ in range(4):
        assert await state() == "tripped"
