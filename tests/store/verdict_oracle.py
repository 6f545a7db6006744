"""The verdict written a second time, straight from its definition with scipy, to compare the views with."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest

ALPHA = 0.05


@dataclass(frozen=True)
class Compared:
    """One signature: failures, bad minutes and coverage of both windows, and the requests where they are known."""

    name: str
    role: str
    before: int
    after: int
    minutes_before: int
    minutes_after: int
    covered: bool
    requests_before: int | None
    requests_after: int | None


def exposure(s: Compared) -> tuple[int, int]:
    """What the two counts are in proportion to."""
    known = s.requests_before is not None and s.requests_after is not None
    if known and s.requests_before + s.requests_after:  # type: ignore[operator]
        return s.requests_before, s.requests_after  # type: ignore[return-value]
    return 1, 1


def tail(s: Compared, before: int, after: int, alternative: str) -> float:
    """The one-sided probability of the share of `after`."""
    if before + after == 0:
        return 1.0
    b, p = exposure(s)
    return float(binomtest(after, before + after, p / (p + b), alternative=alternative).pvalue)


def stands(ps: dict[str, float]) -> set[str]:
    """Names whose p stands against the whole family, by Holm."""
    held: set[str] = set()
    for place, (name, p) in enumerate(sorted(ps.items(), key=lambda pair: pair[1])):
        if p > ALPHA / (len(ps) - place):
            break
        held.add(name)
    return held


def classes(signatures: list[Compared], *, matched: bool) -> dict[str, str]:
    """The class of each signature."""
    compared = [s for s in signatures if matched and s.covered]
    better = stands({s.name: tail(s, s.before, s.after, "less") for s in compared if s.role == "target"})
    worse = stands({s.name: tail(s, s.before, s.after, "greater") for s in compared})
    found = {}
    for s in signatures:
        if not matched or not s.covered:
            found[s.name] = "unknown"
        elif s.name in worse and tail(s, s.minutes_before, s.minutes_after, "greater") <= ALPHA:
            found[s.name] = "regressed"
        elif s.name in better and tail(s, s.minutes_before, s.minutes_after, "less") <= ALPHA:
            found[s.name] = "improved"
        elif s.requests_after == 0 or s.before + s.after == 0 or (s.role == "target" and s.before == 0):
            found[s.name] = "not_exercised"
        else:
            # A guard whose routes nobody used before has nothing that it could be compared with.
            found[s.name] = "no_regression_seen" if s.role == "guard" and exposure(s)[0] else "unresolved"
    return found


def decide(
    signatures: list[Compared],
    *,
    unmatched: str | None = None,
    tripped: bool = False,
    not_ok: bool = False,
    odd: bool = False,
) -> tuple[str, str]:
    """The verdict and its reason."""
    found = classes(signatures, matched=unmatched is None)
    targets = [s for s in signatures if s.role == "target"]
    if tripped:
        return "rejected", "signal_tripped"
    if "regressed" in found.values():
        return "rejected", "regression"
    if unmatched:
        return "inconclusive", unmatched
    if not targets:
        return "inconclusive", "no_targets"
    if not any(found[s.name] == "improved" for s in targets):
        if all(s.before == 0 for s in targets):
            return "inconclusive", "baseline_empty"
        return "inconclusive", "coverage" if any(not s.covered for s in targets) else "no_significant_change"
    if any(found[s.name] != "improved" for s in targets) or {"unknown", "unresolved"} & set(found.values()):
        return "partially_confirmed", "unresolved_signature"
    if not_ok:
        return "partially_confirmed", "signal_not_ok"
    if odd:
        return "partially_confirmed", "watch_item"
    if any(s.requests_before is None or s.requests_after is None for s in targets):
        return "partially_confirmed", "traffic_unknown"
    return "confirmed", "all_targets_improved"
