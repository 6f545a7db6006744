"""How rows are written down, digested and linked."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import journal
from store.case import Case
from store.chain import FORMAT, ChainEntry, chained_tables, head_of, last_entry, layout, line, row_query
from tests.store import world

VALUES = st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text()


@pytest.fixture(scope="module")
def case_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chain") / "case.db"
    world.World(path, world.runbook_text())
    return path


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_sqlite_writes_a_row_down_exactly_as_python_does(values: list[int | str | None]) -> None:
    db = sqlite3.connect(":memory:")
    names = [f"c{n}" for n in range(len(values))]
    db.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, seq INTEGER, {', '.join(names)})")
    db.execute(f"INSERT INTO t VALUES (7, 3, {', '.join('?' * len(values))})", values)
    seq, text = db.execute(row_query(db, "t"), (0, 10)).fetchone()
    db.close()
    assert (seq, text.encode() + b"\n") == (3, line(7, 3, *values))


@given(st.lists(VALUES, min_size=1, max_size=6), st.lists(VALUES, min_size=1, max_size=6))
def test_different_values_never_give_the_same_line(one: list[int | str | None], other: list[int | str | None]) -> None:
    assert (line(*one) == line(*other)) == (one == other)


@pytest.mark.parametrize("values", [(1, "1"), (None, "null"), ("a,b", ["a", "b"]), ('"', '\\"'), ("\x00", "")])
def test_values_that_look_alike_are_told_apart(values: tuple[object, object]) -> None:
    assert line(values[0]) != line(*(values[1] if isinstance(values[1], list) else [values[1]]))  # type: ignore[arg-type]


def test_a_head_is_the_hash_of_one_line_that_anybody_can_write() -> None:
    entry = ChainEntry(2, 1000, "kim", "append", "aa", 3, "dd", "ss", "")
    text = json.dumps([FORMAT, 2, 1000, "kim", "append", "aa", 3, "dd", "ss"], separators=(",", ":")) + "\n"
    assert head_of(entry) == hashlib.sha256(text.encode()).hexdigest()


def test_every_field_of_an_entry_changes_its_head() -> None:
    entry = ChainEntry(2, 1000, "kim", "append", "aa", 3, "dd", "ss", "")
    others = [
        entry._replace(**{name: 9 if isinstance(getattr(entry, name), int) else "x"}) for name in entry._fields[:-1]
    ]
    assert len({head_of(entry), *map(head_of, others)}) == len(others) + 1


def test_every_table_but_the_chain_and_the_bytes_is_chained(case_file: Path) -> None:
    with Case.open(case_file) as case:
        db = case.read()
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert tables - set(chained_tables(db)) == {"chain", "sqlar", "_sqlite_migrations"}


def test_chained_columns_are_integers_and_texts_so_that_their_text_is_the_same_everywhere(case_file: Path) -> None:
    with Case.open(case_file) as case:
        db = case.read()
        for table in chained_tables(db):
            columns = db.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
            assert {kind for _, _, kind, *_ in columns} <= {"INTEGER", "TEXT"}
            assert [name for _, name, *_ in columns][:2] == ["id", "seq"]


def test_the_digest_of_a_transaction_is_over_what_was_stored(case_file: Path) -> None:
    with Case.open(case_file, write=True, clock=lambda: 5000) as case:
        before = case.head()
        with case.transaction("kim") as tx:
            tx.add(journal.Note(1, "kim", None, "später"))
            tx.add(journal.Mark("deploy", 2, None, None, 3, "kim"))
        entry, db = case.head(), case.read()
        rows = b""
        for table in ("mark", "note"):
            rows += line(table)
            for row in db.execute(f"SELECT * FROM {table} WHERE seq = ?", (entry.seq,)):
                rows += line(*row)
        assert entry.digest == hashlib.sha256(rows).hexdigest()
        assert (entry.prev, entry.rows, entry.writer, entry.at_ms) == (before.head, 2, "kim", 5000)
        assert entry.head == head_of(entry)
        assert entry == last_entry(db)


def test_the_schema_hash_follows_every_object(case_file: Path) -> None:
    db = sqlite3.connect(case_file)
    before = layout(db)
    db.execute("DROP TRIGGER note_no_update")
    changed = layout(db)
    db.close()
    with sqlite3.connect(case_file) as again:
        again.execute("PRAGMA writable_schema = OFF")
    assert before.schema_sha256 != changed.schema_sha256
    assert before.cookie != changed.cookie
