"""One capture of a browser stream: pages, messages and requests as artifacts with the names that packets cite."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from collectors.attach import folder_beside, store_bytes
from collectors.browser.find import require_driver
from collectors.browser.scrub import NOTE, PICTURE_NOTE, scrub_har, scrub_lines, scrub_object, scrub_trace
from collectors.logs.redact import Redactor, declared_secrets
from collectors.probes.requests import fill_text, is_loopback, origin_of, same_origin
from collectors.schedule import Collected, CollectedTick
from store.case import Case
from store.errors import BadInput
from store.evidence import Artifact, Collection, CollectionEnd, CollectionStatus, Coverage
from store.instants import format_instant
from store.runbook.model import Runbook, Source

if TYPE_CHECKING:
    from collectors.browser.engine import Plan, Seen

COLLECTOR = "browser"
FOLDER = "artifacts/live-env-playwright"
TEMPORARY = "closeout-browser-"

Label = Literal["baseline", "postfix"]


class _File(NamedTuple):
    suffix: str
    media_type: str
    data: bytes
    note: str


class _Captured(NamedTuple):
    seen: Seen
    files: tuple[_File, ...]
    redactions: int


def capture_browser(
    case: Case,
    runbook: Runbook,
    source: Source,
    *,
    label: Label,
    environ: Mapping[str, str],
    now_ms: Callable[[], int],
    progress: Callable[[str], None] | None = None,
) -> CollectedTick:
    """Open every page of a source once and store what was seen, redacted.

    Raises:
        BrowserMissing: there is no driver or no browser; nothing was stored, and files can be attached by hand.
        Refused: the browser does not start.
    """
    require_driver()
    from collectors.browser.engine import LookFailed  # only after we know that the driver is there

    started_ms = now_ms()
    try:
        plan = plan_pages(runbook, source, environ)
        captured = _capture(plan, runbook, label, environ, now_ms, progress or (lambda _: None))
    except (BadInput, LookFailed) as error:
        reason = str(error).splitlines()[0]
        return _store(case, source, None, _stem(case, runbook, label, started_ms), started_ms, now_ms(), reason)
    return _store(case, source, captured, _stem(case, runbook, label, started_ms), started_ms, now_ms(), "")


def plan_pages(runbook: Runbook, source: Source, environ: Mapping[str, str]) -> Plan:
    """Fill in the pages and headers of a source.

    Raises:
        BadInput: a variable is not set, or a page lies outside the source's origin.
    """
    from collectors.browser.engine import Plan

    base = origin_of(source, environ) if source.origin else ""
    pages = [(page, *_page(page, source, base, environ)) for page in source.pages or ("/",)]
    headers = []
    for name, text in source.headers:
        value, missing = fill_text(text, source, base, environ)
        if not missing:
            headers.append((name, value))
        elif missing[0] not in runbook.secrets:
            raise BadInput(f"{missing[0]} is not set", f"export {missing[0]}=…")
    if headers and not base.startswith("https://") and not is_loopback(base):
        raise BadInput(
            f"the headers of {source.id} would travel unencrypted", f"set {source.origin} to an https origin"
        )
    state, proxy = (environ.get(name, "").strip() for name in ("CLOSEOUT_BROWSER_STATE", "CLOSEOUT_PROXY"))
    addresses, names = tuple(url for _, url, _ in pages), tuple(name for *_, name in pages)
    return Plan(addresses, names, base, tuple(headers), source.timeout_ms, state, proxy)


def artifact_stem(phase: str, label: str, at_ms: int) -> str:
    """The beginning of every name of a capture; "168e" is part of phase 168."""
    number = re.sub(r"(?<=\d)[a-z]+$", "", phase)
    at = format_instant(at_ms)[:19].replace(":", "-") + "Z"
    return f"{FOLDER}/phase-{re.sub(r'[^A-Za-z0-9._-]+', '-', number)}-{label}-{at}"


def _page(page: str, source: Source, base: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """A page's address, and a name for its picture made of what the runbook says: values of variables stay out of names."""
    url, missing = fill_text(page, source, base, environ)
    if missing:
        raise BadInput(f"{missing[0]} is not set", f"export {missing[0]}=…")
    url = f"{base}{url}" if url.startswith("/") else url
    written_out = bool(urlsplit(page).hostname) and "{{" not in page.split("/")[2]
    if not (same_origin(url, base) or (written_out and same_origin(url, page))) or urlsplit(url).username is not None:
        raise BadInput(
            f"page {page} does not lie at the origin in {source.origin}", "write its whole address in the runbook"
        )
    said = re.sub(r"\{\{[^}]*\}\}", "", re.sub(r"^https?://[^/]*", "", page))
    return url, re.sub(r"[^A-Za-z0-9]+", "-", said).strip("-")[:40] or "home"


def _capture(
    plan: Plan,
    runbook: Runbook,
    label: Label,
    environ: Mapping[str, str],
    now_ms: Callable[[], int],
    progress: Callable[[str], None],
) -> _Captured:
    from collectors.browser.engine import look_at

    _sweep(Path(tempfile.gettempdir()))
    redactor = Redactor(_secrets(plan, runbook, environ))
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}{os.getpid()}-", ignore_cleanup_errors=True) as place:
        folder, from_ms = Path(place), now_ms()
        # The driver's simple interface refuses to run where an event loop runs; a thread of its own never has one.
        with ThreadPoolExecutor(1, "browser") as pool:
            seen = pool.submit(look_at, plan, folder, environ, now_ms, progress).result()
        files = list(_files(folder, plan, seen, redactor))
    about = _summary(plan, label, seen, from_ms, now_ms(), files, environ)
    files.append(_File("summary.json", "application/json", scrub_object(about, redactor), NOTE))
    return _Captured(seen, tuple(files), redactor.count)


def _secrets(plan: Plan, runbook: Runbook, environ: Mapping[str, str]) -> tuple[str, ...]:
    values = [value for _, value in plan.headers]
    return (
        *declared_secrets(runbook.secrets, environ),
        *values,
        *(value.split()[-1] for value in values if value.split()),
    )


def _files(folder: Path, plan: Plan, seen: Seen, redactor: Redactor) -> Iterator[_File]:
    for number, (look, name) in enumerate(zip(seen.looks, plan.names, strict=True), 1):
        if look.picture:
            yield _File(f"{number:02d}-{name}.png", "image/png", (folder / look.picture).read_bytes(), PICTURE_NOTE)
    yield _File("console.jsonl", "application/x-ndjson", scrub_lines(seen.console, redactor), NOTE)
    yield _File("requests-failed.jsonl", "application/x-ndjson", scrub_lines(seen.failures, redactor), NOTE)
    har, trace = folder / "network.har", folder / "trace.zip"
    if har.exists():
        yield _File("network.har", "application/json", scrub_har(har.read_bytes(), redactor), NOTE)
    if trace.exists():
        yield _File(
            "trace.zip", "application/zip", scrub_trace(trace.read_bytes(), redactor), f"{NOTE}; {PICTURE_NOTE}"
        )


def _summary(
    plan: Plan, label: str, seen: Seen, from_ms: int, to_ms: int, files: list[_File], environ: Mapping[str, str]
) -> dict[str, Any]:
    """What a packet wants to know about a capture, in one file."""
    errors = [record for record in seen.console if record["type"] in ("error", "pageerror")]
    return {
        "label": label,
        "base": plan.origin,
        "from": format_instant(from_ms),
        "to": format_instant(to_ms),
        "browser": seen.browser,
        "sandbox": seen.sandbox,
        "proxy": "as asked for" if plan.proxy else "none",
        "pages": [
            {
                "url": look.url,
                "status": look.status,
                "loaded": look.loaded,
                "load_ms": look.load_ms,
                "reason": look.reason,
            }
            for look in seen.looks
        ],
        "messages": dict(Counter(record["type"] for record in seen.console)),
        "first_errors": [record["text"] for record in errors[:5]],
        "failed_requests": len(seen.failures),
        "records_left_out": seen.dropped,
        "files": [{"name": file.suffix, "size": len(file.data)} for file in files],
    }


def _stem(case: Case, runbook: Runbook, label: str, at_ms: int) -> str:
    stem = artifact_stem(runbook.phase or runbook.id, label, at_ms)
    taken = (
        case.read().execute("SELECT count(*) FROM artifact WHERE name LIKE ? || '%-summary.json'", (stem,)).fetchone()
    )
    return f"{stem}-{taken[0] + 1}" if taken[0] else stem


def _store(
    case: Case, source: Source, captured: _Captured | None, stem: str, from_ms: int, to_ms: int, trouble: str
) -> CollectedTick:
    status = CollectionStatus.OK if captured else CollectionStatus.FAILED
    reason = _told(captured.seen) if captured else trouble
    version = captured.seen.browser if captured else ""
    files = captured.files if captured else ()
    collection = Collection(
        source.id, COLLECTOR, from_ms, to_ms, to_ms, form="browser", tool_version=version, edition=case.edition()
    )
    with case.transaction(COLLECTOR) as tx:
        id = tx.add(collection)
        if captured:
            tx.add(Coverage(id, source.id, from_ms, to_ms, to_ms))
        for file in files:
            about = Artifact(
                id,
                f"{stem}-{file.suffix}",
                COLLECTOR,
                file.media_type,
                0,
                "",
                to_ms,
                from_ms,
                to_ms,
                redaction=file.note,
            )
            store_bytes(tx, about, file.data, folder_beside(case))
        end = CollectionEnd(
            id, status, reason, to_ms, matched=len(files), bytes_read=sum(len(file.data) for file in files)
        )
        looks = len(captured.seen.looks) if captured else 0
        tx.add(end._replace(lines_read=looks, redactions=captured.redactions if captured else 0))
    return CollectedTick(source.id, (Collected(id, COLLECTOR, status, reason, from_ms, to_ms, len(files)),), tx.seq)


def _told(seen: Seen) -> str:
    """What did not come up; a page that fails is what we came to see, not a failure of the look."""
    failed = [look for look in seen.looks if not look.loaded]
    if not failed:
        return ""
    return f"{len(seen.looks) - len(failed)} of {len(seen.looks)} pages loaded; first trouble: {failed[0].reason[:200]}"


def _sweep(place: Path) -> None:
    """Remove what captures left whose process was killed."""
    for folder in place.glob(f"{TEMPORARY}*"):
        owner = folder.name.removeprefix(TEMPORARY).split("-")[0]
        try:
            if not owner.isdigit() or folder.stat().st_uid != os.geteuid():
                continue
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
