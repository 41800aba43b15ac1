"""Many requests blocked by one cause: a connection and an error (SPEC 7), and their re-triggering all together."""
