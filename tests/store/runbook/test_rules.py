"""What must hold between blocks: streams that can answer, variables that are declared, steps that say what they do."""

from __future__ import annotations

import pytest

from tests.store.runbook.builders import (
    FAULT,
    GOOD,
    LOGS,
    PATH,
    block,
    changed,
    faults_of,
    in_block,
    line_of,
    parse,
    signal,
    small,
)

PROBES = block("source", 'id = "logs"', 'kind = "probes"', 'origin = "BASE_URL"')


def test_there_is_one_runbook_block() -> None:
    assert faults_of("# Nothing\n") == (
        f'{PATH}:1: no `toml runbook` block: a runbook begins with one that has id = "…"',
    )
    text = small(block("runbook", 'id = "again"'))
    assert faults_of(text) == (f"{PATH}:10: a second `toml runbook` block: first at line 3",)


@pytest.mark.parametrize(
    ("source", "trip", "told"),
    [
        (
            PROBES,
            ('kind = "count"', 'signatures = ["fault"]', "over = 1"),
            'a count condition cannot read "logs" of kind probes',
        ),
        (
            LOGS,
            ('kind = "queue"',),
            'a queue condition cannot read "logs" of kind logs: it needs a stream of kind offload',
        ),
        (LOGS, ('kind = "ratio"',), 'a ratio condition cannot read "logs" of kind logs'),
        (LOGS, ('kind = "probe"', 'routes = ["/x"]'), 'a probe condition cannot read "logs" of kind logs'),
        (
            LOGS,
            ('kind = "level"', 'series = "x"', "over = 1"),
            'cannot read "logs": that source names no series and value',
        ),
        (
            block("source", 'id = "logs"', 'kind = "offload"', 'address = "DATABASE_URL"', "[queue]", 'table = "q"'),
            ('kind = "ratio"',),
            'a ratio condition cannot read "logs": that source names no [ledger]',
        ),
        (
            block("source", 'id = "logs"', 'kind = "offload"', 'address = "DATABASE_URL"', "[ledger]", 'table = "l"'),
            ('kind = "queue"',),
            'a queue condition cannot read "logs": that source names no [queue]',
        ),
    ],
)
def test_a_condition_reads_only_what_can_answer_it(source: str, trip: tuple[str, ...], told: str) -> None:
    text = small(source, FAULT, signal(*trip))
    faults = faults_of(text)
    assert len(faults) == 1
    assert faults[0].startswith(f"{PATH}:{line_of('streams = ', text)}: ")
    assert told in faults[0]


def test_records_from_elsewhere_can_answer_every_condition() -> None:
    source = block("source", 'id = "logs"', 'kind = "records"')
    for trip in (
        ('kind = "queue"',),
        ('kind = "ratio"',),
        ('kind = "probe"', 'routes = ["/x"]'),
        ('kind = "level"', 'series = "x"', "under = 1"),
    ):
        assert faults_of(small(source, FAULT, signal(*trip))) == ()


def test_a_queue_is_one_stream() -> None:
    text, line = in_block('id = "work"', 'streams = ["offload"]', 'streams = ["offload", "elsewhere"]')
    told = "a queue condition over 2 streams: depths of two queues do not add up: name one stream"
    assert faults_of(text) == (f"{PATH}:{line}: {told}",)


@pytest.mark.parametrize(
    ("opening", "old", "new", "told"),
    [
        ('id = "logs"', '"$PROJECT"', '"$PROJEKT"', 'undeclared variable "PROJEKT": did you mean "PROJECT"?'),
        (
            'id = "offload"',
            '"DATABASE_URL"',
            '"DATABASE"',
            'undeclared variable "DATABASE": did you mean "DATABASE_URL"?',
        ),
        (
            'id = "probes"',
            'origin = "BASE_URL"',
            'origin = "BASEURL"',
            'undeclared variable "BASEURL": did you mean "BASE_URL"?',
        ),
        ('id = "probes"', "{{CRON_SECRET}}", "{{CRON}}", 'undeclared variable "CRON": '),
        ('id = "check"\n', "$BASE_URL", "$HOST_NAME", 'undeclared variable "HOST_NAME": add it to needs or secrets'),
        ('id = "checkout"\n', "git revert --no-edit HEAD", "git revert $COMMIT", 'undeclared variable "COMMIT"'),
    ],
)
def test_a_variable_that_is_not_declared_is_told_where_it_is_used(opening: str, old: str, new: str, told: str) -> None:
    text, line = in_block(opening, old, new)
    assert [fault for fault in faults_of(text) if fault.startswith(f"{PATH}:{line}: {told}")], faults_of(text)


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ("GET {{BASE_URL}}/a", "GETT{{BASE_URL}}/a"),
        ("GET {{BASE_URL}}/a", "GET a"),
        ("GET {{BASE_URL}}/b", "get {{BASE_URL}}/b"),
    ],
)
def test_a_line_that_is_no_request_is_told_on_its_line(old: str, told: str) -> None:
    fence = "```http\n# first\nGET {{BASE_URL}}/a\nAccept: text/plain\n\n###\n\nGET {{BASE_URL}}/b\n```"
    assert faults_of(small(f"{PROBES}\n\n{fence}")) == ()
    text = changed(old, told, small(f"{PROBES}\n\n{fence}"))
    assert [fault for fault in faults_of(text) if fault.startswith(f'{PATH}:{line_of(told, text)}: "{told}" is not')]


def test_an_http_fence_holds_a_request() -> None:
    text = small(f"{PROBES}\n\n```http\n# later\n```")
    assert faults_of(text)[0].startswith(f"{PATH}:{line_of('```http', text)}: an http fence without a request")


def test_variables_are_not_judged_when_the_runbook_block_is_at_fault() -> None:
    assert len(faults_of(changed('phase = "7"', "phase = 7"))) == 1


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (('kind = "decide"',), "a decide step without a [[choice]]: give at least one way out of it"),
        (('kind = "manual"', 'effect = "changes"'), "a step that changes production without saying what"),
        (('kind = "seal"', 'effect = "changes"'), "a seal step that changes production"),
        (('kind = "capture"',), "a capture step that feeds nothing: add a source of kind logs"),
        (
            ('kind = "decide"', 'effect = "changes"', "[[choice]]", 'id = "c"', 'label = "C"'),
            "a decide step that changes production without a scope",
        ),
        (("kind = 'check'", "[[choice]]", 'id = "c"', 'label = "C"'), "choice on a check step: only a step of kind"),
    ],
)
def test_a_step_says_what_it_does(lines: tuple[str, ...], told: str) -> None:
    faults = faults_of(small(block("step", 'id = "s"', *lines)))
    assert len(faults) == 1
    assert told in faults[0]


def test_a_step_with_a_command_says_whether_it_changes_production() -> None:
    bare = block("step", 'id = "s"', 'kind = "manual"')
    assert "no effect: a reader must see" in faults_of(small(f"{bare}\n\n```sh\nmake it so\n```"))[0]
    changes = block("step", 'id = "s"', 'kind = "manual"', 'effect = "changes"')
    assert faults_of(small(f"{changes}\n\n```sh\nmake it so\n```")) == ()


def test_second_persons_belong_to_a_decision() -> None:
    text, line = in_block('id = "check"\n', 'feeds = ["work"]', 'second_person = ["undo"]')
    assert f'{PATH}:{line}: second_person on a check step: only a step of kind = "decide" has choices' in faults_of(
        text
    )


def test_a_signal_among_the_feeds_stands_for_its_streams() -> None:
    feeds = {step.id: step.feeds for step in parse(GOOD).steps}
    assert feeds["check"] == ("offload", "probes", "gauges", "logs")


def test_the_only_source_of_its_kind_needs_no_naming() -> None:
    feeds = {step.id: step.feeds for step in parse(GOOD).steps}
    assert feeds["snapshot"] == ("offload",)


def test_a_step_is_not_blamed_for_a_source_at_fault() -> None:
    text, line = in_block('id = "offload"', 'table = "jobs"', "table = 5")
    assert [fault.split(":")[1] for fault in faults_of(text)] == [str(line)]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            '"verification"',
            '"verificaton"',
            'no document of a packet has the role "verificaton": did you mean "verification"?',
        ),
        ('"baseline"', '"base-line"', 'no document of a packet has the role "base-line": did you mean "baseline"?'),
        ('"baseline", ', '"baseline", "baseline", ', '"baseline" is named twice'),
    ],
)
def test_a_role_that_only_resembles_one_of_a_packet_is_told(old: str, new: str, told: str) -> None:
    text, line = in_block('id = "decide"\n', old, new)
    assert [fault for fault in faults_of(text) if fault.startswith(f"{PATH}:{line}: ") and told in fault]


def test_a_rollback_waits_for_no_papers() -> None:
    text, line = in_block('id = "decide"\n', 'scope = "checkout"', 'scope = "checkout"\nroles = ["baseline"]')
    told = "roles on a choice that undoes something: a rollback waits for no papers: take them out"
    assert faults_of(text) == (f"{PATH}:{line + 1}: {told}",)


def test_a_choice_keeps_the_roles_it_asks_for() -> None:
    decide = next(step for step in parse(GOOD).steps if step.id == "decide")
    assert [choice.roles for choice in decide.choices] == [(), (), ("baseline", "verification", "rehearsal-report")]
