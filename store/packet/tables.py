"""The packet's comparison table as CSV. A cell that a spreadsheet would take for a formula is made text; numbers of ours stay numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from store.instants import format_instant
from store.review.facts import CaseFacts
from store.review.html import visible
from store.verdict import SignatureVerdict, Verdict, WindowCount

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_WINDOW_COLUMNS = ("count", "unknown_status", "bad_minutes", "requests", "covered", "covered_ms")


def delta_csv(facts: CaseFacts, verdict: Verdict) -> bytes:
    """Both windows per signature: counts, bad minutes, requests, watched time, the ratio with its interval, the class."""
    question = verdict.question
    windows = [
        format_instant(ms)
        for ms in (question.baseline_from_ms, question.baseline_to_ms, question.postfix_from_ms, question.postfix_to_ms)
    ]
    head = [
        "signature", "role", "class", "baseline_from", "baseline_to", "postfix_from", "postfix_to",
        *(f"{window}_{column}" for window in ("baseline", "postfix") for column in _WINDOW_COLUMNS),
        "delta", "rr", "rr_low", "rr_high", "p_improved", "p_regressed", "verdict", "reason", "case", "head",
    ]  # fmt: skip
    tail = [verdict.verdict, verdict.reason, facts.card.case_id, f"{facts.head.seq} {facts.head.head}"]
    rows = ([each.id, each.role, each.verdict_class, *windows, *_numbers(each), *tail] for each in verdict.signatures)
    return _csv([head, *rows])


def _numbers(each: SignatureVerdict) -> list[object]:
    ratios = [each.rr, each.rr_low, each.rr_high, each.p_improved, each.p_regressed]
    delta = each.postfix.count - each.baseline.count
    return [
        *_window(each.baseline),
        *_window(each.postfix),
        delta,
        *("" if value is None else f"{value:.6g}" for value in ratios),
    ]


def _window(window: WindowCount) -> list[object]:
    requests = "" if window.requests is None else window.requests
    return [window.count, window.unsure, window.bad_minutes, requests, int(window.covered), window.covered_ms]


def _csv(rows: Sequence[Sequence[object]] | Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
    return text.getvalue().encode()


def safe_cell(value: object) -> object:
    """A value as a cell that no spreadsheet reads as a formula."""
    if not isinstance(value, str):
        return value
    line = " ".join(visible(value).split())
    return f"'{line}" if line.startswith(_FORMULA) else line
