"""Print the evidence of a case as records, the lines that `import` reads.

closeout export incident.db > evidence.ndjson
"""

from __future__ import annotations

import argparse
import sqlite3
import sys

from collectors.records.write import write_records
from store.case import Case


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--json", action="store_true", help="one JSON object with all records instead of a line each")


def run(arguments: argparse.Namespace) -> int:
    """Print one record a line, or all of them as one object."""
    with Case.open(arguments.case) as case:
        db = case.read()
        if arguments.json:
            _print_object(db)
        else:
            sys.stdout.writelines(line + "\n" for line in write_records(db))
    return 0


def _print_object(db: sqlite3.Connection) -> None:
    """One object on one line, written record by record: a case may hold more than a machine's memory."""
    sys.stdout.write('{"schema": 1, "records": [')
    for position, line in enumerate(write_records(db)):
        sys.stdout.write((", " if position else "") + line)
    sys.stdout.write("]}\n")
