"""Every key of a TOML text has its exact line, whatever the text around it looks like."""

from __future__ import annotations

import pytest

from store.runbook.keylines import TomlError, read_toml

BODY = """\
# a comment = 1
id = "x"   # [not.a.table]
"quoted key" = 1
a.b = 2
long = [
  "one",
  # between
  "two",
]
text = \"\"\"
[looks.like]
over = 5
\"\"\"

[[trip]]
kind = "count"

[trip.deep]
here = 1

[[trip]]
kind = "burst"
inline = { x = 1, y = [1, 2] }

[rollback]
do = "it"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("id",), 12),
        (("quoted key",), 13),
        (("a", "b"), 14),
        (("long",), 15),
        (("long", 0), 16),
        (("long", 1), 18),
        (("text",), 20),
        (("trip",), 25),
        (("trip", 0), 25),
        (("trip", 0, "kind"), 26),
        (("trip", 0, "deep", "here"), 29),
        (("trip", 1), 31),
        (("trip", 1, "kind"), 32),
        (("trip", 1, "inline", "y"), 33),
        (("rollback", "do"), 36),
    ],
)
def test_a_key_has_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert read_toml(BODY, 10)[1].of(*path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [(("missing",), 10), (("trip", 1, "missing"), 31), (("rollback", "files", 3), 35), (("over",), 10)],
)
def test_a_key_that_is_not_there_has_the_line_of_the_table_that_lacks_it(
    path: tuple[str | int, ...], line: int
) -> None:
    assert read_toml(BODY, 10)[1].of(*path) == line


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        ('a = 1\nb = "open\nc = 3\n', 1),
        ("a = 1\nb = [\n  1,\nc = 3\n", 1),
        ("a = 1\nb = [\n  1,\n  x,\n]\n", 3),
        ("a = 1\nb 2\nc = 3\n", 1),
        ("a = 1\nb = 2\na = 3\n", 2),
        ("a = 1\n[t]\nb = 1\n[t]\n", 3),
        ('a = 1\nb = """\nlong\n', 1),
        ("a = 1\nb = {\nc = 1\n}\n", 1),
        ("a = 01\n", 0),
        ("x = " + "[" * 3000, 0),
        ("x = " + "9" * 5000, 0),
        ("a = 1\n= 2\n", 1),
        ("\n\n[unclosed\na = 1\n", 2),
    ],
)
def test_a_syntax_error_is_blamed_on_the_statement_at_fault(body: str, offset: int) -> None:
    with pytest.raises(TomlError) as caught:
        read_toml(body, 10)
    assert caught.value.offset == offset
    assert "at line" not in caught.value.why
