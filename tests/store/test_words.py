"""Every code that the views can give is explained, in one sentence, and nothing else is."""

from __future__ import annotations

import re

from store.judge import STATES
from store.schema.views import view_statements
from store.words import (
    ACTION_WORDS,
    CLASS_WORDS,
    REASON_WORDS,
    STATE_WORDS,
    VERDICT_WORDS,
    reason_sentence,
    state_sentence,
)

CONDITION_REASONS = (
    "count_over burst_over trend_up loop queue_growth ratio_over level_over below never_collected collector_failed "
    "zero_denominator not_looked_for cannot_prove frontier_lag gap window_short too_few_snapshots clock_skew routes_missing "
    "unknown_status approaching one_rise one_slice stalled slow_growth growing small_sample probe_failed draining_by_failure"
)
VERDICT_REASONS = (
    "signal_tripped regression unmatched_length windows_overlap signature_set_differs no_targets baseline_empty coverage "
    "no_significant_change unresolved_signature signal_not_ok watch_item traffic_unknown all_targets_improved"
)


def test_every_state_and_reason_is_explained() -> None:
    assert set(STATE_WORDS) == set(STATES)
    assert {*CONDITION_REASONS.split(), *VERDICT_REASONS.split()} <= set(REASON_WORDS)
    assert set(VERDICT_WORDS) == {"confirmed", "partially_confirmed", "inconclusive", "rejected"}
    assert set(CLASS_WORDS) == {"unknown", "regressed", "improved", "not_exercised", "no_regression_seen", "unresolved"}
    assert len(ACTION_WORDS) == 8


def test_every_reason_that_the_views_give_is_explained() -> None:
    text = "\n".join(sql for _, sql in view_statements())
    for reason in CONDITION_REASONS.split():
        assert f"'{reason}'" in text, reason
    given = set(re.findall(r"THEN '([a-z]+_[a-z_]+)'", text))
    assert given <= {*REASON_WORDS, *STATE_WORDS, *VERDICT_WORDS, *CLASS_WORDS, *ACTION_WORDS}


def test_each_explanation_is_one_sentence() -> None:
    for words in (STATE_WORDS, REASON_WORDS, VERDICT_WORDS, CLASS_WORDS, ACTION_WORDS):
        for code, text in words.items():
            assert text[0].isupper(), code
            assert text.endswith("."), code
            assert text.count(". ") == 0, code


def test_a_code_of_another_version_stands_for_itself() -> None:
    assert (state_sentence("molten"), reason_sentence("by_moonlight")) == ("molten", "by_moonlight")
