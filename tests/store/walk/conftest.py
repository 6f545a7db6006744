"""One case is laid once; every test walks a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.walk.builders import WalkWorld, walk_text
from tests.store.world import World


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The case as it begins."""
    return World(tmp_path_factory.mktemp("walk") / "laid.db", walk_text())


@pytest.fixture
def world(laid: World, tmp_path: Path) -> Iterator[WalkWorld]:
    """A fresh case under walk."""
    path = tmp_path / "case.db"
    made = WalkWorld(path, laid.copy(path))
    yield made
    made.close()
