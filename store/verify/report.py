"""The five answers of a verification, what each of them claims, and the exit code that they add up to.

A question claims only what it looks at. An answer of `yes` to one of them says nothing about the others' attacks; each text keeps to
its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """What a question found."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What the five answers add up to."""

    VERIFIED = "verified"
    UNANCHORED = "unanchored"
    BROKEN = "broken"


EXIT_CODES = {Verdict.VERIFIED: 0, Verdict.BROKEN: 20, Verdict.UNANCHORED: 21}
TITLES = {
    "whole": "readable and whole",
    "chain": "chain and contents",
    "anchor": "matches what you were given",
    "signature": "signed by someone you trust",
    "verdicts": "verdicts recompute equal",
}
CLAIMS: dict[str, tuple[str, ...]] = {
    "whole": ("damaged pages", "a file that was cut off", "files of another state beside it"),
    "chain": (
        "an edited, deleted, inserted or exchanged row",
        "a transaction taken out of the middle",
        "a row that no transaction stored",
        "an artifact whose bytes changed",
        "a schema that is not the one of the last transaction",
    ),
    "anchor": ("a tail that was taken off", "a file rewritten from some row on", "another file put in its place"),
    "signature": ("a receipt that nobody on your list signed",),
    "verdicts": (
        "a view or a trigger that is not this program's",
        "limits that the stored runbook does not say",
        "a recorded result that the evidence does not give",
    ),
}
NEVER = (
    "Nothing here shows evidence that was forged before it was stored, a machine's clock that lied, a misused signing key, or a verifier "
    "that was tampered with."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and its answer. `findings` say what is wrong, one sentence each; texts from the file are as they are in it."""

    id: str
    answer: Answer
    text: str
    findings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The question in a few words."""
        return TITLES[self.id]


@dataclass(frozen=True, slots=True)
class Report:
    """A verification: what the file is, and the five answers in order."""

    path: str
    case_id: str | None
    title: str | None
    drill: bool
    sealed: bool
    seq: int
    head: str | None
    rows: int
    questions: tuple[Asked, ...]

    @property
    def verdict(self) -> Verdict:
        """Broken by any `no`; verified when all is well and something outside the file vouches for it."""
        answers = {asked.id: asked.answer for asked in self.questions}
        if Answer.NO in answers.values():
            return Verdict.BROKEN
        inside = all(answers[name] is Answer.YES for name in ("whole", "chain", "verdicts"))
        outside = Answer.YES in (answers["anchor"], answers["signature"])
        return Verdict.VERIFIED if inside and outside else Verdict.UNANCHORED

    @property
    def exit_code(self) -> int:
        """The answer of the command line."""
        return EXIT_CODES[self.verdict]

    @property
    def summary(self) -> str:
        """The verdict in one sentence."""
        answers = {asked.id: asked.answer for asked in self.questions}
        match self.verdict:
            case Verdict.BROKEN:
                named = ", ".join(TITLES[name] for name, answer in answers.items() if answer is Answer.NO)
                return f"broken: the answer is no to: {named}"
            case Verdict.VERIFIED:
                return "whole, and vouched for by something outside the file"
            case _ if Answer.YES in (answers["anchor"], answers["signature"]):
                return "vouched for from outside, but not everything inside could be checked"
            case _:
                return "whole as far as the file alone can show; nothing outside the file vouches for it"

    def asked(self, id: str) -> Asked:
        """The answer to one question."""
        return next(asked for asked in self.questions if asked.id == id)

    def as_json(self) -> dict[str, Any]:
        """The object that `verify --json` prints."""
        return {
            "schema": 1,
            "path": self.path,
            "case": self.case_id,
            "title": self.title,
            "drill": self.drill,
            "sealed": self.sealed,
            "seq": self.seq,
            "head": f"{self.seq}:{self.head}" if self.head else None,
            "rows": self.rows,
            "verdict": self.verdict.value,
            "exit_code": self.exit_code,
            "summary": self.summary,
            "questions": [
                {
                    "id": asked.id,
                    "title": asked.title,
                    "answer": asked.answer.value,
                    "text": asked.text,
                    "findings": list(asked.findings),
                    "claims": list(CLAIMS[asked.id]),
                }
                for asked in self.questions
            ],
            "never": NEVER,
        }
