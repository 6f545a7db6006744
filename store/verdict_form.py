"""The answer of `closeout verdict`: one JSON form for scripts, and the same in words for people.

Every number comes from the views as it is; nothing is compared here. Text that came from outside is not made safe for a terminal here:
whoever prints it does that.
"""

from __future__ import annotations

from typing import Any

from store.instants import MINUTE_MS, format_duration, format_instant
from store.judge import ConditionState, SignalState
from store.next_action import NextAction, RollbackScope
from store.telling import headline, tell_value
from store.verdict import SignatureVerdict, Verdict, WatchItem, WindowCount
from store.words import ACTION_WORDS, CLASS_WORDS, VERDICT_WORDS, reason_sentence


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The object that `verdict --json` prints."""
    question, judgement = verdict.question, verdict.judgement
    answer: dict[str, Any] = {
        "schema": 1,
        "case": judgement.case_id,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "action": verdict.next.action,
        "matched": verdict.matched,
        "unmatched": verdict.unmatched,
        "windows": {
            "baseline": _span(question.baseline_from_ms, question.baseline_to_ms),
            "postfix": _span(question.postfix_from_ms, question.postfix_to_ms),
        },
        "known_seq": question.known_seq,
        "definition": judgement.definition_sha256,
        "signatures": [_signature_json(signature) for signature in verdict.signatures],
        "watch_items": [_item_json(item) for item in verdict.watch_items],
        "signals": {signal.id: signal.state for signal in judgement.signals},
        "not_ok": [
            {"id": s.id, "state": s.state, "reason": s.reason, "text": tell_unsettled(s)}
            for s in judgement.signals
            if s.state != "ok"
        ],
        "next": _next_json(verdict.next),
        "shortest_postfix": format_duration(verdict.shortest_ms),
        "shortest_postfix_ms": verdict.shortest_ms,
    }
    if judgement.drill:
        answer["drill"] = True
    return answer


def _span(from_ms: int, to_ms: int) -> dict[str, str]:
    return {"from": format_instant(from_ms), "to": format_instant(to_ms)}


def _signature_json(signature: SignatureVerdict) -> dict[str, Any]:
    return {
        "id": signature.id,
        "role": signature.role,
        "class": signature.verdict_class,
        "baseline": _window_json(signature.baseline),
        "postfix": _window_json(signature.postfix),
        "exposure": "requests" if signature.traffic_known else "time",
        "p_improved": signature.p_improved,
        "p_regressed": signature.p_regressed,
        "p_improved_minutes": signature.p_improved_minutes,
        "p_regressed_minutes": signature.p_regressed_minutes,
        "rr": signature.rr,
        "rr_low": signature.rr_low,
        "rr_high": signature.rr_high,
        "holm_rank": signature.holm_rank,
        "holm_of": signature.holm_size,
        "holm_p_improved": signature.holm_improved,
        "holm_p_regressed": signature.holm_regressed,
    }


def _window_json(window: WindowCount) -> dict[str, Any]:
    return {
        "count": window.count,
        "unknown_status": window.unsure,
        "bad_minutes": window.bad_minutes,
        "requests": window.requests,
        "covered": window.covered,
        "covered_ms": window.covered_ms,
    }


def _item_json(item: WatchItem) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "id": item.about,
        "detail": item.detail,
        "text": item.text,
        "signal": item.signal,
        "owner": list(item.owner),
        "recurs": item.recurs,
    }


def _next_json(action: NextAction) -> dict[str, Any]:
    return {
        "action": action.action,
        "sentence": ACTION_WORDS[action.action],
        "attempt": action.attempt,
        "scopes": [
            {
                "signal": scope.signal,
                "owner": list(scope.owner),
                "contact": scope.contact,
                "do": scope.do,
                "files": list(scope.files),
                "confirm": list(scope.confirm),
                "undo": scope.undo,
            }
            for scope in action.scopes
        ],
        "signals": list(action.signals),
        "signatures": list(action.signatures),
    }


def tell_verdict(verdict: Verdict) -> list[str]:
    """The verdict in lines: the rule that decided, both windows, every signature, what is not ok, what is left, what next."""
    drill = "DRILL · " if verdict.judgement.drill else ""
    question = verdict.question
    lines = [
        f"{drill}{verdict.verdict}, by the rule {verdict.reason}: {reason_sentence(verdict.reason)}",
        f"  {VERDICT_WORDS[verdict.verdict]}",
        f"  baseline {_tell_span(question.baseline_from_ms, question.baseline_to_ms)}",
        f"  postfix  {_tell_span(question.postfix_from_ms, question.postfix_to_ms)}",
        f"  {'the windows match' if verdict.unmatched is None else f'the windows do not match: {verdict.unmatched}'}",
    ]
    if question.postfix_to_ms <= question.baseline_from_ms:
        lines.append("  note: the postfix window lies before the baseline")
    lines += ["", "signatures", *_table([_HEAD, *(_signature_cells(s) for s in verdict.signatures)])]
    lines += [f"  {s.id}: {CLASS_WORDS[s.verdict_class]}" for s in verdict.signatures if s.verdict_class != "improved"]
    lines += [
        f"  {s.id}: the traffic of a window is unknown; compared by time instead of by requests"
        for s in verdict.signatures
        if not s.traffic_known
    ]
    lines += ["", "signals at the end of the postfix window"]
    lines += [f"  {tell_unsettled(signal)}" for signal in verdict.judgement.signals]
    if verdict.watch_items:
        lines += ["", "to watch"]
        lines += [_tell_item(item) for item in verdict.watch_items]
    return [*lines, "", *_tell_next(verdict)]


def _tell_item(item: WatchItem) -> str:
    again = " · again: widen the scope" if item.recurs else ""
    left = (
        f" · left by the case before, settle it with a note that cites {item.about}" if item.kind == "carried" else ""
    )
    return f"  {item.text} · {', '.join(item.owner) or 'needs an owner'}{again}{left}"


def tell_unsettled(signal: SignalState) -> str:
    """One signal in one line, such as `partial inbox-300s: 0 of > 20 · 10 of 30 minutes watched · window_short`."""
    parts = [f"{signal.state} {signal.id}:"]
    condition = headline(signal)
    if condition is not None:
        parts.append(f"{tell_value(condition)} · {tell_minutes(condition)} ·")
    parts.append(signal.reason)
    if signal.first_trip_ms is not None:
        parts.append(f"since {format_instant(signal.first_trip_ms)}")
    return " ".join(parts)


def tell_minutes(condition: ConditionState) -> str:
    """How much of a condition's window was watched, such as `10 of 30 minutes watched`; probes go by routes."""
    if condition.kind == "probe":
        return "every route probed" if condition.coverage == "full" else "not every route probed"
    covered, want = condition.covered_ms, condition.want_ms
    if covered % MINUTE_MS or want % MINUTE_MS:
        return f"{format_duration(covered)} of {format_duration(want)} watched"
    return f"{covered // MINUTE_MS} of {want // MINUTE_MS} minutes watched"


_HEAD = ("signature", "role", "class", "baseline", "postfix", "rate ratio (90 %)", "p better", "p worse", "Holm")


def _signature_cells(s: SignatureVerdict) -> tuple[str, ...]:
    rank = "-" if s.holm_rank is None else f"{s.holm_rank} of {s.holm_size}"
    return (
        *(s.id, s.role, s.verdict_class),
        *(_tell_window(s.baseline), _tell_window(s.postfix)),
        _tell_ratio(s),
        *(_tell_number(s.p_improved), _tell_number(s.p_regressed)),
        rank,
    )


def _tell_window(window: WindowCount) -> str:
    parts = [f"{window.count} in {window.bad_minutes} min"]
    if window.unsure:
        parts.append(f"+{window.unsure} unsure")
    parts.append("of ? requests" if window.requests is None else f"of {window.requests}")
    if not window.covered:
        parts.append(f"({format_duration(window.covered_ms)} watched)")
    return " ".join(parts)


def _tell_ratio(s: SignatureVerdict) -> str:
    if s.rr_low is None:
        return "-"
    high = "…" if s.rr_high is None else _tell_number(s.rr_high)
    return f"{_tell_number(s.rr)} ({_tell_number(s.rr_low)} to {high})"


def _tell_number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _tell_span(from_ms: int, to_ms: int) -> str:
    return f"{format_instant(from_ms)} to {format_instant(to_ms)} ({format_duration(to_ms - from_ms)})"


def _tell_next(verdict: Verdict) -> list[str]:
    action = verdict.next
    lines = [f"next: {action.action}: {ACTION_WORDS[action.action]}"]
    for scope in action.scopes:
        lines += _tell_scope(scope)
    if action.action == "restore_collection_and_reverify":
        lines.append(f"  not answered: {', '.join(action.signals)}")
    if action.action == "reopen_phase":
        lines.append(f"  worse than before: {', '.join(action.signatures)}")
    if action.action in ("collect_matched_window", "escalate_to_owner"):
        lines.append(f"  attempt {action.attempt}")
    return [*lines, f"shortest postfix window that could confirm: {format_duration(verdict.shortest_ms)}"]


def _tell_scope(scope: RollbackScope) -> list[str]:
    contact = f" · {scope.contact}" if scope.contact else ""
    lines = [f"  {scope.signal} · {', '.join(scope.owner)}{contact} · {scope.do}"]
    lines += [f"    {file}" for file in scope.files]
    lines += [f"    confirm: {thing}" for thing in scope.confirm]
    return lines
