"""Every line that the code can log, found in its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.docs import ROOT

ROOMS = ("bot", "engine", "storage", "retrigger")
LEVELS = ("debug", "info", "warning", "error", "exception", "log")
BESIDE = {"exc_info", "says"}  # keywords of a line that are no fields of its own


class Line(NamedTuple):
    """One call of a logger. ``event`` None: its name is not written there as a text."""

    place: str
    event: str | None
    fields: frozenset[str]


def logged_lines() -> Iterator[Line]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            yield from _of_file(file)


def _of_file(file: Path) -> Iterator[Line]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and _is_of_a_logger(node.func):
            assert isinstance(node.func, ast.Attribute)
            place = f"{file.relative_to(ROOT)}:{node.lineno}"
            arguments = node.args[1:] if node.func.attr == "log" else node.args
            first = arguments[0] if len(arguments) == 1 else None
            name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
            yield Line(place, name, frozenset(word.arg for word in node.keywords if word.arg) - BESIDE)


def _is_of_a_logger(called: ast.expr) -> bool:
    named = isinstance(called, ast.Attribute) and called.attr in LEVELS
    return named and isinstance(called.value, ast.Name) and called.value.id == "log"  # type: ignore[attr-defined]  # an Attribute
