"""States in words for people: what was measured, of what limit, over how much watched time, and why.

Numbers come from the views as they are; nothing is compared here.
"""

from __future__ import annotations

from store.instants import format_duration, format_instant
from store.judge import STATES, ConditionState, Judgement, SignalState

_TRIPPED_BY = {
    "count_over": "count",
    "burst_over": "burst",
    "trend_up": "trend",
    "loop": "loop",
    "queue_growth": "queue",
    "ratio_over": "ratio",
    "level_over": "level",
}


def headline(signal: SignalState) -> ConditionState | None:
    """The condition that speaks for a signal: the one that tripped in this run, else the first that holds the worst state."""
    latched = _TRIPPED_BY.get(signal.reason) if signal.state == "tripped" else None
    ranked = sorted(signal.conditions, key=lambda c: (c.state != "tripped", c.kind != latched, STATES.index(c.state)))
    return ranked[0] if ranked else None


def tell_value(condition: ConditionState) -> str:
    """The measured value of its limit, such as `24 of > 20` or `12.0% (6 of 50) of > 10%`."""
    detail, limit = condition.detail, f"{condition.op} {condition.limit}"
    match condition.kind:
        case "count" | "burst":
            unknown = detail.get("unknown_status") or 0
            beside = f", {unknown} of unknown status" if unknown else ""
            inside = (
                f" in {format_duration(detail['slice_ms'])}"
                if condition.kind == "burst" and detail.get("slice_ms")
                else ""
            )
            return f"{condition.value} of {limit}{inside}{beside}"
        case "loop":
            return f"{condition.value} of {limit} slices"
        case "trend":
            return " → ".join(str(count) for count in detail.get("counts", [])) or "no tiles"
        case "queue":
            growth = detail.get("growth")
            return f"depth {_number(condition.value)}" + (f", grew {growth}" if growth is not None else "")
        case "ratio":
            if condition.value is None:
                return f"no finished runs of {limit}%"
            return f"{condition.value * 100:.1f}% ({detail['failures']} of {detail['total']}) of {limit}%"
        case "probe":
            bad, missing = detail.get("bad", []), detail.get("missing", [])
            parts = [f"{len(bad)} bad" + (f" ({', '.join(bad)})" if bad else "")]
            return ", ".join(parts + ([f"{len(missing)} unprobed ({', '.join(missing)})"] if missing else []))
        case _:
            return f"{_number(condition.value)} of {limit}"


def tell_watched(condition: ConditionState) -> str:
    """How much of the window was watched, such as `10m of 30m`; probes go by routes, not by time."""
    if condition.kind == "probe":
        return "every route once" if condition.coverage == "full" else "not every route"
    return f"{format_duration(condition.covered_ms)} of {format_duration(condition.want_ms)}"


def tell_state(signal: SignalState) -> str:
    """The state with what is known so far, such as `partial (45 of > 50 so far, watch level)`."""
    condition = headline(signal)
    if condition is None or signal.state in ("tripped", "ok", "watch") or condition.level == "none":
        return signal.state
    return f"{signal.state} ({tell_value(condition)} so far, {condition.level} level)"


def tell_signal(signal: SignalState, *, as_of_ms: int) -> str:
    """One line: state, value of limit, watched time, age, why, since when, who owns it, what to undo, when it could be ok."""
    condition = headline(signal)
    parts = [f"{signal.state:<8} {signal.id}:"]
    if condition is not None:
        parts.append(f"{tell_value(condition)} · watched {tell_watched(condition)}")
    age = "never read" if signal.last_ms is None else f"read {format_duration(max(0, as_of_ms - signal.last_ms))} ago"
    parts.append(f"· {age} · {signal.reason}")
    if signal.first_trip_ms is not None:
        parts.append(f"since {format_instant(signal.first_trip_ms)}")
    if signal.state != signal.now_state:
        parts.append(f"(now {signal.now_state}: {signal.now_reason})")
    parts.append(f"· {', '.join(signal.owner)}")
    if signal.state == "tripped":
        parts.append(f"· undo: {signal.rollback_do}")
        if signal.rollback_files:
            parts.append(f"[{', '.join(signal.rollback_files)}]")
    if signal.earliest_ok_ms is not None and signal.state != "ok":
        parts.append(f"· ok at {format_instant(signal.earliest_ok_ms)} at the earliest")
    return " ".join(parts)


def tell_head(judgement: Judgement) -> str:
    """The line above the signals: which case, which instant, which run, the worst state."""
    question = judgement.question
    scope = "no run" if question.scope_start_ms is None else f"run since {format_instant(question.scope_start_ms)}"
    drill = "DRILL · " if judgement.drill else ""
    return f"{drill}{judgement.title} · as of {format_instant(question.as_of_ms)} · {scope} · seq {question.known_seq} · worst: {judgement.worst}"


def _number(value: float | int | None) -> str:
    if value is None:
        return "nothing"
    return str(int(value)) if float(value).is_integer() else f"{value:g}"
