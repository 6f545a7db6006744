"""Print the evidence of a case as records, the lines that `import` reads.

closeout export incident.db > evidence.ndjson
"""

from __future__ import annotations

import argparse
import sys

from collectors.records.write import write_records
from store.case import Case


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--json", action="store_true", help="records are JSON lines already; accepted for uniformity")


def run(arguments: argparse.Namespace) -> int:
    """Print one record a line."""
    with Case.open(arguments.case) as case:
        for line in write_records(case.read()):
            sys.stdout.write(line + "\n")
    return 0
