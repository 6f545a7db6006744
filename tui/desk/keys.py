"""Every action of the desk, defined once: keys, footer, palette, help and the table in the README are generated from here.

Conflicts between the sketches are decided here and nowhere else: digits are panes, a choice is picked in its dialog with arrows and Enter;
`y` copies the citation of the row under the cursor where there is one, else the receipt line; Ctrl-C stops a running command first and
asks to leave only then; Esc goes back and never leaves.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the operator can do.

    `writes` marks actions that store something: they are refused on a sealed case. `panes` are those whose footer shows the key,
    none for a key that is only in help and palette.
    """

    name: str
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    panes: tuple[str, ...] = ()
    writes: bool = False
    everywhere: bool = False


RUN, BOARD, EVIDENCE, PACKET, LOG = "run", "board", "evidence", "packet", "log"
PANES = (RUN, BOARD, EVIDENCE, PACKET, LOG)

ACTIONS: tuple[Action, ...] = (
    Action("primary", ("enter",), "enter", "go", "do the one thing that is named in the step; in a list: open the row", (RUN,)),
    Action("done", ("space",), "space", "done", "mark the step passed; where it cites signals, what they say is recorded with it", (RUN,), True),
    Action("skip", ("s",), "s", "skip", "skip the step, with a reason", (RUN,), True),
    Action("fail", ("f",), "f", "fail", "mark the step failed, with a reason", (), True),
    Action("hold", ("h",), "h", "hold", "hold the running step, with a reason", (), True),
    Action("again", ("r",), "r", "again", "run the step again: a new attempt, the old one stays", (), True),
    Action("late", ("L",), "L", "late", "record what was done outside of this program: when it was done, beside when it is recorded", (), True),
    Action("undo", ("u",), "u", "undo", "take back the step's last answer; the original stays", (), True),
    Action("run", ("x",), "x", "run", "run the step's command after showing it; what it prints is kept", (RUN,), True),
    Action("copy", ("c",), "c", "copy", "copy the step's command, or the undo of the signal under the cursor", (RUN,)),
    Action("answer", ("equals_sign",), "=", "answer", "pass the step with the reading that it asks about", (), True),
    Action("note", ("n",), "n", "note", "write a note; it is stamped with time, name and step", (RUN, BOARD, LOG), True),
    Action("decide", ("D",), "D", "decide", "choose a named way out, citing evidence", (RUN, BOARD), True),
    Action("evidence", ("e",), "e", "why", "show the rows and the gaps behind the signal or step under the cursor", (RUN, BOARD)),
    Action("mark", ("m",), "m", "mark", "name a moment: deploy, rollback, fix", (LOG,), True),
    Action("window", ("W",), "W", "window", "name a stretch of time: baseline, postfix", (), True),
    Action("ack", ("a",), "a", "ack", "say that the alarm was seen; it changes no state", (BOARD,), True),
    Action("alarm_next", ("right_square_bracket",), "]", "alarm", "go to the next signal that is not ok", (RUN, BOARD)),
    Action("alarm_previous", ("left_square_bracket",), "[", "", "go to the previous signal that is not ok"),
    Action("here", ("g",), "g", "here", "go back to where the walk stands", ()),
    Action("filter", ("slash",), "/", "filter", "show only rows that contain a text", (EVIDENCE, LOG)),
    Action("cite", ("y",), "y", "copy", "copy the citation of the row under the cursor, else the receipt line", (EVIDENCE, PACKET, LOG)),
    Action("pin", ("p",), "p", "pin", "keep the evidence row under the cursor: it is offered when you decide", (EVIDENCE, LOG)),
    Action("open", ("o",), "o", "Datasette", "open the same rows in Datasette", (EVIDENCE, PACKET)),
    Action("seal", ("S",), "S", "seal", "show what is open and how the case is sealed", (PACKET,), True),
    Action("papers", ("P",), "P", "papers", "write the packet's documents here and take them into the case, where a decision cites them", (PACKET,), True),
    Action("shell", ("exclamation_mark",), "!", "shell", "a shell in this terminal; going there and coming back is recorded", (), True),
    Action("who", ("w",), "w", "who", "who is at this case, in which terminal"),
    Action("freeze", ("z",), "z", "freeze", "hold the picture still; evidence keeps flowing in", ()),
    Action("theme", ("t",), "t", "theme", "next theme: dark, light, the terminal's own colours"),
    Action("pane_run", ("1",), "1", "", "the walk: steps, the step, the board"),
    Action("pane_board", ("2",), "2", "", "the board: every condition with limit, window, coverage, owner"),
    Action("pane_evidence", ("3",), "3", "", "the evidence behind one signal or step"),
    Action("pane_packet", ("4",), "4", "", "the case: what is open, what is not known, how to hand it over"),
    Action("pane_log", ("5",), "5", "", "everything that happened, in order"),
    Action("next_part", ("tab",), "tab", "", "next part of the screen"),
    Action("previous_part", ("shift+tab",), "shift-tab", "", "previous part of the screen"),
    Action("up", ("up", "k"), "k", "", "one row up"),
    Action("down", ("down", "j"), "j", "", "one row down"),
    Action("page_up", ("pageup", "ctrl+u"), "pgup", "", "scroll up"),
    Action("page_down", ("pagedown", "ctrl+d"), "pgdn", "", "scroll down"),
    Action("first", ("home",), "home", "", "first row"),
    Action("last", ("end", "G"), "end", "", "last row"),
    Action("back", ("escape",), "esc", "back", "back to the walk; it never leaves", (EVIDENCE, BOARD, PACKET, LOG)),
    Action("palette", ("colon", "ctrl+p"), ":", "all", "every action, step and signal by name", (RUN, BOARD, EVIDENCE, PACKET, LOG)),
    Action("help", ("question_mark",), "?", "help", "these keys, and what the words on the screen mean", (RUN, BOARD, EVIDENCE, PACKET, LOG)),
    Action("leave", ("q", "ctrl+q"), "q", "leave", "leave; the walk goes on where it stood, captures keep running", (RUN, BOARD)),
    Action("stop", ("ctrl+c",), "ctrl-c", "", "stop the running command; where none runs: ask to leave", (), False, True),
)  # fmt: skip
BY_NAME = {action.name: action for action in ACTIONS}


def bindings() -> list[tuple[str, str, bool]]:
    """Key list, action call and whether it holds inside dialogs too, for the application's binding table."""
    return [
        (",".join(action.keys), f"do('{action.name}')", action.everywhere or "ctrl+q" in action.keys)
        for action in ACTIONS
    ]


def footer(pane: str) -> tuple[Action, ...]:
    """The actions whose keys the last line shows on a pane, most wanted first."""
    return tuple(action for action in ACTIONS if pane in action.panes)


def help_rows(pane: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Key and sentence of every action: first what the pane's last line offers, then all others."""
    here = footer(pane)
    others = [action for action in ACTIONS if action not in here]
    return [
        (heading, [(_keys_shown(action), action.help) for action in actions])
        for heading, actions in (("Here", here), ("Everywhere", others))
    ]


def markdown_table() -> str:
    """The key table as it stands in the README; a test compares the two."""
    rows = "\n".join(f"| `{_keys_shown(action)}` | {action.help} |" for action in ACTIONS)
    return f"| key | meaning |\n|---|---|\n{rows}\n"


def _keys_shown(action: Action) -> str:
    return " ".join(
        dict.fromkeys([action.shown, *(key for key in action.keys if len(key) == 1 or key in ("up", "down", "ctrl+p"))])
    )
