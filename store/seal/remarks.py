"""What a reviewer says of a sealed case: in a file beside it that names the head, never in the case itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from store.case import Case
from store.errors import BadInput, Refused
from store.instants import format_instant


class Remark(NamedTuple):
    """One remark. `fits` is false where it was made about another state of the file."""

    at: str
    operator: str
    text: str
    head: str
    fits: bool


def remarks_path(path: Path) -> Path:
    """Where the remarks of a case lie."""
    return path.with_name(f"{path.name}.remarks")


def add_remark(case: Case, operator: str, text: str) -> Path:
    """Append a remark about the case as it is; returns the file that holds it.

    Raises:
        BadInput: nothing was said.
        Refused: the folder cannot be written.
    """
    if not text.strip():
        raise BadInput("the remark is empty")
    entry, path = case.head(), remarks_path(case.path)
    record = {
        "remark": 1,
        "head": f"{entry.seq}:{entry.head}",
        "at": format_instant(case.clock()),
        "operator": operator,
        "text": text,
    }
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Refused(
            f"cannot write {path}: {error.strerror}", "copy the case to a folder of your own first"
        ) from error
    return path


def read_remarks(case: Case) -> tuple[Remark, ...]:
    """The remarks beside a case, oldest first.

    Raises:
        BadInput: a line is no remark; its number is named.
    """
    path, entry = remarks_path(case.path), case.head()
    if not path.exists():
        return ()
    found: list[Remark] = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            record = json.loads(text)
            head = str(record["head"])
            fits = head == f"{entry.seq}:{entry.head}"
            found.append(Remark(str(record["at"]), str(record["operator"]), str(record["text"]), head, fits))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path}:{number} is no remark: {error}") from error
    return tuple(found)
