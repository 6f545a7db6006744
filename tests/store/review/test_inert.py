"""Hostile evidence runs nowhere, and nothing that a reader sends changes a case."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.case import Case

PAGES = ("/-/case", "/-/timeline", "/-/artifacts", "/-/signal/~3Ci~3Esignal~3C~2Fi~3E")
TABLES = (
    "",
    "/log_match",
    "/collection",
    "/artifact",
    "/note",
    "/probe",
    "/step",
    "/signal",
    "/signal_state",
    "/timeline",
    "/unreadable",
    "/gaps",
)


@pytest.mark.parametrize("path", PAGES + TABLES)
async def test_no_text_of_evidence_becomes_markup(serving: Callable[..., Any], hostile: Path, path: str) -> None:
    response = await serving(hostile).client.get(f"/hostile{path}")
    assert response.status_code == 200
    body = response.text
    assert "document.title='pwned'</script>" not in body
    assert "<img src=x" not in body
    assert "<svg onload" not in body
    assert not re.search(r'href="(javascript:|http://evil)', body)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert ("script-src" in policy) == (path in TABLES), "our own pages need no script at all"


@pytest.mark.parametrize("path", PAGES)
async def test_control_and_direction_characters_are_shown_as_dots(
    serving: Callable[..., Any], hostile: Path, path: str
) -> None:
    body = (await serving(hostile).client.get(f"/hostile{path}")).text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]", body)


async def test_only_true_pictures_are_shown_all_else_is_a_download(serving: Callable[..., Any], hostile: Path) -> None:
    datasette = serving(hostile)
    with Case.open(hostile) as case:
        files = case.read().execute("SELECT id, name, media_type, sha256 FROM artifact ORDER BY id").fetchall()
    shown = []
    for id, name, media_type, sha256 in files:
        for query in ("", "?inline=1"):
            response = await datasette.client.get(f"/hostile/-/artifact/{id}{query}")
            assert hashlib.sha256(response.content).hexdigest() == sha256
            assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert response.headers["x-content-type-options"] == "nosniff"
            if response.headers["content-disposition"] == "inline":
                shown.append((name, query, response.headers["content-type"], media_type))
            else:
                assert response.headers["content-type"] == "application/octet-stream"
                assert response.headers["content-disposition"] == f'attachment; filename="artifact-{id}"'
    assert shown == [("x\"'>.png", "?inline=1", "image/png", "image/png")]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(
    "path", ["/seed", "/seed/log_match", "/seed/log_match/1", "/seed/-/case", "/seed/verdict_state"]
)
async def test_no_route_takes_anything(serving: Callable[..., Any], seed: Path, method: str, path: str) -> None:
    response = await getattr(serving(seed).client, method)(path)
    assert response.status_code == 405


async def test_sql_is_off_unless_asked_and_the_file_stays_as_it_is(serving: Callable[..., Any], seed: Path) -> None:
    before = hashlib.sha256(seed.read_bytes()).hexdigest()
    closed, open_ = serving(seed), serving(seed, allow_sql=True)
    for address in ("/seed?sql=select+1", "/seed/log_match?_where=1", "/seed.json?sql=select+1"):
        assert (await closed.client.get(address)).status_code == 403
    assert (await open_.client.get("/seed.json?sql=select+1+as+one&_shape=array")).json() == [{"one": 1}]
    for statement in (
        "delete+from+note",
        "insert+into+note+default+values",
        "pragma+user_version=3",
        "attach+':memory:'+as+x",
    ):
        assert (await open_.client.get(f"/seed.json?sql={statement}")).status_code == 400
    assert hashlib.sha256(seed.read_bytes()).hexdigest() == before


async def test_a_runaway_question_is_cut(serving: Callable[..., Any], seed: Path) -> None:
    endless = "with+recursive+n(x)+as+(select+1+union+all+select+x%2B1+from+n)+select+count(*)+from+n"
    response = await serving(seed, allow_sql=True).client.get(f"/seed.json?sql={endless}")
    assert response.status_code == 400
    assert "interrupted" in response.text.lower()


@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM INTO '{place}'",
        "ATTACH '{place}' AS other",
        "WITH x AS (SELECT 1) INSERT INTO note SELECT * FROM note",
        "PRAGMA temp_store_directory = '{place}'",
    ],
)
async def test_what_a_case_calls_a_question_cannot_write_anywhere(
    serving: Callable[..., Any], seed: Path, tmp_path: Path, statement: str
) -> None:
    path, place = Path(shutil.copyfile(seed, tmp_path / "seed.db")), tmp_path / "written.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TRIGGER canned_query_no_replace")
        db.execute(
            "INSERT INTO canned_query (seq, name, title, sql) VALUES (1, 'gift', 'x', ?)",
            (statement.format(place=place),),
        )
        db.commit()
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    datasette = serving(path, allow_sql=True)
    for address in ("/seed/gift", "/seed/gift.json"):
        assert (await datasette.client.get(address)).status_code in (400, 404)
    await datasette.client.get("/seed.json?sql=" + statement.format(place=place).replace(" ", "+"))
    assert not place.exists()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
