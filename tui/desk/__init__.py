"""The operator's desk: the full-screen walk with the live board.

Widgets and screens draw a frozen snapshot and post messages; one thread reads the case, one thread writes it, collectors run as processes
of their own. No widget imports sqlite3, httpx or psycopg.
"""
