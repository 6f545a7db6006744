"""A stand-in for the platform's command line: prints what it is told through a named pipe, in the platform's own forms.

Each line it is told is one step: `out TEXT`, `part TEXT` (no line end), `err TEXT`, `many N AT` (N stream lines), `exit CODE`,
`flood AT` (lines without end), `ask TEXT` (a question on the terminal, answered by a line), `leave` (a process that holds the output).
Without a pipe it plays the steps in the variable STEPS, divided by `|`. It also says its version, as the real one does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

WEBHOOK = "/api/webhooks/email"


def main() -> None:
    if "--version" in sys.argv:
        print("Vercel CLI 50.42.0", file=sys.stderr)
        print("50.42.0")
        return
    for step in steps():
        word, _, rest = step.partition(" ")
        if word == "exit":
            raise SystemExit(int(rest))
        if word == "hang":
            while True:
                os.read(os.pipe()[0], 1)
        play(word, rest)


def steps() -> Iterator[str]:
    pipe = os.environ.get("PIPE")
    if pipe is None:
        yield from os.environ.get("STEPS", "").split("|")
        return
    with open(pipe, encoding="utf-8") as told:  # noqa: PTH123
        for line in told:
            yield line.rstrip("\n")


def play(word: str, rest: str) -> None:
    if word == "err":
        print(rest, file=sys.stderr, flush=True)
    elif word == "env":
        print(json.dumps(line(1_771_383_600_000, os.environ.get(rest, ""))), flush=True)
    elif word == "many":
        count, at = map(int, rest.split())
        sys.stdout.write("".join(json.dumps(line(at + n, f"line {n}")) + "\n" for n in range(count)))
        sys.stdout.flush()
    elif word == "ask":
        sys.stdout.write(rest)
        sys.stdout.flush()
        sys.stdin.readline()
    elif word == "leave":
        subprocess.Popen(["sleep", "60"])
    elif word == "flood":
        flood(int(rest))
    elif word in ("out", "part"):
        sys.stdout.write(rest + ("\n" if word == "out" else ""))
        sys.stdout.flush()


def flood(at: int) -> None:
    """Lines without end, every fiftieth a failure; the reader's pace is the pace."""
    number = 0
    while True:
        message = "Task timed out after 60 seconds" if number % 50 == 0 else f"line {number}"
        sys.stdout.write(json.dumps(line(at + number, message)) + "\n")
        number += 1


def line(at: int, message: str) -> dict[str, object]:
    return {
        "level": "info", "message": message, "messageTruncated": False, "rowId": str(at), "source": "serverless",
        "timestampInMs": at, "requestMethod": "POST", "requestPath": WEBHOOK, "domain": "app.example", "responseStatusCode": -1,
    }  # fmt: skip


if __name__ == "__main__":
    main()
