"""What to undo when a signal trips: scope, files, what to confirm, whom to wake, which deployment was good, and the commands.

Everything is shown and recorded by people; nothing of it is ever run, edited or reverted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from store.case import Case
from store.errors import BadInput
from store.runbook.model import Command, Runbook, Signal
from store.runbook.variables import fill_in, used_variables
from store.walk.remarks import GoodBefore, good_before


@dataclass(frozen=True, slots=True)
class Undo:
    """The way back from one signal. `command` has its variables written out; `unset` are those without a value here."""

    signal: str
    title: str
    do: str
    files: tuple[str, ...]
    confirm: tuple[str, ...]
    owner: tuple[str, ...]
    contact: str | None
    command: str | None
    unset: tuple[str, ...]
    deployments: GoodBefore | None


def undo_of(case: Case, runbook: Runbook, signal_id: str, environ: Mapping[str, str]) -> Undo:
    """The way back from a signal, with the variables of this environment; secrets stay variables.

    Raises:
        BadInput: there is no such signal.
    """
    signal = next((one for one in runbook.signals if one.id == signal_id), None)
    if signal is None:
        raise BadInput(f"there is no signal {signal_id!r}", f"there are {', '.join(one.id for one in runbook.signals)}")
    command, unset = _command(signal.rollback.undo, runbook, environ)
    return _undo(signal, command, unset, good_before(case))


def _undo(signal: Signal, command: str | None, unset: tuple[str, ...], deployments: GoodBefore | None) -> Undo:
    back = signal.rollback
    return Undo(
        signal.id,
        signal.title,
        back.do,
        back.files,
        back.confirm,
        signal.owner,
        signal.contact,
        command,
        unset,
        deployments,
    )


def _command(
    command: Command | None, runbook: Runbook, environ: Mapping[str, str]
) -> tuple[str | None, tuple[str, ...]]:
    if command is None:
        return None, ()
    names = dict.fromkeys(name for name, _ in used_variables(command))
    shown = {name: environ[name] for name in names if name in environ and name not in runbook.secrets}
    return fill_in(command, shown), tuple(name for name in names if not environ.get(name))
