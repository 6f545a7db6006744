"""The next-phase decision tree, drawn with the path that this case took.

The questions are those of `store.next_action`, in its order; which of them was answered with yes is read from the action that it chose.
Nothing is decided here.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from store.words import ACTION_WORDS


class Rung(NamedTuple):
    """One question of the tree and the action that a yes leads to."""

    question: str
    action: str


RUNGS = (
    Rung("Did a reversal loop trip?", "incident_freeze_and_rollback"),
    Rung("Did any other signal trip?", "rollback_scope"),
    Rung("Was it rejected without a trip?", "reopen_phase"),
    Rung("Is a signal unanswered (and not partially confirmed)?", "restore_collection_and_reverify"),
    Rung("Is it inconclusive, at the first pair of windows?", "collect_matched_window"),
    Rung("Is it inconclusive again?", "escalate_to_owner"),
    Rung("Is it partially confirmed?", "close_with_watch_items"),
    Rung("Is it confirmed?", "close_phase"),
)

_WIDTH, _ROW, _BOX = 760, 46, 32


def answers(action: str | None) -> tuple[str, ...]:
    """Per rung: `no` down to the one that was taken, `yes` there, `not asked` below; all `open` without a verdict."""
    actions = [rung.action for rung in RUNGS]
    if action not in actions:
        return ("open",) * len(RUNGS)
    taken = actions.index(action)
    return tuple("yes" if place == taken else "no" if place < taken else "not asked" for place in range(len(RUNGS)))


def draw_tree(action: str | None) -> str:
    """The tree as a ladder: questions on the left, actions on the right, the path taken in colour."""
    height = _ROW * len(RUNGS) + 14
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot tree" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(tell_tree(action))}</title>",
    ]
    for place, (rung, answer) in enumerate(zip(RUNGS, answers(action), strict=True)):
        y = 6 + place * _ROW
        asked, taken = answer in ("yes", "no"), answer == "yes"
        parts += _box(4, y, 450, rung.question, strong=asked, taken=False)
        parts += _arrow(f"M454 {y + _BOX // 2}H496", "yes", 458, y + _BOX // 2 - 4, taken=taken)
        parts += _box(496, y, 258, rung.action, strong=taken, taken=taken)
        if place + 1 < len(RUNGS):
            parts += _arrow(f"M28 {y + _BOX}V{y + _ROW}", "no", 34, y + _BOX + 11, taken=answer == "no")
    return "".join([*parts, "</svg>"])


def tell_tree(action: str | None) -> str:
    """The path in words."""
    if action not in ACTION_WORDS:
        return "Next-phase decision tree; no path is taken before there is a verdict"
    passed = sum(answer == "no" for answer in answers(action))
    return f"Next-phase decision tree: {passed} questions answered with no, then {action}"


def _box(x: int, y: int, width: int, words: str, *, strong: bool, taken: bool) -> list[str]:
    ground, edge = ("#fbe9b7", "#8a5a00") if taken else ("#ffffff", "#16202c" if strong else "#b7bec8")
    ink = "#16202c" if strong else "#6b7280"
    return [
        f'<rect x="{x}" y="{y}" width="{width}" height="{_BOX}" rx="5" fill="{ground}" stroke="{edge}" stroke-width="{2 if strong else 1}"/>',
        f'<text x="{x + 10}" y="{y + 21}" font-size="13" font-family="sans-serif" fill="{ink}">{escape(words)}</text>',
    ]


def _arrow(path: str, word: str, x: int, y: int, *, taken: bool) -> list[str]:
    ink = "#8a5a00" if taken else "#b7bec8"
    return [
        f'<path d="{path}" stroke="{ink}" stroke-width="{3 if taken else 1}" fill="none"/>',
        f'<text x="{x}" y="{y}" font-size="11" font-family="sans-serif" fill="{ink}">{word}</text>',
    ]
