"""What to do next, given a verdict and the states of the signals: a proposal, first match wins. The operator decides.

The module chooses among named actions; it compares no count with a limit and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from store.judge import SignalState

UNANSWERED = ("no_data", "stale", "partial")


class SignalOutcome(NamedTuple):
    """A signal at the end of the postfix window; `loop` when a condition of kind loop is what tripped."""

    id: str
    state: str
    loop: bool = False


@dataclass(frozen=True, slots=True)
class RollbackScope:
    """What to undo for one tripped signal, and who owns it."""

    signal: str
    owner: tuple[str, ...]
    contact: str | None
    do: str
    files: tuple[str, ...]
    confirm: tuple[str, ...]
    undo: str | None


@dataclass(frozen=True, slots=True)
class NextAction:
    """The proposed action with what it is about: tripped scopes, unanswered signals, regressed or open signatures."""

    action: str
    attempt: int
    scopes: tuple[RollbackScope, ...] = ()
    signals: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()


def choose_action(verdict: str, signals: Sequence[SignalOutcome], *, attempt: int = 1) -> str:
    """The code of the next action.

    Args:
        verdict: confirmed, partially_confirmed, inconclusive or rejected.
        signals: every signal at the end of the postfix window.
        attempt: 1 for the first pair of windows; a second inconclusive one goes to the owner.
    """
    tripped = [signal for signal in signals if signal.state == "tripped"]
    if any(signal.loop for signal in tripped):
        return "incident_freeze_and_rollback"
    if tripped:
        return "rollback_scope"
    if verdict == "rejected":
        return "reopen_phase"
    if verdict != "partially_confirmed" and any(signal.state in UNANSWERED for signal in signals):
        return "restore_collection_and_reverify"
    if verdict == "inconclusive":
        return "collect_matched_window" if attempt <= 1 else "escalate_to_owner"
    return "close_with_watch_items" if verdict == "partially_confirmed" else "close_phase"


def next_action(
    verdict: str,
    signals: Sequence[tuple[SignalState, bool]],
    *,
    attempt: int,
    regressed: Sequence[str] = (),
    unresolved: Sequence[str] = (),
) -> NextAction:
    """The next action with everything that whoever carries it out must know.

    Args:
        verdict: the verdict.
        signals: each signal with whether a loop is what tripped it.
        attempt: which pair of windows this is.
        regressed: signatures that became worse.
        unresolved: targets that did not improve.
    """
    outcomes = [SignalOutcome(signal.id, signal.state, loop) for signal, loop in signals]
    action = choose_action(verdict, outcomes, attempt=attempt)
    by_loop_first = sorted(signals, key=lambda pair: not pair[1])
    scopes = tuple(_scope(signal) for signal, _ in by_loop_first if signal.state == "tripped")
    unanswered = tuple(signal.id for signal, _ in signals if signal.state in UNANSWERED)
    return NextAction(action, attempt, scopes, unanswered, tuple(regressed or unresolved))


def _scope(signal: SignalState) -> RollbackScope:
    return RollbackScope(
        signal.id,
        signal.owner,
        signal.contact,
        signal.rollback_do,
        signal.rollback_files,
        signal.rollback_confirm,
        signal.undo,
    )
