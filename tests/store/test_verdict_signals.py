"""The signals behind a verdict: judged at the end of the postfix window, with history for trend and queue; what is left to watch."""

from __future__ import annotations

import sqlite3

import pytest

from store import evidence
from store.instants import MINUTE_MS
from store.judge import view_texts
from store.verdict import Verdict
from store.verdict_form import tell_verdict, verdict_json
from tests.store.verdict_world import BASELINE, POSTFIX, Span, World, at, count, improved_world, row, rule, runbook_text

TARGET = 'role = "target"'
CONFIRMED = ("confirmed", "all_targets_improved")
TREND = 'window = "30m"\n[[trip]]\nkind = "trend"\nsignatures = ["target"]'
QUEUE = 'window = "30m"\n[[trip]]\nkind = "queue"'
PROBES = 'window = "30m"\n[[trip]]\nkind = "probe"\nroutes = ["/api/a", "/api/b"]\nexpect = [200, 401]'


def state(verdict: Verdict, signal: str) -> tuple[str, str]:
    """State and reason of one signal."""
    return next((s.state, s.reason) for s in verdict.judgement.signals if s.id == signal)


def with_signal(body: str, *, baseline: Span = BASELINE, postfix: Span = POSTFIX) -> World:
    """A confirmed world with one more signal on a stream of its own, nothing collected there yet."""
    window = f"{(postfix[1] - postfix[0]) // MINUTE_MS}m"
    signals = {"one": ("logs", count("target", window=window)), "more": ("more", body)}
    world = World(runbook_text({"target": TARGET}, signals))
    for span, number in ((baseline, 60), (postfix, 0)):
        collection = world.collect("logs", span)
        world.fail(collection, "target", number, span[0], minutes=10)
        world.traffic(collection, span, 100)
    return world


# History ------------------------------------------------------------------------------------------------------------------------


def with_trend(failures: dict[str, int]) -> World:
    """A trend over tiles of 30 minutes, watched from 02:00; failures by the start of their tile."""
    signals = {"one": ("logs", count("target")), "trend": ("logs", TREND)}
    world = World(runbook_text({"target": TARGET}, signals))
    collection = world.collect("logs", (at("02:00"), POSTFIX[1]))
    world.traffic(collection, (at("02:00"), POSTFIX[1]), 100)
    for start, number in failures.items():
        world.fail(collection, "target", number, at(start))
    return world


QUIET = {"03:00": 60, "03:30": 30, "04:00": 2}


def test_a_trend_without_a_mark_has_not_been_watched_long_enough() -> None:
    verdict = with_trend(QUIET).judge()
    assert state(verdict, "trend") == ("partial", "window_short")
    assert rule(verdict) == ("partially_confirmed", "signal_not_ok")
    assert verdict.shortest_ms == 90 * MINUTE_MS


@pytest.mark.parametrize("name", ["deploy", "rollback", "fix"])
def test_a_trend_may_look_back_to_the_mark_before_the_window(name: str) -> None:
    world = with_trend(QUIET)
    world.mark(name, at("03:00"))
    verdict = world.judge()
    assert state(verdict, "trend") == ("ok", "below")
    assert rule(verdict) == CONFIRMED
    assert verdict.shortest_ms == 30 * MINUTE_MS


@pytest.mark.parametrize(
    ("name", "instant"), [("deploy", "03:00:00.001"), ("coffee", "02:30"), ("deploy", "04:00:00.001")]
)
def test_only_these_marks_and_only_before_the_window_give_history(name: str, instant: str) -> None:
    world = with_trend(QUIET)
    world.mark(name, at(instant))
    assert state(world.judge(), "trend")[0] == "partial"


@pytest.mark.parametrize(
    ("marks", "looks_back"),
    [
        ((("deploy", "02:30"), ("deploy", "03:30")), False),
        ((("deploy", "03:30"), ("deploy", "02:30")), True),
        ((("deploy", "02:30"), ("fix", "03:30")), False),
        ((("fix", "03:30"), ("deploy", "02:30")), False),
        ((("deploy", "02:30"), ("fix", "04:00")), False),
        ((("deploy", "02:30"), ("fix", "04:00:00.001")), True),
    ],
)
def test_the_newest_row_of_a_mark_holds_and_the_latest_mark_decides(
    marks: tuple[tuple[str, str], ...], looks_back: bool
) -> None:
    world = with_trend(QUIET)
    for name, instant in marks:
        world.mark(name, at(instant))
    assert state(world.judge(), "trend")[0] == ("ok" if looks_back else "partial")


def test_a_rise_that_ends_in_the_window_trips_and_one_that_ended_before_it_does_not() -> None:
    world = with_trend({"03:00": 10, "03:30": 20, "04:00": 40})
    world.mark("deploy", at("02:30"))
    assert state(world.judge(), "trend") == ("tripped", "trend_up")
    earlier = with_trend({"02:30": 10, "03:00": 25, "03:30": 60, "04:00": 1})
    earlier.mark("deploy", at("02:30"))
    verdict = earlier.judge()
    assert state(verdict, "trend") == ("ok", "below")
    assert rule(verdict) == CONFIRMED


def with_queue(depths: list[int], start: str) -> World:
    """Snapshots of a queue every five minutes, the last one a moment before the end of a postfix window of 20 minutes."""
    world = with_signal(QUEUE, baseline=(at("03:00"), at("03:20")), postfix=(at("04:00"), at("04:20")))
    for number, depth in enumerate(depths):
        instant = at(start) + number * 5 * MINUTE_MS
        collection = world.collect("more", (instant, instant))
        world.add(evidence.Snapshot(collection, "more", instant, depth, 0, 0))
    return world


def queue_verdict(world: World) -> Verdict:
    return world.judge((at("03:00"), at("03:20")), (at("04:00"), at("04:20")))


def test_a_queue_may_look_back_to_the_mark_before_the_window() -> None:
    world = with_queue([5, 4, 5, 4, 5, 4, 5], "03:49")
    assert state(queue_verdict(world), "more")[0] == "partial"
    world.mark("deploy", at("03:40"))
    verdict = queue_verdict(world)
    assert state(verdict, "more") == ("ok", "below")
    assert rule(verdict) == CONFIRMED
    assert verdict.shortest_ms == 20 * MINUTE_MS


def test_a_queue_that_grew_into_the_window_trips_and_one_that_drained_before_it_does_not() -> None:
    growing = with_queue([10, 20, 30, 40, 50, 60, 70], "03:49")
    growing.mark("deploy", at("03:40"))
    assert state(queue_verdict(growing), "more") == ("tripped", "queue_growth")
    drained = with_queue([10, 20, 30, 40, 50, 60, 70, 3, 2, 1, 0, 0, 0], "03:19")
    drained.mark("deploy", at("03:10"))
    assert state(queue_verdict(drained), "more") == ("ok", "below")


@pytest.mark.parametrize(
    ("body", "start", "need"),
    [
        (count("target", window="45m"), "04:00", 45 * MINUTE_MS),
        (TREND, "04:00", 90 * MINUTE_MS),
        (TREND, "04:18:40", 101 * MINUTE_MS + 20_000),
        ('window = "40m"\n[[trip]]\nkind = "ratio"', "04:00:30", 40 * MINUTE_MS + 30_000),
        (QUEUE.replace("30m", "35m"), "04:00", 35 * MINUTE_MS),
        ('window = "30m"\n[[trip]]\nkind = "level"\nseries = "depth"\nover = 5\nfor = "31m"', "04:00", 31 * MINUTE_MS),
        (PROBES, "04:00", 30 * MINUTE_MS),
    ],
)
def test_the_shortest_window_that_could_confirm_is_told(body: str, start: str, need: int) -> None:
    signals = {"one": ("logs", count("target")), "more": ("logs", body)}
    world = World(runbook_text({"target": TARGET}, signals))
    verdict = world.judge(BASELINE, (at(start), at(start) + 1_800_000))
    assert verdict.shortest_ms == max(need, 30 * MINUTE_MS)


@pytest.mark.parametrize(
    "body",
    [TREND, count("target", window="45m"), 'window = "40m"\n[[trip]]\nkind = "loop"\ngroups = ["g"]\nslice = "2m"'],
)
def test_the_shortest_window_confirms_and_one_minute_less_does_not(body: str) -> None:
    text = runbook_text(
        {"target": f'{TARGET}\ngroup = "g"'}, {"one": ("logs", count("target")), "more": ("logs", body)}
    )
    world = World(text)
    start = at("04:10")
    collection = world.collect("logs", (at("00:00"), at("08:00")))
    world.traffic(collection, (at("00:00"), at("08:00")), 10)
    world.fail(collection, "target", 60, at("01:00"), minutes=20)
    need = world.judge((at("00:30"), at("01:30")), (start, start + 3_600_000)).shortest_ms
    for length, expected in ((need, "confirmed"), (need - MINUTE_MS, "partially_confirmed")):
        verdict = world.judge((at("01:00"), at("01:00") + length), (start, start + length))
        assert verdict.verdict == expected, length


# Probes and watch items ---------------------------------------------------------------------------------------------------------


def probed(*readings: tuple[str, str, int, str]) -> World:
    """A world with a probe signal: (time, route, status, outcome) each."""
    world = with_signal(PROBES)
    collection = world.collect("more", POSTFIX)
    for text, route, status, outcome in readings:
        world.probe(collection, at(text), route, status, outcome)
    return world


WELL = (("04:10", "/api/a", 200, "ok"), ("04:10", "/api/b", 401, "auth"))


def test_probes_that_answer_as_expected_leave_nothing_to_watch() -> None:
    verdict = probed(*WELL).judge()
    assert rule(verdict) == CONFIRMED
    assert verdict.watch_items == ()


@pytest.mark.parametrize(
    ("status", "outcome", "shown"), [(0, "timeout", "000"), (500, "failed", "500"), (200, "failed", "200")]
)
def test_one_odd_probe_is_a_watch_item_and_never_a_rejection(status: int, outcome: str, shown: str) -> None:
    verdict = probed(*WELL, ("04:12", "/api/b", status, outcome), ("04:20", "/api/b", 200, "ok")).judge()
    assert state(verdict, "more") == ("watch", "probe_failed")
    assert rule(verdict) == ("partially_confirmed", "signal_not_ok")
    assert [(item.text, item.owner, item.signal) for item in verdict.watch_items] == [
        (f"/api/b {shown}", ("owner of more",), "more")
    ]
    assert verdict.next.action == "close_with_watch_items"


def test_an_odd_probe_that_the_signal_no_longer_sees_is_still_a_watch_item() -> None:
    world = with_signal(PROBES.replace("30m", "10m"))
    collection = world.collect("more", POSTFIX)
    for text, status in (("04:05", 0), ("04:25", 200)):
        for route in ("/api/a", "/api/b"):
            world.probe(collection, at(text), route, status)
    verdict = world.judge()
    assert state(verdict, "more") == ("ok", "below")
    assert rule(verdict) == ("partially_confirmed", "watch_item")
    assert [item.text for item in verdict.watch_items] == ["/api/a 000", "/api/b 000"]
    world.retract(collection)
    sound = world.collect("more", POSTFIX)
    for route in ("/api/a", "/api/b"):
        world.probe(sound, at("04:25"), route, 200)
    assert rule(world.judge()) == CONFIRMED


@pytest.mark.parametrize(("status", "odd"), [(0, True), (503, True), (404, False), (200, False)])
def test_a_route_that_no_signal_watches_is_odd_only_by_itself(status: int, odd: bool) -> None:
    world = probed(*WELL, ("04:12", "/unwatched", status, "none"))
    verdict = world.judge()
    assert rule(verdict) == (("partially_confirmed", "watch_item") if odd else CONFIRMED)
    assert [(item.text, item.owner) for item in verdict.watch_items] == (
        [(f"/unwatched {status:03d}", ())] if odd else []
    )


@pytest.mark.parametrize("instant", ["03:59:59.999", "04:30"])
def test_probes_outside_the_postfix_window_never_enter(instant: str) -> None:
    assert rule(probed(*WELL, (instant, "/api/a", 0, "timeout")).judge()) == CONFIRMED


def test_a_signal_that_cannot_be_answered_is_listed_with_its_owner() -> None:
    verdict = with_signal(PROBES).judge()
    assert state(verdict, "more") == ("no_data", "never_collected")
    assert [(item.kind, item.text, item.owner) for item in verdict.watch_items] == [
        ("unknown", "more: never_collected", ("owner of more",))
    ]


# The seed's own packet ----------------------------------------------------------------------------------------------------------

SEED_BASELINE = (at("02:18:40"), at("02:28:40"))
SEED_POSTFIX = (at("03:18:40"), at("03:28:40"))
SLOT = "/api/cron/emailbison/availability-slot"


def seed_world() -> World:
    """Ten minutes before, ten after, the webhook time-out clearly down, six direct probes with one time-out."""
    signatures = {
        "webhook-timeout": f'{TARGET}\nroute = "/api/webhooks/email"',
        "inbox-timeout": f'{TARGET}\nroute = "/api/inbox/conversations"',
    }
    routes = ["/api/cron/response-timing", "/api/cron/followups", SLOT]
    probes = f'window = "30m"\n[[trip]]\nkind = "probe"\nroutes = {routes}\nexpect = [200, 401, 403]'.replace("'", '"')
    signals = {
        "webhook-60s": ("runtime-logs", count("webhook-timeout", over=50)),
        "inbox-300s": ("runtime-logs", count("inbox-timeout", over=20)),
        "cron-probes": ("cron-probes", probes),
    }
    world = World(runbook_text(signatures, signals))
    for span, counts in ((SEED_BASELINE, (40, 15)), (SEED_POSTFIX, (1, 0))):
        collection = world.collect("runtime-logs", span)
        for name, number in zip(signatures, counts, strict=True):
            world.fail(collection, name, number, span[0], minutes=9)
        for route in ("/api/webhooks/email", "/api/inbox/conversations", "*"):
            world.traffic(collection, span, 60, route)
    collection = world.collect("cron-probes", SEED_POSTFIX)
    for route, status in zip(routes, (200, 401, 0), strict=True):
        world.probe(collection, at("03:25"), route, status, "timeout" if status == 0 else "ok")
    return world


def test_ten_minutes_never_prove_a_threshold_of_thirty() -> None:
    verdict = seed_world().judge(SEED_BASELINE, SEED_POSTFIX)
    assert state(verdict, "webhook-60s") == ("partial", "window_short")
    assert [s.verdict_class for s in verdict.signatures] == ["improved", "improved"]
    assert rule(verdict) == ("partially_confirmed", "signal_not_ok")
    assert verdict.exit_code == 11
    assert verdict.next.action == "close_with_watch_items"
    assert (f"{SLOT} 000", ("owner of cron-probes",)) in [(item.text, item.owner) for item in verdict.watch_items]
    told = "\n".join(tell_verdict(verdict))
    assert "partial webhook-60s: 1 of > 50 · 10 of 30 minutes watched · window_short" in told
    assert "shortest postfix window that could confirm: 30m" in told
    answer = verdict_json(verdict)
    assert answer["signals"] == {"webhook-60s": "partial", "inbox-300s": "partial", "cron-probes": "watch"}
    assert answer["shortest_postfix"] == "30m"
    assert {"kind": "probe", "id": SLOT, "detail": "000"}.items() <= answer["watch_items"][0].items()


# Who computes it ----------------------------------------------------------------------------------------------------------------


def test_plain_sqlite_reads_the_same_verdict() -> None:
    world = improved_world()
    world.adopt(runbook_text({"target": TARGET}, {"one": ("logs", count("target"))}))
    for windows in ((POSTFIX, BASELINE), (BASELINE, POSTFIX)):
        for name, span in zip(("baseline", "postfix"), windows, strict=True):
            world.window(name, span)
    verdict = world.judge()
    assert world.db.execute("SELECT * FROM verdict_asked").fetchone() == world.question()
    assert world.db.execute("SELECT verdict, reason FROM verdict").fetchone() == (None, "signals_not_asked")
    assert world.db.execute("SELECT class, p_improved FROM verdict_row").fetchone() == (
        "improved",
        row(verdict, "target").p_improved,
    )
    ask_by_hand(world.db)
    assert world.db.execute("SELECT verdict, reason FROM verdict").fetchone() == rule(verdict)
    assert world.db.execute("SELECT signal, state FROM verdict_signal").fetchall() == [("one", "ok")]


def ask_by_hand(db: sqlite3.Connection) -> None:
    """What the head of the views' text says to type."""
    db.execute("CREATE TEMP TABLE asked AS SELECT * FROM verdict_question")
    texts = db.execute(
        "SELECT replace(sql, 'CREATE VIEW', 'CREATE TEMP TABLE') || ';' FROM sqlite_schema "
        "WHERE type = 'view' AND name <> 'asked' ORDER BY rowid"
    ).fetchall()
    for (text,) in texts:
        db.execute(text)


def test_judging_signals_alone_computes_nothing_of_the_verdict() -> None:
    world = improved_world()
    of_signals = {name for name, _ in view_texts(world.db)}
    of_verdict = {name for name, _ in view_texts(world.db, of_verdict=True)}
    assert not any(name.startswith("verdict") for name in of_signals)
    assert all(name.startswith("verdict") for name in of_verdict)
    assert {"verdict", "verdict_row"} <= of_verdict


def test_judging_leaves_nothing_behind() -> None:
    world = improved_world()
    before = world.db.execute("SELECT count(*) FROM sqlite_temp_schema").fetchone()
    assert world.judge() == world.judge()
    assert world.db.execute("SELECT count(*) FROM sqlite_temp_schema").fetchone() == before
