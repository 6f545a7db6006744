"""How a collector is asked to end: a signal sets an event, and what was collected until then is kept."""

from __future__ import annotations

import signal
import threading

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_when_asked(stop: threading.Event) -> None:
    """Set the event at the first signal; further ones change nothing.

    Another thread sets it. A signal interrupts the main thread anywhere, also while that holds the event's own lock, and whoever would set it
    there would wait for himself.
    """

    def asked(*_: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        threading.Thread(target=stop.set, name="stopping", daemon=True).start()

    for number in SIGNALS:
        signal.signal(number, asked)
