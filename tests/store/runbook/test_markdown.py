"""Blocks are found where a reader sees them, with their line; a block nobody sees is a fault."""

from __future__ import annotations

import pytest

from store.runbook.faults import Faults
from store.runbook.markdown import Document, read_document
from tests.store.runbook.builders import (
    FAULT,
    GOOD,
    LOGS,
    PATH,
    block,
    changed,
    faults_of,
    line_of,
    parse,
    signal,
    small,
)

HIDDEN = "hidden block `toml signature`"


def read(text: str) -> Document:
    """Find the blocks of a text that hides none."""
    faults = Faults(PATH)
    document = read_document(text, faults)
    assert faults.told() == ()
    return document


def test_title_prose_and_command_come_from_the_section_of_the_block() -> None:
    above = "# Book\n\n## The *loud* `log`\n\nRead me.\n\n```toml source\na = 1\n```\n\nAnd me.\n\n"
    text = above + "```sh\nfirst\n\n  second\n```\n\n## Next\n\nNot me.\n"
    found = read(text).blocks[0]
    assert (found.title, found.line, found.body) == ("The loud log", 7, "a = 1\n")
    assert found.guidance == "Read me.\n\nAnd me."
    assert found.command is not None
    assert (found.command.language, found.command.text, found.command.line) == ("sh", "first\n\n  second\n", 13)


def test_only_the_first_command_fence_below_a_block_in_its_section_belongs_to_it() -> None:
    one = "```sh\nabove\n```\n\n```toml step\na = 1\n```\n```python\nx\n```\n```sql\nfirst\n```\n```sh\nsecond\n```\n"
    text = f"{one}\n# B\n\n```toml step\n```\n\n## C\n\n```sh\nother section\n```\n"
    commands = [found.command and found.command.text for found in read(text).blocks]
    assert commands == ["first\n", None]


def test_two_blocks_of_one_section_have_their_own_commands() -> None:
    text = "# A\n\n```toml signature\n```\n\n```sh\none\n```\n\n```toml signature\n```\n\n```http\ntwo\n```\n"
    assert [found.command and found.command.text for found in read(text).blocks] == ["one\n", "two\n"]


def test_a_toml_fence_without_a_kind_is_prose() -> None:
    assert read("# A\n\n```toml\na = 1\n```\n\n```\ntoml step\n```\n").blocks == ()


def test_the_first_heading_is_the_title() -> None:
    assert read("Prose.\n\nTop\n===\n\n## Second\n").title == "Top"


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_change_no_line_and_no_command(line_end: str) -> None:
    plain, other = parse(GOOD), parse(GOOD.replace("\n", line_end))
    assert [step.line for step in other.steps] == [step.line for step in plain.steps]
    assert other.sources[0].command == plain.sources[0].command
    assert other.sha256 != plain.sha256


def test_a_byte_order_mark_hides_nothing() -> None:
    assert parse("\ufeff" + GOOD).title == "A small shop"
    assert f'{PATH}:1: missing key "id"' in " ".join(faults_of("\ufeff```toml step\n```\n"))


def test_tilde_fences_and_fences_without_a_last_line_end_are_read() -> None:
    assert [found.body for found in read("~~~toml step\na = 1\n~~~").blocks] == ["a = 1\n"]
    assert [found.body for found in read("````toml step\na = '```'\n````").blocks] == ["a = '```'\n"]


def test_fences_in_lists_and_quotes_keep_their_lines_and_lose_their_indent() -> None:
    text = "# A\n\n1. First\n\n   ```toml step\n   a = 1\n   ```\n\n> > ```toml signal\n> > b = 1\n> > ```\n"
    found = read(text).blocks
    assert [(one.kind, one.line, one.body) for one in found] == [("step", 5, "a = 1\n"), ("signal", 9, "b = 1\n")]


def test_an_unknown_kind_is_told_with_the_one_that_was_meant() -> None:
    text = changed('```toml signal\nid = "work"', '```toml sginal\nid = "work"')
    told = (
        'unknown block "toml sginal": did you mean "signal"? a block is one of runbook, source, signature, signal, step'
    )
    assert faults_of(text) == (f"{PATH}:{line_of('```toml sginal', text)}: {told}",)


@pytest.mark.parametrize(
    ("opening", "told"),
    [
        ("```toml Step", 'unknown block "toml Step": did you mean "step"?'),
        ("```TOML colour", 'unknown block "toml colour": a block is one of'),
        ("```toml:step", 'unknown block "toml:step": write the kind as a second word'),
        ("```toml step hidden=true", '"toml step hidden=true": nothing may follow `toml step`'),
    ],
)
def test_an_opening_that_readers_would_misread_is_a_fault(opening: str, told: str) -> None:
    assert faults_of(small(f"{opening}\n```"))[0].startswith(f"{PATH}:10: {told}")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("<!-- gone:\n\n", "\n\n-->", "it is inside an HTML comment"),
        ("<!--\n", "\n-->", "it is inside an HTML comment"),
        ("<details>\n", "\n</details>", "it is inside HTML; put a blank line before it"),
    ],
)
def test_a_block_hidden_in_html_is_a_fault_on_its_own_line(before: str, after: str, why: str) -> None:
    text = small(LOGS, f"Text.\n\n{before}{FAULT}{after}")
    faults = faults_of(text)
    assert len(faults) == 1
    assert faults[0].startswith(f"{PATH}:{line_of('```toml signature', text)}: {HIDDEN}: {why}")


def test_a_block_in_details_with_a_blank_line_is_live() -> None:
    assert faults_of(small(LOGS, f"<details>\n\n{FAULT}\n\n</details>")) == ()


@pytest.mark.parametrize("before", ["", "A line above.\n"])
def test_an_indented_block_is_a_fault_on_its_own_line(before: str) -> None:
    indented = "\n".join("    " + line for line in FAULT.split("\n"))
    text = small(LOGS, before + indented)
    faults = faults_of(text)
    assert len(faults) == 1
    assert faults[0].startswith(f"{PATH}:{line_of('```toml signature', text)}: {HIDDEN}: it is indented")


def test_an_unclosed_block_is_told_where_it_opens() -> None:
    text = GOOD.rstrip().removesuffix("```")
    line = text.count("\n", 0, text.rindex("```toml step")) + 1
    assert faults_of(text) == (f"{PATH}:{line}: unclosed fence: close it with ``` on a line of its own",)


def test_an_unclosed_block_in_a_quote_is_told_too() -> None:
    text = small(LOGS, '> ~~~toml signature\n> id = "f"\n> message = "x"\n\nText.')
    assert [fault for fault in faults_of(text) if ": unclosed fence: close it with ~~~" in fault]


def test_a_command_that_swallows_the_next_block_is_told_where_it_opens() -> None:
    text = small(f"{LOGS}\n\n```sh\necho hello", FAULT, signal('kind = "count"', 'signatures = ["fault"]', "over = 1"))
    swallowed = line_of("```toml signature", text)
    told = f"unclosed fence: it swallows the `toml signature` block at line {swallowed}; close it with ``` before that"
    assert faults_of(text) == (f"{PATH}:{line_of('```sh', text)}: {told}",)


def test_a_block_that_swallows_its_command_is_told_where_it_opens() -> None:
    text = small(LOGS.removesuffix("\n```") + "\n\n```sh\necho hello\n```", FAULT)
    told = f"unclosed fence: another fence opens at line {line_of('```sh', text)} before this block is closed"
    assert faults_of(text) == (f"{PATH}:{line_of('```toml source', text)}: {told}",)


def test_a_block_that_swallows_another_block_is_told_once() -> None:
    text = small(LOGS.removesuffix("\n```"), FAULT)
    assert len(faults_of(text)) == 1
    assert faults_of(text)[0].startswith(
        f"{PATH}:{line_of('```toml source', text)}: unclosed fence: another fence opens"
    )


def test_a_block_shown_inside_a_longer_fence_is_an_example() -> None:
    assert faults_of(small(LOGS, f"````markdown\n{FAULT}\n````", "~~~\n```toml step\n~~~")) == ()


def test_a_block_mentioned_in_a_line_of_prose_is_no_block() -> None:
    assert faults_of(small(LOGS, "A block begins with ```` ```toml step ```` on its line.\n```toml step``` too.")) == ()


def test_comments_are_no_guidance() -> None:
    text = small(f"Before.\n\n<!-- for authors -->\n\n{LOGS}\n\nAfter.")
    assert parse(text).sources[0].guidance == "Before.\n\nAfter."


def test_a_block_without_a_heading_is_called_by_its_id() -> None:
    text = block("runbook", 'id = "bare"') + "\n\n" + LOGS
    assert (parse(text).title, parse(text).sources[0].title) == ("bare", "logs")


def test_a_fence_that_only_looks_like_a_command_is_warned_about() -> None:
    text = small(f"{LOGS}\n\n```bash\necho hello\n```")
    told = f"{PATH}:{line_of('```bash', text)}: a bash fence below a block: only sh, sql and http fences are commands"
    assert any(warning.startswith(told) for warning in parse(text).warnings)
