"""What is wrong with a definition: every problem at once, each with its place and with what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

from engine.errors import RetriggerError
from engine.limits import MAX_PROBLEMS
from engine.values.paths import Path, dotted

_NAME_CHARS = 100  # of a node or a field in a sentence
INSIDE: Path = ("sync", "nodes")  # where a sync block has its nodes


class Problem(NamedTuple):
    """``line`` counts from 1, None where no file was read; ``message`` ends without a full stop."""

    file: str
    line: int | None
    node: str | None
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        names = [f"node {_short(self.node)}"] if self.node else []
        names += [f"field {_short(self.field)}"] if self.field else []
        return ": ".join([place, *([", ".join(names)] if names else []), self.message])


def _short(name: str) -> str:
    """What stands as a key in a file may be as long as the file."""
    return name if len(name) <= _NAME_CHARS else f"{name[:_NAME_CHARS]}…"


class DefinitionError(RetriggerError):
    """A definition that cannot be published; its problems are in the order of the file, one to a line."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


class Places:
    """Where each part of a definition stands in its file. Two workflows do not differ by it, so all are equal."""

    def __init__(self, file: str = "", lines: Mapping[Path, int] | None = None) -> None:
        self.file = file
        self.lines = {} if lines is None else lines

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places)

    __hash__ = None  # type: ignore[assignment]  # Python's own way to say that it cannot be hashed

    def problem(self, path: Path, message: str) -> Problem:
        """A problem at ``path``, or at the nearest part around it that is in the file."""
        line = next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), None)
        if path[:1] != ("nodes",) or len(path) == 1:
            return Problem(self.file, line, None, dotted(path), message)
        node = 4 if path[2:4] == INSIDE and len(path) > 4 else 1  # a node inside a sync block is named itself
        return Problem(self.file, line, str(path[node]), dotted(path[node + 1 :]), message)


class Report:
    """Collects problems while a file is read and checked."""

    def __init__(self, file: str) -> None:
        self.lines: dict[Path, int] = {}
        self.places = Places(file, self.lines)
        self.problems: list[Problem] = []
        self.unclear: set[Path] = set()  # what could not be read as one value, so that nothing more is said about it

    def add(self, path: Path, message: str, line: int | None = None) -> None:
        """Note a problem. ``line`` where ``path`` alone would lead to another one.

        Raises DefinitionError at the first of too many: nobody reads on, and to look for what each may have meant
        takes time.
        """
        if len(self.problems) == MAX_PROBLEMS:
            self.fail(self.places.problem((), "and more is wrong; correct this first")._replace(line=None))
        problem = self.places.problem(path, message)
        self.problems.append(problem._replace(line=line) if line else problem)

    def fail(self, *last: Problem) -> NoReturn:
        """Raise DefinitionError with what was noted, in the order of the file."""
        found = sorted(dict.fromkeys(self.problems), key=lambda problem: problem.line or 0)
        raise DefinitionError((*found, *last))

    def fail_if_any(self) -> None:
        """Raise DefinitionError if anything was noted."""
        if self.problems:
            self.fail()


def instead(word: object, known: Iterable[str], otherwise: str = "use") -> str:
    """What to write instead of ``word``: the known word it resembles, or all of them."""
    names = list(known)
    near = get_close_matches(str(word), names, 1, 0.7)
    if near:
        return f"did you mean `{near[0]}`?"
    shown = names if len(names) <= 12 else [*names[:12], "…"]
    return f"{otherwise} {listed(shown)}" if names else "there is none yet"


def listed(words: Iterable[str]) -> str:
    """``a, b or c``."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
