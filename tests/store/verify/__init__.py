"""Tests of store.verify."""
