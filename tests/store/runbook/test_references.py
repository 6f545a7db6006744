"""Ids are given once, every reference is answered, and a typo is one fault."""

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


def step(name: str, *lines: str) -> str:
    """Write a manual step."""
    return block("step", f'id = "{name}"', 'kind = "manual"', *lines)


@pytest.mark.parametrize(
    ("opening", "old", "new", "told"),
    [
        (
            'id = "checkout"\n',
            'streams = ["logs"]',
            'streams = ["lgos"]',
            'unknown stream "lgos": did you mean "logs"?',
        ),
        ('id = "checkout"\n', '"elsewhere"', '"elsewere"', 'unknown stream "elsewere": did you mean "elsewhere"?'),
        (
            'id = "checkout"\n',
            'signatures = ["checkout-timeout"]',
            'signatures = ["checkout-timeuot"]',
            'unknown signature "checkout-timeuot": did you mean "checkout-timeout"?',
        ),
        ('id = "checkout"\n', '"payment"]', '"payments"]', 'unknown group "payments": did you mean "payment"?'),
        (
            'id = "capture"\n',
            'feeds = ["logs"]',
            'feeds = ["log"]',
            'unknown stream or signal "log": did you mean "logs"?',
        ),
        ('id = "snapshot"\n', '"probe"]', '"prob"]', 'unknown step "prob": did you mean "probe"?'),
        ('id = "decide"\n', '"work"]', '"wrk"]', 'unknown signal "wrk": did you mean "work"?'),
        ('id = "decide"\n', 'next = "capture"', 'next = "captur"', 'unknown step "captur": did you mean "capture"?'),
        (
            'id = "decide"\n',
            'scope = "checkout"',
            'scope = "chekout"',
            'unknown signal "chekout": did you mean "checkout"?',
        ),
        (
            'id = "decide"\n',
            'second_person = ["undo"]',
            'second_person = ["undoo"]',
            'unknown choice "undoo": did you mean "undo"?',
        ),
        (
            'id = "decide"\n',
            'second_person = ["undo"]',
            'second_person = ["zzz"]',
            'unknown choice "zzz": known: "close", "hold"',
        ),
    ],
)
def test_a_reference_that_nothing_answers_is_told_on_its_line(opening: str, old: str, new: str, told: str) -> None:
    text, line = in_block(opening, old, new)
    assert [fault for fault in faults_of(text) if fault.startswith(f"{PATH}:{line}: {told}")], faults_of(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('id = "logs"', 'id = "gauges"'),
        ('id = "checkout-timeout"', 'id = "payment-refused"'),
        ('id = "checkout"\n', 'id = "work"\n'),
        ('id = "capture"\n', 'id = "check"\n'),
        ('id = "hold"', 'id = "close"'),
    ],
)
def test_an_id_given_twice_is_told_where_it_is_given_again(first: str, second: str) -> None:
    text = changed(second, first.strip() + (second[-1] if second.endswith("\n") else ""))
    line, before = line_of(second), line_of(first)
    word = "choice" if "hold" in first else "id"
    name = first.split('"')[1]
    assert f'{PATH}:{line}: duplicate {word} "{name}": first at line {before}' in faults_of(text)


def test_streams_and_signals_may_share_an_id() -> None:
    text = small(
        LOGS, FAULT, signal('kind = "count"', 'signatures = ["fault"]', "over = 1").replace('"alarm"', '"logs"')
    )
    assert faults_of(text) == ()


@pytest.mark.parametrize(
    ("opening", "old", "new"),
    [
        ('id = "logs"', 'settle = "60s"', "settle = 60s"),
        ('id = "checkout-timeout"', "timeout = 60", "timeout = 60 seconds"),
        ('id = "checkout"\n', "over = 50", "over = 50 events"),
        ('id = "capture"\n', 'for = "30m"', "for = 30m"),
        ('id = "logs"', 'settle = "60s"', "settle = 60"),
        ('id = "checkout-timeout"', "timeout = 60", 'timeout = "60"'),
        ('id = "checkout"\n', "over = 50", 'over = "50"'),
        ('id = "capture"\n', 'for = "30m"', 'fro = "30m"'),
        ('id = "logs"', 'id = "logs"', 'id = "my logs"'),
        ('id = "capture"\n', 'id = "capture"', "id = capture"),
        ('id = "checkout"\n', 'id = "checkout"', "id = 5"),
    ],
)
def test_a_block_that_cannot_be_read_makes_no_other_reference_wrong(opening: str, old: str, new: str) -> None:
    text, line = in_block(opening, old, new)
    faults = faults_of(text)
    follow = [fault for fault in faults if "unknown" in fault and "unknown key" not in fault]
    assert any(fault.startswith(f"{PATH}:{line}: ") for fault in faults)
    assert not [fault for fault in follow if "my logs" not in old + new or "logs" not in fault], faults


def test_a_group_of_an_unreadable_signature_is_still_known() -> None:
    text, _ = in_block('id = "checkout-timeout"', "timeout = 60", "timeout = 60 seconds")
    assert len(faults_of(text)) == 1


def test_a_step_without_needs_needs_the_step_above_it() -> None:
    needs = {one.id: one.needs for one in parse(GOOD).steps}
    assert needs["capture"] == needs["probe"] == ()
    assert needs["look"] == ("snapshot",)
    assert needs["check"] == ("decide",)


@pytest.mark.parametrize(
    ("steps", "circle"),
    [
        ((step("a", 'needs = ["a"]'),), "a → a"),
        ((step("a", 'needs = ["b"]'), step("b")), "a → b → a"),
        ((step("a", 'needs = ["c"]'), step("b"), step("c")), "a → c → b → a"),
        ((step("a", "needs = []"), step("b", 'needs = ["c"]'), step("c", 'needs = ["b", "a"]')), "b → c → b"),
    ],
)
def test_steps_that_need_each_other_are_told_once(steps: tuple[str, ...], circle: str) -> None:
    text = small(*steps)
    first = next(
        line
        for line, written in enumerate(text.split("\n"), 1)
        if "needs = [" in written and "[]" not in written and line > 8
    )
    assert faults_of(text) == (
        f"{PATH}:{first}: steps that need each other: {circle}; a step without needs needs the step above it",
    )


def test_a_decision_may_lead_back() -> None:
    assert next(one for one in parse(GOOD).steps if one.id == "decide").choices[0].next == "capture"
