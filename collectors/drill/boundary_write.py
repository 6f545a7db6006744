"""Evidence of a boundary probe on its way into a scratch case, by the ways that real evidence takes.

Logs are written as text in their source's own form and imported with their window; everything else comes as evidence
records. Nothing is put into tables past the collectors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors.drill.boundary_states import plain
from collectors.drill.boundary_trial import Evidence
from collectors.drill.specimen import Specimen, quiet_specimen, written
from collectors.logs.conclude import USUAL_LIMITS
from collectors.logs.ingest import import_log
from collectors.records.load import load_records
from store.case import Case
from store.errors import BadInput
from store.instants import format_instant
from store.runbook.model import Condition, Runbook, Source, SourceKind

OPERATOR = "drill"


@dataclass(frozen=True, slots=True)
class Lane:
    """One stream of a condition: its source, and the specimens that are written to it.

    `delay_ms` is how long after its beginning a log of this form begins to show these signatures.
    """

    source: Source
    settle_ms: int
    specimens: Mapping[str, Specimen]
    delay_ms: int = 0


class Writer:
    """Brings evidence into one scratch case."""

    def __init__(self, case: Case, runbook: Runbook, folder: Path) -> None:
        self._case = case
        self._runbook = runbook
        self._folder = folder
        self._number = 0

    def write(self, condition: Condition, lanes: tuple[Lane, ...], evidence: Evidence, at_ms: int) -> None:
        """Bring in what was seen around an instant, on every stream of a condition.

        Raises:
            BadInput: the collectors refuse it.
        """
        self._number += 1
        for lane in lanes:
            if lane.source.kind is SourceKind.LOGS and (condition.signatures or condition.groups):
                self._logs(lane, evidence, at_ms)
            else:
                self._records(condition, lane, evidence, at_ms, first=lane is lanes[0])

    def _logs(self, lane: Lane, evidence: Evidence, at_ms: int) -> None:
        """One file for each span that was watched; the first one holds what was seen."""
        for place, (start, end) in enumerate(evidence.watched):
            seen = evidence.seen if place == 0 else ()
            records = [
                (at_ms + offset, f"drill-{self._number}-{number}", lane.specimens[name])
                for number, (offset, name) in enumerate(seen)
                if name in lane.specimens
            ]
            quiet = quiet_specimen(self._runbook, lane.source)
            since = at_ms + start - lane.delay_ms
            records.append((since, f"drill-{self._number}-quiet-{place}", quiet))
            if len(records) in USUAL_LIMITS:  # a query with exactly so many rows is taken for cut
                records.append((since + 1, f"drill-{self._number}-quiet-{place}-more", quiet))
            path = self._folder / f"probe{self._number}.log"
            path.write_bytes(written(self._runbook, lane.source, records))
            collected = at_ms + end + lane.settle_ms - evidence.early_ms
            try:
                log = import_log(
                    self._case, self._runbook, lane.source.id, str(path), since_ms=since, until_ms=at_ms + end,
                    now_ms=collected,
                )  # fmt: skip
            finally:
                path.unlink()
            if log.status != "ok":
                raise BadInput(f"the specimens ended as {log.status}: {log.reason}")

    def _records(self, condition: Condition, lane: Lane, evidence: Evidence, at_ms: int, *, first: bool) -> None:
        lines: list[dict[str, Any]] = []
        for place, (start, end) in enumerate(evidence.watched):
            name = f"drill-{self._number}-{place}"
            lines.append(
                {
                    "record": "collection",
                    "id": name,
                    "stream": lane.source.id,
                    "from": format_instant(at_ms + start),
                    "to": format_instant(at_ms + end),
                    "collected": format_instant(at_ms + end + lane.settle_ms - evidence.early_ms),
                    "status": "ok",
                }
            )
            if place == 0 and first:
                lines += ({**row, "collection": name} for row in self._rows(condition, lane, evidence, at_ms))
        data = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
        load_records(self._case, self._runbook, data, name="boundary probe", operator=OPERATOR)

    def _rows(self, condition: Condition, lane: Lane, evidence: Evidence, at_ms: int) -> Iterator[dict[str, Any]]:
        for number, (offset, signature) in enumerate(evidence.seen):
            if signature in lane.specimens:
                key = f"drill-{self._number}-{number}"
                yield {"record": "log_match", "key": key, "at": format_instant(at_ms + offset), "signature": signature}
        for offset, depth in evidence.depths:
            depths = {"pending": depth, "running": 0, "failed": 0}
            yield {"record": "snapshot", "at": format_instant(at_ms + offset), **depths}
        for offset, total, failures in evidence.minutes:
            counts = {"total": total, "failures": failures, "of": condition.of}
            yield {"record": "run_count", "minute": format_instant(at_ms + offset), **counts}
        for offset, route, status in evidence.answers:
            yield {"record": "probe", "at": format_instant(at_ms + offset), "route": route, "status": status}
        for offset, micro in evidence.readings:
            reading = {"series": condition.series, "value": plain(micro)}
            yield {"record": "gauge", "at": format_instant(at_ms + offset), **reading}
