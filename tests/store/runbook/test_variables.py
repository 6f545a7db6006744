"""A command's variables are found as its own language reads them."""

from __future__ import annotations

import pytest

from store.runbook.model import Command
from store.runbook.variables import used_variables


def names(language: str, text: str) -> list[str]:
    """Return the variables a command uses, in order."""
    return [name for name, _ in used_variables(Command(language, text, 1))]


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ('vercel logs "$PROJECT" --since "$SINCE" --until ${UNTIL}', ["PROJECT"]),
        ('echo "${A}${B:-x}${#C}" $D', ["A", "B", "C", "D"]),
        ("jq '.[] | $inner' \"$FILE\"", ["FILE"]),
        ("echo \"it's $A\" 'and $B'", ["A"]),
        ('echo "$(jq \'$inner\' "$FILE") $B"', ["FILE", "B"]),
        ("echo \\$A $B # $C\necho a#b $D", ["B", "D"]),
        ('for one in "$LIST"; do echo "$one"; done; own="$A"; echo $own', ["LIST", "A"]),
        ("read -r line; echo $line $HOME $1 $? $$ $(date)", []),
        ("echo '$open", []),
    ],
)
def test_shell(text: str, used: list[str]) -> None:
    assert names("sh", text) == used


def test_http_names_stand_in_double_braces() -> None:
    text = "GET {{BASE_URL}}/x?y={{ KEY }}\nAuthorization: Bearer {{TOKEN}}\n"
    assert names("http", text) == ["BASE_URL", "KEY", "TOKEN"]


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("SELECT status::text FROM t WHERE at >= :since AND team = :team", ["team"]),
        ("SELECT ':no', \":no\", $$ :no $$ -- :no\n /* :no */ , :yes", ["yes"]),
        ("SELECT 12:34, a[1:2], x::y", []),
    ],
)
def test_sql(text: str, used: list[str]) -> None:
    assert names("sql", text) == used


def test_a_variable_has_its_line() -> None:
    assert list(used_variables(Command("sh", "echo a\necho $B\n", 10))) == [("B", 12)]
