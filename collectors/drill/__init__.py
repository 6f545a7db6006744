"""The staged world of a drill: an incident that is rehearsed, and the unit test of a runbook. A product feature, not a test aid."""
