"""Tests of the log collectors."""
