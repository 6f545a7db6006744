"""A real Postgres of our own for rehearsals and tests: owned by one process, gone when that process is."""
