"""Say something, as evidence of who said what when.

closeout note incident.db "support reports slow inboxes since 03:10"
closeout note incident.db "counted 24 by hand" --step rerun-queries --cite log_match:12
closeout note incident.db "it was 03:12" --amends 4

On a sealed case, which is never written again, the words go to CASE.remarks beside it, with the head that they are about.
"""

from __future__ import annotations

import argparse

from store.case import Case
from store.errors import BadInput, CaseSealed
from store.seal.remarks import add_remark
from store.walk.remarks import add_note
from store.walk.session import this_terminal
from tui.output import print_json
from tui.walking import add_common_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `note`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--step", metavar="ID", help="the step it belongs to")
    parser.add_argument(
        "--cite", metavar="REF", nargs="+", action="extend", default=[], help="evidence, such as log_match:12"
    )
    parser.add_argument("--amends", metavar="NOTE", help="the note that this one corrects: 4 or note:4")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Store the note."""
    operator = this_terminal(arguments.operator).operator
    try:
        with Case.open(arguments.case, write=True) as case:
            said = add_note(
                case,
                operator,
                arguments.text,
                step=arguments.step,
                cites=arguments.cite,
                amends=_amended(arguments.amends),
            )
    except CaseSealed:
        return _remark(arguments, operator)
    if arguments.json:
        print_json({"ref": said.ref, "seq": said.seq})
    else:
        print(f"{said.ref} by {operator}")
    return 0


def _remark(arguments: argparse.Namespace, operator: str) -> int:
    """A sealed case is never written: what is said of it goes into a file beside it that names its head."""
    with Case.open(arguments.case) as case:
        path = add_remark(case, operator, arguments.text)
    if arguments.json:
        print_json({"remark": str(path)})
    else:
        print(f"the case is sealed: remark by {operator} kept in {path}")
    return 0


def _amended(text: str | None) -> int | None:
    if text is None:
        return None
    number = text.removeprefix("note:")
    if not number.isdecimal():
        raise BadInput(f"{text!r} is no note", "name it like note:4; closeout timeline CASE lists the notes")
    return int(number)
