"""Each fault inside one block is told on the line of its key, with the name that was meant."""

from __future__ import annotations

import pytest

from tests.store.runbook.builders import FAULT, GOOD, LOGS, PATH, block, faults_of, in_block, line_of, signal, small

IN_RUNBOOK = 'id = "small-shop"'
IN_LOGS = 'id = "logs"'
IN_GAUGES = 'id = "gauges"'
IN_OFFLOAD = 'id = "offload"'
IN_PROBES = 'id = "probes"'
IN_PAGES = 'id = "pages"'
IN_TIMEOUT = 'id = "checkout-timeout"'
IN_REFUSED = 'id = "payment-refused"'
IN_ROW = 'id = "shipping-500"'
IN_CHECKOUT = 'id = "checkout"\n'
IN_WORK = 'id = "work"'
IN_DECIDE = 'id = "decide"\n'
IN_CAPTURE = 'id = "capture"\n'

KEYS = [
    (IN_RUNBOOK, 'phase = "7"', "phase = 7", "phase = 7: must be text in quotes"),
    (IN_RUNBOOK, 'phase = "7"', 'pase = "7"', 'unknown key "pase": did you mean "phase"?'),
    (IN_RUNBOOK, 'phase = "7"', 'colour = "red"', 'unknown key "colour": a runbook block has no such key'),
    (IN_RUNBOOK, 'secrets = ["CRON_SECRET"]', 'secrets = ["$CRON_SECRET"]', "is not the name of a variable"),
    (IN_LOGS, 'kind = "logs"', 'kind = "logz"', 'kind = "logz": did you mean "logs"? a source is one of logs, offload'),
    (IN_LOGS, 'kind = "logs"', "kind = 5", "kind = 5: a source is one of"),
    (IN_LOGS, 'settle = "60s"', 'settle = "60"', "'60' is not a duration (write it like"),
    (IN_LOGS, 'settle = "60s"', "settle = 60", "a duration is text such as"),
    (IN_LOGS, 'settle = "60s"', f'settle = "{"9" * 5000}s"', "settle = "),
    (IN_LOGS, 'every = "2m"', 'every = "0s"', "must be longer than zero"),
    (IN_LOGS, 'every = "2m"', 'every = "400d"', "is longer than 366d00h"),
    (
        IN_LOGS,
        'every = "2m"',
        'routes = ["/x"]',
        "a source block has no such key; it belongs to sources of kind probes",
    ),
    (IN_LOGS, 'id = "logs"', 'id = "the logs"', "'the logs' is not an id"),
    (IN_LOGS, 'id = "logs"', 'id = ""', "is not an id"),
    (IN_GAUGES, 'format = "jsonl"', 'format = "json"', 'did you mean "jsonl"? it is one of jsonl, csv'),
    (IN_GAUGES, "sample_rate = 0.5", "sample_rate = 1.5", "is not a share: it is over 0 and at most 1"),
    (IN_GAUGES, 'series = "name"', 'serie = "name"', 'unknown key "serie": did you mean "series"?'),
    (IN_OFFLOAD, 'pending = ["waiting", "delayed"]', "pending = []", "must name at least one"),
    (IN_OFFLOAD, 'pending = ["waiting", "delayed"]', 'pending = ["a", "a"]', '"a" is named twice'),
    (IN_OFFLOAD, 'finished = "ended_at"', 'finishd = "ended_at"', 'did you mean "finished"?'),
    (IN_PROBES, "expect = [200, 202]", 'expect = ["200"]', "must be a whole number"),
    (IN_PROBES, "expect = [200, 202]", "expect = [2000]", "must be at most 999"),
    (IN_PROBES, "side_effects = true", 'side_effects = "yes"', "must be true or false"),
    (IN_PROBES, 'routes = ["/api/cron/ship"]', 'routes = ["api/cron/ship"]', "is not a route: it starts with /"),
    (IN_PROBES, 'routes = ["/api/cron/ship"]', 'routes = ["/api/*"]', "a probe asks whole paths"),
    (IN_PROBES, "locked = 'reason.*locked'", "locked = '(('", "the regular expression does not compile"),
    (IN_PROBES, "locked = 'reason", "lockd = 'reason", 'did you mean "locked"? an outcome is one of ok, dispatched'),
    (IN_PROBES, 'Authorization = "Bearer {{CRON_SECRET}}"', "Authorization = 5", "must be text in quotes"),
    (IN_PAGES, 'pages = ["/", "/cart"]', 'pages = ["/", "cart"]', "'cart' is not a page"),
    (
        IN_PAGES,
        'pages = ["/", "/cart"]',
        'pages = ["{{BASE}}/"]',
        'undeclared variable "BASE": did you mean "BASE_URL"?',
    ),
    (IN_TIMEOUT, 'route = "/api/checkout"', 'route = "/api/checkout?x"', "is not a whole path"),
    (IN_TIMEOUT, 'route = "/api/checkout"', 'route = "/api//checkout"', "is not a whole path"),
    (IN_TIMEOUT, 'route = "/api/checkout"', 'route = "/api/**/x"', "** stands for a rest, so only at the end"),
    (IN_TIMEOUT, 'route = "/api/checkout"', 'route = "/api/check*"', "* stands for one whole segment"),
    (IN_TIMEOUT, 'route = "/api/checkout"', "routes = []", "must name at least one"),
    (IN_TIMEOUT, "timeout = 60", "timeout = 0", "must be at least 1"),
    (IN_TIMEOUT, "timeout = 60", "timeout = true", "must be a whole number"),
    (IN_TIMEOUT, "timeout = 60", "timeuot = 60", 'unknown key "timeuot": did you mean "timeout"?'),
    (IN_TIMEOUT, 'role = "target"', 'role = "targt"', 'did you mean "target"? it is one of target, guard'),
    (
        IN_TIMEOUT,
        'sample = "Task timed out after 60 seconds"',
        'sample = "Task timed out after 600 seconds"',
        "sample does",
    ),
    (IN_REFUSED, 'message = ["card refused", "bank silent"]', 'message = [""]', "must not be empty"),
    (IN_REFUSED, "pattern = 'refused|silent'", "pattern = '['", "the regular expression does not compile"),
    (IN_REFUSED, "pattern = 'refused|silent'", "pattern = '[[a]&&b]'", "the regular expression does not compile"),
    (IN_REFUSED, 'unit = "request"', 'unit = "requests"', 'did you mean "request"? it is one of request, message, row'),
    (IN_REFUSED, 'job = "Pay"', 'job = ["Pay"]', "must be text in quotes"),
    (IN_REFUSED, 'sample = "the card refused twice"', 'sample = "all well"', "none of the texts of message"),
    (IN_ROW, 'schedule = "*/5 * * * *"', 'schedule = "*/5 * * *"', "it has five fields"),
    (IN_ROW, 'schedule = "*/5 * * * *"', 'schedule = "99 * * * *"', "minute '99' is not within 0-59"),
    (IN_CHECKOUT, 'window = "30m"', 'windw = "30m"', 'unknown key "windw": did you mean "window"?'),
    (IN_CHECKOUT, "watch_percent = 80", "watch_percent = 0", "must be at least 1"),
    (IN_CHECKOUT, 'owner = ["shop on-call"]', "owner = []", "must name at least one"),
    (IN_CHECKOUT, "over = 50", 'over = "fifty"', 'over = "fifty": must be a whole number'),
    (IN_CHECKOUT, "over = 50", "over = 50.0", "must be a whole number"),
    (IN_CHECKOUT, "over = 50", "over = -1", "must be at least 0"),
    (IN_CHECKOUT, "over = 50", "over = 9223372036854775808", "must be at most"),
    (IN_CHECKOUT, "over = 50", "ovr = 50", 'unknown key "ovr": did you mean "over"?'),
    (IN_CHECKOUT, 'kind = "count"', 'kind = "counts"', 'kind = "counts": did you mean "count"? a condition is one of'),
    (IN_CHECKOUT, 'kind = "count"', 'knd = "count"', 'unknown key "knd": did you mean "kind"?'),
    (IN_CHECKOUT, 'slice = "5m"', 'slice = "31m"', "slice is longer than the window"),
    (IN_CHECKOUT, "rises = 2", "rises = 3", "it is one of 1, 2"),
    (IN_CHECKOUT, "z2 = 5.41", "z2 = 5.41234567", "is finer than a millionth"),
    (IN_CHECKOUT, "z2 = 5.41", "z2 = -1", "must not be negative"),
    (IN_CHECKOUT, "z2 = 5.41", "z2 = nan", "must be a number of at most"),
    (IN_CHECKOUT, "z2 = 5.41", "z2 = 1e999999999", "must be a number of at most"),
    (IN_CHECKOUT, "z2 = 5.41", 'z2 = "5.41"', "must be a number"),
    (IN_CHECKOUT, "floor = 20", "flor = 20", 'did you mean "floor"?'),
    (IN_CHECKOUT, 'settle = "90s"', 'settle = "soon"', "is not a duration"),
    (
        IN_CHECKOUT,
        'do = "Revert the last checkout change."',
        'doo = "Revert."',
        'unknown key "doo": did you mean "do"?',
    ),
    (IN_CHECKOUT, 'files = ["shop/checkout.py"]', "files = [5]", "must be text in quotes"),
    (IN_WORK, 'of = "runs"', 'of = "run"', 'did you mean "runs"? it is one of attempts, runs'),
    (IN_WORK, "over_percent = 20", "over_percent = 101", "must be at most 100"),
    (IN_WORK, "over_percent = 20", "over = 20", 'unknown key "over": did you mean "over_percent"?'),
    (IN_WORK, 'routes = ["/api/cron/ship"]', 'routes = ["ship"]', "is not a route"),
    (IN_WORK, "over = 12.5", "at_least = 12.5", 'unknown key "at_least"'),
    (IN_CAPTURE, 'kind = "capture"', 'kind = "captur"', 'did you mean "capture"? it is one of capture, probe'),
    (IN_CAPTURE, 'effect = "reads"', 'effect = "read"', 'did you mean "reads"? it is one of reads, changes'),
    (IN_CAPTURE, 'for = "30m"', 'fro = "30m"', 'did you mean "for"?'),
    (IN_CAPTURE, 'for = "30m"', 'for = "1 day"', "is not a duration"),
    (IN_DECIDE, 'label = "Hold"', 'lable = "Hold"', 'unknown key "lable": did you mean "label"?'),
    (IN_DECIDE, 'label = "Close"', 'label = ""', "must not be empty"),
]
"""Opening of the block, the line as it is, the line as it is broken, and what must be told about it."""


@pytest.mark.parametrize(("opening", "old", "new", "told"), KEYS)
def test_a_broken_line_is_told_on_that_line(opening: str, old: str, new: str, told: str) -> None:
    text, line = in_block(opening, old, new)
    faults = faults_of(text)
    assert any(fault.startswith(f"{PATH}:{line}: ") and told in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("opening", "old", "told", "blamed", "below"),
    [
        (IN_GAUGES, 'format = "jsonl"', "fields without format", "[fields]", True),
        (
            IN_GAUGES,
            'value = "reading"',
            "series without value: a gauge's reading needs both",
            'series = "name"',
            False,
        ),
        (IN_GAUGES, 'series = "name"', "value without series", 'value = "reading"', True),
        (IN_GAUGES, 'time = "ts"', 'missing key "time": [fields] needs it', "[fields]", False),
        (IN_OFFLOAD, 'table = "jobs"', 'missing key "table": [queue] needs it', "[queue]", False),
        (IN_OFFLOAD, 'created = "sent_at"', 'missing key "created": [dispatch] needs it', "[dispatch]", False),
        (
            IN_OFFLOAD,
            'address = "DATABASE_URL"',
            'missing key "address": a source block needs it',
            "```toml source",
            False,
        ),
        (IN_PROBES, 'origin = "BASE_URL"', 'missing key "origin": a source block needs it', "```toml source", False),
        (IN_PAGES, 'origin = "BASE_URL"', 'page "/" has no origin: add origin = "BASE_URL"', "pages = ", True),
        (IN_TIMEOUT, 'id = "checkout-timeout"', 'missing key "id"', "```toml signature", False),
        (
            IN_CHECKOUT,
            'owner = ["shop on-call"]',
            'missing key "owner": a signal block needs it',
            "```toml signal",
            False,
        ),
        (
            IN_CHECKOUT,
            "over = 50",
            "a count condition without a limit: write over = … or at_least = …",
            "[[trip]]",
            False,
        ),
        (IN_CHECKOUT, 'signatures = ["checkout-timeout"]', 'missing key "signatures"', "[[trip]]", False),
        (IN_CHECKOUT, 'kind = "count"', 'missing key "kind": a condition says which kind it is', "[[trip]]", False),
        (IN_CHECKOUT, 'streams = ["logs"]', "a count condition without streams", "[[trip]]", True),
        (IN_CHECKOUT, 'do = "Revert the last checkout change."', 'missing key "do"', "[rollback]", False),
        (IN_WORK, 'series = "queue.latency"', 'missing key "series": a level condition needs it', "[[trip]]", False),
        (IN_WORK, "over = 12.5", "a level condition without a limit: write over = … or under = …", "[[trip]]", False),
        (IN_DECIDE, 'label = "Hold"', 'missing key "label": a [[choice]] needs it', "[[choice]]", False),
        (IN_CAPTURE, 'kind = "capture"', 'missing key "kind": a step block needs it', "```toml step", False),
    ],
)
def test_what_is_missing_is_told_on_the_table_that_lacks_it(
    opening: str, old: str, told: str, blamed: str, below: bool
) -> None:
    text, line = in_block(opening, old, "# gone")
    begins = [number for number, written in enumerate(text.split("\n"), 1) if written.startswith(blamed)]
    near = min(number for number in begins if number > line) if below else max(n for n in begins if n < line)
    assert any(fault.startswith(f"{PATH}:{near}: {told}") for fault in faults_of(text)), faults_of(text)


@pytest.mark.parametrize(
    ("opening", "old", "added", "told"),
    [
        (IN_CHECKOUT, "over = 50", "at_least = 51", "over and at_least: a condition has one limit"),
        (
            IN_CHECKOUT,
            "over = 50",
            'slice = "5m"',
            'unknown key "slice": a count condition has no such key; it belongs to',
        ),
        (IN_CHECKOUT, "over = 50", "min_growth = 3", "it belongs to conditions of kind queue"),
        (IN_WORK, "over = 12.5", "under = 3", "over and under: a condition has one limit"),
        (IN_TIMEOUT, 'route = "/api/checkout"', 'routes = ["/x"]', "route and routes: give one of them"),
        (IN_LOGS, 'kind = "logs"', 'format = "csv"', "format without [fields]"),
        (IN_CHECKOUT, 'kind = "trend"', "over = 5", 'unknown key "over"'),
    ],
)
def test_a_key_too_many_is_told_on_its_own_line(opening: str, old: str, added: str, told: str) -> None:
    text, line = in_block(opening, old, f"{old}\n{added}")
    assert any(fault.startswith(f"{PATH}:{line + 1}: ") and told in fault for fault in faults_of(text)), faults_of(text)


def test_the_good_runbook_has_no_fault() -> None:
    assert faults_of(GOOD) == ()


def test_an_element_of_a_long_array_is_told_on_its_own_line() -> None:
    text = GOOD.replace('  "payment-refused",\n', '  "payment-refused",\n  # and\n  5,\n')
    assert faults_of(text) == (f"{PATH}:{line_of('  5,', text)}: signatures = 5: must be text in quotes",)


def test_every_fault_is_told_at_once() -> None:
    text = (
        GOOD.replace('settle = "60s"', "settle = 60").replace("over = 50", "ovr = 50").replace("z2 = 5.41", "z2 = true")
    )
    lines = [int(fault.split(":")[1]) for fault in faults_of(text)]
    assert lines == sorted(lines)
    assert {line_of("settle = 60", text), line_of("ovr = 50", text), line_of("z2 = true", text)} <= set(lines)


def test_a_signal_without_a_condition_could_never_fire() -> None:
    text = small(LOGS, block("signal", 'id = "s"', 'owner = ["me"]', "[rollback]", 'do = "undo"'))
    line = line_of("```toml signal", text)
    assert faults_of(text) == (f"{PATH}:{line}: a signal without [[trip]]: it could never fire; say when it trips",)


def test_a_condition_written_as_a_plain_table_is_a_fault() -> None:
    text = small(
        LOGS, FAULT, signal('kind = "count"', 'signatures = ["fault"]', "over = 1").replace("[[trip]]", "[trip]")
    )
    assert faults_of(text) == (
        f"{PATH}:{line_of('[trip]', text)}: trip: write each condition as its own [[trip]] table",
    )


def test_an_offload_source_without_tables_is_a_fault() -> None:
    text = small(block("source", 'id = "o"', 'kind = "offload"', 'address = "DATABASE_URL"'))
    assert [fault for fault in faults_of(text) if "an offload source without tables" in fault]


def test_an_offload_source_may_ask_in_sql_instead() -> None:
    source = block("source", 'id = "o"', 'kind = "offload"', 'address = "DATABASE_URL"', 'every = "5m"')
    alarm = signal('kind = "queue"').replace('streams = ["logs"]', 'streams = ["o"]')
    assert (
        faults_of(small(f"{source}\n\n```sql\nSELECT status, count(*) AS count FROM jobs GROUP BY 1\n```", alarm)) == ()
    )


def test_a_signature_with_nothing_to_match_is_a_fault() -> None:
    text = small(block("signature", 'id = "empty"', 'group = "g"'))
    line = line_of("```toml signature", text)
    assert [fault for fault in faults_of(text) if fault.startswith(f"{PATH}:{line}: a signature with nothing to match")]


def test_one_text_or_number_may_stand_for_a_list() -> None:
    text = small(block("signature", 'id = "f"', 'message = "boom"', "status = 500"))
    assert faults_of(text) == ()
