"""One staged world for all of these tests: a scenario is opened in it in a fraction of a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collectors.drill.stage import Stage
from tests.collectors.drill.staging import start_stage


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A running stage; without server binaries the test is skipped, or fails when CLOSEOUT_REQUIRE_PG=1."""
    with start_stage() as running:
        yield running
