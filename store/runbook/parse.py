"""From the text of a runbook to a checked Runbook, or to all of its faults at once.

This module and those it imports are loaded lazily by commands: the validation library and the Markdown reader are slow
to import.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from store.runbook.blocks import RunbookBlock, SignalBlock, SignatureBlock, SourceBlock, StepBlock
from store.runbook.build import build_signal, build_signature, build_source, build_step
from store.runbook.faults import Faults
from store.runbook.markdown import Document, read_document
from store.runbook.model import Runbook
from store.runbook.reachability import Warned, warnings_of
from store.runbook.references import Names, check_references, gather_names, needs_of
from store.runbook.rules import check_requests, check_runbook, check_signal, check_signature, check_source
from store.runbook.validate import ReadBlock, read_block, read_sources
from store.runbook.walk_rules import check_steps, feeds_of


def parse_runbook(text: str, path: str) -> Runbook:
    """Read and check a runbook.

    Args:
        text: the whole file, as decoded from UTF-8 without touching its line ends.
        path: how faults name the file.

    Raises:
        RunbookInvalid: with every fault as `PATH:LINE: what: why`.
    """
    faults = Faults(path)
    _check_text(text, faults)
    document = read_document(text, faults)
    blocks = [read_block(block, faults) for block in document.blocks]
    names = gather_names(blocks, document.obscured, faults)
    check_references(blocks, names, faults)
    _check_rules(blocks, names, faults)
    faults.stop_if_any()
    runbook = _build(text, path, document, blocks)
    why = "only sh, sql and http fences are commands; write sh for the program to know it"
    lookalikes = [Warned(line, f"a {language} fence below a block", why) for line, language in document.lookalikes]
    return msgspec.structs.replace(runbook, warnings=warnings_of(runbook, lookalikes))


def _check_text(text: str, faults: Faults) -> None:
    """Refuse text that has no UTF-8 bytes, or holds what no Markdown page shows."""
    for number, line in enumerate(text.split("\n"), 1):
        if "\x00" in line:
            faults.add(number, "a NUL character", "a runbook is plain text")
        elif not line.isascii() and any("\ud800" <= mark <= "\udfff" for mark in line):
            faults.add(number, "half a character", "a runbook is UTF-8 text")
    faults.stop_if_any()


def _of_kind(blocks: Sequence[ReadBlock], kind: str) -> list[ReadBlock]:
    return [read for read in blocks if read.block.kind == kind]


def _check_rules(blocks: Sequence[ReadBlock], names: Names, faults: Faults) -> None:
    sources = read_sources(blocks)
    signals, steps = _of_kind(blocks, "signal"), _of_kind(blocks, "step")
    check_runbook(blocks, "runbook" in names.unread, faults)
    for read in blocks:
        check_requests(read, faults)
    for read in _of_kind(blocks, "source"):
        check_source(read, faults)
    for read in _of_kind(blocks, "signature"):
        check_signature(read, faults)
    for read in signals:
        check_signal(read, sources, faults)
    check_steps(steps, sources, feeds_of(steps, signals, sources), names, faults)


def _build(text: str, path: str, document: Document, blocks: Sequence[ReadBlock]) -> Runbook:
    """Build the runbook from blocks that passed every check."""
    head = next(read.model for read in blocks if isinstance(read.model, RunbookBlock))
    models = read_sources(blocks)
    sources = {read.model.id: build_source(read, read.model) for read in blocks if isinstance(read.model, SourceBlock)}
    steps = _of_kind(blocks, "step")
    feeds = feeds_of(steps, _of_kind(blocks, "signal"), models)
    return Runbook(
        id=head.id,
        title=document.title or head.id,
        phase=head.phase,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        path=path,
        needs=tuple(head.needs),
        secrets=tuple(head.secrets),
        sources=tuple(sources.values()),
        signatures=tuple(
            build_signature(read, read.model) for read in blocks if isinstance(read.model, SignatureBlock)
        ),
        signals=tuple(
            build_signal(read, read.model, sources) for read in blocks if isinstance(read.model, SignalBlock)
        ),
        steps=tuple(
            build_step(read, read.model, needs, feeds[read.model.id])
            for read, needs in needs_of(steps)
            if isinstance(read.model, StepBlock)
        ),
    )
