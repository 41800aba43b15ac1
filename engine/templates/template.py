"""Values with templates in them, compiled once and rendered often."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.runtime import Undefined
from jinja2.visitor import NodeTransformer

from engine.templates.context import ROOTS
from engine.templates.effort import Effort
from engine.templates.errors import TemplateError
from engine.templates.sandbox import CONCAT, COUNTED, EFFORT, WEIGHED, environment
from engine.templates.syntax import expression_of, inspect, is_template, short
from engine.templates.values import Budget, kind, plain, text
from engine.values.paths import Path, dotted

Context = Mapping[str, Any]
_RESULT = "result"  # the variable that an expression's value is assigned to, as Jinja2's own compile_expression does


class Template:
    """A value in which any text may be a template; keys are never rendered.

    ``nodes`` are the nodes whose result or error it names, ``callbacks`` the callback nodes whose address it asks for;
    ``constant`` says that it names and computes nothing.
    """

    __slots__ = ("_part", "callbacks", "constant", "nodes")

    def __init__(self, part: _Part) -> None:
        self._part = part
        self.constant = part.constant
        self.nodes = part.nodes
        self.callbacks = part.callbacks

    def render(self, context: Context) -> Any:
        """The value, fresh and JSON-able, for the caller to keep or change. Raises TemplateError."""
        return self._part.make(context, Budget())

    def text(self, context: Context) -> str:
        """The value as text: what is no text is written as JSON. Raises TemplateError."""
        return text(self.render(context))

    def truth(self, context: Context) -> bool:
        """The value as a condition. Raises TemplateError for what is neither true nor false."""
        return truth(self.render(context))


def compile_value(value: Any, place: str = "") -> Template:
    """Compile a JSON-able value. Raises TemplateError for the first text that is not a template it could render.

    ``place`` is where the value stands, for errors: "body".
    """
    return Template(_compile(value, place))


def truth(value: Any) -> bool:
    """true, false, or a text that says so. Anything else is no condition: guessing would take the wrong path."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else None
    if word not in ("true", "false"):
        raise TemplateError(
            f"the condition gives {kind(value)}, not true or false; write a comparison such as {{{{ a == 1 }}}}"
        )
    return word == "true"


class _Part(NamedTuple):
    make: Callable[[Context, Budget], Any]
    nodes: frozenset[str] = frozenset()
    callbacks: frozenset[str] = frozenset()
    constant: bool = True


def _compile(value: Any, place: str) -> _Part:
    if isinstance(value, str) and is_template(value):
        leaf = _Leaf(value, place)
        return _Part(leaf.make, leaf.syntax.nodes, leaf.syntax.callbacks, constant=False)
    if isinstance(value, Mapping):
        before = f"{place}." if place else ""
        return _compile_mapping({key: _compile(item, before + key) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return _compile_list([_compile(item, f"{place}[{at}]") for at, item in enumerate(value)])
    return _Part(lambda context, budget: value)


def _compile_mapping(parts: dict[str, _Part]) -> _Part:
    made = [(key, part.make) for key, part in parts.items()]
    return _Part(lambda context, budget: {key: make(context, budget) for key, make in made}, *_union(parts.values()))


def _compile_list(parts: list[_Part]) -> _Part:
    made = [part.make for part in parts]
    return _Part(lambda context, budget: [make(context, budget) for make in made], *_union(parts))


def _union(parts: Collection[_Part]) -> tuple[frozenset[str], frozenset[str], bool]:
    """What all parts name, and whether all are constant."""
    names = frozenset().union(*(part.nodes for part in parts))
    callbacks = frozenset().union(*(part.callbacks for part in parts))
    return names, callbacks, all(part.constant for part in parts)


class _Leaf:
    """One text with a template in it."""

    def __init__(self, source: str, place: str) -> None:
        self.source, self.place = source, place
        try:
            self.syntax = inspect(source)
        except TemplateError as error:
            raise TemplateError(error.message, place) from None
        if self.syntax.problems:
            raise TemplateError(f"`{short(source)}`: {self.syntax.problems[0]}", place)

    def make(self, context: Context, budget: Budget) -> Any:
        try:
            if self.syntax.path and self.syntax.path[0] in ROOTS:  # most are; they need no Jinja2 to be rendered
                return plain(_look_up(self.syntax.path, context), budget)
            return self._run(context, budget)
        except TemplateError as error:
            raise TemplateError(error.message, self.place) from None
        except jinja2.UndefinedError as error:
            raise TemplateError(self._named(str(error), context), self.place) from None
        except RecursionError:
            raise TemplateError(f"`{short(self.source)}` is nested too deeply", self.place) from None
        except Exception as error:  # whatever an expression can raise, it is the template's failure
            why = error.args[-1] if error.args else error  # before it stands the system's number, if there is one
            raise TemplateError(f"`{short(self.source)}` cannot be rendered: {why}", self.place) from None

    @cached_property
    def compiled(self) -> jinja2.Template:
        """Python code for the template. Made at the first rendering, so that loading a workflow costs none of it."""
        tree = environment().parse(self.source)
        expression = expression_of(tree)
        if expression is not None:
            tree = nodes.Template([nodes.Assign(nodes.Name(_RESULT, "store"), expression, lineno=1)], lineno=1)
        return environment().from_string(_Guarded().visit(tree))

    def _run(self, context: Context, budget: Budget) -> Any:
        frame = self.compiled.new_context({**context, EFFORT: Effort()})
        pieces = []
        for piece in self.compiled.root_render_func(frame):
            budget.spend(len(piece))
            pieces.append(piece)
        return plain(frame.vars[_RESULT], budget) if self.syntax.is_expression else "".join(pieces)

    def _named(self, message: str, context: Context) -> str:
        """Jinja2 knows the last part of what is not defined; find the whole of it."""
        for path in self.syntax.paths:
            for end in range(1, len(path) + 1):
                if message == f"{path[end - 1]} is not defined" and _is_missing(path[:end], context):
                    return f"{dotted(path[:end])} is not defined" + _why(path[:end])
        return message


class _Guarded(NodeTransformer):
    """Puts the guards in that Jinja2 has no hook for: `~`, the turns of loops, comparisons, and parts of lists."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja2's naming
        self.generic_visit(node)
        return nodes.Filter(node.nodes[0], CONCAT, node.nodes[1:], [], None, None, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - the same
        self.generic_visit(node)
        node.iter = _through(COUNTED, node.iter)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - the same
        self.generic_visit(node)
        node.expr = _through(WEIGHED, node.expr)
        for operand in node.ops:
            operand.expr = _through(WEIGHED, operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - the same
        self.generic_visit(node)
        return _through(WEIGHED, node) if isinstance(node.arg, nodes.Slice) else node


def _through(filter_name: str, node: Any) -> nodes.Expr:
    return nodes.Filter(node, filter_name, [], [], None, None, lineno=node.lineno)


def _look_up(path: Path, context: Context) -> Any:
    value: Any = context
    for part in path:
        value = environment().getitem(value, part)
    return value


def _is_missing(path: Path, context: Context) -> bool:
    """Whether exactly the last part of the path is missing. A name that the template itself assigned is believed."""
    if path[0] not in ROOTS:
        return True
    parent = _look_up(path[:-1], context)
    return not isinstance(parent, Undefined) and isinstance(environment().getitem(parent, path[-1]), Undefined)


def _why(path: Path) -> str:
    return f": {path[1]} has given no result" if path[0] == "nodes" and len(path) == 3 else ""
