"""What must hold for any evidence: the same answer as the definition, in any order, and nothing missing ever becomes confirmed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import evidence
from store.instants import MINUTE_MS
from store.verdict import Verdict
from store.verdict_form import verdict_json
from tests.store.verdict_oracle import Compared, classes, decide
from tests.store.verdict_world import BASELINE, POSTFIX, Span, World, count, rule, runbook_text

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WINDOWS = (BASELINE, POSTFIX)


@dataclass(frozen=True)
class Drawn:
    """One signature of a random case, on a stream of its own; requests per minute, or nobody counted."""

    role: str
    failures: tuple[int, int]
    minutes: tuple[int, int]
    covered: tuple[bool, bool]
    per_minute: tuple[int | None, int | None]
    limit: int


numbers = st.sampled_from([0, 0, 1, 2, 4, 5, 6, 8, 12, 20, 30, 45])
drawn = st.builds(
    Drawn,
    role=st.sampled_from(["target", "target", "guard"]),
    failures=st.tuples(numbers, numbers),
    minutes=st.tuples(st.sampled_from([1, 3, 8, 30]), st.sampled_from([1, 3, 8, 30])),
    covered=st.tuples(*[st.sampled_from([True, True, True, True, False])] * 2),
    per_minute=st.tuples(*[st.sampled_from([None, 0, 1, 40, 100, 100, 100])] * 2),
    limit=st.sampled_from([10, 100_000, 100_000]),
)


def random_world(signatures: list[Drawn]) -> World:
    """A case that holds the drawn numbers."""
    names = {f"s{i}": s for i, s in enumerate(signatures)}
    text = runbook_text(
        {name: f'role = "{s.role}"' for name, s in names.items()},
        {f"of-{name}": (f"stream-{name}", count(name, over=s.limit)) for name, s in names.items()},
    )
    world = World(text)
    for name, s in names.items():
        for side, span in enumerate(WINDOWS):
            collection = world.collect(f"stream-{name}", span, status="ok" if s.covered[side] else "truncated")
            world.fail(collection, name, s.failures[side], span[0], minutes=s.minutes[side])
            if s.per_minute[side] is not None:
                world.traffic(collection, span, s.per_minute[side] or 0)
    return world


def known_requests(s: Drawn) -> tuple[int | None, int | None]:
    """Requests as far as they may be believed: a count of none where failures happened is no count."""
    counted = [p * 30 if p is not None and c else None for p, c in zip(s.per_minute, s.covered, strict=True)]
    if any(requests == 0 and failures for requests, failures in zip(counted, s.failures, strict=True)):
        return None, None
    return counted[0], counted[1]


def compared(signatures: list[Drawn]) -> list[Compared]:
    """The drawn numbers as the definition takes them."""
    found = []
    for number, s in enumerate(signatures):
        bad_before, bad_after = (min(f, m) for f, m in zip(s.failures, s.minutes, strict=True))
        found.append(
            Compared(f"s{number}", s.role, *s.failures, bad_before, bad_after, all(s.covered), *known_requests(s))
        )
    return found


@QUICK
@given(
    st.lists(drawn, min_size=1, max_size=5), st.sampled_from([None, None, None, "unmatched_length", "windows_overlap"])
)
def test_the_views_say_what_the_definition_says(signatures: list[Drawn], unmatched: str | None) -> None:
    world = random_world(signatures)
    postfix = {None: POSTFIX, "unmatched_length": (POSTFIX[0], POSTFIX[1] - 1)}.get(
        unmatched, (BASELINE[1] - 1, 2 * BASELINE[1] - BASELINE[0] - 1)
    )
    verdict = world.judge(postfix=postfix)
    states = {s.state for s in verdict.judgement.signals}
    expected = decide(compared(signatures), unmatched=unmatched, tripped="tripped" in states, not_ok=states != {"ok"})
    assert rule(verdict) == expected
    assert {s.id: s.verdict_class for s in verdict.signatures} == classes(
        compared(signatures), matched=unmatched is None
    )


# Nothing missing becomes confirmed ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """One collection of a confirmed case, and how it goes wrong."""

    stream: str
    span: Span
    status: str | None = "ok"
    collected: int | None = None
    can_prove: int = 1
    delay_ms: int = 0
    text: str | None = None
    counts_traffic: bool = True
    retracted: bool = False


def pieces() -> list[Piece]:
    """Two streams, both windows, each in three pieces that meet at whole minutes."""
    found = []
    for stream in ("a", "b"):
        for start, end in WINDOWS:
            cuts = [start, start + 7 * MINUTE_MS, start + 19 * MINUTE_MS, end]
            found += [Piece(stream, span) for span in zip(cuts, cuts[1:], strict=False)]
    return found


def built(chosen: list[Piece]) -> World:
    """A case of two targets and a guard that is confirmed if nothing is taken away."""
    signatures = {"x": 'role = "target"', "y": 'role = "target"', "g": ""}
    world = World(runbook_text(signatures, {"one": ("a", count("x", "g")), "two": ("b", count("y"))}))
    for piece in chosen:
        texts = dict.fromkeys(signatures, piece.text) if piece.text else None
        collection = world.collect(
            piece.stream, piece.span, status=piece.status, collected=piece.collected, can_prove=piece.can_prove,
            delay_ms=piece.delay_ms, texts=texts,
        )  # fmt: skip
        if piece.span[1] <= BASELINE[1]:
            world.fail(collection, "x" if piece.stream == "a" else "y", 20, piece.span[0], minutes=7)
        if piece.counts_traffic:
            world.traffic(collection, piece.span, 50)
        if piece.retracted:
            world.retract(collection)
    return world


Harm = Callable[[Piece, int], Piece | None]
HARMS: dict[str, Harm] = {
    "missing": lambda piece, _: None,
    "failed": lambda piece, _: replace(piece, status="failed"),
    "truncated": lambda piece, _: replace(piece, status="truncated"),
    "retracted": lambda piece, _: replace(piece, retracted=True),
    "begins late": lambda piece, by: replace(piece, span=(piece.span[0] + by, piece.span[1])),
    "ends early": lambda piece, by: replace(piece, span=(piece.span[0], piece.span[1] - by)),
    "collected early": lambda piece, by: replace(piece, collected=piece.span[1] - by),
    "cannot prove": lambda piece, _: replace(piece, can_prove=0),
    "proves late": lambda piece, by: replace(piece, delay_ms=by),
    "another text": lambda piece, _: replace(piece, text="another"),
    "no traffic": lambda piece, _: replace(piece, counts_traffic=False),
}


def test_nothing_taken_away_is_confirmed() -> None:
    assert rule(built(pieces()).judge()) == ("confirmed", "all_targets_improved")


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(0, 11), st.sampled_from(sorted(HARMS)), st.integers(1, 400_000)), min_size=1, max_size=4
    )
)
def test_missing_failed_truncated_late_or_unproven_evidence_is_never_confirmed(
    harms: list[tuple[int, str, int]],
) -> None:
    chosen: list[Piece | None] = list(pieces())
    for number, harm, by in harms:
        piece = chosen[number]
        chosen[number] = None if piece is None else HARMS[harm](piece, by)
    assert built([piece for piece in chosen if piece is not None]).judge().verdict != "confirmed"


@pytest.mark.parametrize("shift", [1, 60_000, 1_800_000, -1])
def test_a_postfix_window_beyond_what_was_watched_is_never_confirmed(shift: int) -> None:
    world = built(pieces())
    assert world.judge(postfix=(POSTFIX[0] + shift, POSTFIX[1] + shift)).verdict != "confirmed"


@QUICK
@given(st.lists(drawn, min_size=1, max_size=3), st.integers(0, 2), st.integers(0, 29), st.integers(1, 6))
def test_more_failures_after_never_make_it_confirmed(
    signatures: list[Drawn], which: int, minute: int, more: int
) -> None:
    world = random_world(signatures)
    before = world.judge()
    name = f"s{which % len(signatures)}"
    collection = world.collect(f"stream-{name}", POSTFIX, status="truncated")
    for i in range(more):
        world.match(collection, name, POSTFIX[0] + minute * MINUTE_MS + i)
    after = world.judge()
    assert after.verdict != "confirmed" or before.verdict == "confirmed"


# Order, duplication and splitting -----------------------------------------------------------------------------------------------


def answer(verdict: Verdict) -> dict[str, Any]:
    """What must not depend on how the evidence arrived."""
    return {key: value for key, value in verdict_json(verdict).items() if key not in ("known_seq", "case")}


def loaded(cuts: dict[Span, list[int]], *, twice: bool, seed: int | None) -> World:
    """The same failures and requests in collections cut at the given instants, in a shuffled order, perhaps all of them twice."""
    world = World(runbook_text({"x": 'role = "target"', "g": ""}, {"one": ("a", count("x", "g"))}))
    spans = [
        (*part, copy)
        for span in WINDOWS
        for part in zip([span[0], *cuts[span]], [*cuts[span], span[1]], strict=True)
        for copy in range(1 + twice)
    ]
    failures = [("x", BASELINE[0] + i * 41_003) for i in range(40)] + [
        ("x", POSTFIX[0] + i * 500_001) for i in range(3)
    ]
    failures += [("g", span[0] + i * 311_111) for span in WINDOWS for i in range(4)]
    requests = [span[0] + 100 + i * 7_000 for span in WINDOWS for i in range(250)]
    if seed is not None:
        random.Random(seed).shuffle(spans)
        random.Random(seed).shuffle(failures)
    for start, end, _ in spans:
        collection = world.collect("a", (start, end))
        for name, instant in failures:
            if start <= instant < end:
                world.match(collection, name, instant, key=f"{name}-{instant}")
        inside = [instant - instant % MINUTE_MS for instant in requests if start <= instant < end]
        minutes = range(start - start % MINUTE_MS, end, MINUTE_MS)
        # A minute without a request is said too: a collection without any row of traffic has not counted.
        world.add_all(evidence.Traffic(collection, "a", minute, "/", inside.count(minute)) for minute in minutes)
    return world


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 1_799_999), max_size=4, unique=True), st.booleans(), st.integers(0, 999))
def test_order_duplication_and_splitting_change_nothing(cuts: list[int], twice: bool, seed: int) -> None:
    whole = answer(loaded({span: [] for span in WINDOWS}, twice=False, seed=None).judge())
    split = {span: [span[0] + cut for cut in sorted(cuts)] for span in WINDOWS}
    assert answer(loaded(split, twice=twice, seed=seed).judge()) == whole
