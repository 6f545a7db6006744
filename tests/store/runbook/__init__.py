"""Tests of the runbook reader."""
