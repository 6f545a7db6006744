"""What the desk does outside of the case: start what a step runs, stop it, hand the terminal to a shell, copy, open the review, leave."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from store.instants import format_duration
from store.trust import require
from store.walk import act, remarks
from store.walk.states import COLLECTING, StepState
from store.walk.walk import Walk, named_step
from tui.desk.dialogs import Ask, Choose, Read
from tui.desk.paint import Row, row
from tui.desk.prose import code_rows
from tui.desk.runs import PAPERS, REVIEW, interrupt_process, program, runner
from tui.walking import command_line

if TYPE_CHECKING:
    from tui.desk.app import DeskApp


def collect(desk: DeskApp, state: StepState) -> None:
    """Let a process of its own look at the step's streams; it writes the intent first, and how it ended."""

    frame = desk.frame
    if frame is None:
        return
    feeds = named_step(frame.snapshot.runbook, state.id).feeds
    asking = [source for source in frame.snapshot.runbook.sources if source.id in feeds and source.side_effects]

    def go(override: str, *, confirmed: bool) -> None:
        words = runner(
            "collect",
            str(desk.case_path),
            state.id,
            desk.who.operator,
            desk.who.terminal,
            "confirmed" if confirmed else "",
            override,
        )
        _start(desk, state.id, words, f"{state.id} is being started in a process of its own")

    def begin(override: str) -> None:
        if not asking:
            go(override, confirmed=False)
            return
        rows: list[str | Row] = ["These requests run jobs when they are sent."]
        rows += [
            line for source in asking if source.command for line in code_rows(source.command.text, 74, desk.glyphs)
        ]
        read = Read(desk.glyphs, f"Send the requests of {state.id}?", rows, doing="sends them")
        desk.push_screen(read, lambda yes: go(override, confirmed=True) if yes else None)

    if state.needs_unmet:
        texts = [f"{state.id} needs {', '.join(state.needs_unmet)}."]
        ask = Ask(desk.glyphs, f"Start {state.id} in spite of it?", texts, label="Why:")
        desk.push_screen(ask, lambda why: begin(why) if why is not None else None)
    else:
        _typed(desk, state, lambda: begin(""))


def run(desk: DeskApp, state: StepState) -> None:
    """Show the step's command, then run it and keep what it prints; a step that changes the world asks for its name typed."""
    frame = desk.frame
    if frame is None:
        return
    step = named_step(frame.snapshot.runbook, state.id)
    if step.kind in COLLECTING:
        desk.action_do("primary")
        return
    if step.command is None or step.command.language != "sh":
        desk.say(f"{state.id} has no command for a shell" + ("; c copies what it has" if step.command else ""), "watch")
        return
    if state.state != "running" and "start" not in state.acts:
        desk.say(f"{state.id} is {state.state}: r opens it again", "watch")
        return
    if state.needs_unmet:
        desk.say(f"{state.id} needs {', '.join(state.needs_unmet)}", "watch")
        return
    unset = [
        name for name in frame.snapshot.runbook.needs if not os.environ.get(name) and f"${name}" in step.command.text
    ]
    rows: list[str | Row] = [*code_rows(step.command.text, 74, desk.glyphs)]
    if unset:
        rows.append(row("", (f"not set here: {', '.join(unset)}", "watch")))
    rows += ["", "It runs with sh, where this program was started; what it prints is kept in the case."]

    def go(yes: bool | None) -> None:
        if not yes:
            return
        words = runner("command", str(desk.case_path), state.id, desk.who.operator, desk.who.terminal)
        if state.state == "running":
            _start(desk, state.id, words, f"the command of {state.id} runs; Ctrl-C stops it")
            return

        def job(walk: Walk) -> str:
            require(walk.case)
            act.start(walk, state.id)
            desk.runs.start(walk_case_id(walk), state.id, words)
            return f"the command of {state.id} runs; Ctrl-C stops it"

        desk.write(job)

    _typed(
        desk,
        state,
        lambda: desk.push_screen(Read(desk.glyphs, f"Run the command of {state.id}?", rows, doing="runs it"), go),
    )


def stop(desk: DeskApp) -> None:
    """Stop what runs; where nothing runs, ask to leave. In a dialog: go back."""
    if len(desk.screen_stack) > 1:
        desk.pop_screen()
        return
    frame = desk.frame
    mine = [step for step in desk.runs.running() if step != REVIEW]
    busy = [s for s in frame.snapshot.walk.steps if s.state == "running" and s.id in mine] if frame else []
    others = (
        [s for s in frame.snapshot.walk.steps if s.background and s.id not in mine and not s.elsewhere] if frame else []
    )
    commands = [s for s in busy if s.kind not in COLLECTING]
    if commands:
        desk.runs.interrupt(commands[0].id)
        desk.say(f"the command of {commands[0].id} was asked to stop", "watch")
        return
    options = [row(f"stop {s.id}", f"stop {s.id}: what it has seen stays in the case") for s in (*busy, *others)]
    options.append(row("leave", "leave; captures keep running" if options else "leave; the walk stays where it is"))
    desk.push_screen(Choose(desk.glyphs, "Stop or leave?", [], options), lambda choice: _stopped(desk, choice or ""))


def _stopped(desk: DeskApp, choice: str) -> None:
    if choice == "leave":
        leave(desk)
        return
    step_id = choice.removeprefix("stop ")
    if not step_id or desk.snapshot is None:
        return
    if not desk.runs.interrupt(step_id):
        attempt = desk.snapshot.walk.step(step_id).attempts[-1]
        interrupt_process(attempt.who.pid)
    desk.say(f"{step_id} was asked to stop", "watch")


def leave(desk: DeskApp) -> None:
    """Leave; `closeout run` prints the farewell where the shell is."""
    desk.exit(0)


def farewell(desk: DeskApp) -> list[str]:
    """What is printed where the shell is: what keeps running, how to come back, how a second person confirms."""
    case = str(desk.case_path)
    if desk.snapshot is not None and desk.snapshot.sealed:
        return [*([desk.receipt] if desk.receipt else []), f"sealed; check it with: {command_line('verify', case)}"]
    lines = [f"come back with: {command_line('run', case)}"]
    for step in desk.snapshot.walk.steps if desk.snapshot else ():
        if step.background:
            lines.append(f"  {step.id} keeps running; see it with: {command_line('next', case, '--all')}")
        if step.awaits:
            lines.append(
                f"  {step.id} waits for {step.awaits}: {command_line('step', 'confirm', case, step.id)} --operator NAME"
            )
    return lines


def shell(desk: DeskApp) -> None:
    """A shell in this terminal; that somebody went there, for how long, is a note in the case."""
    program_name = os.environ.get("SHELL") or "sh"
    began = time.monotonic()
    try:
        with desk.suspend():
            print(f"closeout: a shell beside {desk.case_path!s}; `exit` comes back to the desk")
            code = subprocess.run([program_name], check=False).returncode
    except (SuspendNotSupported, OSError) as error:
        desk.say(f"no shell here: {error}", "watch")
        return
    took = format_duration(int((time.monotonic() - began) * 1000))
    text = f"was in a shell for {took}; it ended with {code}"
    desk.write(lambda walk: f"{remarks.add_note(walk.case, walk.who.operator, text).ref}: {text}")


def copy(desk: DeskApp, text: str, what: str) -> None:
    """Hand a text to the terminal's clipboard, and show it, for terminals that take none."""
    desk.copy_to_clipboard(text)
    desk.say(f"copied {what}: {text}")


def papers(desk: DeskApp) -> None:
    """Write the documents of the packet below the folder where the program stands, and take them into the case with their roles."""
    frame = desk.frame
    if frame is None:
        return
    here = Path.cwd()
    asked = [
        f"Markdown and CSV, made from the case alone, go below {here}.",
        "Each is taken into the case with its role and window; comparing needs the windows baseline and postfix (W).",
    ]

    def go(yes: bool | None) -> None:
        if yes:
            words = program(
                "packet", str(desk.case_path), "--out", str(here), "--attach", "--operator", desk.who.operator
            )
            _start(desk, PAPERS, words, "the papers are being written", trusted=False)

    desk.push_screen(Read(desk.glyphs, "Write the papers?", asked, doing="writes them"), go)


def open_review(desk: DeskApp) -> None:
    """Say and copy the address of the same rows in the review; start it on this machine if it does not run."""
    if desk.review_url:
        page = {"log": "timeline", "packet": "case", "run": "case"}.get(desk.pane, "")
        if desk.pane in ("board", "evidence"):
            from tui.desk.views import chosen_signal

            page = f"signal/{chosen_signal(desk)}"
        copy(desk, f"{desk.review_url.removesuffix('/case')}/{page}", "the address")
    elif REVIEW in desk.runs.running():
        desk.say("the review is being started; its address comes here")
    else:
        words = program("review", str(desk.case_path), "--port", "0", "--json")
        _start(desk, REVIEW, words, "the review is being started; its address comes here", trusted=False)


def walk_case_id(walk: Walk) -> str:
    """The id under which processes of this case leave what they print."""
    return str(walk.case.read().execute("SELECT case_id FROM case_info ORDER BY id LIMIT 1").fetchone()[0])


def _start(desk: DeskApp, step: str, words: list[str], said: str, *, trusted: bool = True) -> None:
    """Start a process from the writer's thread: making its file is no work for the screen's."""

    def job(walk: Walk) -> str:
        if trusted:
            require(walk.case)
        desk.runs.start(walk_case_id(walk), step, words)
        return said

    desk.write(job)


def _typed(desk: DeskApp, state: StepState, then: Callable[[], object]) -> None:
    """A typed word only where the program itself would run something that changes the world."""
    if state.effect != "changes":
        then()
        return
    texts = [f"{state.id} changes the world, and this would run it."]
    ask = Ask(desk.glyphs, f"Run {state.id}?", texts, label=f"Type {state.id} to run it:", word=state.id)
    desk.push_screen(ask, lambda word: None if word is None else _call(then))


def _call(then: Callable[[], object]) -> None:
    then()
