"""Print the completion script of a shell; it completes commands, and step, signal and stream ids from the case.

eval "$(closeout completion bash)"
eval "$(closeout completion zsh)"
closeout completion fish | source
"""

from __future__ import annotations

import argparse
import sqlite3

from store.case import Case
from store.errors import CloseoutError
from tui.output import print_json

_BASH = """\
_closeout() {
  local IFS=$'\\n'
  COMPREPLY=($(closeout completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _closeout closeout
"""
_ZSH = """\
_closeout() {
  local -a found
  found=(${(f)"$(closeout completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( ${#found} )); then compadd -a found; else _files; fi
}
compdef _closeout closeout
"""
_FISH = """\
function __closeout_words
  set -l typed (commandline -opc) (commandline -ct)
  closeout completion words -- $typed[2..-1] 2>/dev/null
end
complete -c closeout -a '(__closeout_words)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
# What stands after the case: ids of which table.
_IDS = {
    "status": "SELECT signal FROM signal",
    "explain": "SELECT signal FROM signal",
    "ack": "SELECT signal FROM signal",
    "collect": "SELECT stream FROM source",
    "decide": "SELECT step FROM step WHERE kind = 'decide'",
    "mark": "SELECT 'deploy' UNION SELECT 'rollback' UNION SELECT 'fix'",
    "window": "SELECT 'baseline' UNION SELECT 'postfix'",
    "retract": "SELECT 'collection:' || id FROM collection",
}
_STEP_VERBS = ("start", "done", "fail", "skip", "hold", "late")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `completion`."""
    parser.add_argument("shell", metavar="SHELL", choices=[*SCRIPTS, "words"], help="bash, zsh or fish")
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print the script, or for the script itself the words that could stand here."""
    if arguments.shell != "words":
        if arguments.json:
            print_json({"schema": 1, "shell": arguments.shell, "script": SCRIPTS[arguments.shell]})
        else:
            print(SCRIPTS[arguments.shell], end="")
        return 0
    for word in candidates(arguments.words or [""]):
        print(word)
    return 0


def candidates(words: list[str]) -> list[str]:
    """Words that could stand where the last one, begun or empty, stands; none means a file."""
    from tui.cli import COMMANDS

    *before, begun = words
    if not before:
        return [name for name in COMMANDS if name.startswith(begun)]
    if before[0] == "step":
        return _step(before, begun)
    query = _IDS.get(before[0])
    if query is None or len(before) < 2:
        return []
    return _ids(before[1], query, begun)


def _step(before: list[str], begun: str) -> list[str]:
    if len(before) == 1:
        return [verb for verb in _STEP_VERBS if verb.startswith(begun)]
    return _ids(before[2], "SELECT step FROM step", begun) if len(before) == 3 else []


def _ids(case_path: str, query: str, begun: str) -> list[str]:
    try:
        with Case.open(case_path) as case:
            rows = case.read().execute(f"SELECT DISTINCT * FROM ({query}) ORDER BY 1").fetchall()  # noqa: S608 queries are ours
    except (CloseoutError, sqlite3.Error):
        return []
    return [row[0] for row in rows if row[0].startswith(begun)]
