"""A template's text, read and judged without running it: what it names, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from jinja2 import TemplateSyntaxError, nodes

from engine.templates.context import CALLBACK_URL, NODE_PARTS, REQUEST_PARTS, ROOTS
from engine.templates.errors import TemplateError
from engine.templates.sandbox import environment
from engine.values.paths import Path, dotted

_MAX_DEPTH = 50  # of the syntax tree: below it, neither Jinja2 nor Python runs out of stack
_MAX_LOOPS = 5  # inside one another
_STATEMENTS = (nodes.Output, nodes.If, nodes.For, nodes.Assign, nodes.With)


class Syntax(NamedTuple):
    """A template that can be parsed. ``paths`` are the dotted names in it, ``problems`` sentences without an end,
    ``callbacks`` the callback nodes whose address it asks for.

    ``is_expression``: one expression is the whole template, so its value keeps its type. ``path``: that expression is
    nothing but a dotted name.
    """

    paths: tuple[Path, ...]
    problems: tuple[str, ...]
    is_expression: bool
    path: Path | None
    callbacks: frozenset[str] = frozenset()

    @property
    def nodes(self) -> frozenset[str]:
        """The workflow's nodes whose result or error it names."""
        return frozenset(str(path[1]) for path in self.paths if path[0] == "nodes" and len(path) > 1)


NOTHING = Syntax((), (), is_expression=False, path=None)


def is_template(value: str) -> bool:
    """Whether a text has anything in it to be rendered."""
    return "{{" in value or "{%" in value or "{#" in value


def expression_of(tree: nodes.Template) -> nodes.Expr | None:
    """The expression that is the whole template."""
    if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) and len(tree.body[0].nodes) == 1:
        only = tree.body[0].nodes[0]
        return None if isinstance(only, nodes.TemplateData) else only
    return None


@lru_cache(4096)  # a definition's templates are read when it is checked, when it is loaded, and when it is run
def inspect(source: str) -> Syntax:
    """Read a template. Raises TemplateError where it cannot be parsed at all."""
    try:
        tree = environment().parse(source)
    except TemplateSyntaxError as error:
        raise TemplateError(f"`{short(source)}` is not a template: {str(error.message).rstrip('.')}") from None
    except RecursionError:
        raise TemplateError(f"`{short(source)}` is nested too deeply") from None
    return _Reader(tree).read()


def short(source: str) -> str:
    """As much of a template as fits in a sentence."""
    line = " ".join(source.split())
    return line if len(line) <= 80 else f"{line[:79]}…"


class _Reader:
    """One walk over the tree, without recursion: the tree comes from outside."""

    def __init__(self, tree: nodes.Template) -> None:
        self.tree = tree
        self.paths: dict[Path, None] = {}
        self.assigned = {"loop"}
        self.problems: dict[str, None] = {}
        self.callbacks: set[str] = set()

    def read(self) -> Syntax:
        stack: list[tuple[nodes.Node, int, int]] = [(self.tree, 0, 0)]
        while stack:
            node, depth, loops = stack.pop()
            path = _path(node)
            if path:
                self.paths[path] = None
                continue
            callback = _address(node)
            if callback:
                self.callbacks.add(callback)
                continue
            loops += isinstance(node, nodes.For)
            if depth > _MAX_DEPTH or loops > _MAX_LOOPS:
                self.problems["it is nested too deeply"] = None
                continue
            self._judge(node)
            stack.extend((child, depth + 1, loops) for child in reversed(list(node.iter_child_nodes())))
        for path in self.paths:
            self.problems.update(dict.fromkeys(self._misnamed(path)))
        whole = expression_of(self.tree)
        path = _path(whole) if whole else None
        return Syntax(tuple(self.paths), tuple(self.problems), whole is not None, path, frozenset(self.callbacks))

    def _judge(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
            word = type(node).__name__.lower()
            self.problems[f"`{{% {word} %}}` cannot be used here; use if, for, set or with"] = None
        elif isinstance(node, nodes.For) and node.recursive:
            self.problems["a loop cannot be recursive; leave the word out"] = None
        elif isinstance(node, nodes.Name):  # an assignment: names that are read have become paths
            self.assigned.add(node.name)
            if node.name in (*ROOTS, CALLBACK_URL):
                self.problems[f"`{node.name}` cannot be assigned to; choose another name"] = None
        elif isinstance(node, nodes.Filter) and node.name not in environment().filters:
            self.problems[_unknown("filter", node.name, environment().filters)] = None
        elif isinstance(node, nodes.Test) and node.name not in environment().tests:
            self.problems[_unknown("test", node.name, environment().tests)] = None

    def _misnamed(self, path: Path) -> Iterator[str]:
        root, *parts = path
        if root == CALLBACK_URL:
            yield f"`{CALLBACK_URL}` takes the id of one callback node, in quotes: {CALLBACK_URL}('confirmation')"
        if root in self.assigned or root in environment().globals:
            return
        if root not in ROOTS:
            yield _unknown("name", str(root), (*ROOTS, *environment().globals))
        elif root == "request" and (not parts or parts[0] not in REQUEST_PARTS):
            yield f"`{dotted(path)}` does not exist; write request.id or request.input"
        elif root == "nodes" and (len(parts) < 2 or not isinstance(parts[0], str) or parts[1] not in NODE_PARTS):
            node = parts[0] if parts and isinstance(parts[0], str) else "<id>"
            yield f"`{dotted(path)}` cannot be used; write nodes.{node}.result or nodes.{node}.error"


def _path(node: nodes.Node) -> Path | None:
    """``a.b["c"][0]`` as a path; None for anything else."""
    parts: list[str | int] = []
    while True:
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            if not isinstance(node.arg.value, str | int) or isinstance(node.arg.value, bool):
                return None
            parts.append(node.arg.value)
        elif isinstance(node, nodes.Name) and node.ctx == "load":
            return (node.name, *reversed(parts))
        else:
            return None
        node = node.node


def _address(node: nodes.Node) -> str | None:
    """The node in ``callback_url('node')``: known without running it, since only a text in quotes is allowed."""
    if not isinstance(node, nodes.Call) or _path(node.node) != (CALLBACK_URL,):
        return None
    if len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
        return None
    [named] = node.args
    return named.value if isinstance(named, nodes.Const) and isinstance(named.value, str) else None


def _unknown(what: str, name: str, known: Iterable[object]) -> str:
    names = sorted(str(word) for word in known if str(word).isidentifier())
    near = get_close_matches(name, names, 1)
    return f"there is no {what} `{name}`; " + (f"did you mean `{near[0]}`?" if near else f"use {', '.join(names)}")
