"""Transactions as collectors and people make them: a few rows or hundreds, now and then an artifact."""

from __future__ import annotations

import atexit
import hashlib
import random
import shutil
import tempfile
from pathlib import Path

from store import evidence, journal
from store.case import Case
from store.transaction import Transaction
from tests.store import world


def kept_folder() -> Path:
    """A folder for what is made once for all tests; it goes when the tests end."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def make_case(path: Path) -> Path:
    """A case with one collection, into which deeds are written."""
    world.World(path, world.runbook_text())
    with Case.open(path, write=True) as case, case.transaction("logs") as tx:
        tx.add(evidence.Collection("rt", "logs", world.START, world.START + 1, world.START))
    return path


def do_something(case: Case, rng: random.Random) -> tuple[int, str]:
    """One transaction; returns its number and head once it is acknowledged."""
    with case.transaction("logs") as tx:
        fill(tx, rng)
    return tx.seq, case.head().head


def fill(tx: Transaction, rng: random.Random) -> None:
    """Rows and perhaps an artifact."""
    kind = rng.random()
    if kind < 0.2:
        tx.add(journal.Note(world.START, "kim", None, f"note {rng.randrange(1000)}"))
        return
    if kind < 0.3:
        data = rng.randbytes(rng.randrange(1, 400_000))
        name = f"artifacts/{tx.seq}.bin"
        tx.add_blob(name, data)
        tx.add(
            evidence.Artifact(
                None, name, "note", "application/octet-stream", len(data), hashlib.sha256(data).hexdigest(), 0
            )
        )
    rows = rng.choice((1, 1, 3, 20, 400))
    tx.add_all(
        evidence.LogMatch(1, "rt", "alpha", "web", f"{tx.seq}-{n}", world.START + n, raw="x" * rng.randrange(200))
        for n in range(rows)
    )
