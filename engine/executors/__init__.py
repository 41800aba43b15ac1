"""How the steps that a worker has claimed get run, and how it comes to claim them: one port, and its implementations
(SPEC 9)."""
