"""The one table of actions: no key means two things, everything that is named can be done, and the README shows the same table."""

from __future__ import annotations

from pathlib import Path

from tui.desk import keys
from tui.desk.doings import DOINGS

ROOT = Path(__file__).parents[3]


def test_a_key_means_one_thing_everywhere() -> None:
    every = [key for action in keys.ACTIONS for key in action.keys]
    assert len(every) == len(set(every))


def test_every_action_has_a_doing_and_every_doing_is_an_action() -> None:
    assert set(DOINGS) == {action.name for action in keys.ACTIONS}


def test_the_footer_of_every_pane_offers_help() -> None:
    for pane in keys.PANES:
        assert "help" in [action.name for action in keys.footer(pane)]


def test_no_action_needs_a_function_key_or_a_prefix_of_a_multiplexer() -> None:
    every = [key for action in keys.ACTIONS for key in action.keys]
    assert not [key for key in every if (key.startswith("f") and key[1:].isdecimal()) or key in ("ctrl+a", "ctrl+b")]


def test_the_table_for_people_holds_every_action() -> None:
    table = keys.markdown_table()
    assert table.count("\n") == len(keys.ACTIONS) + 2
    for action in keys.ACTIONS:
        assert action.help in table


def test_the_readme_holds_that_very_table() -> None:
    assert keys.markdown_table() in (ROOT / "README.md").read_text("utf-8")
