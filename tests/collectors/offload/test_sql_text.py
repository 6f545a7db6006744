"""A fence's SQL: one statement, known parameters, and no sign in a text or comment mistaken for either."""

from __future__ import annotations

import pytest

from collectors.offload.sql_text import one_statement, quote_name, quote_table, quote_text, with_values
from store.errors import BadInput


def test_a_trailing_semicolon_and_comments_are_still_one_statement() -> None:
    read = one_statement('-- depth; by status\nSELECT status, count(*) /* a; b */ FROM "T";\n-- done\n', ())
    assert read.text == 'SELECT status, count(*)   FROM "T"'


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT 1; COMMIT; CREATE TABLE x()",
        "SELECT 'a;b'; DELETE FROM t",
        "SELECT $$;$$ ; SELECT 2",
    ],
)
def test_several_statements_are_refused(sql: str) -> None:
    with pytest.raises(BadInput, match="several statements"):
        one_statement(sql, ())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ';:no'",
        'SELECT ";:no"',
        "SELECT $$;:no$$",
        "SELECT $a$;$$:no$a$",
        "SELECT E'\\';:no'",
        "SELECT 'it''s;:no'",
    ],
)
def test_quoted_signs_mean_nothing(sql: str) -> None:
    assert one_statement(sql, ()) == (sql, ())


def test_parameters_are_named_once_and_casts_are_not_parameters() -> None:
    read = one_statement(
        "SELECT status::text, 5 % 2 FROM t WHERE a >= :since AND b < :until AND c > :since", ("since", "until")
    )
    assert read.text == "SELECT status::text, 5 %% 2 FROM t WHERE a >= %(since)s AND b < %(until)s AND c > %(since)s"
    assert read.parameters == ("since", "until")
    assert with_values(read, {"since": 1, "until": 2, "more": 3}) == {"since": 1, "until": 2}


@pytest.mark.parametrize(
    ("sql", "told"),
    [("SELECT :sinse", "uses :sinse"), ("SELECT 'open", "unclosed"), ("  -- only words\n;", "no statement")],
)
def test_what_cannot_run_is_told(sql: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        one_statement(sql, ("since",))


def test_names_are_quoted_whatever_they_hold() -> None:
    assert quote_table("WebhookEvent") == '"WebhookEvent"'
    assert quote_table("jobs.WebhookEvent") == '"jobs"."WebhookEvent"'
    assert quote_name('a"b') == '"a""b"'
    assert quote_text("it's") == "'it''s'"
    assert quote_text("a\\b") == "E'a\\\\b'"
    assert quote_name("50%") == '"50%%"'
