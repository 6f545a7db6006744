"""The names of a packet's files, as the phase's evidence contract gives them.

Instants in names are UTC with dashes for colons, so that a name is one on every file system. A name made from text of a case is reduced to
characters that no shell and no file system reads as anything but a name.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from store.instants import format_instant

_LONGEST_PART, _LONGEST_SUFFIX, _LONGEST_PATH = 120, 16, 400
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def name_instant(ms: int) -> str:
    """An instant as names have it: `2026-02-18T03-18-40Z`; milliseconds only where there are some."""
    text = format_instant(ms)
    fraction = "" if text.endswith(".000Z") else text[19:23].replace(".", "-")
    return f"{text[:19].replace(':', '-')}{fraction}Z"


def name_span(from_ms: int, to_ms: int) -> str:
    """A window as names have it: its start and its end."""
    return f"{name_instant(from_ms)}-{name_instant(to_ms)}"


def safe_part(text: str) -> str:
    """A piece of a file name out of any text."""
    return _UNSAFE.sub("-", text).strip("-.") or "x"


def safe_path(name: str) -> PurePosixPath:
    """The place of an artifact below the packet's folder: its own name, each part made safe, never outside."""
    parts = [_short(safe_part(part)) for part in name.split("/") if part not in ("", ".", "..")]
    if not parts:
        return PurePosixPath("x")
    return PurePosixPath(*(parts if sum(map(len, parts)) <= _LONGEST_PATH else (parts[0], parts[-1])))


def _short(part: str) -> str:
    """A part that every file system takes, with room for what a packet puts before and behind it; its suffix stays."""
    if len(part) <= _LONGEST_PART:
        return part
    suffix = PurePosixPath(part).suffix
    suffix = suffix if len(suffix) <= _LONGEST_SUFFIX else ""
    return part[: _LONGEST_PART - len(suffix)] + suffix


class PacketNames:
    """Every file of one packet, relative to the folder it is written to."""

    def __init__(self, phase: str, as_of_ms: int) -> None:
        self.phase = safe_part(phase)
        self.folder = PurePosixPath("docs", "planning", f"phase-{self.phase}", "artifacts")
        self._as_of = name_instant(as_of_ms)

    def baseline(self, from_ms: int, to_ms: int) -> PurePosixPath:
        """The packet of the window before the change."""
        return self.folder / f"baseline-{name_span(from_ms, to_ms)}.md"

    def verification(self, from_ms: int, to_ms: int) -> PurePosixPath:
        """The packet of the window after the change."""
        return self.folder / f"verification-{name_span(from_ms, to_ms)}.md"

    def delta(self, from_ms: int, to_ms: int) -> PurePosixPath:
        """The comparison table of both windows, named by the one after the change."""
        return self.folder / f"pre-post-delta-{name_span(from_ms, to_ms)}.csv"

    def offload(self, at_ms: int) -> PurePosixPath:
        """Queue and ledger."""
        return self.folder / f"offload-monitoring-{name_instant(at_ms)}.md"

    @property
    def closeout(self) -> PurePosixPath:
        """The closeout packet itself."""
        return self.folder / f"closeout-{self._as_of}.md"

    @property
    def static(self) -> PurePosixPath:
        """The whole case as one page."""
        return self.folder / "closeout.html"

    @property
    def summary(self) -> PurePosixPath:
        """The closeout for programs, `packet --check` among them."""
        return self.folder / f"closeout-{self._as_of}.json"

    @property
    def index(self) -> PurePosixPath:
        """SHA-256 of every other file, in the form that `sha256sum -c` reads."""
        return self.folder / "SHA256SUMS"

    def drawing(self, name: str) -> PurePosixPath:
        """A drawing beside the documents."""
        return self.folder / "drawings" / f"{safe_part(name)}.svg"
