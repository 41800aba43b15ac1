"""A request kept on paper: SPEC 3 to 5 in the plainest code, to compare the engine with.

It shares nothing with the engine's rules, not even its words for a status: what both get wrong, they get wrong apart.
"""
