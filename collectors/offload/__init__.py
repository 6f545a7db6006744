"""Queue depth and run ledger from Postgres: few cheap questions, and for every zero the reason to trust it."""
