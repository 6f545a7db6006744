"""Runbooks that were parsed on this machine before. Reading one again costs a hundredth of parsing it.

Only what `parse_runbook` returned is kept, under the hash of the runbook's text, its name and the program's own parser,
so an entry never goes stale. Nothing depends on it: whatever is wrong with an entry, the text is parsed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from store.runbook.model import Runbook

FOLDER_VARIABLE = "CLOSEOUT_STATE_DIR"
_KEPT = 64
# A folder that cannot be used, an entry that cannot be read, a user without a home.
_NO_MATTER = (OSError, msgspec.MsgspecError, UnicodeEncodeError, RuntimeError)


def runbook_of(text: str, path: str) -> Runbook:
    """The runbook of a text that may have been parsed before.

    Raises:
        RunbookInvalid: as `parse_runbook` does.
    """
    with contextlib.suppress(*_NO_MATTER):
        known = msgspec.msgpack.decode(_entry(text, path).read_bytes(), type=Runbook)
        return msgspec.structs.replace(known, text=text)
    from store.runbook.parse import parse_runbook  # the validation library is heavy

    runbook = parse_runbook(text, path)
    remember(runbook)
    return runbook


def remember(runbook: Runbook) -> None:
    """Keep a runbook that was just parsed, for the next process that needs it."""
    with contextlib.suppress(*_NO_MATTER):
        entry = _entry(runbook.text, runbook.path)
        partial = entry.with_suffix(f".{os.getpid()}")
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_oldest(entry.parent)
        partial.write_bytes(msgspec.msgpack.encode(msgspec.structs.replace(runbook, text="")))
        partial.replace(entry)


def _forget_oldest(folder: Path) -> None:
    entries = sorted(folder.iterdir(), key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for entry in entries[_KEPT - 1 :]:
        entry.unlink()


def _entry(text: str, path: str) -> Path:
    key = hashlib.sha256(msgspec.msgpack.encode((path, _parser(), text.encode("utf-8", "surrogatepass"))))
    return _folder() / key.hexdigest()


def _parser() -> list[tuple[str, int, int]]:
    """The parser's own files as they are now: another version of the program parses for itself."""
    found = []
    with os.scandir(Path(__file__).parent) as files:
        for file in files:
            if file.name.endswith(".py"):
                told = file.stat()
                found.append((file.name, told.st_size, told.st_mtime_ns))
    return sorted(found)


def _folder() -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given) / "parsed"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "closeout" / "parsed"
