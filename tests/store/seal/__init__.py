"""Tests of store.seal."""
