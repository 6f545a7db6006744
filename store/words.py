"""Each state, reason, verdict, class and action in one plain sentence: the only place where they are explained.

The desk, the command line, the pages and the packets print these words, so that a code means the same wherever it is
read. The module holds text only: it decides nothing and must never compare a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _fixed(words: dict[str, str]) -> Mapping[str, str]:
    return MappingProxyType(words)


STATE_WORDS: Mapping[str, str] = _fixed(
    {
        "tripped": "The limit was exceeded; that is proven, whatever else is missing.",
        "no_data": "Nothing was collected that could answer this.",
        "stale": "It was watched before, but the last look is too old to speak for now.",
        "partial": "Part of the window was not watched, so a trip may have been missed.",
        "watch": "All of the window was watched; not over the limit, but close to it or odd enough to look at again.",
        "ok": "All of the window was watched, and it stayed below the limit.",
    }
)

REASON_WORDS: Mapping[str, str] = _fixed(
    {
        # tripped
        "count_over": "More failures in one window than the limit allows.",
        "burst_over": "Too many failures within one short slice of time.",
        "trend_up": "Failures rose window after window, by more than chance would explain.",
        "loop": "All groups failed together, and did so again in another slice: a reversal loop.",
        "queue_growth": "The queue only grew for a whole window, without ever draining.",
        "ratio_over": "Too large a share of the runs failed.",
        "level_over": "A gauge was beyond its limit at every reading for as long as the limit says.",
        # ok
        "below": "Everything that had to be watched was watched, and it stayed below the limit.",
        # no_data
        "never_collected": "No collection of a needed stream is in the case.",
        "collector_failed": "There were only collections that failed or were cut off.",
        "zero_denominator": "There was nothing to take a share of: no finished runs in the window.",
        "not_looked_for": "The stream was collected, but not searched for this signature as the runbook has it now.",
        "cannot_prove": "The stream was searched, but its form could not have shown this signature.",
        # stale
        "frontier_lag": "The newest covered moment is older than the runbook accepts.",
        # partial
        "gap": "For part of the window nobody was looking.",
        "window_short": "Everything since the start was watched, but that is shorter than the window.",
        "too_few_snapshots": "There are too few snapshots in the window to tell growth from a moment's load.",
        "clock_skew": "The clocks of two sources differ by more than the runbook accepts.",
        "routes_missing": "Not every route was probed soundly within the window.",
        "unknown_status": "Records without a status would exceed the limit if they were failures.",
        "not_implemented": "This version cannot judge this kind of condition yet.",
        # watch
        "approaching": "The value is close to the limit.",
        "one_rise": "Failures rose from one window to the next; one more rise and it trips.",
        "one_slice": "All groups failed together once; a second time would be a loop.",
        "stalled": "The queue neither grew nor drained for a whole window.",
        "slow_growth": "The queue grew, but by less than the limit.",
        "growing": "The queue is growing, but not yet for a whole window.",
        "draining_by_failure": "The queue gets shorter while failed events pile up: it drains by failing.",
        "small_sample": "The share is over the limit, but of too few runs, or too little of the window was watched.",
        "probe_failed": "A probed route did not answer as expected.",
        # verdict
        "signal_tripped": "A signal tripped in the window after the change.",
        "regression": "A signature fails significantly more often after the change.",
        "unmatched_length": "The two windows are not equally long, so their counts do not compare.",
        "windows_overlap": "The two windows overlap, so they are not before and after.",
        "signature_set_differs": "The runbook's signatures changed between the two windows.",
        "no_targets": "The runbook names no signature that the change was meant to reduce.",
        "baseline_empty": "The target signatures did not occur before the change either.",
        "coverage": "One of the windows was not watched completely.",
        "no_significant_change": "The difference is no larger than chance would explain.",
        "unresolved_signature": "At least one signature is neither clearly better nor clearly unchanged.",
        "signal_not_ok": "At least one signal is not ok at the end of the window after the change.",
        "watch_item": "Something is left to be watched in the next cycle.",
        "traffic_unknown": "It is not known how many requests there were, so fewer failures may mean less traffic.",
        "all_targets_improved": "Every target signature improved, and nothing speaks against it.",
    }
)

VERDICT_WORDS: Mapping[str, str] = _fixed(
    {
        "confirmed": "The change did what it was meant to do, and nothing speaks against it.",
        "partially_confirmed": "The change helped, but something is unresolved or must be watched.",
        "inconclusive": "The evidence does not decide it.",
        "rejected": "The change did harm, or a rollback threshold tripped.",
    }
)

CLASS_WORDS: Mapping[str, str] = _fixed(
    {
        "unknown": "The windows do not match, or one of them was not watched for this signature.",
        "regressed": "It fails significantly more often than before.",
        "improved": "It fails significantly less often than before, in events and in bad minutes.",
        "not_exercised": "It did not occur before, or nothing used its routes after: there is nothing to compare.",
        "no_regression_seen": "It was only to be guarded, and it does not fail more often than before.",
        "unresolved": "The difference is no larger than chance would explain.",
    }
)

ACTION_WORDS: Mapping[str, str] = _fixed(
    {
        "incident_freeze_and_rollback": (
            "Trigger the incident runbook, freeze non-essential deploys, roll back the shared-route change set."
        ),
        "rollback_scope": "Roll back the scope of each tripped signal, nothing wider; its owner is named.",
        "reopen_phase": "Open the phase again with the signatures that regressed.",
        "restore_collection_and_reverify": "Get the missing collections going again, then judge again.",
        "collect_matched_window": "Collect one pair of windows of equal length, before and after, and judge again.",
        "escalate_to_owner": "Two attempts did not decide it: hand it to the signal's owner.",
        "close_with_watch_items": "Close; each watch item gets an owner; the same item next cycle widens the scope.",
        "close_phase": "Close the phase.",
    }
)

COVERAGE_WORDS: Mapping[str, str] = _fixed(
    {
        "full": "all of the window was watched",
        "partial": "part of the window was not watched",
        "stale": "the last look is too old",
        "none": "nothing was watched",
    }
)


def state_sentence(state: str) -> str:
    """What a state claims; a code of another version stands for itself."""
    return STATE_WORDS.get(state, state)


def reason_sentence(reason: str) -> str:
    """Why a state or verdict holds; a code of another version stands for itself."""
    return REASON_WORDS.get(reason, reason)
