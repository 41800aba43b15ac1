"""Templates and conditions: Jinja2 in a sandbox of our own (SPEC 2).

What is bounded: the size of what a template gives, of every text, list and number on the way there, its nesting, the
turns of its loops, and what its filters, methods and operators take in hand. A template has no clock, no chance, no
files and no other templates, so the same context always gives the same value.
"""

from engine.templates.context import build_context
from engine.templates.errors import TemplateError
from engine.templates.syntax import NOTHING, Syntax, inspect, is_template
from engine.templates.template import Template, compile_value, truth
from engine.templates.values import text

__all__ = [
    "NOTHING",
    "Syntax",
    "Template",
    "TemplateError",
    "build_context",
    "compile_value",
    "inspect",
    "is_template",
    "text",
    "truth",
]
