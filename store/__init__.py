"""The core: facts in, verdicts out. Never imports collectors, tui, textual, httpx or psycopg."""
