"""How `collect` runs the command of a log stream: attached to the terminal until its first record, told line by line."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from collectors.logs.capture import capture
from store.runbook.model import Source
from tui.collecting import Looks, say
from tui.commands.import_ import log_json, tell_log
from tui.output import plain


def capture_stream(looks: Looks, source: Source, stop: threading.Event) -> list[dict[str, Any]]:
    """Collect a log stream by its command, or by the one that was given; returns what each collection amounts to."""

    def tell(kind: str, text: str) -> None:
        say(f"{source.id} {kind}: {plain(text)}", beside=True)

    done = capture(
        looks.case,
        looks.runbook,
        source.id,
        list(looks.command) or None,
        since_ms=looks.since_ms,
        until_ms=looks.until_ms,
        for_ms=looks.for_ms,
        every_ms=looks.every_ms,
        stop=stop.is_set,
        tell=tell,
        terminal=not looks.quiet,
    )
    for log in () if looks.quiet else done:
        with contextlib.suppress(OSError):  # the terminal may be gone
            tell_log(log, source.id)
    return [{**log_json(log, source.id), "stream": source.id} for log in done]
