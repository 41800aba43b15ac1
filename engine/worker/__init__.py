"""One engine in one process: it claims due steps, runs them, and keeps their leases."""
