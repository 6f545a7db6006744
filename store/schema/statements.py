"""The statements of tables.sql, for a new case and for the schema check. Standard library only."""

from __future__ import annotations

from importlib.resources import files


def table_statements() -> list[str]:
    """The CREATE TABLE and CREATE INDEX statements of tables.sql, in order."""
    return _statements(files("store.schema").joinpath("tables.sql").read_text("utf-8"))


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip().rstrip(";")]
