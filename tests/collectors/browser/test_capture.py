"""A real headless Chromium against local pages with errors, a failing request and planted secrets."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.browser import capture, find
from collectors.browser.capture import artifact_stem, capture_browser, plan_pages
from collectors.browser.find import BrowserMissing, find_browser
from collectors.schedule import CollectedTick
from store.case import Case
from store.errors import BadInput
from store.instants import parse_instant
from store.runbook.model import Runbook
from tests.collectors.cases import T0, bytes_of, clock, make_case, rows, runbook_of, source_of
from tests.collectors.probes.http_world import Exchange, Server, free_port, replies, serving

ROOT = Path(__file__).resolve().parents[3]
SECRET = "br0wser-s3cret-value"
COOKIE = "c00kie-value-of-session"
QUERY = "qu3ry-token-value"
MAIL = "jane.doe@example.com"
BODY = "b0dy-text-of-a-lead"
PLANTED = (SECRET, COOKIE, QUERY, MAIL, BODY, "typ3d-password")

PAGE = f"""<html><head><title>Inbox of {MAIL}</title></head><body><h1>Inbox</h1>
<form><input type="password" value="typ3d-password"></form>
<script>
console.error("failed for {MAIL} with Bearer {SECRET}");
console.warn("slow");
fetch("/api/broken?token={QUERY}").catch(() => 0);
fetch("/api/leads").then((answer) => answer.json());
setTimeout(() => {{ throw new Error("uncaught in the page"); }}, 0);
</script></body></html>"""


def html(text: str, **headers: str) -> Any:
    return replies(200, text, {"Content-Type": "text/html", "Set-Cookie": f"sid={COOKIE}", **headers})


ROUTES = {
    "/": html(PAGE),
    "/settings": html("<h1>Settings</h1>"),
    "/api/broken": replies(500, {"error": BODY}),
    "/api/leads": replies(200, {"leads": [BODY]}),
}


@pytest.fixture(scope="session", autouse=True)
def browser() -> None:
    """A browser has to be here; without one these tests are skipped, or fail when CLOSEOUT_REQUIRE_BROWSER=1."""
    try:
        find.require_driver()
        find_browser(os.environ)
    except BrowserMissing as error:
        if os.environ.get("CLOSEOUT_REQUIRE_BROWSER") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(ROUTES) as server:
        yield server


def browser_runbook(pages: list[str], keys: str = "") -> Runbook:
    block = f'```toml source\nid = "browser"\nkind = "browser"\norigin = "BASE_URL"\npages = {json.dumps(pages)}\n{keys}\n```\n'
    probes = '\n```toml source\nid = "probes"\nkind = "probes"\norigin = "BASE_URL"\nroutes = ["/"]\n```\n'
    return runbook_of(block + probes, stream="probes", trip='kind = "probe"\nroutes = ["/"]')


def captured(case: Case, runbook: Runbook, origin: str, at_ms: int = T0, **environ: str) -> CollectedTick:
    return capture_browser(
        case,
        runbook,
        source_of(runbook, "browser"),
        label="baseline",
        environ={"PATH": os.environ["PATH"], "BASE_URL": origin, **environ},
        now_ms=clock(at_ms),
    )


def file_of(case: Case, suffix: str) -> bytes:
    ((data,),) = rows(case, "SELECT data FROM sqlar WHERE name LIKE '%' || ?", suffix)
    assert isinstance(data, bytes)
    return data


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[Case]:
    """One capture of two pages, looked at by the tests below."""
    runbook = browser_runbook(
        ["/?view=inbox", "{{BASE_URL}}/settings"], 'headers = { Authorization = "Bearer {{CRON_SECRET}}" }'
    )
    with make_case(tmp_path_factory.mktemp("browser"), runbook) as case:
        tick = captured(case, runbook, server.origin, CRON_SECRET=SECRET)
        assert not tick.failed, tick.reason
        yield case


def test_files_have_the_names_that_packets_cite(case: Case) -> None:
    names = [row[0] for row in rows(case, "SELECT name FROM artifact WHERE role = 'browser' ORDER BY id")]
    stem = "artifacts/live-env-playwright/phase-168-baseline-2026-02-18T03-00-00Z"
    assert names == [
        f"{stem}-{suffix}"
        for suffix in (
            "01-view-inbox.png", "02-settings.png", "console.jsonl", "requests-failed.jsonl", "network.har", "trace.zip",
            "summary.json",
        )
    ]  # fmt: skip


def test_none_of_the_secrets_is_in_any_stored_byte(case: Case) -> None:
    stored = bytes_of(case)
    with zipfile.ZipFile(io.BytesIO(file_of(case, "trace.zip"))) as trace:
        unpacked = b"".join(trace.read(name) for name in trace.namelist())
    for secret in PLANTED:
        assert secret.encode() not in stored, secret
        assert secret.encode() not in unpacked, secret
    assert rows(case, "SELECT redactions > 0 FROM collection_end") == [(1,)]


def test_the_hash_is_that_of_the_scrubbed_bytes_and_the_note_says_so(case: Case) -> None:
    for name, size, sha256, note, data in rows(
        case,
        "SELECT a.name, a.size, a.sha256, a.redaction, s.data FROM artifact AS a JOIN sqlar AS s USING (name) WHERE a.role = 'browser'",
    ):
        assert (size, sha256) == (len(data), hashlib.sha256(data).hexdigest()), name
        assert ("password fields covered" if name.endswith(".png") else "taken out before hashing") in note


def test_messages_and_failed_requests_are_kept_without_noise(case: Case) -> None:
    messages = [json.loads(line) for line in file_of(case, "console.jsonl").splitlines()]
    texts = [(each["type"], each["text"]) for each in messages]
    assert ("warning", "slow") in texts
    assert ("error", "failed for [email] with Bearer [secret]") in texts or any(
        "failed for [email]" in text for _, text in texts
    )
    assert any(kind == "pageerror" and "uncaught in the page" in text for kind, text in texts)
    assert not any("favicon" in json.dumps(each) for each in messages)
    failed = [json.loads(line) for line in file_of(case, "requests-failed.jsonl").splitlines()]
    assert [(each["status"], re.sub(r"^http://[^/]*", "", each["url"])) for each in failed] == [
        (500, "/api/broken?token=[masked]")
    ]


def test_the_har_has_every_request_and_no_body_cookie_or_foreign_header(case: Case) -> None:
    entries = json.loads(file_of(case, "network.har"))["log"]["entries"]
    paths = {re.sub(r"^http://[^/]*|\?.*", "", entry["request"]["url"]) for entry in entries}
    assert paths >= {"/", "/settings", "/api/broken", "/api/leads"}
    for entry in entries:
        assert entry["request"]["cookies"] == entry["response"]["cookies"] == []
        assert "text" not in entry["response"]["content"]
        headers = {each["name"].lower() for part in ("request", "response") for each in entry[part]["headers"]}
        assert not headers & {"authorization", "cookie", "set-cookie", "referer"}


def test_the_trace_keeps_actions_and_pictures_only(case: Case) -> None:
    with zipfile.ZipFile(io.BytesIO(file_of(case, "trace.zip"))) as trace:
        names = trace.namelist()
        assert "trace.trace" in names
        assert {name.rsplit(".", 1)[-1] for name in names} <= {"trace", "network", "stacks", "jpeg", "png"}


def test_the_summary_says_what_a_packet_asks_for(case: Case, server: Server) -> None:
    summary = json.loads(file_of(case, "summary.json"))
    assert summary["base"] == server.origin
    assert summary["browser"].startswith("chromium ")
    assert [(page["status"], page["loaded"]) for page in summary["pages"]] == [(200, True), (200, True)]
    assert summary["failed_requests"] == 1
    assert summary["from"].startswith("2026-02-18T03:00:00")
    assert {file["name"] for file in summary["files"]} >= {"01-view-inbox.png", "trace.zip"}


def test_the_pictures_are_pictures_of_bounded_size(case: Case) -> None:
    data = file_of(case, "01-view-inbox.png")
    assert data.startswith(b"\x89PNG")
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (1280, 800)


def test_the_headers_reached_the_origin(case: Case, server: Server) -> None:
    assert any(each.headers.get("authorization") == f"Bearer {SECRET}" for each in server.asked)


def test_headers_never_go_to_another_origin_also_not_by_redirect(tmp_path: Path) -> None:
    with serving({"/": html("elsewhere"), "/pixel": replies(200, "")}) as other:
        away = {"Location": f"http://localhost:{other.port}/"}
        routes = {"/": html(f'<img src="http://localhost:{other.port}/pixel">'), "/away": replies(302, "", away)}
        with serving(routes) as origin:
            runbook = browser_runbook(["/", "/away"], 'headers = { Authorization = "Bearer {{CRON_SECRET}}" }')
            with make_case(tmp_path, runbook) as case:
                captured(case, runbook, origin.origin, CRON_SECRET=SECRET)
            assert {each.target for each in origin.asked} >= {"/", "/away"}
            assert all("authorization" in each.headers for each in origin.asked if each.target in ("/", "/away"))
        assert {each.target for each in other.asked} >= {"/", "/pixel"}
        assert not any("authorization" in each.headers for each in other.asked)


def test_a_page_that_does_not_come_up_is_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    async def never(exchange: Exchange) -> None:
        await asyncio.Event().wait()

    with serving({"/": html("fine"), "/hangs": never}) as server:
        runbook = browser_runbook(["/", "/hangs"], 'timeout = "900ms"')
        with make_case(tmp_path, runbook) as case:
            tick = captured(case, runbook, server.origin)
            assert not tick.failed
            ((reason,),) = rows(case, "SELECT reason FROM collection_end")
            assert reason.startswith("1 of 2 pages loaded; first trouble: ")
            assert len(rows(case, "SELECT 1 FROM artifact WHERE name LIKE '%.png'")) >= 1


def test_a_server_that_is_down_is_evidence_and_proxies_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    runbook = browser_runbook(["/"])
    with make_case(tmp_path, runbook) as case:
        captured(case, runbook, f"http://localhost:{free_port()}")
        ((reason,),) = rows(case, "SELECT reason FROM collection_end")
        assert "0 of 1 pages loaded" in reason
        assert "ERR_CONNECTION_REFUSED" in reason


def test_two_captures_in_one_second_have_names_of_their_own(tmp_path: Path, server: Server) -> None:
    runbook = browser_runbook(["/settings"])
    with make_case(tmp_path, runbook) as case:
        captured(case, runbook, server.origin)
        captured(case, runbook, server.origin)
        names = [row[0] for row in rows(case, "SELECT name FROM artifact WHERE name LIKE '%summary.json' ORDER BY id")]
        assert [name.split("Z")[1] for name in names] == ["-summary.json", "-2-summary.json"]


@pytest.mark.parametrize(
    ("pages", "environ", "reason"),
    [
        (["{{DATABASE_URL}}/x"], {"DATABASE_URL": "https://elsewhere.example"}, "does not lie at the origin"),
        (["{{DATABASE_URL}}/x"], {}, "DATABASE_URL is not set"),
        (["/"], {"BASE_URL": ""}, "BASE_URL is not set"),
    ],
)
def test_what_cannot_be_opened_is_a_failed_look(
    tmp_path: Path, pages: list[str], environ: dict[str, str], reason: str
) -> None:
    runbook = browser_runbook(pages)
    with make_case(tmp_path, runbook) as case:
        tick = captured(case, runbook, **{"origin": "http://localhost", **environ})  # type: ignore[arg-type]
        assert reason in tick.reason
        assert rows(case, "SELECT count(*) FROM artifact WHERE role <> 'verifier'") == [(0,)]


def test_a_header_is_not_sent_in_clear_and_a_page_written_out_may_lie_elsewhere() -> None:
    runbook = browser_runbook(["/"], 'headers = { Authorization = "Bearer {{CRON_SECRET}}" }')
    source = source_of(runbook, "browser")
    with pytest.raises(BadInput, match="unencrypted"):
        plan_pages(runbook, source, {"BASE_URL": "http://app.example", "CRON_SECRET": SECRET})
    runbook = browser_runbook(["https://status.example/now"])
    plan = plan_pages(runbook, source_of(runbook, "browser"), {"BASE_URL": "https://app.example"})
    assert (plan.pages, plan.names) == (("https://status.example/now",), ("now",))


def test_the_phase_number_of_a_part_is_that_of_its_phase() -> None:
    at = parse_instant("2026-02-18T03:30:38Z")
    assert (
        artifact_stem("168e", "postfix", at) == "artifacts/live-env-playwright/phase-168-postfix-2026-02-18T03-30-38Z"
    )
    assert (
        artifact_stem("inbox speed", "baseline", at).split("/")[-1] == "phase-inbox-speed-baseline-2026-02-18T03-30-38Z"
    )


def test_without_the_driver_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BrowserMissing) as told:
        find.require_driver()
    assert told.value.exit_code == 40
    assert str(told.value).count("\n") == 0
    assert "pip install 'closeout[browser]'" in str(told.value)
    assert "closeout attach CASE FILE" in str(told.value)


def test_without_a_browser_nothing_is_stored_and_one_line_says_what_to_do(tmp_path: Path, server: Server) -> None:
    runbook = browser_runbook(["/"])
    with make_case(tmp_path, runbook) as case:
        with pytest.raises(BrowserMissing, match="no file"):
            captured(case, runbook, server.origin, CLOSEOUT_CHROMIUM=str(tmp_path / "none"))
        assert rows(case, "SELECT count(*) FROM collection") == [(0,)]
    with pytest.raises(BrowserMissing, match=r"apt-get install chromium.*closeout attach"):
        find_browser({"PATH": str(tmp_path)})


OWNER = """
import os, sys
from pathlib import Path
from tests.collectors.browser.test_capture import browser_runbook, captured
from tests.collectors.cases import make_case
runbook = browser_runbook(["/"], 'timeout = "60s"')
with make_case(Path(sys.argv[1]), runbook) as case:
    captured(case, runbook, sys.argv[2])
"""


def test_kill_minus_nine_of_the_owner_leaves_no_browser_and_no_folder_for_good(tmp_path: Path) -> None:
    # Short, because a browser keeps a socket there.
    hanging, temporary = threading.Event(), Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))

    async def never(exchange: Exchange) -> None:
        hanging.set()
        await asyncio.Event().wait()

    with serving({"/": never}) as server:
        environ = {**os.environ, "TMPDIR": str(temporary)}
        command = [sys.executable, "-c", OWNER, str(tmp_path), server.origin]
        with subprocess.Popen(command, cwd=ROOT, env=environ) as owner:
            assert hanging.wait(30)
            assert processes_using(temporary)
            owner.kill()
        assert until(lambda: not processes_using(temporary), 5)
    capture._sweep(temporary)
    # The driver outlives us for a moment and clears away what is its own.
    assert until(lambda: not list(temporary.iterdir()), 5), list(temporary.iterdir())
    temporary.rmdir()


def processes_using(folder: Path) -> list[str]:
    """Live processes whose command line names the folder, as a browser's profile does."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        threading.Event().wait(0.02)
    return condition()


def test_only_one_module_imports_the_driver() -> None:
    importing = [path.name for path in (ROOT / "collectors").rglob("*.py") if "from playwright" in path.read_text()]
    assert importing == ["engine.py"]
