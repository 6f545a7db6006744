"""End a case and hand it over: one read-only file with everything in it, and the receipt line to keep elsewhere.

  closeout seal incident.db phase-168e.db
  closeout seal incident.db phase-168e.db --sign ~/.ssh/id_ed25519
  closeout seal incident.db phase-168e.db --override "the on-call owner closed early, ticket 4711"

Refuses while mandatory steps are open. Nothing is ever written to a sealed case again; sealing it once more only copies it. Keep the receipt
outside the file: only with it can anyone see that the file was neither shortened nor rewritten.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from store.begin import operator_name
from store.seal.seal import HandedOver, seal_case
from tui.output import plain, print_json

_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `seal`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("out", metavar="OUT", help="the file to hand over")
    parser.add_argument(
        "--sign", metavar="KEY", help="sign the receipt with this SSH key: OUT.receipt and OUT.receipt.sig"
    )
    parser.add_argument(
        "--override",
        metavar="REASON",
        help="seal although mandatory steps are open; the reason is kept in the gap report",
    )
    parser.add_argument("--operator", metavar="NAME", help="who ends the case")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Seal and copy."""
    done = seal_case(
        Path(arguments.case),
        Path(arguments.out),
        operator=arguments.operator or operator_name(),
        override=arguments.override,
        key=Path(arguments.sign).expanduser() if arguments.sign else None,
    )
    if arguments.json:
        print_json(handed_over_json(done))
        return 0
    if done.already_sealed:
        print(f"{plain(arguments.case)} was sealed before: copied to {plain(arguments.out)}")
    else:
        print(
            f"{plain(arguments.case)} is sealed{' (DRILL)' if done.receipt.drill else ''}: {plain(arguments.out)}, read-only"
        )
    _print_gaps(done)
    if done.signature is not None:
        print(f"signed: {plain(str(done.receipt_file))} with {plain(str(done.signature))}")
    print("keep this line outside the file:")
    print(done.receipt.line())
    return 0


def handed_over_json(done: HandedOver) -> dict[str, Any]:
    """What `seal --json` and `copy --json` print."""
    receipt = done.receipt
    return {
        "schema": 1,
        "path": str(done.path),
        "case": receipt.case_id,
        "kind": receipt.kind,
        "drill": receipt.drill,
        "already_sealed": done.already_sealed,
        "worst": receipt.worst,
        "head": f"{receipt.seq}:{receipt.head}",
        "rows": receipt.rows,
        "sha256": receipt.sha256,
        "receipt": receipt.line(),
        "receipt_file": str(done.receipt_file) if done.receipt_file else None,
        "signature": str(done.signature) if done.signature else None,
        "gaps": [gap._asdict() for gap in done.gaps],
    }


def _print_gaps(done: HandedOver) -> None:
    if not done.gaps:
        print("gap report: empty; nothing is known to be missing")
        return
    print(f"gap report: {len(done.gaps)} entries")
    for gap in done.gaps[:_SHOWN]:
        print(f"  {gap.kind}: {plain(gap.text, width=110)}")
    if len(done.gaps) > _SHOWN:
        print(f"  … {len(done.gaps) - _SHOWN} more, as rows of the table gap")
