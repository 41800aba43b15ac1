"""The audit of `retrigger doctor --audit`: what is stored of a request, against what its own history says. Pure.

``replay`` carries the history out once more by the engine's rules, ``invariants`` asks plain questions that need no
rule, ``audit`` puts both together.
"""
