"""Check a case: five questions, each with its own answer, and what each of them cannot show.

  closeout verify incident.db
  closeout verify incident.db --head 42:9ab3…            a head that was kept elsewhere: a packet, a chat, a ticket
  closeout verify incident.db --receipt receipt.txt      the line that `seal` or `copy` printed
  closeout verify incident.db --allowed-signers signers  and the signature beside the receipt

exit 0: whole, and something outside the file vouches for it. 21: whole as far as the file alone can show. 20: broken.
The same check without this program: sqlite3 incident.db -Ax tools/closeout-verify.py && python3 tools/closeout-verify.py incident.db
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

from store.verify.report import NEVER, Answer, Report
from store.verify.verify import verify_case
from tui.output import plain, print_json

_MARKS = {Answer.YES: "yes", Answer.NO: "NO", Answer.UNKNOWN: "?"}
_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `verify`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--head", metavar="H", help="a head kept elsewhere: SEQ:HEX, or its 64 hexadecimal digits")
    parser.add_argument("--receipt", metavar="F", help="a file with the receipt line in it")
    parser.add_argument(
        "--allowed-signers",
        metavar="F",
        help="who may sign, as ssh-keygen reads it; CASE.receipt unless --receipt is given",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Ask the five questions."""
    from store.seal.receipt import read_head

    report = verify_case(
        Path(arguments.case),
        head=read_head(arguments.head) if arguments.head else None,
        receipt=Path(arguments.receipt) if arguments.receipt else None,
        allowed_signers=Path(arguments.allowed_signers) if arguments.allowed_signers else None,
    )
    if arguments.json:
        print_json(report.as_json())
    else:
        print_report(report)
    return report.exit_code


def print_report(report: Report) -> None:
    """Print the five answers for people."""
    kind = "sealed" if report.sealed else "open"
    print(f"{plain(report.path)}: {plain(report.title or 'unreadable')}{' (DRILL)' if report.drill else ''}, {kind}")
    if report.head:
        print(f"  head {report.seq}:{report.head}")
    for asked in report.questions:
        lines = textwrap.wrap(plain(asked.text), _WIDTH - 8)
        print(f"  {_MARKS[asked.answer]:>3}  {asked.title}")
        for line in lines:
            print(f"       {line}")
        for finding in asked.findings:
            print(f"       - {plain(finding)}")
    print(f"{report.summary} (exit {report.exit_code})")
    print("\n".join(textwrap.wrap(NEVER, _WIDTH)))
