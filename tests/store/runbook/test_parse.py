"""A whole runbook becomes typed data, and nothing but RunbookInvalid ever comes out of a broken one."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from store.errors import RunbookInvalid
from store.runbook.find import shipped_runbook_path
from store.runbook.model import ConditionKind, StreamUse
from store.runbook.parse import parse_runbook
from tests.store.runbook.builders import FAULT, GOOD, LOGS, PATH, block, changed, faults_of, parse, signal, small

LINES = GOOD.split("\n")
SHIPPED_LINES = shipped_runbook_path().read_text(encoding="utf-8").split("\n")


def test_a_condition_has_its_streams_with_the_settle_that_holds_there() -> None:
    count, _, _, loop = parse(GOOD).signals[0].conditions
    assert count.streams == (StreamUse("logs", 60_000),)
    assert loop.streams == (StreamUse("logs", 90_000), StreamUse("elsewhere", 90_000))


def test_conditions_keep_the_order_and_the_lines_of_the_file() -> None:
    conditions = parse(GOOD).signals[0].conditions
    assert [one.kind for one in conditions] == ["count", "burst", "trend", "loop"]
    assert [LINES[one.line - 1] for one in conditions] == ["[[trip]]"] * 4
    assert [LINES[one.line].split('"')[1] for one in conditions] == ["count", "burst", "trend", "loop"]


@pytest.mark.parametrize(
    ("trip", "expected"),
    [
        (("burst", 'signatures = ["fault"]', "over = 9"), {"slice_ms": 300_000, "op": ">", "limit": 9}),
        (("count", 'signatures = ["fault"]', "at_least = 9"), {"slice_ms": None, "op": ">=", "limit": 9}),
        (
            ("trend", 'signatures = ["fault"]'),
            {"rises": 2, "floor": 20, "z2_micro": 5_410_000, "op": None, "limit": None},
        ),
        (("trend", 'signatures = ["fault"]', "z2 = 0", "rises = 1"), {"rises": 1, "z2_micro": 0}),
        (("loop", 'groups = ["g"]'), {"slice_ms": 120_000, "op": ">=", "limit": 2}),
        (("queue",), {"max_gap_ms": 600_000, "min_snapshots": 4, "min_growth": 10, "op": None}),
        (
            ("ratio",),
            {"of": "attempts", "op": ">", "limit": 10, "min_failures": 3, "min_total": 5, "min_cover_percent": 50},
        ),
        (("probe", 'routes = ["/x"]'), {"expect": (200, 401, 403)}),
        (
            ("level", 'series = "s"', "under = -0.000001"),
            {"op": "<", "limit": -1, "max_gap_ms": 120_000, "for_ms": 300_000},
        ),
        (("level", 'series = "s"', "over = 12.5"), {"op": ">", "limit": 12_500_000}),
        (("level", 'series = "s"', "over = 1e3"), {"limit": 1_000_000_000}),
    ],
)
def test_what_is_not_said_has_the_value_of_the_exact_meaning(
    trip: tuple[str, ...], expected: dict[str, object]
) -> None:
    source = block("source", 'id = "logs"', 'kind = "records"')
    fault = FAULT.replace('"boom"]', '"boom"]\ngroup = "g"')
    condition = parse(small(source, fault, signal(f'kind = "{trip[0]}"', *trip[1:]))).signals[0].conditions[0]
    assert condition.kind is ConditionKind(trip[0])
    assert {name: getattr(condition, name) for name in expected} == expected
    assert (condition.window_ms, condition.watch_percent) == (1_800_000, 80)
    assert (condition.stale_after_ms, condition.max_skew_ms) == (300_000, 5_000)


def test_a_signature_is_hashed_by_what_decides_matching() -> None:
    def sha(text: str) -> str:
        return next(one.sha256 for one in parse(text).signatures if one.id == "payment-refused")

    same = [
        changed("### Payment refused", "### Refused payments"),
        changed('sample = "the card refused twice"', ""),
        changed('message = ["card refused", "bank silent"]', 'message = ["bank silent", "card refused"]'),
    ]
    other = [
        changed('unit = "request"\ngroup', 'unit = "row"\ngroup'),
        changed("attempt = 3", "attempt = 4"),
        changed('group = "payment"', 'group = "pay"').replace('"payment"]', '"pay"]'),
        changed("status = [500, 502]", "status = [500]"),
    ]
    assert {sha(text) for text in same} == {sha(GOOD)}
    assert sha(GOOD) not in {sha(text) for text in other}


def test_a_step_is_hashed_by_its_block_and_its_command() -> None:
    def shas(text: str) -> dict[str, str]:
        return {step.id: step.sha256 for step in parse(text).steps}

    edited = shas(changed("curl --fail", "curl --silent --fail"))
    assert [name for name, sha in shas(GOOD).items() if edited[name] != sha] == ["check"]
    assert shas(changed("### 7. Check the shop", "### 7. Check")) == shas(GOOD)


def test_the_same_text_gives_the_same_runbook() -> None:
    assert parse(GOOD) == parse(GOOD)


def test_a_where_compares_texts_as_a_log_writes_them() -> None:
    found = next(one for one in parse(GOOD).signatures if one.id == "payment-refused")
    assert found.where == (("attempt", "3"), ("job", "Pay"), ("retried", "true"))


@pytest.mark.parametrize("mark", ["\x00", "\ud800"])
def test_text_that_is_no_text_is_a_fault_with_its_line(mark: str) -> None:
    assert faults_of(f"# A\n\n{mark}\n")[0].startswith(f"{PATH}:3: ")


def survives(lines: list[str]) -> None:
    """Parse a broken runbook; any other exception than RunbookInvalid fails the test."""
    try:
        parse_runbook("\n".join(lines), PATH)
    except RunbookInvalid as invalid:
        assert invalid.faults
        for fault in invalid.faults:
            line = fault.removeprefix(f"{PATH}:").split(":")[0]
            assert 1 <= int(line) <= len(lines) + 1, fault
            assert "\n" not in fault


WILD = [
    *[
        '"',
        "'",
        "[",
        "]",
        "[[trip]]",
        "[trip]",
        "{",
        "= 1",
        "id = 1",
        "kind = []",
        "trip = 5",
        "choice = [1]",
        "needs = 5",
    ],
    *[
        "streams = [[]]",
        "signatures = {}",
        "groups = [1]",
        "[[choice]]",
        "[choice]",
        "[fields]",
        "[[rollback]]",
        "a.b = 1",
    ],
    *[
        "```",
        "~~~",
        "```sh",
        "```toml step",
        "<!--",
        "-->",
        "> x",
        "- x",
        "    x",
        "x = 1979-05-27T07:32:00Z",
        "\t",
        "#",
    ],
    *["second_person = [[1]]", "cites = {a = 1}", "for = {}", "expect = []", "headers = 5", "route = 5", "window = []"],
    *["[where]", "[headers]", "owner = {}", "x = inf", 'id = ["a"]', "id = {}", 'needs = ["a", 5]', "feeds = true"],
]


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(LINES) - 1), new=st.one_of(st.sampled_from(WILD), st.text(max_size=30)))
@example(at=0, new="\x00")
@example(at=0, new="\x0c\x85\u2028")
def test_no_single_line_breaks_the_reader(at: int, new: str) -> None:
    survives([*LINES[:at], new, *LINES[at + 1 :]])


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, len(SHIPPED_LINES) - 1), cut=st.integers(0, 40), new=st.text(max_size=3))
def test_no_edit_within_a_line_breaks_the_reader(at: int, cut: int, new: str) -> None:
    line = SHIPPED_LINES[at]
    survives([*SHIPPED_LINES[:at], line[:cut] + new + line[cut + 1 :], *SHIPPED_LINES[at + 1 :]])


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, len(LINES) - 1), wild=st.sampled_from(WILD))
def test_no_added_line_breaks_the_reader(at: int, wild: str) -> None:
    survives([*LINES[:at], wild, *LINES[at:]])


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(LINES) - 1), count=st.integers(1, 5))
def test_no_missing_lines_break_the_reader(at: int, count: int) -> None:
    survives([*LINES[:at], *LINES[at + count :]])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    survives(text.split("\n"))


def test_a_small_runbook_needs_only_what_it_uses() -> None:
    found = parse(small(LOGS, FAULT, signal('kind = "count"', 'signatures = ["fault"]', "over = 1")))
    assert (found.steps, found.phase, found.signals[0].rollback.files) == ((), None, ())
