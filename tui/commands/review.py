"""Open the case in Datasette, read-only, on this machine.

  closeout review incident.db
  closeout review incident.db --port 0 --allow-sql

The case is verified while it is shown. The front page says what happened, what was decided on what evidence, and what is
not known; every number leads to its rows. SQL from the address bar is off unless asked for; the case's own questions work
always. Ends with Ctrl-C. `datasette incident.db` shows the same pages.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from store.case import Case
from tui.output import plain, print_json

_LONGEST_S = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `review`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("others", metavar="OTHER", nargs="*", help="more cases, to be set beside it")
    parser.add_argument(
        "--port", metavar="N", type=int, help="0 for any free one; 8001 if free, else any, when left out"
    )
    parser.add_argument(
        "--host", metavar="H", default="127.0.0.1", help="listen elsewhere: everyone who reaches it can read the case"
    )
    parser.add_argument("--allow-sql", action="store_true", help="let readers put SQL of their own, still read-only")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output when it is ready")


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    for name in (arguments.case, *arguments.others):
        Case.open(name).close()  # said before Datasette is loaded, which takes a second
    from store.review.proof import wait_for_proof
    from store.review.serve import open_review

    review = open_review(
        Path(arguments.case),
        others=[Path(name) for name in dict.fromkeys(arguments.others)],
        host=arguments.host,
        port=arguments.port,
        allow_sql=arguments.allow_sql,
    )

    def tell_proof() -> None:
        proof = wait_for_proof(Path(arguments.case), seconds=_LONGEST_S)
        said = proof.failure or (proof.report.summary if proof.report else "still being verified")
        print(f"  {plain(said)}", file=sys.stderr)

    def tell() -> None:
        threading.Thread(target=tell_proof, daemon=True).start()
        if arguments.json:
            print_json({"schema": 1, "url": review.url, "sealed": review.sealed, "allow_sql": arguments.allow_sql})
            return
        print(f"{plain(arguments.case)}: {review.url}")
        print(
            f"  {'sealed: it never changes' if review.sealed else 'open: reload to see what was added'}; Ctrl-C ends the review"
        )
        sys.stdout.flush()
        print("  verifying every row; the page says what came of it", file=sys.stderr)

    review.serve(started=tell)
    return 0
