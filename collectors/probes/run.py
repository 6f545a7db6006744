"""One tick of a probes stream: every request of the runbook once, each stored as a row whatever came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from collectors.logs.redact import Redactor, declared_secrets
from collectors.probes.outcome import Judged, judge, request_id, with_streak
from collectors.probes.requests import HARMLESS, Request, plan_requests, templates_of
from collectors.schedule import Collected, CollectedTick
from store.case import Case
from store.errors import BadInput, Refused
from store.evidence import Collection, CollectionEnd, CollectionStatus, Coverage, Probe
from store.instants import MINUTE_MS
from store.runbook.model import Runbook, Source

if TYPE_CHECKING:
    from collectors.probes.http import Answer

COLLECTOR = "probes"
STREAK_MS = 120 * MINUTE_MS

_KEPT_HEADERS = (
    "date", "server", "content-type", "content-length", "location", "retry-after", "age", "x-vercel-id", "x-vercel-cache",
    "x-matched-path", "x-request-id", "x-amzn-requestid", "fly-request-id", "cf-ray", "x-correlation-id", "x-zrg-duration-ms",
    "server-timing",
)  # fmt: skip


def run_probes(
    case: Case,
    runbook: Runbook,
    source: Source,
    *,
    environ: Mapping[str, str],
    now_ms: Callable[[], int],
    confirm_side_effects: bool,
    progress: Callable[[str], None] | None = None,
) -> CollectedTick:
    """Send each request of a source once and store what came back.

    Raises:
        Refused: the requests run jobs and that was not confirmed; nothing was contacted or stored.
    """
    started_ms = now_ms()
    try:
        refuse_unconfirmed(source, confirmed=confirm_side_effects)
        requests = plan_requests(runbook, source, environ)
    except BadInput as error:
        return _store(case, source, [], started_ms, now_ms(), Redactor(), str(error))
    from collectors.probes.http import Prober  # heavy, and a refusal never needs it

    redactor = Redactor(declared_secrets(runbook.secrets, environ))
    sent: list[Probe] = []
    with Prober(environ, source.timeout_ms) as prober:
        for request in requests:
            at_ms = now_ms()
            answer = None if request.forbidden else prober.send(request)
            probe = _probe(source, request, answer, at_ms, _earlier(case, source.id, request.route, at_ms), redactor)
            sent.append(probe)
            if progress is not None:
                progress(f"{probe.method} {probe.route}: {probe.status_text} {probe.outcome}")
    return _store(case, source, sent, started_ms, now_ms(), redactor, "")


def refuse_unconfirmed(source: Source, *, confirmed: bool) -> None:
    """Do not run a job by looking at it: a GET to a cron route runs the cron.

    Raises:
        Refused: the requests have effects and nobody confirmed them, or the runbook does not say that they have.
    """
    acting = [template for template in templates_of(source) if template.method not in HARMLESS]
    if acting and not source.side_effects:
        raise Refused(
            f"{acting[0].method} changes things and source {source.id} does not say so",
            "write side_effects = true in the runbook",
        )
    if source.side_effects and not confirmed:
        raise Refused(
            f"the requests of {source.id} run jobs when they are sent",
            "say that they may run now: closeout collect … --confirm",
        )


def _probe(
    source: Source, request: Request, answer: Answer | None, at_ms: int, before: list[str], redactor: Redactor
) -> Probe:
    judged = _judged(source, request, answer, before)
    cut = f"only the first {answer.body_size} bytes of the body were read" if answer is not None and answer.cut else ""
    reason = "; ".join(part for part in (judged.reason, request.note, cut) if part)
    common = Probe(
        collection=0,
        stream=source.id,
        at_ms=at_ms,
        route=request.route,
        status_text="000",
        status=None,
        outcome=judged.outcome,
        method=request.method,
        url=redactor.text(request.url),
        secret_sent=int(request.secret_sent and answer is not None),
        reason=redactor.text(reason),
    )
    if answer is None:
        return common
    text = answer.headers.get("content-type", "text/plain")
    readable = text.startswith("text/") or "json" in text or "xml" in text
    kept = {name: redactor.text(answer.headers[name]) for name in _KEPT_HEADERS if name in answer.headers}
    return common._replace(
        status_text=f"{answer.status:03d}" if answer.status is not None else "000",
        status=answer.status,
        request=request_id(answer.headers),
        resolve_us=answer.resolve_us,
        connect_us=answer.connect_us,
        tls_us=answer.tls_us,
        first_byte_us=answer.first_byte_us,
        total_us=answer.total_us,
        body_size=answer.body_size,
        body_sha256=answer.body_sha256,
        body=redactor.raw(answer.body) if readable and answer.body else None,
        headers=json.dumps(kept, ensure_ascii=False) if kept else None,
    )


def _judged(source: Source, request: Request, answer: Answer | None, before: list[str]) -> Judged:
    if answer is None:
        return Judged("forbidden", f"not sent: {request.forbidden}")
    if answer.trouble is not None or answer.status is None:
        return Judged(*(answer.trouble or ("protocol", "no answer")))
    judged = judge(
        answer.status,
        answer.body,
        location=answer.headers.get("location", ""),
        secret_sent=request.secret_sent,
        expect=source.expect,
        patterns=source.patterns,
    )
    return with_streak(judged, before)


def _earlier(case: Case, stream: str, route: str, at_ms: int) -> list[str]:
    found = case.read().execute(
        "SELECT p.outcome FROM probe AS p WHERE p.stream = ? AND p.route = ? AND p.at_ms > ? "
        "AND NOT EXISTS (SELECT 1 FROM retraction AS r WHERE r.collection = p.collection) ORDER BY p.at_ms DESC LIMIT 2",
        (stream, route, at_ms - STREAK_MS),
    )
    return [row[0] for row in found]


def _store(
    case: Case, source: Source, probes: list[Probe], from_ms: int, to_ms: int, redactor: Redactor, trouble: str
) -> CollectedTick:
    answered = sum(probe.status is not None for probe in probes)
    status = CollectionStatus.FAILED if trouble else CollectionStatus.OK
    collection = Collection(source.id, COLLECTOR, from_ms, to_ms, to_ms, form="http", edition=case.edition())
    with case.transaction(COLLECTOR) as tx:
        id = tx.add(collection)
        if not trouble:
            tx.add(Coverage(id, source.id, from_ms, to_ms, to_ms))
        tx.add_all(probe._replace(collection=id) for probe in probes)
        end = CollectionEnd(id, status, trouble, to_ms, lines_read=len(probes), matched=answered)
        size = sum(probe.body_size or 0 for probe in probes)
        tx.add(end._replace(redactions=redactor.count, bytes_read=size))
    return CollectedTick(source.id, (Collected(id, COLLECTOR, status, trouble, from_ms, to_ms, len(probes)),), tx.seq)
