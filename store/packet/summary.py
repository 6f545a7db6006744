"""The closeout for programs: the same states, verdict, decisions and citations as the documents, as one JSON object.

The signals are the very object that `closeout status --json` prints, the verdict that of `closeout verdict --json`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from store.instants import format_instant, format_optional
from store.packet.citations import Claim
from store.review.facts import CaseFacts, DecisionCard
from store.status import status_json
from store.verdict_form import verdict_json


def summary_json(facts: CaseFacts, claims: Sequence[Claim]) -> bytes:
    """The whole closeout."""
    answer: dict[str, Any] = {
        **status_json(facts.judgement),
        "title": facts.card.title,
        "head": {"seq": facts.head.seq, "head": facts.head.head, "sealed": facts.sealed},
        "runbook": {"path": facts.edition.path, "sha256": facts.edition.sha256},
        "verdict": None if facts.verdict is None else verdict_json(facts.verdict),
        "windows": {
            w.name: {"from": format_instant(w.from_ms), "to": format_instant(w.to_ms)} for w in facts.windows if w.holds
        },
        "decisions": [_decision(decision, claims) for decision in facts.decisions],
        "unknown": [gap._asdict() for gap in facts.unknown],
        "carried": [item._asdict() for item in facts.carried],
    }
    return (json.dumps(answer, ensure_ascii=True, allow_nan=False, indent=1) + "\n").encode()


def _decision(decision: DecisionCard, claims: Sequence[Claim]) -> dict[str, Any]:
    return {
        "ref": f"decision:{decision.id}",
        "at": format_instant(decision.at_ms),
        "operator": decision.operator,
        "step": decision.step,
        "choice": decision.choice,
        "reason": decision.reason,
        "override": decision.override,
        "as_of": format_instant(decision.as_of_ms),
        "states": {state.signal: state.state for state in decision.states},
        "citations": [_citation(claim) for claim in claims if claim.decision == decision.id],
    }


def _citation(claim: Claim) -> dict[str, Any]:
    return {
        "ref": claim.ref,
        "row_sha256": claim.row_sha256,
        "from": format_optional(claim.from_ms),
        "to": format_optional(claim.to_ms),
        "file": str(claim.file),
    }
