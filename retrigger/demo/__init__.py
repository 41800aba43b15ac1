"""`retrigger demo`: a local Slack, four outside systems with switches, and a workflow to break and mend (SPEC 8)."""
