"""Warnings carry the figures that show why a limit cannot be reached or a schedule cannot answer."""

from __future__ import annotations

import pytest

from tests.store.runbook.builders import FAULT, LOGS, PATH, block, line_of, parse, signal, small

CRON = ('id = "cron-500"', 'route = "/api/cron/x"', "status = [500]", 'schedule = "*/5 * * * *"')
ONE = ('kind = "count"', 'signatures = ["fault"]', "over = 1")


def counted(*trip: str, unit: str = "request", head: tuple[str, ...] = ()) -> str:
    """Write a runbook with one condition over a signature that runs every 5 minutes."""
    signature = block("signature", *CRON, f'unit = "{unit}"', 'group = "cron"')
    return small(LOGS, signature, FAULT.replace('"boom"]', '"boom"]\ngroup = "web"'), signal(*trip, head=head))


def warnings(text: str, about: str = "can never trip") -> list[str]:
    """Return the warnings that speak of something, without the file's name."""
    return [warning.removeprefix(f"{PATH}:") for warning in parse(text).warnings if about in warning]


def test_a_count_that_no_schedule_reaches_is_told_with_its_figures() -> None:
    text = counted('kind = "count"', 'signatures = ["cron-500"]', "over = 15")
    figures = "at most 7 requests fit in 30m on */5 * * * *, limit is over 15"
    told = f'{figures}: this can never trip; count unit = "row" or lower the limit'
    assert warnings(text) == [f"{line_of('[[trip]]', text)}: alarm: {told}"]


@pytest.mark.parametrize(
    ("trip", "figures"),
    [
        (('kind = "count"', 'signatures = ["cron-500"]', "over = 7"), "limit is over 7"),
        (('kind = "count"', 'signatures = ["cron-500"]', "at_least = 8"), "limit is at least 8"),
        (('kind = "burst"', 'signatures = ["cron-500"]', "at_least = 3"), "at most 2 requests fit in 5m"),
        (('kind = "trend"', 'signatures = ["cron-500"]'), "the trend's floor is 20"),
        (('kind = "loop"', 'groups = ["cron", "web"]', "at_least = 8"), "at most 7 requests of group cron fit in 30m"),
    ],
)
def test_every_kind_of_count_is_checked(trip: tuple[str, ...], figures: str) -> None:
    assert [warning for warning in warnings(counted(*trip)) if figures in warning]


@pytest.mark.parametrize(
    "trip",
    [
        ('kind = "count"', 'signatures = ["cron-500"]', "over = 6"),
        ('kind = "count"', 'signatures = ["cron-500"]', "at_least = 7"),
        ('kind = "count"', 'signatures = ["cron-500", "fault"]', "over = 15"),
        ('kind = "burst"', 'signatures = ["cron-500"]', "at_least = 2"),
        ('kind = "trend"', 'signatures = ["cron-500"]', "floor = 7"),
        ('kind = "loop"', 'groups = ["cron", "web"]', "at_least = 7"),
    ],
)
def test_a_limit_that_can_be_reached_is_not_told(trip: tuple[str, ...]) -> None:
    assert warnings(counted(*trip)) == []


@pytest.mark.parametrize("unit", ["row", "message"])
def test_rows_and_messages_have_no_bound(unit: str) -> None:
    assert warnings(counted('kind = "count"', 'signatures = ["cron-500"]', "over = 15", unit=unit)) == []


def test_a_longer_window_holds_more_runs() -> None:
    assert warnings(counted('kind = "count"', 'signatures = ["cron-500"]', "over = 15", head=('window = "2h"',))) == []


def offload(*lines: str) -> str:
    """Write a runbook with a queue condition over a source with these further lines."""
    source = block(
        "source", 'id = "o"', 'kind = "offload"', 'address = "DATABASE_URL"', *lines, "[queue]", 'table = "q"'
    )
    trip = signal('kind = "queue"', head=('stale_after = "2h"',)).replace('"logs"', '"o"')
    return small(source, trip)


def test_two_snapshots_alone_prove_nothing_about_a_queue() -> None:
    assert warnings(offload(), "neither trip nor clear")[0].endswith(
        '"o" has no every: two snapshots 30m apart neither trip nor clear'
    )


def test_a_queue_must_be_looked_at_within_its_gap_and_often_enough() -> None:
    assert '"o" looks every 15m, max_gap is 10m' in warnings(offload('every = "15m"'), "max_gap")[0]
    told = "at most 3 snapshots fit in 30m every 15m, min_snapshots is 4: this can never trip on one window"
    assert warnings(offload('every = "15m"'))[0].endswith(told)
    assert parse(offload('every = "10m"')).warnings == ()


def test_a_signal_that_turns_stale_between_two_looks_is_told() -> None:
    source = LOGS.replace('kind = "logs"', 'kind = "logs"\nsettle = "60s"\nevery = "5m"')
    text = small(f"{source}\n\n```sh\nlook\n```", FAULT, signal(*ONE))
    age = '"logs" is up to 6m old before its next look (every + settle)'
    told = f"{age}, stale_after is 5m: the signal turns stale between two looks"
    assert warnings(text, "stale")[0].endswith(told)
    patient = small(f"{source}\n\n```sh\nlook\n```", FAULT, signal(*ONE, head=('stale_after = "7m"',)))
    assert parse(patient).warnings == ()


def test_units_that_do_not_add_up_are_told() -> None:
    rows = block("signature", 'id = "rows"', 'message = ["x"]', 'unit = "row"')
    text = small(LOGS, FAULT, rows, signal('kind = "count"', 'signatures = ["fault", "rows"]', "over = 1"))
    told = "its signatures count different units (request, row); their sum means nothing"
    assert warnings(text, "units") == [f"{line_of('[[trip]]', text)}: alarm: {told}"]


def test_a_route_that_no_request_asks_is_told() -> None:
    source = block("source", 'id = "logs"', 'kind = "probes"', 'origin = "BASE_URL"', 'routes = ["/a", "/d"]')
    request = "```http\n{{BASE_URL}}/a\n\n###\nGET {{BASE_URL}}/b?x=1\n\n###\nHEAD /c HTTP/1.1\n```"
    alarm = signal('kind = "probe"', 'routes = ["/a", "/b", "/c", "/d"]')
    text = small(f"{source}\n\n{request}", alarm)
    told = f"{line_of('[[trip]]', text)}: alarm: no request asks /d: this stays partial for ever"
    assert warnings(text, "partial") == [told]


def test_parts_that_nothing_uses_are_told() -> None:
    other = block("source", 'id = "other"', 'kind = "records"')
    spare = block("signature", 'id = "spare"', 'message = ["y"]')
    text = small(LOGS, other, FAULT, spare, signal(*ONE))
    assert warnings(text, "no signal") == [
        f"{line_of('other', text) - 1}: other: no signal reads this source and no step feeds it",
        f"{line_of('spare', text) - 1}: spare: no signal uses this signature; it is looked for and never trips",
    ]


def test_a_source_that_looks_regularly_needs_something_to_look_with() -> None:
    text = small(LOGS.replace('kind = "logs"', 'kind = "logs"\nevery = "1m"'), FAULT, signal(*ONE))
    assert warnings(text, "command")[0].endswith("logs: it looks every 1m and has no command to look with")
    step = block("step", 'id = "c"', 'kind = "capture"', 'effect = "reads"')
    assert parse(text + f"\n## Capture\n\n{step}\n\n```sh\nlook\n```\n").warnings == ()
