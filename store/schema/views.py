"""The texts of the views, in the order in which each rests on the ones before it.

Standard library only: `status` reads these texts out of the case, but a new case and the schema check need them from here.
"""

from __future__ import annotations

import re
from importlib.resources import files

_CREATE = re.compile(r"CREATE VIEW (\w+) AS\n", re.ASCII)


def view_statements() -> list[tuple[str, str]]:
    """Name and CREATE VIEW statement of every view, dependencies first: the signals', then the verdict's."""
    return [view for name in ("views.sql", "verdict.sql") for view in _statements(name)]


def _statements(name: str) -> list[tuple[str, str]]:
    text = files("store.schema").joinpath(name).read_text("utf-8")
    found: list[tuple[str, str]] = []
    for statement in (part.strip() for part in text.split(";\n\n") if "CREATE VIEW" in part):
        match = _CREATE.search(statement)
        if match is None:
            raise ValueError(f"{name}: not a view: {statement[:60]!r}")
        found.append((match[1], statement[match.start() :].rstrip(";").rstrip()))
    return found
