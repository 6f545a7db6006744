"""The staged platform's command, put first in PATH as `vercel`: `--version`, `inspect`, and `logs` in both of its real forms.

Run as a script with the folder of the staged world before the words of the caller. Only the standard library is used, and nothing but that
folder is read. It ends when the folder is gone.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collectors.drill import forms
else:  # a script of its own: the package's imports would take longer than the look
    sys.path.insert(0, str(Path(__file__).parent))
    import forms

_TAIL_S = 0.1
_WAITING_S = 5.0


def main(words: list[str]) -> int:
    """Answer one call; returns the exit code."""
    folder, *words = words
    if "--version" in words:
        print(f"Vercel CLI {forms.VERSION}", file=sys.stderr)
        print(forms.VERSION)
        return 0
    platform = json.loads((Path(folder) / "platform.json").read_text("utf-8"))
    if words[:1] == ["inspect"]:
        return _inspect(platform, words[1:])
    if words[:1] not in (["logs"], ["log"]):
        print(f"Error: the staged platform has no command {' '.join(words[:1])}", file=sys.stderr)
        return 1
    if platform["logs"] == "ends":
        print("Error: socket hang up (the staged collector dies here)", file=sys.stderr)
        return 137
    since, until = _option(words, "--since"), _option(words, "--until")
    if "--follow" in words or not (since or until):
        return _follow(Path(folder), platform["host"])
    return _query(Path(folder), platform, _instant(since, 0), _instant(until, 1 << 62), _option(words, "--limit"))


def _inspect(platform: dict[str, str], words: list[str]) -> int:
    print(f"Fetched deployment {words[0] if words else platform['host']}", file=sys.stderr)
    print(f"  id          {forms.DEPLOYMENT}\n  status      ● Ready\n  target      production")
    print(f"  created     {platform['deployed']}\n  replaced    dpl_staged_old\n  alias       {platform['host']}")
    return 0


def _query(folder: Path, platform: dict[str, str], since: int, until: int, limit: str) -> int:
    """Print every request that began in the window and has ended."""
    most, printed = int(limit) if limit.isdecimal() else 100, 0
    rows: list[str] = []
    with (folder / "requests.ndjson").open(encoding="utf-8") as log:
        for line in log:
            start = line[9 : line.find(",")]  # {"start":1700000000000,…
            if not line.endswith("\n") or not since <= int(start) < until:
                continue
            rows.append(json.dumps(forms.query_row(json.loads(line), platform["host"])))
            printed += 1
            if printed == most:
                break
    if platform["logs"] == "cut":
        rows.append(json.dumps(forms.delimiter_row(int(time.time() * 1000))))
    sys.stdout.write("".join(f"{row}\n" for row in rows))
    sys.stdout.flush()
    return 0


def _follow(folder: Path, host: str) -> int:
    """Print what happens from now on, as it happens."""
    print(f"Vercel CLI {forms.VERSION}", file=sys.stderr)
    print(f"Displaying runtime logs for deployment {host} ({forms.DEPLOYMENT}) starting from now", file=sys.stderr)
    sys.stderr.flush()
    quiet = time.monotonic()
    with (folder / "requests.ndjson").open(encoding="utf-8") as log:
        log.seek(0, 2)
        held = ""
        while (folder / "requests.ndjson").exists():
            held += log.read()
            whole, _, held = held.rpartition("\n")
            if whole:
                rows = [row for line in whole.split("\n") for row in forms.stream_rows(json.loads(line), host)]
                sys.stdout.write("".join(json.dumps(row) + "\n" for row in rows))
                quiet = time.monotonic()
            elif time.monotonic() - quiet > _WAITING_S:
                sys.stdout.write("waiting for new logs...\n")
                quiet = time.monotonic()
            sys.stdout.flush()
            time.sleep(_TAIL_S)
    return 0


def _option(words: list[str], name: str) -> str:
    for number, word in enumerate(words):
        if word == name and number + 1 < len(words):
            return words[number + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return ""


def _instant(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        sys.exit(1)
