"""Withdraw a wrong collection: its rows stay in the case and no longer count. Nothing is ever deleted.

closeout retract incident.db collection:4 --reason "export of the wrong project"
"""

from __future__ import annotations

import argparse

from collectors.records.load import resolve_collection
from store.begin import operator_name
from store.case import Case
from store.errors import Refused
from store.evidence import Retraction
from tui.output import plain, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `retract`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("ref", metavar="REF", help="such as collection:4; closeout timeline lists them")
    parser.add_argument("--reason", metavar="R", required=True, help="why it is wrong")
    parser.add_argument("--operator", metavar="NAME")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Store the retraction."""
    if not arguments.reason.strip():
        raise Refused("a retraction needs a reason", '--reason "…"')
    with Case.open(arguments.case, write=True) as case, case.transaction("retract") as tx:
        collection = resolve_collection(tx.query, arguments.ref)
        if tx.query("SELECT 1 FROM retraction WHERE collection = ?", (collection,)):
            raise Refused(f"{arguments.ref} is withdrawn already", f"see: closeout timeline {arguments.case}")
        row = tx.add(
            Retraction(collection, arguments.reason.strip(), case.clock(), arguments.operator or operator_name())
        )
        seq = tx.seq
    if arguments.json:
        print_json({"schema": 1, "ref": f"retraction:{row}", "collection": f"collection:{collection}", "seq": seq})
    else:
        print(f"collection:{collection} no longer counts: {plain(arguments.reason)}")
    return 0
