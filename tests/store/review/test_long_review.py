"""A long review leaves no trace: every address that the pages lead to is visited again and again, and the file is what it was."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from store.review.proof import wait_for_proof
from store.review.serve import case_datasette
from store.seal.seal import seal_case
from tests.store.review.conftest import close
from tests.store.review.worlds import seed_case

LINK = re.compile(r'(?:href|src|action)="([^"]*)"')
ROUNDS, MOST = 2, 120
PER_TABLE = 4


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    folder = tmp_path / "handed-over"
    folder.mkdir()
    seal_case(seed_case(tmp_path / "open.db"), folder / "case.db", operator="kim", override="for the test")
    return folder / "case.db"


def shape(address: str) -> str:
    """Addresses that differ in numbers and values only are one kind of page; a few of each kind are enough."""
    parts = urlsplit(address)
    names = sorted(re.findall(r"(?:^|&)([^=&]+)=", parts.query))
    return re.sub(r"\d+", "0", parts.path) + "?" + ",".join(names)


@pytest.mark.parametrize(
    "pages_as_one_that_changes", [False, True], ids=["as review opens it", "as plain datasette opens it"]
)
async def test_a_sealed_file_is_the_same_after_every_page_was_visited(
    sealed: Path, pages_as_one_that_changes: bool
) -> None:
    before = {
        path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).digest()) for path in sealed.parent.iterdir()
    }
    datasette = case_datasette(sealed, sealed=not pages_as_one_that_changes)
    wait_for_proof(sealed, seconds=60)
    troubles: list[tuple[str, int]] = []
    visited: Counter[str] = Counter()
    for _ in range(ROUNDS):
        waiting, seen, kinds = ["/"], {"/"}, Counter[str]()
        while waiting:
            address = waiting.pop(0)
            response = await datasette.client.get(address, follow_redirects=True)
            visited[address] += 1
            if response.status_code != 200:
                troubles.append((address, response.status_code))
            if "html" not in response.headers.get("content-type", ""):
                continue
            for link in LINK.findall(response.text):
                found = urljoin(str(response.url), unescape(link)).partition("#")[0]
                inside = found.removeprefix("http://localhost")
                if (
                    inside.startswith("/")
                    and inside not in seen
                    and len(seen) < MOST
                    and kinds[shape(inside)] < PER_TABLE
                ):
                    seen.add(inside)
                    kinds[shape(inside)] += 1
                    waiting.append(inside)
    close(datasette)
    assert troubles == []
    assert len(visited) > 100
    assert min(visited.values()) == ROUNDS
    after = {
        path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).digest()) for path in sealed.parent.iterdir()
    }
    assert after == before
