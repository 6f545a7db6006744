"""Builders for the verdict: a case in memory with two windows, evidence added row by row, and the question put to the views."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, cast

from store import evidence, journal
from store.editions import store_edition
from store.instants import MINUTE_MS, parse_instant
from store.runbook.parse import parse_runbook
from store.schema.statements import table_statements
from store.schema.views import view_statements
from store.transaction import Transaction
from store.verdict import SignatureVerdict, Verdict, VerdictQuestion, judge_verdict

BASELINE = (parse_instant("2026-02-18T03:00:00Z"), parse_instant("2026-02-18T03:30:00Z"))
POSTFIX = (parse_instant("2026-02-18T04:00:00Z"), parse_instant("2026-02-18T04:30:00Z"))

Span = tuple[int, int]


def at(text: str) -> int:
    """An instant of the worked day, such as `04:10` or `04:10:00.001`."""
    return parse_instant(f"2026-02-18T{text if text.count(':') > 1 else text + ':00'}Z")


def count(*signatures: str, over: int = 100_000, window: str = "30m") -> str:
    """A signal body that counts signatures."""
    return f'window = "{window}"\n[[trip]]\nkind = "count"\nsignatures = {json.dumps(signatures)}\nover = {over}'


def runbook_text(
    signatures: dict[str, str], signals: dict[str, tuple[str, str]], streams: Sequence[str] = (), settle: str = "0s"
) -> str:
    """A runbook: signature id -> its further keys; signal id -> (stream, body from `window` to the trips)."""
    used = dict.fromkeys([*(stream for stream, _ in signals.values()), *streams])
    parts = ["# Compared", '```toml runbook\nid = "compared"\n```', "## Sources"]
    parts += [f'### {s}\n\n```toml source\nid = "{s}"\nkind = "records"\nsettle = "{settle}"\n```' for s in used]
    parts.append("## Signatures")
    for name, more in signatures.items():
        parts.append(f'### {name}\n\n```toml signature\nid = "{name}"\nmessage = ["{name}"]\n{more}\n```')
    parts.append("## Signals")
    for name, (stream, body) in signals.items():
        window, _, trips = body.partition("\n[[trip]]")
        parts.append(
            f'### {name}\n\n```toml signal\nid = "{name}"\nstreams = ["{stream}"]\nowner = ["owner of {name}"]\n{window}\n'
            f'[[trip]]{trips}\n[rollback]\ndo = "Undo {name}."\nfiles = ["{name}.ts"]\n```'
        )
    parts.append('## Steps\n\n### Look\n\n```toml step\nid = "look"\nkind = "manual"\neffect = "reads"\n```')
    return "\n\n".join(parts) + "\n"


class World:
    """A case in memory. Every added row is a transaction of its own, numbered as in a file, without the chain's digests."""

    def __init__(self, text: str) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        for statement in [*table_statements(), *(statement for _, statement in view_statements())]:
            self.db.execute(statement)
        self.seq = 1
        self.first = 1
        self.keys = 0
        self.add(journal.CaseInfo("case-1", "Compared", 0, 0, "kim", "host", 1, 1, "test"))
        self.adopt(text)

    def adopt(self, text: str) -> None:
        """Adopt a runbook as a new edition."""
        self.runbook = parse_runbook(text, "runbook.md")
        store_edition(cast("Transaction", self), self.runbook, adopted_ms=0, reason="test")

    def add(self, row: Any, *, together: bool = False) -> int:
        """Store one row as a transaction, or `together` with the one before; returns its id."""
        name = type(row).__name__
        table = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
        if not together:
            self.seq += 1
            self.db.execute(
                "INSERT INTO chain VALUES (?, 0, 'test', 'append', ?, 1, '', '', ?)",
                (self.seq, f"h{self.seq - 1}", f"h{self.seq}"),
            )
        columns = ", ".join(f'"{column}"' for column in ("seq", *row._fields))
        marks = ", ".join("?" * (len(row) + 1))
        values = (self.seq, *row)
        return int(self.db.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', values).lastrowid or 0)

    def add_all(self, rows: Iterable[Any]) -> None:
        """Store rows one by one."""
        for row in rows:
            self.add(row)

    def collect(
        self,
        stream: str,
        span: Span,
        *,
        status: str | None = "ok",
        collected: int | None = None,
        can_prove: int = 1,
        delay_ms: int = 0,
        looks: Sequence[str] | None = None,
        texts: dict[str, str] | None = None,
    ) -> int:
        """One collection of a stream, as an import of records stores it; `status` None leaves it open."""
        done = span[1] if collected is None else collected
        collection = self.add(evidence.Collection(stream, "records", *span, done))
        if status in ("ok", None):
            self.add(evidence.Coverage(collection, stream, *span, done), together=True)
        for signature in self.runbook.signatures:
            if looks is None or signature.id in looks:
                sha256 = (texts or {}).get(signature.id, signature.sha256)
                self.add(evidence.LookedFor(collection, signature.id, sha256, can_prove, "", delay_ms), together=True)
        if status is not None:
            self.add(evidence.CollectionEnd(collection, status, "", done), together=True)
        return collection

    def match(self, collection: int, signature: str, instant: int, *, key: str | None = None, certain: int = 1) -> None:
        """One log match."""
        (stream,) = self.db.execute("SELECT stream FROM collection WHERE id = ?", (collection,)).fetchone()
        self.keys += 1
        self.add(
            evidence.LogMatch(collection, stream, signature, None, key or f"k{self.keys}", instant, certain=certain)
        )

    def fail(self, collection: int, signature: str, number: int, start: int, *, minutes: int = 30) -> None:
        """So many failures, spread over so many minutes from a start."""
        for i in range(number):
            self.match(collection, signature, start + i % minutes * MINUTE_MS + i // minutes * 200 + 250)

    def traffic(self, collection: int, span: Span, per_minute: int, route: str = "/") -> None:
        """The same number of requests in every whole minute of a span."""
        (stream,) = self.db.execute("SELECT stream FROM collection WHERE id = ?", (collection,)).fetchone()
        for minute in range(-(-span[0] // MINUTE_MS) * MINUTE_MS, span[1] // MINUTE_MS * MINUTE_MS, MINUTE_MS):
            self.add(evidence.Traffic(collection, stream, minute, route, per_minute))

    def probe(self, collection: int, instant: int, route: str, status: int, outcome: str = "ok") -> None:
        """One probe; status 0 means no answer."""
        (stream,) = self.db.execute("SELECT stream FROM collection WHERE id = ?", (collection,)).fetchone()
        self.add(evidence.Probe(collection, stream, instant, route, f"{status:03d}", status or None, outcome))

    def mark(self, name: str, instant: int) -> None:
        """A named moment."""
        self.add(journal.Mark(name, instant, None, None, instant, "kim"))

    def window(self, name: str, span: Span) -> None:
        """A named stretch of time."""
        self.add(journal.Window(name, *span, span[1], "kim"))

    def retract(self, collection: int) -> None:
        """Withdraw a collection."""
        self.add(evidence.Retraction(collection, "wrong project", 0, "kim"))

    def question(
        self, baseline: Span = BASELINE, postfix: Span = POSTFIX, *, known: int | None = None
    ) -> VerdictQuestion:
        """The question for two windows with everything known so far, or with less."""
        (edition,) = self.db.execute("SELECT max(id) FROM edition").fetchone()
        return VerdictQuestion(*baseline, *postfix, self.seq if known is None else known, edition)

    def judge(
        self,
        baseline: Span = BASELINE,
        postfix: Span = POSTFIX,
        *,
        known: int | None = None,
        attempt: int | None = None,
    ) -> Verdict:
        """Judge two windows."""
        return judge_verdict(self.db, self.question(baseline, postfix, known=known), attempt=attempt)


def rule(verdict: Verdict) -> tuple[str, str]:
    """The verdict and the rule that decided it."""
    return verdict.verdict, verdict.reason


def row(verdict: Verdict, signature: str) -> SignatureVerdict:
    """One signature's row."""
    return next(s for s in verdict.signatures if s.id == signature)


def improved_world(*, before: int = 60, after: int = 2, per_minute: int = 100, settle: str = "0s") -> World:
    """One target on one stream, clearly improved, with traffic: confirmed unless something is taken away."""
    text = runbook_text({"target": 'role = "target"'}, {"one": ("logs", count("target"))}, settle=settle)
    world = World(text)
    for span, number in ((BASELINE, before), (POSTFIX, after)):
        collection = world.collect("logs", span)
        world.fail(collection, "target", number, span[0])
        world.traffic(collection, span, per_minute)
    return world
