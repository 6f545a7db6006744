"""Bring files in as evidence: screenshots, exports, whatever no collector can reach.

  closeout attach incident.db shot-1.png shot-2.png --role browser --window postfix
  closeout attach incident.db explain.txt --role query --window @deploy/@deploy+30m

A decision to close asks for the roles baseline, verification and pre-post-delta; `closeout packet CASE --out DIR --attach` makes those
documents and takes them in. Files of the role baseline speak of the window baseline, those of verification and pre-post-delta of postfix,
unless --window says otherwise. Files up to 16 MiB are kept inside the case, larger ones by place, size and hash. A file that holds a secret's value is refused.
"""

from __future__ import annotations

import argparse
import os

from store.moments import resolve_span
from store.walk.masking import secret_values
from store.walk.remarks import add_note
from store.walk.roles import window_of_role
from tui.output import print_json
from tui.walking import add_common_arguments, say, walking


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `attach`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument(
        "--role",
        metavar="R",
        default="attachment",
        help="what it is: baseline, verification, pre-post-delta, browser, query …",
    )
    parser.add_argument(
        "--window",
        metavar="W",
        help="the time it speaks of: the name of a window, or FROM/TO; the role's own if none is given",
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Store the files, and who brought them."""
    from collectors.attach import attach_files

    with walking(arguments) as walk:
        case = walk.case
        window = window_of_role(case.read(), arguments.role)
        if arguments.window is not None:
            window = resolve_span(arguments.window, now_ms=case.clock(), db=case.read())
        secrets = secret_values(walk.runbook, os.environ)
        attached = attach_files(
            case, arguments.files, role=arguments.role, window=window, now_ms=case.clock, secrets=secrets
        )
        new = [one for one in attached if not one.again]
        if new:
            names = ", ".join(one.name for one in new)
            add_note(case, walk.who.operator, f"attached as {arguments.role}: {names}", cites=[one.ref for one in new])
    if arguments.json:
        print_json({"artifacts": [{"ref": one.ref, **one._asdict()} for one in attached]})
        return 0
    for one in attached:
        beside = "" if one.inside else ", kept outside by its hash"
        say(f"{one.ref} {one.name}, {one.size} bytes{beside}" + (", was there already" if one.again else ""))
    return 0
