"""Logs as people get them: read every known form exactly, match signatures, hand facts to the store."""
