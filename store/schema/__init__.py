"""The shape of a case file: tables, guards against change, and the views that judge."""
