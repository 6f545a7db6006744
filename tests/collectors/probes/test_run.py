"""Probes against real servers: every way of answering, or of not answering, becomes one row with the right word."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trustme

from collectors.probes.run import run_probes
from collectors.schedule import CollectedTick
from store.case import Case
from store.errors import Refused
from store.evidence import Retraction
from store.runbook.model import Command, Runbook
from tests.collectors.cases import T0, bytes_of, clock, make_case, rows, runbook_of, source_of
from tests.collectors.probes import http_world
from tests.collectors.probes.http_world import Server, free_port, guarded, replies, serving

SECRET = "cr0n-s3cret-value"
ROOT = Path(__file__).resolve().parents[3]

ROUTES = {
    "/ok": replies(200, {"success": True}),
    "/slow": http_world.never,
    "/drip": http_world.drip,
    "/reset": http_world.reset,
    "/hang-up": http_world.hang_up,
    "/babble": http_world.babble,
    "/cut-short": http_world.cut_short,
    "/moved": replies(307, "", {"Location": "https://elsewhere.example/?token=abcdef123456"}),
    "/guarded": guarded(SECRET, {"success": True}),
    "/unsuccessful": replies(200, {"success": False, "errors": ["no client for jane@example.com"]}),
    "/unconfigured": replies(503, "Cron endpoint not configured"),
    "/dispatched": replies(202, {"success": True, "mode": "dispatch-only", "publishedEventIds": ["e1"]}),
    "/locked": replies(200, {"success": True, "skipped": True, "reason": "locked"}),
    "/broken": replies(500, "boom"),
    "/big": replies(200, "x" * 1_048_576),
    "/joined": replies(
        200, {"ok": True}, {"x-vercel-id": "yul1::iad1::ssl4g-1771394968133-abc", "Set-Cookie": "sid=s3ssion"}
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(ROUTES) as server:
        yield server


def probes_runbook(routes: list[str], fence: str = "", keys: str = "") -> Runbook:
    block = f'```toml source\nid = "probes"\nkind = "probes"\norigin = "BASE_URL"\ntimeout = "400ms"\n{keys}\n'
    if not fence and "routes" not in keys:
        block += f"routes = {json.dumps(routes)}\n"
    block += "```\n"
    if fence:
        block += f"\n```http\n{fence}\n```\n"
    paths = routes or ["/ok"]
    return runbook_of(block, stream="probes", trip=f'kind = "probe"\nroutes = {json.dumps(paths)}')


class Probing:
    """A case to probe into; each look is a row as a dict."""

    def __init__(self, folder: Path) -> None:
        self.case: Case = make_case(folder, probes_runbook(["/ok"]))
        self.at_ms = T0

    def tick(
        self, runbook: Runbook, origin: str, environ: dict[str, str] | None = None, *, confirm: bool = False
    ) -> CollectedTick:
        self.at_ms += 60_000
        return run_probes(
            self.case,
            runbook,
            source_of(runbook, "probes"),
            environ={"BASE_URL": origin, **(environ or {})},
            now_ms=clock(self.at_ms),
            confirm_side_effects=confirm,
        )

    def look(
        self, path: str, origin: str, *, keys: str = "", environ: dict[str, str] | None = None
    ) -> dict[str, object]:
        self.tick(probes_runbook([path], keys=keys + f'routes = ["{path}"]' if keys else ""), origin, environ)
        return self.newest()

    def newest(self) -> dict[str, object]:
        cursor = self.case.read().execute("SELECT * FROM probe ORDER BY id DESC LIMIT 1")
        return dict(zip([each[0] for each in cursor.description], cursor.fetchone(), strict=True))


@pytest.fixture
def probing(tmp_path: Path) -> Iterator[Probing]:
    probing = Probing(tmp_path)
    yield probing
    probing.case.close()


AUTHORISED = "GET {{BASE_URL}}/guarded\nAuthorization: Bearer {{CRON_SECRET}}"


@pytest.mark.parametrize(
    ("path", "status", "outcome", "reason"),
    [
        ("/ok", "200", "ok", ""),
        ("/slow", "000", "timeout", "no answer within 0.4 s; the route may still be running"),
        ("/drip", "000", "timeout", "the answer began with 200 and did not end within 0.4 s"),
        ("/reset", "000", "reset", "cut the connection"),
        ("/hang-up", "000", "reset", "cut the connection"),
        ("/babble", "000", "protocol", "does not speak HTTP"),
        ("/cut-short", "000", "reset", "cut the connection"),
        ("/moved", "307", "redirect", "307 to https://elsewhere.example/?token=[masked]"),
        ("/guarded", "401", "unauthorized", "401 without the secret"),
        ("/unsuccessful", "200", "failed", "success is false"),
        ("/unconfigured", "503", "not_configured", "not configured"),
        ("/dispatched", "202", "dispatched", "mode dispatch-only"),
        ("/locked", "200", "locked", "another run holds the lock"),
        ("/broken", "500", "failed", "the route answered 500"),
        ("/nowhere", "404", "failed", "the route answered 404"),
    ],
)
def test_each_way_of_answering_has_its_word(
    probing: Probing, server: Server, path: str, status: str, outcome: str, reason: str
) -> None:
    row = probing.look(path, server.origin)
    assert (row["status_text"], row["outcome"]) == (status, outcome)
    assert row["status"] == (None if status == "000" else int(status))
    assert reason in str(row["reason"])


def test_a_drip_ends_at_the_deadline(probing: Probing, server: Server) -> None:
    begun = time.monotonic()
    probing.look("/drip", server.origin)
    assert time.monotonic() - begun < 1.5


def test_nothing_listening_and_an_unknown_host_are_told_apart(probing: Probing) -> None:
    assert probing.look("/ok", f"http://127.0.0.1:{free_port()}")["outcome"] == "refused"
    row = probing.look("/ok", "http://no-such-host.invalid")
    assert (row["outcome"], row["status_text"]) == ("resolve", "000")
    assert "name is not known" in str(row["reason"])


def test_an_untrusted_certificate_is_told_and_a_trusted_one_answers(probing: Probing, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with serving(ROUTES, context) as secure:
        row = probing.look("/ok", secure.origin)
        assert (row["outcome"], row["status_text"]) == ("tls", "000")
        assert "certificate is not trusted" in str(row["reason"])
        row = probing.look("/ok", secure.origin, environ={"SSL_CERT_FILE": str(bundle)})
        assert (row["outcome"], row["status"]) == ("ok", 200)
        assert isinstance(row["tls_us"], int)
        other = secure.origin.replace("localhost", "127.0.0.1")
        assert probing.look("/ok", other, environ={"SSL_CERT_FILE": str(bundle)})["outcome"] == "tls"


def test_the_secret_is_sent_trimmed_and_a_401_although_it_was_sent_is_our_fault(
    probing: Probing, server: Server
) -> None:
    runbook = probes_runbook(["/guarded"], AUTHORISED)
    probing.tick(runbook, server.origin, {"CRON_SECRET": SECRET + "\n"})
    row = probing.newest()
    assert (row["outcome"], row["status"], row["secret_sent"]) == ("ok", 200, 1)
    probing.tick(runbook, server.origin, {"CRON_SECRET": "another-value"})
    row = probing.newest()
    assert (row["outcome"], row["status"]) == ("misconfigured", 401)
    assert "not the route down" in str(row["reason"])


def test_without_the_secret_the_request_goes_without_it_and_says_so(probing: Probing, server: Server) -> None:
    probing.tick(probes_runbook(["/guarded"], AUTHORISED), server.origin)
    row = probing.newest()
    assert (row["outcome"], row["secret_sent"]) == ("unauthorized", 0)
    assert "CRON_SECRET is not set, so Authorization was not sent" in str(row["reason"])
    assert "authorization" not in server.asked[-1].headers


def test_a_secret_never_travels_unencrypted_to_another_machine(probing: Probing) -> None:
    probing.tick(probes_runbook(["/guarded"], AUTHORISED), "http://app.example.com", {"CRON_SECRET": SECRET})
    row = probing.newest()
    assert (row["outcome"], row["secret_sent"]) == ("forbidden", 0)
    assert "unencrypted" in str(row["reason"])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{port}/ok", "its origin is not the one in BASE_URL"),
        ("http://user@localhost:{own}/ok", "user or password"),
        ("{{BASE_URL}}/a/../ok", "dot segments"),
        ("{{BASE_URL}}/a/%2e%2e/ok", "dot segments"),
        ("{{BASE_URL}}/not-listed", "not among the source's routes"),
        ("http://localhost:99999/ok", "its address is none"),
    ],
)
def test_what_policy_forbids_is_never_connected_to(probing: Probing, server: Server, url: str, reason: str) -> None:
    with serving(ROUTES) as elsewhere:
        before = server.connections
        fence = "GET " + url.replace("{port}", str(elsewhere.port)).replace("{own}", str(server.port))
        probing.tick(probes_runbook(["/ok"], fence, 'routes = ["/ok", "/a/**"]'), server.origin)
        assert elsewhere.connections == 0
        assert server.connections == before
    row = probing.newest()
    assert (row["outcome"], row["status_text"], row["total_us"]) == ("forbidden", "000", None)
    assert reason in str(row["reason"])


def test_a_variable_cannot_lead_a_request_elsewhere(probing: Probing, server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        runbook = probes_runbook(["/ok"], "GET {{DATABASE_URL}}/ok")
        probing.tick(runbook, server.origin, {"DATABASE_URL": f"http://127.0.0.1:{listener.getsockname()[1]}"})
        with pytest.raises(TimeoutError):
            listener.accept()
    assert probing.newest()["outcome"] == "forbidden"


def test_double_slashes_are_taken_out(probing: Probing, server: Server) -> None:
    probing.tick(probes_runbook(["/ok"], "GET {{BASE_URL}}//ok"), server.origin + "/")
    assert server.asked[-1].target == "/ok"
    assert probing.newest()["route"] == "/ok"


def test_a_base_path_and_the_query_are_kept_and_the_query_is_not_stored(probing: Probing, server: Server) -> None:
    probing.tick(probes_runbook(["/ok"], "GET {{BASE_URL}}/ok?key=abc123456"), server.origin)
    assert server.asked[-1].target == "/ok?key=abc123456"
    assert server.asked[-1].headers["host"] == f"localhost:{server.port}"
    row = probing.newest()
    assert row["url"] == f"{server.origin}/ok?key=[masked]"


def test_a_megabyte_body_is_hashed_whole_and_kept_in_part(probing: Probing, server: Server) -> None:
    row = probing.look("/big", server.origin)
    assert row["body_size"] == 1_048_576
    assert row["body_sha256"] == hashlib.sha256(b"x" * 1_048_576).hexdigest()
    assert len(str(row["body"])) < 20_000


def test_proxies_of_the_environment_change_nothing(
    probing: Probing, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, dead)
    assert probing.look("/ok", server.origin, environ={"HTTP_PROXY": dead})["outcome"] == "ok"
    assert probing.look("/ok", server.origin, environ={"CLOSEOUT_PROXY": dead})["outcome"] == "refused"


def test_the_first_probe_is_not_slowed_by_our_own_start(probing: Probing, server: Server) -> None:
    runbook = probes_runbook(["/ok"], "GET {{BASE_URL}}/ok\n###\nGET {{BASE_URL}}/ok\n###\nGET {{BASE_URL}}/ok")
    probing.tick(runbook, server.origin)
    first, *others = [row[0] for row in rows(probing.case, "SELECT connect_us FROM probe ORDER BY id")]
    assert first <= max(5 * max(others), 5_000)


def test_phases_are_timed(probing: Probing, server: Server) -> None:
    row = probing.look("/ok", server.origin)
    phases = [row[name] for name in ("resolve_us", "connect_us", "first_byte_us", "total_us")]
    assert all(isinstance(each, int) and each >= 0 for each in phases)
    assert row["tls_us"] is None
    row = probing.look("/slow", server.origin)
    assert row["first_byte_us"] is None
    assert 390_000 < int(str(row["total_us"])) < 2_000_000


def test_the_platforms_id_is_kept_and_cookies_are_not(probing: Probing, server: Server) -> None:
    row = probing.look("/joined", server.origin)
    assert row["request"] == "ssl4g-1771394968133-abc"
    kept = json.loads(str(row["headers"]))
    assert kept["x-vercel-id"] == "yul1::iad1::ssl4g-1771394968133-abc"
    assert "set-cookie" not in kept


def test_locked_three_times_in_a_row_is_stuck_until_it_answers_otherwise(probing: Probing) -> None:
    routes = {"/job": replies(200, {"skipped": True, "reason": "locked"})}
    with serving(routes) as server:
        outcomes = [probing.look("/job", server.origin)["outcome"] for _ in range(4)]
        assert outcomes == ["locked", "locked", "stuck", "stuck"]
        routes["/job"] = replies(200, {"success": True})
        assert probing.look("/job", server.origin)["outcome"] == "ok"
        routes["/job"] = replies(200, {"skipped": True, "reason": "locked"})
        assert probing.look("/job", server.origin)["outcome"] == "locked"


def test_a_withdrawn_look_does_not_count_towards_stuck(probing: Probing, server: Server) -> None:
    for _ in range(2):
        probing.look("/locked", server.origin)
    with probing.case.transaction("test") as tx:
        tx.add(Retraction(1, "wrong project", T0, "me"))
    assert probing.look("/locked", server.origin)["outcome"] == "locked"


def test_the_runbook_may_name_patterns(probing: Probing, server: Server) -> None:
    row = probing.look("/broken", server.origin, keys='patterns = { degraded = "^bo+m$" }\n')
    assert row["outcome"] == "degraded"


def test_a_request_that_runs_a_job_wants_confirmation(probing: Probing, server: Server) -> None:
    before = server.connections
    runbook = probes_runbook(["/ok"], keys='side_effects = true\nroutes = ["/ok"]')
    with pytest.raises(Refused, match="run jobs when they are sent"):
        probing.tick(runbook, server.origin)
    with pytest.raises(Refused, match="POST changes things"):
        probing.tick(probes_runbook(["/ok"], "POST {{BASE_URL}}/ok"), server.origin, confirm=True)
    assert server.connections == before
    assert rows(probing.case, "SELECT count(*) FROM collection") == [(0,)]
    probing.tick(runbook, server.origin, confirm=True)
    assert probing.newest()["outcome"] == "ok"


def test_a_post_with_a_body_is_sent_as_written(probing: Probing, server: Server) -> None:
    fence = 'POST {{BASE_URL}}/ok HTTP/1.1\n# a comment\nContent-Type: application/json\n\n{"a": 1}\n'
    probing.tick(probes_runbook(["/ok"], fence, "side_effects = true"), server.origin, confirm=True)
    assert (server.asked[-1].method, server.asked[-1].headers["content-length"]) == ("POST", "8")


def test_a_header_that_cannot_be_written_is_a_row_without_its_value(probing: Probing, server: Server) -> None:
    probing.tick(probes_runbook(["/guarded"], AUTHORISED), server.origin, {"CRON_SECRET": "s3cret…"})
    row = probing.newest()
    assert (row["outcome"], row["reason"]) == ("protocol", "the request cannot be made: UnicodeEncodeError")


def test_a_body_without_end_is_read_up_to_a_limit(probing: Probing, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(exchange: http_world.Exchange) -> None:
        exchange.writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            exchange.writer.write(b"x" * 65_536)
            await exchange.writer.drain()

    monkeypatch.setattr("collectors.probes.http.MAX_BODY", 1_000_000)
    with serving({"/endless": endless}) as server:
        row = probing.look("/endless", server.origin)
    assert (row["outcome"], row["status"]) == ("ok", 200)
    assert 1_000_000 < int(str(row["body_size"])) < 2_000_000
    assert row["reason"] == f"only the first {row['body_size']} bytes of the body were read"


def test_one_request_is_one_row_and_there_is_no_retry(probing: Probing, server: Server) -> None:
    before = server.connections
    probing.look("/reset", server.origin)
    assert server.connections == before + 1
    assert rows(probing.case, "SELECT count(*), max(attempt) FROM probe") == [(1, 1)]


def test_a_tick_covers_from_the_first_request_to_the_end_of_the_last(probing: Probing, server: Server) -> None:
    tick = probing.tick(probes_runbook(["/ok", "/broken"]), server.origin)
    (collected,) = tick.collections
    (stored,) = rows(probing.case, "SELECT from_ms, to_ms, collected_ms, form FROM collection")
    assert stored == (collected.from_ms, collected.to_ms, collected.to_ms, "http")
    assert rows(probing.case, "SELECT from_ms, to_ms FROM coverage") == [(collected.from_ms, collected.to_ms)]
    instants = [row[0] for row in rows(probing.case, "SELECT at_ms FROM probe ORDER BY id")]
    assert collected.from_ms <= instants[0] < instants[1] <= collected.to_ms
    assert rows(probing.case, "SELECT status, lines_read, matched FROM collection_end") == [("ok", 2, 2)]


@pytest.mark.parametrize(
    ("origin", "fence", "reason"),
    [
        ("", "", "BASE_URL is not set"),
        ("not an origin", "", "BASE_URL is not an origin"),
        ("https://user:pw@host", "", "BASE_URL is not an origin"),
        ("http://localhost", "GET {{DATABASE_URL}}/ok", "DATABASE_URL is not set"),
        ("http://localhost", "GET {{BASE_URL}}/ok\nno header", "is no header: 'no header'"),
    ],
)
def test_what_cannot_be_asked_is_a_failed_look_with_its_reason(
    probing: Probing, origin: str, fence: str, reason: str
) -> None:
    tick = probing.tick(probes_runbook(["/ok"], fence), origin)
    assert [each.status for each in tick.collections] == ["failed"]
    assert reason in tick.reason
    assert rows(probing.case, "SELECT count(*) FROM probe") == [(0,)]
    assert rows(probing.case, "SELECT count(*) FROM coverage") == [(0,)]


def test_a_fence_that_no_check_has_seen_is_a_failed_look_too(probing: Probing) -> None:
    runbook = probes_runbook(["/ok"], "GET /ok")
    source = source_of(runbook, "probes")
    for text, reason in (("FETCH it", "line 31 of the runbook is no request: 'FETCH it'"), ("", "lists no request")):
        broken = msgspec.structs.replace(source, command=Command("http", text, 30), routes=())
        tick = run_probes(
            probing.case,
            runbook,
            broken,
            environ={"BASE_URL": "http://localhost"},
            now_ms=clock(T0),
            confirm_side_effects=False,
        )
        assert reason in tick.reason


def test_secrets_and_persons_are_in_no_stored_byte(probing: Probing) -> None:
    async def telltale(exchange: http_world.Exchange) -> None:
        sent = exchange.headers["authorization"]
        body = {"echo": sent, "mail": "jane.doe@example.com", "url": "/x?token=t0ken-in-query"}
        await exchange.answer(500, body, {"x-request-id": "r-1", "Set-Cookie": "sid=c00kie-value", "server": sent})

    with serving({"/guarded": telltale}) as server:
        probing.tick(probes_runbook(["/guarded"], AUTHORISED), server.origin, {"CRON_SECRET": SECRET})
    assert probing.newest()["status"] == 500
    stored = bytes_of(probing.case)
    for secret in (SECRET, "jane.doe@example.com", "t0ken-in-query", "c00kie-value"):
        assert secret.encode() not in stored, secret
    assert rows(probing.case, "SELECT redactions > 0 FROM collection_end") == [(1,)]


def test_only_one_module_imports_the_client() -> None:
    importing = [path.name for path in (ROOT / "collectors").rglob("*.py") if "import httpx" in path.read_text()]
    assert importing == ["http.py"]
