"""The runbook: Markdown that people read and the program executes."""
