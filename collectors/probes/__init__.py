"""Direct requests to the routes that the runbook lists: one request, one row; no retry in silence."""
