"""Set two cases side by side: how they are related, and what both watched equally.

  closeout compare phase-168e.db phase-168f.db
  closeout compare phase-168e.db phase-168f.db --a postfix --b baseline
  closeout compare incident.db incident-kim.db       two copies that both went on: where they part, and who wrote what

Numbers are shown only for windows of the same length, and signatures of the same text, that both cases watched wholly.
"""

from __future__ import annotations

import argparse

from store.case import Case
from store.compare import Comparison, WindowPair, compare_cases, comparison_json
from store.instants import format_instant
from tui.output import plain, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `compare`."""
    parser.add_argument("first", metavar="A")
    parser.add_argument("second", metavar="B")
    parser.add_argument("--a", metavar="W", help="window of A: a name, or FROM/TO")
    parser.add_argument("--b", metavar="W", help="window of B; that of A if only one is given")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print both sides."""
    with Case.open(arguments.first) as a, Case.open(arguments.second) as b:
        found = compare_cases(a, b, window_a=arguments.a, window_b=arguments.b)
    if arguments.json:
        print_json(comparison_json(found))
    else:
        _print(found)
    return 0


def _print(found: Comparison) -> None:
    print(f"A {plain(found.a)}\nB {plain(found.b)}")
    print(plain(found.relation.text))
    for pair in found.pairs:
        spans = [f"{format_instant(start)}/{format_instant(end)}" for start, end in (pair.a, pair.b)]
        print(f"\n{plain(pair.name)}: A {spans[0]}, B {spans[1]}")
        if pair.why:
            print(f"  not compared: {pair.why}")
        else:
            _print_pair(pair)


def _print_pair(pair: WindowPair) -> None:
    width = max([len(count.signature) for count in pair.counts] + [len(state.signal) for state in pair.states] + [9])
    print(f"  {'signature':<{width}}  {'A':>8}  {'B':>8}  requests A, B")
    for count in pair.counts:
        name = plain(count.signature).ljust(width)
        if count.why or count.a is None or count.b is None:
            print(f"  {name}  not comparable: {plain(count.why)}")
            continue
        requests = ", ".join("unknown" if side.requests is None else str(side.requests) for side in (count.a, count.b))
        print(f"  {name}  {count.a.count:>8}  {count.b.count:>8}  {requests}")
    print(f"  {'signal':<{width}}  {'A':>8}  {'B':>8}")
    for state in pair.states:
        print(f"  {plain(state.signal).ljust(width)}  {state.a or 'none':>8}  {state.b or 'none':>8}")
