"""`closeout review` serves one case on loopback, with safe defaults."""

from __future__ import annotations

import hashlib
import shutil
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from store.errors import Refused
from store.review.serve import case_datasette, open_review
from tests.store.review.conftest import close


async def ask(app: Any, host: str, path: str = "/seed/-/case") -> int:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{host}") as client:
        return (await client.get(path)).status_code


async def test_on_loopback_only_loopback_names_are_answered(seed: Path) -> None:
    review = open_review(seed, port=0)
    try:
        assert review.url == f"http://127.0.0.1:{review.listener.getsockname()[1]}/seed/-/case"
        for host in ("127.0.0.1:8001", "localhost:8001", "[::1]:8001", "127.0.0.1"):
            assert await ask(review.app, host) == 200, host
        for host in (
            "evil.example",
            "evil.example:8001",
            "127.0.0.1.evil.example",
            "192.168.1.7",
            "localhost.evil.example",
        ):
            assert await ask(review.app, host) == 421, host
    finally:
        review.listener.close()
        close(review.datasette)


def test_a_port_that_is_taken_is_said(seed: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Refused, match="cannot listen"):
        open_review(seed, port=taken.getsockname()[1])


def test_without_a_port_any_free_one_serves(seed: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        first = open_review(seed)
        second = open_review(seed)
    assert first.listener.getsockname() != second.listener.getsockname()
    for review in (first, second):
        review.listener.close()
        close(review.datasette)


async def test_a_sealed_file_is_opened_as_one_that_never_changes_and_can_be_taken_along(
    seed: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copyfile(seed, tmp_path / "seed.db"))
    path.chmod(0o400)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    datasette = case_datasette(path, sealed=True)
    assert not datasette.databases["seed"].is_mutable
    assert (await datasette.client.get("/seed/-/case")).status_code == 200
    assert (await datasette.client.get("/seed/signal_state")).status_code == 200
    assert not datasette.databases["seed"].is_mutable
    taken = await datasette.client.get("/seed.db")
    assert hashlib.sha256(taken.content).hexdigest() == before == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(tmp_path.iterdir()) == [path]
    close(datasette)


async def test_an_open_file_cannot_be_taken_along(seed: Path) -> None:
    datasette = case_datasette(seed, sealed=False)
    assert (await datasette.client.get("/seed.db")).status_code == 403
    close(datasette)


async def test_cases_can_be_reviewed_beside_each_other(seed: Path, empty: Path) -> None:
    review = open_review(seed, others=[empty], port=0)
    try:
        assert await ask(review.app, "127.0.0.1", "/seed/-/compare/empty") == 200
        assert await ask(review.app, "127.0.0.1", "/empty/-/compare/seed") == 200
    finally:
        review.listener.close()
        close(review.datasette)
