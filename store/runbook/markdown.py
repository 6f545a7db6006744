"""Finds the machine parts of a runbook: `toml KIND` fences, each with its line, title, prose and command.

Nothing that a reader of the rendered page cannot see may ever reach the program: a block in an HTML comment, an
indented one or one that an unclosed fence swallows is a fault, never a silent loss and never executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from store.runbook.faults import Faults, nearest
from store.runbook.model import Command

KINDS = ("runbook", "source", "signature", "signal", "step")
COMMAND_LANGUAGES = ("sh", "sql", "http")

_LINE_END = re.compile(r"\r\n?")
_BEFORE_FENCE = r"^[\s>*+\-\d.)]*"
_OPENS_BLOCK = re.compile(
    _BEFORE_FENCE + r"(?P<mark>`{3,}|~{3,})[ \t]*toml[ \t]+(?P<kind>[^\s`]+)[^`]*$", re.IGNORECASE
)
_OPENS_ANY = re.compile(r"^\s*(?P<mark>`{3,}|~{3,})[ \t]*[A-Za-z][^`]*$")
_GLUED_KIND = re.compile(r"toml[:,;={]", re.IGNORECASE)
_LOOKS_LIKE_SHELL = ("bash", "shell", "zsh", "console")


@dataclass(frozen=True, slots=True)
class Block:
    """One `toml KIND` fence with what belongs to it."""

    kind: str
    line: int
    body: str
    title: str
    guidance: str
    command: Command | None
    swallowed_line: int | None
    """Line inside the block that looks like another fence's opening, told when the block does not parse."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was found in the file."""

    title: str
    blocks: tuple[Block, ...]
    obscured: frozenset[str]
    """Kinds of blocks that exist in the text but could not be read; references to them are not judged."""
    lookalikes: tuple[tuple[int, str], ...]
    """Line and language of fences below a block that look like its command and are none, such as `bash`."""


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    start: int
    end: int
    tokens: tuple[Token, ...]


def read_document(text: str, faults: Faults) -> Document:
    """Find every block of a runbook; what hides one is added to the faults."""
    plain = _LINE_END.sub("\n", text.removeprefix("\ufeff"))
    lines = plain.split("\n")
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(plain)
    obscured = set(_hidden_blocks(lines, tokens, faults))
    blocks: list[Block] = []
    lookalikes: list[tuple[int, str]] = []
    sections = list(_sections(tokens, len(lines)))
    for section in sections:
        blocks += _blocks_of(section, lines, faults, obscured, lookalikes)
    title = next((section.title for section in sections if section.title), "")
    return Document(title, tuple(blocks), frozenset(obscured), tuple(lookalikes))


def _sections(tokens: Sequence[Token], total: int) -> Iterator[_Section]:
    """Cut the token stream at every heading; a section ends at the next heading of any level."""
    title, start, gathered = "", 0, list[Token]()
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            yield _Section(title, start, token.map[0], tuple(gathered))
            title, start, gathered = _plain(tokens[at + 1]), token.map[1], []
        else:
            gathered.append(token)
    yield _Section(title, start, total, tuple(gathered))


def _plain(heading: Token) -> str:
    return " ".join("".join(child.content or " " for child in heading.children or ()).split())


def _blocks_of(
    section: _Section, lines: list[str], faults: Faults, obscured: set[str], lookalikes: list[tuple[int, str]]
) -> list[Block]:
    found: list[tuple[Token, str]] = []
    commands: dict[int, Token] = {}
    machine: set[int] = set()
    for token in section.tokens:
        if token.type == "html_block" and token.content.lstrip().startswith("<!--"):
            machine.update(_span(token))
        if token.type != "fence":
            continue
        kind = _kind_of(token, faults, obscured)
        if kind:
            found.append((token, kind))
            machine.update(_span(token))
        elif found and len(found) not in commands:
            language = _language(token)
            if language in COMMAND_LANGUAGES:
                commands[len(found)] = token
                machine.update(_span(token))
            elif language.casefold() in _LOOKS_LIKE_SHELL:
                lookalikes.append((_line(token), language))
    guidance = "\n".join(
        line for at, line in enumerate(lines[section.start : section.end], section.start) if at not in machine
    )
    guidance = re.sub(r"\n{3,}", "\n\n", guidance).strip()
    return [
        Block(
            kind=kind,
            line=_line(token),
            body=token.content,
            title=section.title,
            guidance=guidance,
            command=_command(commands.get(number)),
            swallowed_line=_swallowed(token),
        )
        for number, (token, kind) in enumerate(found, 1)
    ]


def _kind_of(token: Token, faults: Faults, obscured: set[str]) -> str | None:
    """Tell which kind of block a fence is, or None when it is inert text."""
    words = token.info.split()
    if words and _GLUED_KIND.match(words[0]):
        faults.add(
            _line(token),
            f'unknown block "{token.info.strip()}"',
            "write the kind as a second word, such as `toml step`",
        )
        return None
    if len(words) < 2 or words[0].casefold() != "toml":
        return None
    if words[1] not in KINDS:
        hint = nearest(words[1], KINDS)
        faults.add(
            _line(token), f'unknown block "toml {words[1]}"', f"{hint} a block is one of {', '.join(KINDS)}".strip()
        )
        obscured.update(KINDS)
        return None
    if len(words) > 2:
        faults.add(
            _line(token), f'"{token.info.strip()}"', f"nothing may follow `toml {words[1]}`: readers would not see it"
        )
    return words[1]


def _hidden_blocks(lines: list[str], tokens: Sequence[Token], faults: Faults) -> Iterator[str]:
    """Report unclosed fences and every block that the rendered page does not show as one; yield the kinds concerned."""
    fences = [token for token in tokens if token.type == "fence" and token.map]
    for token in fences:
        if not _is_closed(token):
            faults.add(_line(token), "unclosed fence", f"close it with {token.markup} on a line of its own")
    starts = {_line(token) for token in fences}
    for number, line in enumerate(lines, 1):
        opening = _OPENS_BLOCK.match(line)
        if not opening or number in starts:
            continue
        fence = next((token for token in fences if number - 1 in _span(token)), None)
        if fence is None:
            faults.add(number, f"hidden block `toml {opening['kind']}`", _why_hidden(number - 1, tokens))
        elif not _same_fence(opening["mark"], fence.markup):
            continue  # an example shown inside a longer fence is prose
        elif _is_block(fence):
            pass  # told with that block's own fault
        else:
            swallowed = f"it swallows the `toml {opening['kind']}` block at line {number}"
            faults.add(_line(fence), "unclosed fence", f"{swallowed}; close it with {fence.markup} before that")
        yield from KINDS


def _why_hidden(at: int, tokens: Sequence[Token]) -> str:
    for token in tokens:
        if token.map and at in _span(token):
            if token.type == "code_block":
                return "it is indented by four spaces or more, so it is text and not a block; move it to the margin"
            if token.type == "html_block" and "<!--" in token.content:
                return "it is inside an HTML comment, where nobody reads it; show it or delete it"
            if token.type == "html_block":
                return "it is inside HTML; put a blank line before it"
    return "it is indented or nested too deeply to be a block; put a blank line before it and move it to the margin"


def _is_closed(token: Token) -> bool:
    # markdown-it closes a fence silently at the end of its container; only the count of lines shows it.
    first, end = token.map or (0, 0)
    written = token.content.count("\n") + bool(token.content and not token.content.endswith("\n"))
    return end - first - 1 > written


def _is_block(token: Token) -> bool:
    words = token.info.split()
    return len(words) > 1 and words[0].casefold() == "toml"


def _swallowed(token: Token) -> int | None:
    for offset, line in enumerate(token.content.split("\n"), 1):
        opening = _OPENS_ANY.match(line)
        if opening and _same_fence(opening["mark"], token.markup):
            return _line(token) + offset
    return None


def _same_fence(inner: str, outer: str) -> bool:
    return inner[0] == outer[0] and len(inner) >= len(outer)


def _span(token: Token) -> range:
    first, end = token.map or (0, 0)
    return range(first, end)


def _line(token: Token) -> int:
    return (token.map or (0, 0))[0] + 1


def _language(token: Token) -> str:
    return (token.info.split() or [""])[0]


def _command(token: Token | None) -> Command | None:
    if token is None:
        return None
    return Command(_language(token), token.content, _line(token))
