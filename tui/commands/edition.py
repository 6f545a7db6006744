"""Compare the runbook stored in a case with a file, and adopt the file as a new edition.

The walk and the verdicts stay on the stored edition until a new one is adopted; evaluations of different definitions are never compared.

  closeout edition incident.db                      the editions so far, and whether the file they came from has changed
  closeout edition incident.db runbook.md           what differs
  closeout edition incident.db runbook.md --adopt --reason "limit of inbox-300s corrected"
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from store import trust
from store.case import Case
from store.editions import definition_sha256, store_edition
from store.errors import Refused
from store.instants import format_instant
from tui.output import plain, print_json

if TYPE_CHECKING:
    from store.runbook.model import Runbook


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `edition`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("file", metavar="FILE", nargs="?")
    parser.add_argument("--adopt", action="store_true", help="make the file the edition that holds from now on")
    parser.add_argument("--reason", metavar="R", default="", help="why, with --adopt")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """List, compare or adopt."""
    from store.runbook.find import read_runbook

    if arguments.file is None:
        return _list(arguments)
    runbook = read_runbook(Path(arguments.file))
    if arguments.adopt:
        return _adopt(arguments, runbook)
    with Case.open(arguments.case) as case:
        number, text, sha256, definition = _stored(case)
    differs = runbook.sha256 != sha256
    judged = definition_sha256(runbook) != definition
    if arguments.json:
        print_json(
            {
                "schema": 1,
                "edition": number,
                "sha256": sha256,
                "file_sha256": runbook.sha256,
                "differs": differs,
                "definition_differs": judged,
            }
        )
        return 0
    if not differs:
        print(f"{arguments.file} is edition {number} of {arguments.case}, byte for byte")
        return 0
    for line in difflib.unified_diff(
        text.splitlines(), runbook.text.splitlines(), f"edition {number}", arguments.file, lineterm=""
    ):
        print(plain(line))
    print(f"\nconditions {'differ: adopting it makes earlier evaluations incomparable' if judged else 'are the same'}")
    print(f'adopt it with: closeout edition {arguments.case} {arguments.file} --adopt --reason "…"')
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with Case.open(arguments.case) as case:
        rows = (
            case.read()
            .execute("SELECT id, sha256, definition_sha256, path, adopted_ms, reason FROM edition ORDER BY id")
            .fetchall()
        )
    if arguments.json:
        names = ("edition", "sha256", "definition", "path", "adopted", "reason")
        print_json(
            {
                "schema": 1,
                "editions": [dict(zip(names, (*r[:4], format_instant(r[4]), r[5]), strict=True)) for r in rows],
            }
        )
        return 0
    for number, sha256, definition, path, adopted, reason in rows:
        print(
            plain(
                f"edition {number}  {format_instant(adopted)}  {sha256[:12]}  conditions {definition[:12]}  {path}  {reason}"
            )
        )
    return 0


def _adopt(arguments: argparse.Namespace, runbook: Runbook) -> int:
    if not arguments.reason.strip():
        raise Refused("adopting an edition needs a reason", '--reason "…"')
    with Case.open(arguments.case, write=True) as case:
        number, _, sha256, definition = _stored(case)
        if sha256 == runbook.sha256:
            raise Refused(f"{arguments.file} is edition {number} already")
        with case.transaction("edition") as tx:
            adopted = store_edition(tx, runbook, adopted_ms=case.clock(), reason=arguments.reason.strip())
            seq = tx.seq
        with contextlib.suppress(Refused):  # whoever adopts a file here has seen it
            trust.remember(case)
    changed = definition_sha256(runbook) != definition
    if arguments.json:
        print_json({"schema": 1, "edition": adopted, "seq": seq, "definition_differs": changed})
    else:
        print(f"edition {adopted} holds from now on; conditions {'changed' if changed else 'are the same'}")
    return 0


def _stored(case: Case) -> tuple[int, str, str, str]:
    row = (
        case.read()
        .execute("SELECT id, text, sha256, definition_sha256 FROM edition WHERE id = ?", (case.edition(),))
        .fetchone()
    )
    return int(row[0]), str(row[1]), str(row[2]), str(row[3])
