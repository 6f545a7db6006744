"""`python -m tui`: the same as the `closeout` command."""

from tui.cli import entry

entry()
