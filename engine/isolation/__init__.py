"""Functions that run apart from the worker, each in a process of its own (SPEC 2, ``isolation: process``).

``pool`` gives a call a process and keeps its time limit; ``server`` is the one small process that has imported the
functions and makes the others by forking; ``child`` is what those do; ``wire`` is how they talk; ``answer`` is what a
call came to, wherever it ran.
"""
