"""The pages of a case: they say what is in it, every link leads somewhere, and every number to rows that add up to it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from store.begin import begin_case
from store.case import Case
from store.explain import explain
from store.judge import frontier_question, judge
from store.runbook.parse import parse_runbook
from store.status import status_json
from store.telling import tell_value
from tests.store.review.worlds import SHIPPED, SLOT

PAGES = (
    "/-/case",
    "/-/timeline",
    "/-/artifacts",
    "/-/signal/webhook-60s",
    "/-/signal/cron-probes",
    "/-/signal/offload-health",
)
ENDLESS = "n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
LINK = re.compile(r'(?:href|src)="([^"]*)"')


async def page(datasette: Any, path: str) -> str:
    response = await datasette.client.get(path)
    assert response.status_code == 200, (path, response.status_code, response.text[-500:])
    return str(response.text)


async def test_the_root_of_a_datasette_with_one_case_is_the_case(serving: Callable[..., Any], seed: Path) -> None:
    response = await serving(seed).client.get("/")
    assert (response.status_code, response.headers["location"]) == (302, "/seed/-/case")


async def test_the_case_page_says_what_happened_what_was_decided_and_what_is_not_known(
    serving: Callable[..., Any], seed: Path
) -> None:
    text = await page(serving(seed), "/seed/-/case")
    for said in (
        "Phase 168e, February cycle",
        "Webhook 60-second time-outs",
        "watched 10m of 30m",
        "no threshold tripped in the verified ten minutes",
        "thirty minutes were not watched",
        f"{SLOT} did not answer",
        "the ledger is empty: no run was recorded",
        "rehearse-alerts skipped by kim",
        "dpl_new",
        "open: more may be added",
    ):
        assert said in unescape(text), said


async def test_an_empty_case_has_every_page_too(serving: Callable[..., Any], empty: Path) -> None:
    datasette = serving(empty)
    for path in PAGES:
        text = await page(datasette, f"/empty{path}")
        assert "Traceback" not in text
    assert "No decision was taken." in await page(datasette, "/empty/-/case")


@pytest.mark.parametrize("name", ["seed", "hostile"])
async def test_every_link_of_every_page_leads_to_something(
    serving: Callable[..., Any], request: pytest.FixtureRequest, name: str
) -> None:
    datasette = serving(request.getfixturevalue(name))
    seen: set[str] = set()
    queue = [f"/{name}/-/case"]
    while queue:
        path = queue.pop()
        bare, _, anchor = path.partition("#")
        if bare in seen and not anchor:
            continue
        seen.add(bare)
        response = await datasette.client.get(bare, follow_redirects=False)
        assert response.status_code == 200, (path, response.status_code)
        if "/-/" not in bare or not response.headers["content-type"].startswith("text/html"):
            continue
        if anchor:
            assert f'id="{anchor}"' in response.text, path
            continue
        found = {unescape(link) for link in LINK.findall(response.text)}
        assert all(link.startswith(f"/{name}") for link in found), found
        queue += [link for link in found if link not in seen]
    assert len(seen) > 15


async def test_every_number_has_rows_behind_it_that_add_up(serving: Callable[..., Any], seed: Path) -> None:
    datasette = serving(seed)
    with Case.open(seed) as case:
        question = frontier_question(case.read())
        for signal in judge(case.read(), question).signals:
            text = unescape(await page(datasette, f"/seed/-/signal/{signal.id}"))
            for part in explain(case.read(), question, signal.id).conditions:
                assert tell_value(part.condition) in text
                if part.condition.kind == "count":
                    assert len(part.rows) == part.condition.value
                for row in part.rows:
                    assert f">{row.ref}</a>" in text


async def test_a_signal_page_shows_the_sql_that_judged_it(serving: Callable[..., Any], seed: Path) -> None:
    text = unescape(await page(serving(seed), "/seed/-/signal/webhook-60s"))
    with Case.open(seed) as case:
        (stored,) = case.read().execute("SELECT sql FROM sqlite_schema WHERE name = 'condition_state'").fetchone()
    assert "SELECT * FROM condition_state WHERE signal = 'webhook-60s'" in text
    assert stored.split(" AS\n", 1)[1] in text
    assert "Task timed out after 60" in text, "the check that anyone can rerun"


async def test_a_page_answers_the_question_in_its_address_and_its_links_keep_it(
    serving: Callable[..., Any], seed: Path
) -> None:
    datasette = serving(seed)
    asked = "as_of=2026-02-18T03:20:00Z&known_seq=20&scope_start=none"
    answer = (await datasette.client.get(f"/seed/-/status.json?{asked}")).json()
    assert (answer["as_of"], answer["known_seq"], answer["scope_start"]) == ("2026-02-18T03:20:00.000Z", 20, None)
    text = unescape(await page(datasette, f"/seed/-/case?{asked}"))
    assert "as_of=2026-02-18T03%3A20%3A00Z&known_seq=20&scope_start=none#condition-" in text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/-/signal/no-such", 404, "there is no signal"),
        ("/-/artifact/99", 404, "there is no file artifact:99"),
        ("/-/case?as_of=yesterday", 404, "yesterday"),
        ("/-/case?known_seq=9999", 404, "transactions 1 to"),
        ("/-/case?known_seq=x", 404, "not the number of a transaction"),
    ],
)
async def test_what_is_not_there_is_said_in_one_line(
    serving: Callable[..., Any], seed: Path, path: str, status: int, said: str
) -> None:
    response = await serving(seed).client.get(f"/seed{path}")
    assert response.status_code == status
    assert said in unescape(response.text)


async def test_datasette_views_pages_and_status_give_the_same_states(
    serving: Callable[..., Any], seed: Path, empty: Path
) -> None:
    for path in (seed, empty):
        datasette = serving(path)
        with Case.open(path) as case:
            judgement = judge(case.read(), frontier_question(case.read()))
            plain = case.read().execute("SELECT signal, state, reason FROM signal_state ORDER BY position").fetchall()
        rows = (await datasette.client.get(f"/{path.stem}/signal_state.json?_shape=array&_sort=position")).json()
        canned = (await datasette.client.get(f"/{path.stem}/verdict_state.json?_shape=array")).json()
        text = await page(datasette, f"/{path.stem}/-/case")
        states = [(signal.id, signal.state, signal.reason) for signal in judgement.signals]
        assert states == plain
        assert states == [(row["signal"], row["state"], row["reason"]) for row in rows]
        assert states == [(row["signal"], row["state"], row["reason"]) for row in canned]
        assert (await datasette.client.get(f"/{path.stem}/-/status.json")).json() == status_json(judgement)
        for signal in judgement.signals:
            assert re.search(rf'class="card {signal.state}" id="signal-{signal.id}"', text)


async def test_two_cases_in_one_datasette_do_not_answer_for_each_other(
    serving: Callable[..., Any], seed: Path, empty: Path
) -> None:
    datasette = serving(seed)
    from datasette.database import Database

    datasette.add_database(Database(datasette, path=str(empty)), name="other")
    assert "Phase 168e, February cycle" not in await page(datasette, "/other/-/case")
    assert (await datasette.client.get("/")).status_code == 200, "with two databases the root is Datasette's own"


async def test_other_databases_are_left_alone(serving: Callable[..., Any], seed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute('CREATE TABLE "-" (id TEXT PRIMARY KEY, at_ms INTEGER, link TEXT)')
        db.execute("INSERT INTO \"-\" VALUES ('case', 1771384200000, 'http://example.com/a')")
    db.close()
    datasette = serving(seed)
    from datasette.database import Database

    datasette.add_database(Database(datasette, path=str(other)), name="other")
    response = await datasette.client.get("/other/-/case")
    assert response.status_code == 200
    assert "1771384200000" in response.text, "its row, as Datasette shows rows"
    assert 'href="http://example.com/a"' in response.text
    assert "content-security-policy" not in response.headers
    assert (await datasette.client.get("/other/-/timeline")).status_code == 404
    assert "/-/case" not in (await datasette.client.get("/other")).text.replace("/seed/-/case", "")


async def test_a_file_with_our_mark_that_is_no_case_is_told_in_one_page(
    serving: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "odd.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA application_id = 0x434C4F53")
        db.execute("CREATE TABLE chain (seq INTEGER)")
    db.close()
    datasette = serving(path)
    response = await datasette.client.get("/odd/-/case")
    assert response.status_code in (409, 500)
    assert "closeout verify" in response.text
    assert (await datasette.client.get("/odd")).status_code == 200


async def test_a_view_that_never_ends_is_cut(
    serving: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "endless.db"
    begin_case(path, parse_runbook(SHIPPED.read_text("utf-8"), "runbook.md"))
    with sqlite3.connect(path) as db:
        db.execute("DROP VIEW skew")
        db.execute(f"CREATE VIEW skew AS\nWITH RECURSIVE {ENDLESS} SELECT x AS definition, x AS skew_ms FROM n")
    db.close()
    monkeypatch.setattr("store.review.routes.PAGE_LIMIT_S", 0.3)
    monkeypatch.setattr("store.review.quick._LIMIT_S", 0.3)
    datasette = serving(path)
    response = await datasette.client.get("/endless/-/case")
    assert response.status_code == 503
    assert "took too long" in response.text
    assert (await datasette.client.get("/endless/signal_state?_size=1&_facet=state")).status_code in (200, 400)


async def test_tables_have_words_for_every_column_and_times_in_utc(serving: Callable[..., Any], seed: Path) -> None:
    datasette = serving(seed)
    text = await page(datasette, "/seed/log_match")
    assert "Identity of what counts as one, within the stream." in text
    assert ">2026-02-18T02:18:40.000Z</time>" in text
    assert text.count("<dd>") == 15
    assert "Parts of a page" not in text
    states = await page(datasette, "/seed/signal_state")
    assert 'title="Part of the window was not watched, so a trip may have been missed."' in states
    queries = await page(datasette, "/seed")
    for title in ("State of every signal at the end of the evidence", "Collections that do not cover, and why"):
        assert title in queries
    assert "cross-database" not in queries
    for name in ("verdict_state", "conditions", "timeline", "log_counts", "gaps"):
        await page(datasette, f"/seed/{name}")


def test_every_column_of_a_case_has_words(seed: Path) -> None:
    with Case.open(seed) as case:
        db = case.read()
        words = {column for (column,) in db.execute('SELECT "column" FROM description WHERE "table" = \'*\'')}
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_*'")
        ]
        described = {name for (name,) in db.execute('SELECT "table" FROM description WHERE "column" = \'\'')}
        for table in [*tables, "signal_state", "condition_state", "log_count"]:
            if table.startswith(("sqlite_", "_")):
                continue
            columns = {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}
            assert columns <= words, (table, columns - words)
            assert table in described or table in ("signal_state", "condition_state", "log_count"), table
