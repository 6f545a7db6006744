"""Rehearse an incident: a staged database, real routes and a real log stream on this machine, gone again when you leave.

  closeout drill                                   the desk, with an incident unfolding; the case is drill-<UTC>.db
  closeout drill rehearsal.db --scenario reversal-loop
  closeout drill --scenario list                   what can be staged
  closeout drill --headless --runbook runbook.md --json
                                                   the unit test of a runbook: every scenario, every step that a machine can run, every
                                                   limit and one below it
  closeout drill --headless --scenario inbox-burst one scenario without a screen; CASE names a folder that keeps its case

Signals that no scenario trips get one of their own, made from their signatures, where the platform's log can be staged; a scenario
whose signals the runbook does not have is said not to apply. Thresholds are those of the runbook; only looks come more often, and a
note in the case says so. Everything is marked DRILL. Nothing but loopback is contacted.

With --headless: 0 when all was as expected, 30 for a fault of the runbook (with its line), 40 when a scenario or a step went another
way, or nothing can be staged here.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import BadInput, Refused
from tui.output import plain, print_json
from tui.walking import command_line

if TYPE_CHECKING:
    from collectors.drill.scenario import Scenario
    from collectors.drill.stage import Staged
    from store.runbook.model import Runbook

DEFAULT = "webhook-burst"
LIVE_PACE = "2s 30s"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `drill`."""
    parser.add_argument(
        "case", metavar="CASE", nargs="?", help="the case to make; with --headless a folder that keeps the cases"
    )
    parser.add_argument("--runbook", metavar="F", help="the runbook to drill; the shipped one if none is given")
    parser.add_argument(
        "--scenario", metavar="NAME", help="what to stage; `list` says what there is; --headless also takes `all`"
    )
    parser.add_argument("--headless", action="store_true", help="play without a screen and report")
    parser.add_argument(
        "--repository", metavar="DIR", help="with --headless: the code whose files the rollback scopes name"
    )
    parser.add_argument("--operator", metavar="NAME", help="who is at the desk; the login name if none is given")
    parser.add_argument(
        "--ascii", action="store_true", help="draw with plain ASCII, whatever the terminal says it can show"
    )
    parser.add_argument("--json", action="store_true", help="with --headless or --scenario list: one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List, play without a screen, or open the desk on a staged incident."""
    if arguments.scenario == "list":
        return _list(as_json=arguments.json)
    from store.runbook.find import read_runbook, shipped_runbook_path

    runbook = read_runbook(arguments.runbook or shipped_runbook_path())
    if arguments.headless:
        return _headless(arguments, runbook)
    if arguments.repository or arguments.scenario == "all":
        raise BadInput(
            "--repository and --scenario all belong to --headless", "closeout drill --headless --scenario all"
        )
    return _live(arguments, runbook)


def _list(*, as_json: bool) -> int:
    from collectors.drill.scenario import scenario_names, shipped_scenario

    known = [shipped_scenario(name) for name in scenario_names()]
    if as_json:
        print_json({"schema": 1, "scenarios": [{"name": s.name, "title": s.title, "shows": s.shows} for s in known]})
        return 0
    for scenario in known:
        print(f"{scenario.name:<24} {scenario.shows}")
    return 0


def _headless(arguments: argparse.Namespace, runbook: Runbook) -> int:
    from collectors.drill.scenario import scenario_names, shipped_scenario
    from tui.rehearsal import Asked, lines_of, own_scenarios, rehearse, report_json

    whole = arguments.scenario in (None, "all")
    names = scenario_names() if whole else (arguments.scenario,)
    scenarios = tuple(shipped_scenario(name) for name in names)
    asked = Asked(
        runbook,
        (*scenarios, *own_scenarios(scenarios, runbook)) if whole else scenarios,
        whole,
        Path(arguments.repository) if arguments.repository else None,
        Path(arguments.case) if arguments.case else None,
    )
    report = rehearse(asked, os.environ, lambda line: None if arguments.json else print(plain(line), flush=True))
    if arguments.json:
        print_json(report_json(report))
    else:
        for line in lines_of(report):
            print(plain(line))
    return report.exit_code


def _live(arguments: argparse.Namespace, runbook: Runbook) -> int:
    from collectors.drill.scenario import shipped_scenario
    from collectors.drill.stage import Stage
    from tui.commands import run as desk
    from tui.rehearsing import begin_staged_case, collecting, why_not

    scenario = shipped_scenario(arguments.scenario or DEFAULT)
    lacks = why_not(scenario, runbook)
    if lacks:
        raise Refused(f"{scenario.name} does not apply to {runbook.path}: {lacks}", "closeout drill --scenario list")
    path = _path(arguments.case)
    opening = argparse.Namespace(
        case=str(path), operator=arguments.operator, ascii=arguments.ascii, json=arguments.json
    )
    desk.check_terminal(
        opening, f"without a screen: {command_line('drill', '--headless', '--scenario', scenario.name)}"
    )
    if path.exists() or path.is_symlink():
        raise Refused(f"{path} is there already", f"look at it with: {command_line('status', str(path))}")
    with Stage.start(os.environ) as stage:
        staged = stage.open(scenario, runbook, os.environ)
        with _environment({**staged.environ, _pace_variable(): LIVE_PACE}):
            begin_staged_case(path, runbook, staged, operator=arguments.operator or _operator())
            _say_in_case(path, staged, arguments.operator or _operator())
            with collecting(path, runbook, staged):
                stage.go(staged)
                _guide(scenario)
                code = desk.run(opening)
    _farewell(path)
    return code


def _path(given: str | None) -> Path:
    if given:
        return Path(given)
    return Path(f"drill-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.db")


def _operator() -> str:
    from store.begin import operator_name

    return operator_name()


def _pace_variable() -> str:
    from tui.collecting import PACE_VARIABLE

    return PACE_VARIABLE


def guidance(scenario: Scenario) -> tuple[str, str, str]:
    """What a newcomer has to know, in three sentences."""
    first = scenario.crosses
    when = f"the first limit is crossed in about {first.to_ms // 1000} s" if first else "it has begun already"
    return (
        f"DRILL, staged on this machine: {scenario.title[0].lower()}{scenario.title[1:]}; {when}.",
        "Left are the runbook's steps, right its signals; Enter does what the step under the cursor asks for, e shows the rows behind a signal.",
        "D decides, citing evidence; ? explains every key; q leaves, and everything staged is gone then.",
    )


def _guide(scenario: Scenario) -> None:
    for sentence in guidance(scenario):
        print(plain(sentence))
    sys.stdout.flush()


def _say_in_case(path: Path, staged: Staged, operator: str) -> None:
    """What a reader of the case must know of it: who looked how often, and that no limit was moved."""
    from store.case import Case
    from store.walk.remarks import add_note

    every, longest = LIVE_PACE.split()
    said = (
        f"A drill: {staged.scenario.title}. {staged.scenario.shows} "
        f"Sources are looked at every second or {every} instead of at their own pace, captures of steps last {longest} at most; "
        "every limit is the runbook's own."
    )
    with Case.open(path, write=True) as case:
        add_note(case, operator, said)
        add_note(case, operator, " ".join(guidance(staged.scenario)))


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Stand in the staged world; afterwards everything means what it meant before."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _farewell(path: Path) -> None:
    case = str(path)
    print(f"the drill is over and everything staged is gone; its case is {plain(case)}")
    print(f"  look at it again:  {command_line('review', case)}")
    print("  begin for real:    closeout new runbook.md, then closeout init incident.db --runbook runbook.md")
