# `make check` is everything that must hold before a commit lands.
PYTHON ?= .venv/bin/python

.PHONY: check lint types imports test drill bench

check: lint types imports test

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

imports:
	$(PYTHON) -c "from importlinter.cli import lint_imports_command as run; run()"

test:
	$(PYTHON) -m pytest

# Every scenario, step and limit of the shipped runbook, without a screen.
drill:
	$(PYTHON) -m tui drill --headless --runbook runbook.md

bench:
	$(PYTHON) -m tests.bench
