"""Write the closeout packet of a case, or check one.

  closeout packet incident.db --out .
  closeout packet incident.db --out . --attach      and take the documents in, for a decision to cite
  closeout packet incident.db --check .

Writes the documents of the evidence contract below DIR: baseline-…md, verification-…md, pre-post-delta-…csv, offload-monitoring-…md, the
closeout itself (closeout-…md, the same for programs as closeout-…json, and closeout.html, which opens from disk without network or
scripts), the files that are evidence, and SHA256SUMS over all of them. The same case gives the same bytes. --attach stores the baseline,
verification, pre-post-delta and offload-monitoring documents in the case under those roles: they say what was known at the head that they
name, and the case goes on from there; write the packet once more when everything is decided. --check says whether the files
are whole and whether each decision's citations exist, are what they were, and cover the window that they claim: exit code 20 if
something is missing or changed, 12 if evidence was withdrawn or does not cover its window.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from store.case import Case
from store.errors import BadInput
from store.walk.masking import secret_values
from store.walk.remarks import add_note
from store.walk.roles import window_of_role
from store.walk.walk import Walk
from tui.output import plain, print_json
from tui.walking import add_common_arguments, say, walking

if TYPE_CHECKING:
    from store.packet.make import Packet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `packet`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument(
        "--out", metavar="DIR", default=".", help="write below this folder; the current one if none is given"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--check", metavar="DIR", help="check the packet below this folder instead")
    way.add_argument("--attach", action="store_true", help="take its documents into the case, each with its role")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write or check."""
    return _check(arguments) if arguments.check is not None else _write(arguments)


def _write(arguments: argparse.Namespace) -> int:
    from store.packet.make import write_packet

    with walking(arguments, write=arguments.attach) as walk:
        folder = _folder(arguments.out, make=True)
        packet, files = write_packet(walk.case.read(), folder)
        attached = _attach(walk, packet, folder) if arguments.attach else ()
    head = packet.facts.head
    if arguments.json:
        listed = [{"path": str(file.path), "sha256": file.sha256, "bytes": len(file.data)} for file in files]
        answer = {
            "schema": 1,
            "case": packet.facts.card.case_id,
            "seq": head.seq,
            "head": head.head,
            "out": str(folder),
            "files": listed,
        }
        if arguments.attach:
            answer["attached"] = [one._asdict() for one in attached]
        print_json(answer)
        return 0
    for file in files:
        if "drawings" not in file.path.parts:
            print(plain(f"  {file.path}"))
    print(plain(f"{len(files)} files below {folder}, head {head.seq} {head.head}"))
    if packet.facts.verdict is None:
        print("  no verdict: name the windows with: closeout window CASE baseline FROM/TO, and postfix")
    for one in attached:
        say(f"{one.ref} {one.role}: {one.name}" + (", was there already" if one.again else ""), indent=2)
    print(plain(f"  check it with: closeout packet {arguments.case} --check {arguments.out}"))
    return 0


class _Taken(NamedTuple):
    """A document of the packet as it is now in the case."""

    role: str
    ref: str
    name: str
    path: str
    again: bool


def _attach(walk: Walk, packet: Packet, folder: Path) -> tuple[_Taken, ...]:
    """Take the packet's documents in, each with its role and the window that it speaks of, and say so in one note."""
    from collectors.attach import attach_files
    from store.packet.make import role_documents

    secrets = secret_values(walk.runbook, os.environ)
    taken: list[_Taken] = []
    for role, path in role_documents(packet).items():
        window = window_of_role(walk.case.read(), role)
        (one,) = attach_files(
            walk.case, [folder / path], role=role, window=window, now_ms=walk.case.clock, secrets=secrets
        )
        taken.append(_Taken(role, one.ref, one.name, str(path), one.again))
    new = [one for one in taken if not one.again]
    if new:
        told = ", ".join(f"{one.role} {one.name}" for one in new)
        head = packet.facts.head
        text = f"packet of head {head.seq} {head.head} attached: {told}"
        add_note(walk.case, walk.who.operator, text, cites=[one.ref for one in new])
    return tuple(taken)


def _check(arguments: argparse.Namespace) -> int:
    from store.packet.check import check_packet, tell_window

    folder = _folder(arguments.check)
    with Case.open(arguments.case) as case:
        found = check_packet(case.read(), folder)
    if arguments.json:
        print_json(
            {
                "schema": 1,
                "head": found.head,
                "same_head": found.same_head,
                "files": [finding._asdict() for finding in found.files],
                "citations": [{**finding._asdict(), "window": tell_window(finding)} for finding in found.citations],
                "undocumented": list(found.undocumented),
            }
        )
        return found.exit_code
    broken = [finding for finding in found.files if finding.state != "holds"]
    print(f"{len(found.files) - len(broken)} of {len(found.files)} files hold")
    _print_lines([f"{finding.state}: {finding.path}" for finding in broken])
    if any(finding.state == "differs" for finding in broken):
        print("  differs: not what this program writes of the case at this head; edited, or written by another version")
    _print_lines(
        [
            f"{finding.state}: {finding.decision} {finding.choice} cites {finding.ref}, {tell_window(finding)}, in {finding.file}"
            + (f": {finding.why}" if finding.why else "")
            for finding in found.citations
        ]
    )
    _print_lines([f"missing: {decision} of the case is not in the packet" for decision in found.undocumented])
    print(
        "the packet is of the case's present head"
        if found.same_head
        else f"the case went on since this packet: it names head {plain(found.head)}"
    )
    return found.exit_code


def _print_lines(lines: Sequence[str]) -> None:
    for line in lines:
        print(plain(f"  {line}"))


def _folder(name: str, *, make: bool = False) -> Path:
    path = Path(name)
    if make and not path.exists() and path.parent.is_dir():
        path.mkdir()
    if not path.is_dir():
        if path.exists():
            raise BadInput(f"{name} is not a folder", "name the folder that the packet stands in")
        remedy = f"mkdir -p {name}" if make else f"write one there with: closeout packet CASE --out {name}"
        raise BadInput(f"there is no folder {name}", remedy)
    return path
