"""The text of a first runbook for a system of one's own, from a few answers.

It writes Markdown that people will read and change; nothing in it may need a second tool to be understood. The text passes
`check` without a warning, whatever the answers, or is refused before a file is made.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from store.runbook.model import Command
from store.runbook.variables import used_variables

VERCEL_COMMAND = """\
vercel logs --project "$VERCEL_PROJECT" --environment production --no-branch \\
  --since "$SINCE" --until "$UNTIL" --limit 100000 --json"""
FIELD_NAMES = ("time", "message", "route", "status", "request")
_TIMEOUT = re.compile(r"time-?out\s+(\d{1,6})\s*s?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked. `fields` are the names of time, message, route, status and request id in a log of one's own; an empty one is absent."""

    name: str
    logs: str
    routes: tuple[str, ...]
    failing: tuple[str, ...]
    limit: int
    owner: str
    command: str = ""
    fields: tuple[str, ...] = ()
    queue: str = ""
    statuses: tuple[str, ...] = ("PENDING", "RUNNING", "FAILED", "SUCCEEDED")
    probes: tuple[str, ...] = ()
    origin: str = ""
    files: tuple[str, ...] = ()


def first_runbook(answers: Answers) -> str:
    """The whole text of the runbook."""
    parts = [_head(answers), "## Sources\n", _log_source(answers)]
    parts += [_queue_source(answers)] if answers.queue else []
    parts += [_probe_source(answers)] if answers.probes else []
    signatures = _signatures(answers)
    parts += ["## Signatures\n", "What failing looks like in the log. Change these first.\n", *signatures.values()]
    parts += ["## Signals\n", "Every signal counts over 30 minutes that may end anywhere.\n"]
    parts.append(_log_signal(answers, tuple(signatures)))
    parts += [_queue_signal(answers)] if answers.queue else []
    parts += [_probe_signal(answers)] if answers.probes else []
    parts += ["## Steps\n", *_steps(answers)]
    return "\n".join(parts)


def needed_variables(answers: Answers) -> dict[str, str]:
    """The variables that the runbook needs, and what each of them is."""
    needed = {"VERCEL_PROJECT": "the project's name or id on the platform"} if answers.logs == "vercel" else {}
    if answers.command:
        for name, _ in used_variables(Command("sh", answers.command, 0)):
            needed[name] = "used by the command that prints the log"
    if answers.queue:
        needed["DATABASE_URL"] = "the Postgres address of a role that may only read"
    if answers.probes:
        needed["BASE_URL"] = (
            f"the origin to ask, {answers.origin}" if answers.origin else "the origin to ask, without a trailing slash"
        )
    return needed


def slug(name: str) -> str:
    """A name as an id."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:60] or "first"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: tuple[str, ...] | tuple[int, ...]) -> str:
    return "[" + ", ".join(_text(value) if isinstance(value, str) else str(value) for value in values) + "]"


def _head(answers: Answers) -> str:
    needed = needed_variables(answers)
    secrets = 'secrets = ["DATABASE_URL"]   # masked wherever it would be written\n' if "DATABASE_URL" in needed else ""
    needs = f"needs = {_list(tuple(needed))}   # checked before the first step\n" if needed else ""
    table = "".join(f"| `{name}` | {what} |\n" for name, what in needed.items())
    return f"""\
# {answers.name}: watch a release, roll it back if it hurts

This page is read by people and executed by `closeout`. The blocks marked `toml` are the machine's part; a command fence
below a block is what runs, byte for byte. Nothing here changes production: a rollback is shown, and a human does it.

After every change: `closeout check` says what is wrong with its line, and `closeout drill --headless --runbook` tries
whether each signal trips exactly at its limit.

```toml runbook
id = {_text(slug(answers.name))}
{needs}{secrets}```
""" + (f"\n| Variable | What it is |\n|---|---|\n{table}" if table else "")


def _log_source(answers: Answers) -> str:
    vercel = answers.logs == "vercel"
    command = VERCEL_COMMAND if vercel else answers.command
    look = 'settle = "60s"   # the log is complete this much later\nevery = "5m"\n' if command else ""
    form = ""
    if not vercel:
        named = [(key, name) for key, name in zip(FIELD_NAMES, answers.fields, strict=False) if name]
        form = f"format = {_text(answers.logs)}\n\n[fields]\n" + "".join(
            f"{key} = {_text(name)}\n" for key, name in named
        )
    how = (
        "Runs every 5 minutes, with `$SINCE` and `$UNTIL` filled in. What nobody looked at is a gap, never a zero."
        if command
        else "Nothing prints this log by itself: bring each file in with `closeout import CASE FILE --since T --until T`, and say the\n"
        "window it covers."
    )
    fence = f"\n```sh\n{command}\n```\n" if command else ""
    return f'### Logs\n\n{how}\n\n```toml source\nid = "logs"\nkind = "logs"\n{look}{form}```\n{fence}'


def _queue_source(answers: Answers) -> str:
    waiting, running, failed, done = answers.statuses
    return f"""\
### Queue

Counted every 5 minutes in one read-only transaction. Two looks 30 minutes apart cannot show whether it drained between.

```toml source
id = "queue"
kind = "offload"
every = "5m"
address = "DATABASE_URL"

[queue]
table = {_text(answers.queue)}
status = "status"
pending = {_list((waiting,))}
running = {_list((running,))}
failed = {_list((failed,))}
succeeded = {_list((done,))}
```
"""


def _probe_source(answers: Answers) -> str:
    return f"""\
### Probes

One GET to each route. `000` means that no answer came within 10 seconds; that is not "down", and never "healthy".

```toml source
id = "probes"
kind = "probes"
origin = "BASE_URL"
timeout = "10s"
routes = {_list(answers.probes)}
expect = [200]
```
"""


def _signatures(answers: Answers) -> dict[str, str]:
    """Each signature's block by its id: one for the statuses, one for each time-out, one for the texts."""
    statuses = tuple(int(word) for word in answers.failing if word.isdecimal())
    seconds = [found[1] for word in answers.failing if (found := _TIMEOUT.fullmatch(word))]
    texts = tuple(word for word in answers.failing if not word.isdecimal() and not _TIMEOUT.fullmatch(word))
    routed = answers.logs == "vercel" or bool(answers.fields[2:3] and answers.fields[2])
    routes = f"routes = {_list(answers.routes)}\n" if answers.routes and routed else ""
    made: dict[str, str] = {}
    if statuses:
        made["failed-requests"] = _signature(
            "Requests that fail", "failed-requests", f"{routes}status = {_list(statuses)}\n"
        )
    for number in dict.fromkeys(seconds):
        name, sample = f"timeout-{int(number)}s", f"Task timed out after {int(number)} seconds"
        body = f"{routes}timeout = {int(number)}\nsample = {_text(sample)}\n"
        made[name] = _signature(f"Time-out, {int(number)} seconds", name, body)
    if texts:
        body = f"{routes}message = {_list(texts)}\nsample = {_text(texts[0])}\n"
        made["failing-texts"] = _signature("Texts of failures", "failing-texts", body)
    return made


def _signature(title: str, name: str, body: str) -> str:
    return f'### {title}\n\n```toml signature\nid = {_text(name)}\n{body}unit = "request"\nrole = "target"\n```\n'


def _log_signal(answers: Answers, signatures: tuple[str, ...]) -> str:
    files = f"files = {_list(answers.files)}\n" if answers.files else ""
    undo = ""
    if answers.files:
        quoted = " ".join(_shell(path) for path in answers.files)
        undo = f"\n```sh\ngit log --oneline -n 5 -- {quoted}\n```\n"
    named = answers.logs == "vercel" or bool(answers.fields[4:5] and answers.fields[4])
    counts = (
        "A request that fails in two ways counts once."
        if named
        else "The log names no request: each of its rows counts."
    )
    return f"""\
### Requests fail

More than {answers.limit} in 30 minutes. {counts}

```toml signal
id = "requests-fail"
streams = ["logs"]
window = "30m"
stale_after = "8m"
owner = {_list((answers.owner,))}

[[trip]]
kind = "count"
signatures = {_list(signatures)}
over = {answers.limit}

[rollback]
do = "Revert the latest change of what answers these requests."
{files}```
{undo}"""


def _queue_signal(answers: Answers) -> str:
    return f"""\
### The queue does not drain

Waiting plus running jobs grow for 30 minutes without one drop, by at least 10.

```toml signal
id = "queue-grows"
streams = ["queue"]
window = "30m"
stale_after = "8m"
owner = {_list((answers.owner,))}

[[trip]]
kind = "queue"
max_gap = "10m"
min_snapshots = 4
min_growth = 10

[rollback]
do = "Revert the latest change of what fills or works this queue."
```
"""


def _probe_signal(answers: Answers) -> str:
    return f"""\
### Probes

Watched, never tripped: one odd answer beside quiet logs is a question, not an answer.

```toml signal
id = "probes-answer"
streams = ["probes"]
window = "30m"
owner = {_list((answers.owner,))}

[[trip]]
kind = "probe"
routes = {_list(answers.probes)}

[rollback]
do = "Nothing on a probe alone: look at the route and its logs first."
```
"""


def _steps(answers: Answers) -> list[str]:
    signals = ["requests-fail"] + ["queue-grows"] * bool(answers.queue) + ["probes-answer"] * bool(answers.probes)
    seen = ["capture-logs"] + ["watch-queue"] * bool(answers.queue) + ["ask-routes"] * bool(answers.probes)
    commanded = answers.logs == "vercel" or bool(answers.command)
    capture = (
        'kind = "capture"\neffect = "reads"\nfor = "30m"\n' if commanded else 'kind = "manual"\neffect = "reads"\n'
    )
    look = (
        "Looks every 5 minutes for 30 minutes. Leave it running and go on."
        if commanded
        else "`closeout import CASE FILE --since T --until T`; 30 minutes without a gap are needed for an `ok`."
    )
    steps = [
        ("Mark the release", 'id = "mark-release"\nkind = "manual"\neffect = "reads"\nneeds = []\n',
         "When did it go live? `closeout mark CASE deploy --at TIME --id RELEASE`: every window is measured from it."),
        ("Capture the logs", f'id = "capture-logs"\n{capture}needs = ["mark-release"]\nfeeds = ["logs"]\n', look),
    ]  # fmt: skip
    if answers.queue:
        body = 'id = "watch-queue"\nkind = "snapshot"\neffect = "reads"\nneeds = ["mark-release"]\nfeeds = ["queue"]\nfor = "30m"\n'
        steps.append(("Watch the queue", body, "A snapshot every 5 minutes for 30 minutes."))
    if answers.probes:
        body = 'id = "ask-routes"\nkind = "probe"\neffect = "reads"\nneeds = ["mark-release"]\nfeeds = ["probes"]\n'
        steps.append(("Ask the routes", body, "One request to each route, each recorded with its status and its time."))
    return [_step(number, *step) for number, step in enumerate([*steps, *_ends(signals, seen)], 1)]


def _ends(signals: list[str], seen: list[str]) -> list[tuple[str, str, str]]:
    """The steps with which every walk ends: decide, carry out, seal."""
    scopes = [name for name in signals if name != "probes-answer"]
    choices = ['[[choice]]\nid = "hold"\nlabel = "Hold and watch one more window"\nnext = "capture-logs"\n']
    choices += [
        f'[[choice]]\nid = "roll-back-{name}"\nlabel = "Roll back: {name}"\nscope = "{name}"\nnext = "carry-out"\n'
        for name in scopes
    ]
    choices.append('[[choice]]\nid = "close"\nlabel = "Close: no signal tripped"\nnext = "seal"\n')
    decide = (
        f'id = "decide"\nkind = "decide"\neffect = "reads"\nneeds = {_list(tuple(seen))}\ncites = {_list(tuple(signals))}\n'
        f'max_age = "10m"\n\n' + "\n".join(choices)
    )
    carry = f'id = "carry-out"\nkind = "manual"\neffect = "changes"\nneeds = ["decide"]\ncites = {_list(tuple(scopes))}\nmandatory = false\n'
    aloud = (
        "Read each tripped signal aloud with its number, its limit and the age of its last reading. No trip and full\n"
        "coverage is a close; one trip is a rollback of that signal's scope; anything else is a hold."
    )
    done = "Only after a rollback was chosen. When production is back: `closeout mark CASE rollback`."
    over = "`closeout seal CASE OUT` ends the case and copies it into one file to hand over."
    seal = 'id = "seal"\nkind = "seal"\neffect = "reads"\nneeds = ["decide"]\n'
    return [("Decide", decide, aloud), ("Carry out the rollback", carry, done), ("Seal the case", seal, over)]


def _step(number: int, title: str, body: str, prose: str) -> str:
    return f"### {number}. {title}\n\n{prose}\n\n```toml step\n{body}```\n"


def _shell(path: str) -> str:
    return path if re.fullmatch(r"[\w./@+-]+", path, re.ASCII) else "'" + path.replace("'", "'\\''") + "'"
