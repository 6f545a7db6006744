"""Evidence records: the NDJSON lines through which any other program becomes a collector."""
