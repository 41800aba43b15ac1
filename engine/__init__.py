"""The rules and the worker: what a workflow is, what follows from an outcome, and who runs it."""
