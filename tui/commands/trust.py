"""Show what a received case would run and contact, then allow it on this machine.

  closeout trust incident.db              shows everything, then asks
  closeout trust incident.db --yes        shows everything and allows it
  closeout trust incident.db --revoke     takes it back

What is allowed is this case with this runbook, kept in your state folder and not in the case. Until then nothing in it runs and nothing is
contacted; reading, verifying and reviewing always work.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from store import trust
from store.case import Case
from store.errors import NotTrusted
from store.instants import format_instant
from store.runbook.model import Runbook
from tui.output import plain, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `trust`."""
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--yes", action="store_true", help="allow it without being asked")
    parser.add_argument("--revoke", action="store_true", help="take the permission back")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object on standard output; asks nothing, allows with --yes only"
    )


def run(arguments: argparse.Namespace) -> int:
    """Show, ask, remember."""
    with Case.open(arguments.case) as case:
        if arguments.revoke:
            return _revoke(case, as_json=arguments.json)
        origin, runbook, before = trust.origin_of(case), case.runbook(), trust.is_trusted(case)
        effects = trust.effects_of(runbook)
        if not arguments.json:
            _show(arguments.case, origin, effects, runbook.needs, runbook.secrets)
        allowed = before or arguments.yes or (not arguments.json and _asked())
        if allowed and not before:
            trust.remember(case)
    if arguments.json:
        print_json(_answer(origin, runbook, effects, trusted=allowed))
    elif allowed:
        print("it was trusted here already" if before else "trusted on this machine from now on")
    if not allowed:
        raise NotTrusted(
            f"{arguments.case} stays inert: nothing in it runs here",
            f"allow it with: closeout trust {arguments.case} --yes",
        )
    return 0


def _revoke(case: Case, *, as_json: bool) -> int:
    was = trust.forget(case)
    if as_json:
        print_json({"schema": 1, "case": trust.origin_of(case).case_id, "trusted": False})
    else:
        print("no longer trusted here" if was else "it was not trusted here")
    return 0


def _answer(
    origin: trust.Origin, runbook: Runbook, effects: tuple[trust.Effect, ...], *, trusted: bool
) -> dict[str, Any]:
    return {
        "schema": 1,
        "case": origin.case_id,
        "trusted": trusted,
        "made_by": origin.operator,
        "made_on": origin.machine,
        "made_at": format_instant(origin.created_ms),
        "runbook_sha256": origin.runbook_sha256,
        "needs": list(runbook.needs),
        "effects": [effect._asdict() for effect in effects],
    }


def _show(
    name: str, origin: trust.Origin, effects: tuple[trust.Effect, ...], needs: tuple[str, ...], secrets: tuple[str, ...]
) -> None:
    print(f"{plain(name)}: {plain(origin.title)}")
    made = f"{plain(origin.operator)} on {plain(origin.machine) or 'a machine without a name'}"
    print(f"made {format_instant(origin.created_ms)} by {made}, runbook {origin.runbook_sha256[:12]}")
    if needs or secrets:
        print(f"it reads the variables {', '.join(plain(one) for one in dict.fromkeys((*needs, *secrets)))}")
    if not effects:
        print("it would run and contact nothing")
    for effect in effects:
        print(f"\n{effect.what} of {plain(effect.block)} (line {effect.line})")
        for text in effect.text.splitlines():
            print(f"    {plain(text)}")
    print()


def _asked() -> bool:
    if not sys.stdin.isatty():
        return False
    try:
        return input("allow all of this on this machine? type yes: ").strip().lower() == "yes"
    except EOFError:
        return False
