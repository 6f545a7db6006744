from __future__ import annotations

import signal
import subprocess
import sys

import pytest

WAITING = """
import threading
from collectors.stopping import stop_when_asked
stop = threading.Event()
stop_when_asked(stop)
print("ready", flush=True)
while not stop.wait(0.000001):
    pass
print("stopped", flush=True)
"""


@pytest.mark.parametrize("attempt", range(5))
def test_two_signals_at_once_end_a_collector_that_is_busy_with_its_own_event(attempt: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        try:
            said, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert said == "stopped\n"
    assert process.returncode == 0
